//! A process group: who is in it, and how it is ended.
//!
//! While the leader is not reaped, the number of the group is its own and cannot
//! go to another. The members need not be our children, so they are found in
//! `/proc` and watched by a pidfd each.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::process::{
    Pid, PidfdFlags, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open,
    test_kill_process_group, waitid,
};

use super::{
    Cancel,
    poll::{Countdown, from_now, wait_readable},
    proc::{Process, processes},
};
use crate::process::outcome::Signal;

/// What is killed is given at least this long to be gone, whatever `kill_grace`
/// says: the system takes a moment to take a process apart.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);

/// Maximum additional time for killed processes that only wait for a processor.
pub(crate) const RUNNABLE_TIMEOUT: Duration = Duration::from_secs(5);

/// When to look again whether somebody has left the group.
const MOMENT: Duration = Duration::from_millis(50);

#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) leader: Pid,
    /// Whether the leader was reaped, so that its number alone means nothing.
    pub(crate) reaped: bool,
}

impl Group {
    /// Asks the group to end with `signal`.
    pub(crate) fn ask(self, signal: Signal) {
        self.signal(signal);
        // A stopped process would not see it before it continues.
        self.signal(Signal::CONT);
    }

    /// Gives the group `grace` to end, kills what is still there, and returns what survives
    /// even that. `cancel` can cut the grace short. `reap` reaps a leader that can be reaped; it
    /// is called once at most.
    pub(crate) fn end(
        mut self,
        grace: Duration,
        cancel: &Cancel,
        mut reap: impl FnMut(),
    ) -> Vec<Process> {
        if !cancel.killed() {
            let kill: Vec<BorrowedFd> = cancel.kill_fds().collect();
            let grace = Countdown::start(Some(grace), &cancel.children);
            self.wait_gone(&grace, &kill, &mut reap);
        }
        // A group that exists although nobody was seen: one that forks and exits all the time
        // can slip through a look at /proc, but not through this.
        if self.reaped && !self.exists() {
            // Its number may be another's by now.
            return Vec::new();
        }
        self.signal(Signal::KILL);
        let settle = Countdown::start(Some(grace.max(SETTLE)), &cancel.children);
        if self.wait_gone(&settle, &[], &mut reap) {
            return Vec::new();
        }
        let members = self.members().unwrap_or_default();
        // On a busy machine they are ended as soon as they run.
        let is_busy = !members.is_empty() && members.iter().all(Process::is_runnable);
        let time = Countdown::start(Some(RUNNABLE_TIMEOUT), &cancel.children);
        if is_busy && self.wait_gone(&time, &[], &mut reap) {
            return Vec::new();
        }
        self.members().unwrap_or(members)
    }

    /// Waits as [`Group::wait_empty`], and for hidden members, too: with the leader reaped,
    /// the group exists as long as there are any.
    fn wait_gone(&mut self, time: &Countdown, wake: &[BorrowedFd], reap: &mut dyn FnMut()) -> bool {
        if !self.wait_empty(time, wake) {
            return false;
        }
        if !self.reaped {
            reap();
            self.reaped = true;
        }
        !self.exists() || self.wait_empty(time, wake)
    }

    /// Sends `signal` to all of the group, and to a leader that has left it.
    fn signal(self, signal: Signal) {
        let Some(signal) = rustix::process::Signal::from_named_raw(signal.0) else {
            return;
        };
        // What cannot be sent has nobody to go to, or a member that may not be
        // signaled; both are seen afterwards.
        let _ = kill_process_group(self.leader, signal);
        let leader = Process::read(self.leader.as_raw_pid()).filter(|_| !self.reaped);
        if leader.is_some_and(|leader| leader.group != leader.pid && leader.lives()) {
            let _ = kill_process(self.leader, signal);
        }
    }

    /// Whether there is anybody in the group, zombies included.
    pub(crate) fn exists(self) -> bool {
        test_kill_process_group(self.leader) != Err(rustix::io::Errno::SRCH)
    }

