//! A process group: its members and its end.
//!
//! The kernel does not reuse the number of the group before the leader is reaped. The members
//! are not always our children, so they are found in `/proc` and watched by a pidfd each.

use std::{os::fd::OwnedFd, time::Duration};

use rustix::process::{Pid, WaitId, WaitIdOptions, test_kill_process_group, waitid};

use super::{
    StopSignals,
    pid::{is_running, request_end, watch},
    poll::{Countdown, from_now},
    proc::{Process, processes},
};
use crate::process::outcome::Signal;

/// Minimum time for killed processes to disappear, if `kill_grace` is less: the kernel needs a
/// moment to free a process.
pub(crate) const MIN_KILL_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum additional time for killed processes that only wait for a processor.
pub(crate) const RUNNABLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time between two looks at a group with a member that no descriptor watches.
const MAX_LOOK_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) leader: Pid,
    /// The leader was reaped, so its number can belong to another process.
    pub(crate) reaped: bool,
}

impl Group {
    /// Sends `signal` to the whole group, and to a leader that has left it.
    pub(crate) fn request_end(self, signal: Signal) {
        let leader = self.leader.as_raw_pid();
        request_end(-leader, signal);
        let is_outside = |it: Process| it.group != leader && it.lives();
        if !self.reaped && Process::read(leader).is_some_and(is_outside) {
            request_end(leader, signal);
        }
    }

    /// Gives the group `grace` to end, kills the rest, and returns the survivors. `stop` can
    /// shorten the grace. `reap` reaps the leader if possible; it is called at most once.
    pub(crate) fn end(
        mut self,
        grace: Duration,
        stop: &StopSignals,
        mut reap: impl FnMut(),
    ) -> Vec<Process> {
        let countdown = |time| Countdown::start(Some(time), stop.without_requests());
        if !stop.is_killed() {
            let grace = Countdown::start(Some(grace), stop.kill_only());
            self.wait_gone(&grace, &mut reap);
        }
        // A group can exist although no member was found: one that forks and exits all the time
        // is missed by a look at `/proc`, but not by a signal to the group. If the group does
        // not exist any more, its number can belong to another group.
        if self.reaped && !self.exists() {
            return Vec::new();
        }
        self.request_end(Signal::KILL);
        if self.wait_gone(&countdown(grace.max(MIN_KILL_TIMEOUT)), &mut reap) {
            return Vec::new();
        }
        let members = self.members().unwrap_or_default();
        // They end as soon as they get a processor.
        let is_busy = !members.is_empty() && members.iter().all(|member| member.state == 'R');
        if is_busy && self.wait_gone(&countdown(RUNNABLE_TIMEOUT), &mut reap) {
            return Vec::new();
        }
        self.members().unwrap_or(members)
    }

    /// Waits like [`Group::wait_empty`], and then for hidden members: once the leader is reaped,
    /// the group exists as long as it has one.
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

    /// Returns `true` if the group has a member, zombies included.
    pub(crate) fn exists(self) -> bool {
        test_kill_process_group(self.leader) != Err(rustix::io::Errno::SRCH)
    }

    /// Returns the living members, and the leader (in any group) as long as it cannot be
    /// reaped: one that a debugger holds counts, dead or alive. `None` without `/proc`.
    ///
    /// A group that exists without a visible member has a member that `/proc` hides. This is
    /// known only after the leader is reaped: the leader alone makes the group exist.
    pub(crate) fn members(self) -> Option<Vec<Process>> {
        let leader = self.leader.as_raw_pid();
        let mut members = processes().ok()?;
        members.retain(|member| member.group == leader || member.pid == leader && !self.reaped);
        let is_hidden = if self.reaped {
            members.is_empty() && self.exists()
        } else {
            is_running(leader)
        };
        members.retain(|member| member.lives() && (member.pid != leader || self.reaped));
        if is_hidden {
            members.push(Process::read(leader).unwrap_or_else(|| Process::hidden(leader)));
        }
        Some(members)
    }

    /// Waits until no member lives or `time` is over. Returns `true` if no member lives.
    pub(crate) fn wait_empty(self, time: &Countdown) -> bool {
        // A process that leaves the group sends no notification. Most do it right after their
        // start, so there is one additional look after a moment.
        let mut leaves = from_now(MAX_LOOK_INTERVAL);
        let mut interval = Duration::from_millis(1);
        loop {
            if self.reaped {
                // A hidden member that has ended looks alive until it is reaped.
                self.reap();
            }
            let Some(members) = self.members() else {
                // Without `/proc` no member can be watched, so wait the whole time.
                while time.wait_for_ends(Vec::new(), None) {}
                return false;
            };
            if members.is_empty() {
                return true;
            }
            let watched: Vec<OwnedFd> = members.iter().filter_map(watch).collect();
            let mut next = leaves;
            // One has just ended, is hidden, is held by a tracer, or there are no descriptors
            // left.
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

    /// Reaps the members that have become our children. The leader must be reaped before.
    pub(crate) fn reap(self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let reap_one = || waitid(WaitId::Pgid(Some(self.leader)), options);
        while matches!(reap_one(), Ok(Some(_))) {}
    }
}
