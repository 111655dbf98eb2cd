//! A process group: who is in it, and how it is ended.
//!
//! While the leader is not reaped, the number of the group is its own and cannot
//! go to another. The members need not be our children, so they are found in
//! `/proc` and watched by a pidfd each.

use std::{os::fd::OwnedFd, time::Duration};

use rustix::process::{Pid, WaitId, WaitIdOptions, test_kill_process_group, waitid};

use super::{
    Cancel,
    pid::{is_running, request_end, watch},
    poll::{Countdown, from_now},
    proc::{Process, processes},
};
use crate::process::outcome::Signal;

/// What is killed is given at least this long to be gone, whatever `kill_grace`
/// says: the system takes a moment to take a process apart.
pub(crate) const SETTLE: Duration = Duration::from_secs(1);

/// Maximum additional time for killed processes that only wait for a processor.
pub(crate) const RUNNABLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time between two looks at a group with a member that no descriptor tells of.
const MAX_LOOK_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) leader: Pid,
    /// Whether the leader was reaped, so that its number alone means nothing.
    pub(crate) reaped: bool,
}

impl Group {
    /// Sends `signal` to all of the group, and to a leader that has left it.
    pub(crate) fn request_end(self, signal: Signal) {
        let leader = self.leader.as_raw_pid();
        request_end(-leader, signal);
        let is_outside = |it: Process| it.group != leader && it.lives();
        if !self.reaped && Process::read(leader).is_some_and(is_outside) {
            request_end(leader, signal);
        }
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
        let countdown = |time| Countdown::start(Some(time), cancel.never());
        if !cancel.killed() {
            let grace = Countdown::start(Some(grace), cancel.only_killed());
            self.wait_gone(&grace, &mut reap);
        }
        // A group that exists although nobody was seen: one that forks and exits all the time
        // can slip through a look at /proc, but not through this.
        if self.reaped && !self.exists() {
            // Its number may be another's by now.
            return Vec::new();
        }
        self.request_end(Signal::KILL);
        if self.wait_gone(&countdown(grace.max(SETTLE)), &mut reap) {
            return Vec::new();
        }
        let members = self.members().unwrap_or_default();
        // On a busy machine they are ended as soon as they run.
        let is_busy = !members.is_empty() && members.iter().all(|member| member.state == 'R');
        if is_busy && self.wait_gone(&countdown(RUNNABLE_TIMEOUT), &mut reap) {
            return Vec::new();
        }
        self.members().unwrap_or(members)
    }

    /// Waits as [`Group::wait_empty`], and for hidden members, too: with the leader reaped,
    /// the group exists as long as there are any.
    fn wait_gone(&mut self, time: &Countdown, reap: &mut dyn FnMut()) -> bool {
        if !self.wait_empty(time) {
            return false;
        }
        if !self.reaped {
            reap();
            self.reaped = true;
        }
        !self.exists() || self.wait_empty(time)
    }

    /// Returns `true` if anybody is in the group, zombies included.
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
            false => is_running(leader),
        };
        members.retain(|member| member.lives() && (member.pid != leader || self.reaped));
        if is_hidden {
            members.push(Process::read(leader).unwrap_or_else(|| Process::hidden(leader)));
        }
        Some(members)
    }

    /// Waits until nobody of the group lives or `time` is over. Says whether nobody lives.
    pub(crate) fn wait_empty(self, time: &Countdown) -> bool {
        // One that leaves the group does not say so. Most that do so do it at once, so
        // there is one look after a moment beside those when somebody has ended.
        let mut leaves = from_now(MAX_LOOK_INTERVAL);
        let mut interval = Duration::from_millis(1);
        loop {
            if self.reaped {
                // A hidden member that has ended looks as if it lived, until it is reaped.
                self.reap();
            }
            let Some(members) = self.members() else {
                // Without /proc nobody can be watched, so all of the time is given.
                while time.wait_for_ends(Vec::new(), None) {}
                return false;
            };
            if members.is_empty() {
                return true;
            }
            let watched: Vec<OwnedFd> = members.iter().filter_map(watch).collect();
            let mut next = leaves;
            // One has ended just now, or is hidden, or a tracer holds it, or there are no
            // descriptors left.
            if watched.len() < members.len() {
                next = from_now(interval);
                interval = MAX_LOOK_INTERVAL.min(interval * 2);
            } else {
                leaves = None;
            }
            if !time.wait_for_ends(watched, next) {
                return self.members().is_some_and(|members| members.is_empty());
            }
        }
    }

    /// Reaps those of the group that have become children of ours. The leader must
    /// have been reaped before.
    pub(crate) fn reap(self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let reap_one = || waitid(WaitId::Pgid(Some(self.leader)), options);
        while matches!(reap_one(), Ok(Some(_))) {}
    }
}