    /// The living members, and the leader wherever it went, as long as it cannot be reaped:
    /// one that a debugger holds is there, dead or not. `None` without `/proc`.
    ///
    /// A group that exists while none of it is seen has a member that `/proc` hides. Before
    /// the leader is reaped that cannot be known: the leader alone makes the group exist.
    pub(crate) fn members(self) -> Option<Vec<Process>> {
        let leader = self.leader.as_raw_pid();
        let mut members = processes().ok()?;
        members.retain(|member| member.group == leader || member.pid == leader && !self.reaped);
        let is_hidden = match self.reaped {
            true => members.is_empty() && self.exists(),
            false => !self.leader_has_ended(),
        };
        members.retain(|member| member.lives() && (member.pid != leader || self.reaped));
        if is_hidden {
            let leader = Process::read(leader).unwrap_or(Process::hidden(leader, leader));
            members.push(leader);
        }
        Some(members)
    }

    /// Returns `true` if the leader has ended and can be reaped. A tracer has to reap it first, and
    /// until then neither its descriptor nor its state in `/proc` says so.
    fn leader_has_ended(self) -> bool {
        let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.leader), peek), Ok(None))
    }

    /// Waits until nobody of the group lives, `time` has passed or one of `wake` is
    /// readable. Says whether nobody lives.
    pub(crate) fn wait_empty(self, time: &Countdown, wake: &[BorrowedFd]) -> bool {
        // One that leaves the group does not say so. Most that do so do it at once, so
        // there is one look after a moment beside those when somebody has ended.
        let mut moment = from_now(MOMENT);
        loop {
            if self.reaped {
                // A hidden member that has ended looks as if it lived, until it is reaped.
                self.reap();
            }
            let Some(members) = self.members() else {
                // Without /proc nobody can be watched, so all of the time is given.
                while !wait_readable(wake, time.end()).contains(&true) && !time.has_ended() {}
                return false;
            };
            if members.is_empty() {
                return true;
            }
            let watched: Vec<OwnedFd> = members.iter().filter_map(watch).collect();
            let mut look_at = moment.take();
            if watched.len() < members.len() {
                match members.iter().any(|member| self.cannot_be_watched(member)) {
                    true => look_at = from_now(MOMENT),
                    // All that were seen are gone already; others may have come.
                    false if watched.is_empty() && !time.has_ended() => continue,
                    false => {}
                }
            }
            if self.wait_for_all(watched, look_at, time, wake) {
                return self.members().is_some_and(|members| members.is_empty());
            }
        }
    }

    /// Waits until all of `watched` have ended, or until `moment`. Says whether there is
    /// nothing more to wait for: `time` has passed or one of `wake` is readable.
    fn wait_for_all(
        self,
        mut watched: Vec<OwnedFd>,
        moment: Option<Instant>,
        time: &Countdown,
        wake: &[BorrowedFd],
    ) -> bool {
        loop {
            let fds = wake.iter().copied().chain(watched.iter().map(AsFd::as_fd));
            let fds: Vec<BorrowedFd> = fds.collect();
            let next = moment.into_iter().chain(time.end()).min();
            let readable = wait_readable(&fds, next);
            if readable[..wake.len()].contains(&true) || time.has_ended() {
                return true;
            }
            let mut ended = readable[wake.len()..].iter();
            watched.retain(|_| ended.next() != Some(&true));
            if watched.is_empty() && readable.len() > wake.len()
                || moment.is_some_and(|moment| moment <= Instant::now())
            {
                return false;
            }
        }
    }

    /// Returns `true` if `member` is still there although no descriptor tells its end: it is hidden,
    /// held by a tracer, or there are no descriptors left.
    fn cannot_be_watched(self, member: &Process) -> bool {
        let is_leader = member.pid == self.leader.as_raw_pid();
        match Process::read(member.pid) {
            Some(now) if now.started == member.started => {
                now.lives() || is_leader && !self.reaped && !self.leader_has_ended()
            }
            Some(_) | None if is_leader && self.reaped => self.exists(),
            Some(_) | None => is_leader && !self.leader_has_ended(),
        }
    }

    /// Reaps those of the group that have become children of ours. The leader must
    /// have been reaped before.
    pub(crate) fn reap(self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        while matches!(
            waitid(WaitId::Pgid(Some(self.leader)), options),
            Ok(Some(_))
        ) {}
    }
}

/// A descriptor that becomes readable when `process` ends; `None` when it has
/// ended already, so that its number may be another's.
pub(crate) fn watch(process: &Process) -> Option<OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    let now = Process::read(process.pid)?;
    (now.started == process.started && now.lives()).then_some(fd)
}
