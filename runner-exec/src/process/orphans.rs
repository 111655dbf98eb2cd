//! What left the group of a task and was orphaned: the runner is its reaper, so it
//! is a child of ours now.
//!
//! Whose orphan it is, its environment says: the runner's own variables tell the
//! processes of one start from those of all others. Daemons of earlier tasks stay.

use std::{
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, pidfd_send_signal};

use super::{
    Children,
    children::reap,
    group::{SETTLE, watch},
    poll::{from_now, wait_readable},
    proc::{self, Process, processes, variables},
};
use crate::{CommandLine, environment::COOKIE};

/// How long until the next look, where nothing says that it is time.
const MOMENT: Duration = Duration::from_millis(20);

/// By what the orphans of one start are known.
pub(crate) struct Trace {
    cookie: [Option<Vec<u8>>; COOKIE.len()],
    /// When the leader started, and its number, since the time is coarse; `None` when
    /// other tasks run beside it, so that the time says nothing.
    since: Option<(u64, i32)>,
}

impl Trace {
    /// The trace of what `command` started as `leader`, which is not reaped.
    /// `alone` says that nothing else runs at the same time.
    pub(crate) fn of(command: &CommandLine, leader: Pid, alone: bool) -> Trace {
        let value = |name: &str| {
            let (_, value) = command.env.iter().rfind(|(set, _)| set == name)?;
            Some(value.as_ref()?.as_encoded_bytes().to_owned())
        };
        let leader = Process::read(leader.as_raw_pid()).filter(|_| alone);
        Trace {
            cookie: COOKIE.map(value),
            since: leader.map(|leader| (leader.started, leader.pid)),
        }
    }

    /// Whether `orphan` comes from this start; `None` when neither its environment nor
    /// its age says so.
    fn has(&self, orphan: &Process) -> Option<bool> {
        let cookie = variables(orphan.pid, COOKIE).unwrap_or_default();
        match cookie[0] == self.cookie[0] {
            true => Some(cookie == self.cookie),
            // Its environment is not ours to read, or was emptied, or is that of
            // another runner, which may have been a task of ours or a run before.
            false => (self.is_later(orphan) == Some(false)).then_some(false),
        }
    }

    /// Whether `orphan` started after the leader; `None` when that says nothing.
    fn is_later(&self, orphan: &Process) -> Option<bool> {
        self.since.map(|since| (orphan.started, orphan.pid) > since)
    }
}

/// What became of the orphans of one start.
#[derive(Default)]
pub(crate) struct Orphans {
    /// They may be its own, and were left alone because that cannot be known.
    pub(crate) unknown: Vec<Process>,
    /// They are its own, and were killed, and are still there.
    pub(crate) undying: Vec<Process>,
}

impl Orphans {
    /// Leaves out those that are `known` already.
    pub(crate) fn forget(&mut self, known: &[Process]) {
        let is_new = |orphan: &Process| known.iter().all(|known| known.pid != orphan.pid);
        self.unknown.retain(is_new);
        self.undying.retain(is_new);
    }
}

/// Kills the orphans of `trace`, and what they orphan in turn.
pub(crate) fn end(trace: &Trace, children: &Children) -> Orphans {
    let me = std::process::id() as i32;
    let session = Process::read(me).map(|me| me.session);
    let deadline = from_now(SETTLE);
    let mut before = Vec::new();
    // To process 1 come all orphans there are.
    let mut alone = me != 1;
    loop {
        // What is found in time and dies of it is over, however late that is seen.
        let is_late = deadline.is_some_and(|end| end <= Instant::now());
        // While something seems to be started nobody else reaps: who has died is seen,
        // and numbers stay whose they are.
        let unreaped = children.starting();
        let mut orphans = Orphans::default();
        let mut adopted = processes().unwrap_or_default();
        adopted.retain(|child| child.parent == me && !children.has(child.pid));
        // What another worker is just starting is its child, and not registered yet.
        if let Ok(orphans) = proc::adopted() {
            adopted.retain(|child| orphans.contains(&child.pid));
        }
        // A daemon of an earlier task may orphan others.
        let earlier = |child: &Process| child.lives() && trace.has(child) == Some(false);
        alone &= !adopted.iter().any(earlier);
        let seen = |child: &Process| (child.pid, child.started, child.lives());
        let now = adopted.iter().map(seen).collect();
        let mut look_again = false;
        let mut groups = Vec::new();
        for child in adopted {
            let is_new = !before.contains(&seen(&child));
            match trace.has(&child) {
                Some(true) => {
                    // One that forks and ends all the time is gone before it is killed. Its
                    // group is not, and nobody from outside its session can have joined that.
                    groups.extend(
                        Pid::from_raw(child.group).filter(|_| Some(child.session) != session),
                    );
                    orphans.undying.push(child);
                }
                Some(false) => {}
                // What has died may have forked just before, and what is about to start
                // a program has no environment for a moment.
                None if is_new => look_again = true,
                None if !child.lives() => {}
                // When it started says whose it is only where nobody else can have
                // orphaned it.
                None if alone && trace.since.is_some() => orphans.undying.push(child),
                None => orphans.unknown.push(child),
            }
        }
        before = now;
        let ends: Vec<OwnedFd> = orphans.undying.iter().filter_map(kill).collect();
        for group in groups {
            let _ = kill_process_group(group, Signal::KILL);
        }
        drop(unreaped);
        look_again |= !orphans.undying.is_empty();
        let ended = |end: &OwnedFd| wait_readable(&[end.as_fd()], deadline)[0];
        let is_over = !ends.iter().all(ended) || is_late;
        if !look_again || is_over {
            return orphans;
        }
        if ends.len() < orphans.undying.len() || orphans.undying.is_empty() {
            // Without descriptors their ends cannot be waited for; and a moment without an
            // environment passes, on a busy machine too.
            wait_readable(&[], from_now(MOMENT));
        }
        orphans.undying.iter().for_each(|orphan| reap(orphan.pid));
        children.reap_orphans();
    }
}

/// Kills a child of ours. Returns what becomes readable when it has ended, unless
/// there are no descriptors left.
fn kill(orphan: &Process) -> Option<OwnedFd> {
    let end = watch(orphan);
    // One that cannot be signaled is there in the end.
    match (&end, Pid::from_raw(orphan.pid)) {
        (Some(end), _) => drop(pidfd_send_signal(end, Signal::KILL)),
        (None, Some(pid)) => drop(kill_process(pid, Signal::KILL)),
        (None, None) => {}
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_twice() {
        let me = Process::read(std::process::id() as i32).unwrap();
        let mut other = me.clone();
        other.pid = 1;
        let mut orphans = Orphans {
            unknown: vec![me.clone(), other.clone()],
            undying: vec![other.clone(), me.clone()],
        };
        orphans.forget(&[me]);
        assert_eq!(orphans.unknown, [other.clone()]);
        assert_eq!(orphans.undying, [other]);
    }
}
