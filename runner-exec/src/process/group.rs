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
    poll::{from_now, wait_readable},
    proc::{Process, processes},
};
use crate::Signal;

/// What is killed is given at least this long to be gone, whatever `kill_grace`
/// says: the system takes a moment to take a process apart.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) leader: Pid,
    /// Whether the leader was reaped, so that its number alone means nothing.
    pub(crate) reaped: bool,
}

impl Group {
    /// Asks the group to end with `signal`, gives it `grace`, kills what is still
    /// there, and returns what survives even that. `cancel` can cut the grace short.
    pub(crate) fn end(self, signal: Signal, grace: Duration, cancel: &Cancel) -> Vec<Process> {
        if !cancel.killed() {
            self.signal(signal);
            // What is stopped would not see it before it goes on.
            self.signal(Signal(rustix::process::Signal::CONT.as_raw()));
            let kill: Vec<BorrowedFd> = cancel.kill_fds().collect();
            self.wait_empty(from_now(grace), &kill);
        }
        // Also when nobody was seen any more: one that forks and exits all the time can
        // slip through a look at /proc, but not through this.
        self.signal(Signal(rustix::process::Signal::KILL.as_raw()));
        if self.wait_empty(from_now(grace.max(SETTLE)), &[]) {
            return Vec::new();
        }
        self.members().unwrap_or_default()
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

    /// The living members, and the leader wherever it went; `None` without `/proc`.
    pub(crate) fn members(self) -> Option<Vec<Process>> {
        let leader = self.leader.as_raw_pid();
        let mut members = processes().ok()?;
        let is_leader = |member: &Process| member.pid == leader && !self.reaped;
        members.retain(|member| (member.group == leader || is_leader(member)) && member.lives());
        Some(members)
    }

    /// Waits until nobody of the group lives, `deadline` comes or one of `wake` is
    /// readable. Says whether nobody lives.
    pub(crate) fn wait_empty(self, deadline: Option<Instant>, wake: &[BorrowedFd]) -> bool {
        loop {
            let Some(members) = self.members() else {
                // Without /proc nobody can be watched, so all of the time is given.
                wait_readable(wake, deadline);
                return false;
            };
            if members.is_empty() {
                return true;
            }
            let mut watched: Vec<OwnedFd> = members.iter().filter_map(watch).collect();
            if watched.is_empty() && members.iter().any(|member| self.still_has(member)) {
                wait_readable(wake, deadline);
                return self.members().is_some_and(|members| members.is_empty());
            }
            // New members are found when all that are known have ended.
            while !watched.is_empty() {
                let fds: Vec<BorrowedFd> = wake
                    .iter()
                    .copied()
                    .chain(watched.iter().map(AsFd::as_fd))
                    .collect();
                let readable = wait_readable(&fds, deadline);
                if readable[..wake.len()].contains(&true) || !readable.contains(&true) {
                    return self.members().is_some_and(|members| members.is_empty());
                }
                let mut ended = readable[wake.len()..].iter();
                watched.retain(|_| ended.next() != Some(&true));
            }
        }
    }

    fn still_has(self, member: &Process) -> bool {
        Process::read(member.pid).is_some_and(|now| now.started == member.started && now.lives())
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
    (now.started == process.started).then_some(fd)
}
