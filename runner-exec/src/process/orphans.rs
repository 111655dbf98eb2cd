//! What left the group of a task and was orphaned: the runner is its reaper, so it
//! is a child of ours now.
//!
//! Whose orphan it is, its environment says: the runner's own variables tell the
//! processes of one start from those of all others. Daemons of earlier tasks stay. What
//! cannot be told apart is left alone and named, so that nothing is left in silence.

use std::{
    collections::HashSet,
    mem,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use super::{
    Cancel, Children,
    children::reap,
    group::{RUNNABLE_TIMEOUT, SETTLE, watch},
    poll::{Countdown, from_now, wait_readable},
    proc::{self, Process, processes, variables},
};
use crate::{
    process::{command::CommandLine, outcome::Signal},
    run::environment::COOKIE,
};

/// Time until the next look at orphans that cannot be waited for: a process that is about to
/// start a program has no environment for a moment, and one that forks and ends all the time
/// has to be met while it lives.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// By what the orphans of one start are known.
pub(crate) struct Trace {
    cookie: [Option<Vec<u8>>; COOKIE.len()],
    /// When the leader started, and its number, since the time is coarse; `None` when
    /// other tasks run beside it, so that the time says nothing.
    since: Option<(u64, i32)>,
}

/// Origin of an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lineage {
    /// From this start.
    Ours,
    /// From another one.
    Foreign,
    /// Neither its environment nor its age tells: that is not ours to read, was emptied, or is
    /// that of another runner, which may have been a task of ours or a run before.
    Unknown,
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

    fn lineage(&self, orphan: &Process) -> Lineage {
        if orphan.state == Process::UNKNOWN_STATE {
            return Lineage::Unknown;
        }
        // A dead process has no environment any more.
        let cookie = variables(orphan.pid, COOKIE).filter(|_| orphan.lives());
        let cookie = cookie.unwrap_or_default();
        let is_older = |since| (orphan.started, orphan.pid) <= since;
        match cookie[0] == self.cookie[0] {
            true if cookie == self.cookie => Lineage::Ours,
            true => Lineage::Foreign,
            false if self.since.is_some_and(is_older) => Lineage::Foreign,
            false => Lineage::Unknown,
        }
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

/// Ends the orphans of one start, and what they orphan in turn, as a group is ended: with a
/// signal, and with SIGKILL after the grace.
pub(crate) struct Sweep<'a> {
    trace: &'a Trace,
    cancel: &'a Cancel,
    signal: Signal,
    grace: Duration,
    /// The grace of those that were signaled together with the group.
    countdown: Countdown<'a>,
    /// The session of the runner.
    session: Option<i32>,
    /// `true` if no other task can have orphaned what started after the leader.
    alone: bool,
    /// Number, start and life of what was there at the look before.
    seen: HashSet<(i32, u64, bool)>,
    /// Number and start of what is ours.
    known: HashSet<(i32, u64)>,
    /// Processes, and groups by their negative number, that got the signal, which they get once.
    asked: HashSet<i32>,
}

impl<'a> Sweep<'a> {
    /// Sends `signal` to those that are there by now: their grace is that of the group.
    /// `cancel` can cut it short.
    pub(crate) fn start(
        trace: &'a Trace,
        signal: Signal,
        grace: Duration,
        cancel: &'a Cancel,
    ) -> Sweep<'a> {
        let me = std::process::id() as i32;
        let mut sweep = Sweep {
            trace,
            cancel,
            signal,
            grace,
            countdown: Countdown::start(Some(grace), &cancel.children),
            session: Process::read(me).map(|me| me.session),
            // To process 1 come all orphans there are.
            alone: me != 1,
            seen: HashSet::new(),
            known: HashSet::new(),
            asked: HashSet::new(),
        };
        if !cancel.killed() {
            sweep.look(Some(signal));
        }
        sweep
    }

    /// Sees to their end, when the group has ended.
    pub(crate) fn finish(mut self) -> Orphans {
        let left_alone = |unknown| Orphans {
            unknown,
            undying: Vec::new(),
        };
        let cancel = self.cancel;
        if !cancel.killed() {
            let asked = self.asked.len();
            self.look(Some(self.signal));
            let mut countdown = Countdown::start(Some(self.grace), &cancel.children);
            if self.asked.len() == asked {
                mem::swap(&mut countdown, &mut self.countdown);
            }
            let kill: Vec<BorrowedFd> = cancel.kill_fds().collect();
            if let Some(unknown) = self.end(self.signal, &countdown, &kill) {
                return left_alone(unknown);
            }
        }
        let settle = Countdown::start(Some(self.grace.max(SETTLE)), &cancel.children);
        let mut others = self.end(Signal::KILL, &settle, &[]);
        if others.is_none() && self.look(None).ours.iter().all(Process::is_runnable) {
            // On a busy machine they are ended as soon as they run.
            let busy = Countdown::start(Some(RUNNABLE_TIMEOUT), &cancel.children);
            others = self.end(Signal::KILL, &busy, &[]);
        }
        match others {
            Some(unknown) => left_alone(unknown),
            None => self.rest(),
        }
    }
}

/// Result of one look at the orphans.
#[derive(Default)]
struct Look {
    /// Ours, and alive.
    ours: Vec<Process>,
    /// Alive, and nobody knows whose.
    unknown: Vec<Process>,
    /// Come or died since the look before. What has died may have forked just before, and
    /// what is about to start a program has no environment for a moment.
    fresh: Vec<Process>,
}

impl Sweep<'_> {
    /// Sends `signal` to all that is ours until there is nothing any more, `time` has passed or
    /// one of `wake` is readable. Returns the others, or `None` when some of ours is left.
    fn end(
        &mut self,
        signal: Signal,
        time: &Countdown,
        wake: &[BorrowedFd],
    ) -> Option<Vec<Process>> {
        let mut is_over = false;
        let mut last_ours = Instant::now();
        self.seen.clear();
        loop {
            let look = self.look(Some(signal));
            if look.ours.is_empty() && look.fresh.is_empty() {
                return Some(look.unknown);
            }
            if !look.ours.is_empty() {
                last_ours = Instant::now();
            } else if last_ours.elapsed() >= SETTLE {
                // One that forks all the time and is never met alive. It is not ended, but
                // it is named.
                return Some([look.unknown, look.fresh].concat());
            }
            if is_over {
                return None;
            }
            is_over = self.wait(&look, time, wake);
            look.ours.iter().for_each(|orphan| reap(orphan.pid));
            self.cancel.children.reap_orphans();
        }
    }

    /// Waits until something of `look` may have changed. Says whether there is nothing more to
    /// wait for: `time` has passed or one of `wake` is readable.
    fn wait(&self, look: &Look, time: &Countdown, wake: &[BorrowedFd]) -> bool {
        let ends: Vec<OwnedFd> = look.ours.iter().filter_map(watch).collect();
        let cannot_be_watched = !look.fresh.is_empty() || ends.len() < look.ours.len();
        let mut next = cannot_be_watched.then(|| from_now(LOOK_INTERVAL)).flatten();
        let mut fds = wake.to_vec();
        fds.extend(ends.iter().map(AsFd::as_fd));
        loop {
            let readable = wait_readable(&fds, next.into_iter().chain(time.end()).min());
            if time.has_ended() || readable[..wake.len()].contains(&true) {
                return true;
            }
            let mut readable = readable.into_iter();
            fds.retain(|_| readable.next() != Some(true));
            // One end seldom comes alone.
            let next = next.get_or_insert_with(|| Instant::now() + LOOK_INTERVAL);
            if fds.len() == wake.len() || *next <= Instant::now() {
                return false;
            }
        }
    }

    /// Returns the orphans of ours that survived SIGKILL.
    fn rest(&mut self) -> Orphans {
        wait_readable(&[], from_now(LOOK_INTERVAL));
        let look = self.look(None);
        Orphans {
            unknown: [look.unknown, look.fresh].concat(),
            undying: look.ours,
        }
    }

    /// Looks at all orphans there are, and sends `signal` to those that are ours.
    fn look(&mut self, signal: Option<Signal>) -> Look {
        // While something seems to be started nobody else reaps: who has died is seen,
        // and numbers stay whose they are.
        let _unreaped = self.cancel.children.starting();
        let mut look = Look::default();
        let mut unknown = Vec::new();
        let mut seen = HashSet::new();
        // One that forks and ends all the time is gone before the others are looked at, so
        // the youngest comes first, and is signaled at once.
        for pid in orphans(&self.cancel.children) {
            let Some(orphan) = Process::read(pid).or_else(|| hidden(pid)) else {
                continue;
            };
            let now = (orphan.pid, orphan.started, orphan.lives());
            let is_known = self.known.contains(&(orphan.pid, orphan.started));
            let is_fresh = !self.seen.contains(&now) && !is_known;
            seen.insert(now);
            match self.trace.lineage(&orphan) {
                Lineage::Ours => self.signal(orphan, signal, &mut look),
                // A daemon of an earlier task may orphan others.
                Lineage::Foreign => self.alone &= !orphan.lives(),
                Lineage::Unknown if is_fresh => look.fresh.push(orphan),
                Lineage::Unknown if orphan.lives() => unknown.push(orphan),
                Lineage::Unknown => {}
            }
        }
        self.seen = seen;
        for orphan in unknown {
            // When it started says whose it is only where nobody else can have
            // orphaned it; of a hidden one not even that is known.
            let has_age = self.trace.since.is_some() && orphan.state != Process::UNKNOWN_STATE;
            let is_ours = self.alone && has_age;
            match is_ours || self.known.contains(&(orphan.pid, orphan.started)) {
                true => self.signal(orphan, signal, &mut look),
                false => look.unknown.push(orphan),
            }
        }
        look
    }

    /// Sends `signal` to one of ours, once unless it is SIGKILL.
    fn signal(&mut self, orphan: Process, signal: Option<Signal>, look: &mut Look) {
        let signals = match signal {
            None => [None, None],
            Some(Signal::KILL) => [signal, None],
            // A stopped process would not see it before it continues.
            Some(_) => [signal, Some(Signal::CONT)],
        };
        let once =
            |asked: &mut HashSet<i32>, number| asked.insert(number) || signal == Some(Signal::KILL);
        // One that forks and ends all the time is gone before it is signaled. Its group is
        // not, and nobody from outside its session can have joined that.
        let group = Pid::from_raw(orphan.group).filter(|_| Some(orphan.session) != self.session);
        let is_first = match group {
            Some(group) => once(&mut self.asked, -group.as_raw_pid()),
            None => once(&mut self.asked, orphan.pid),
        };
        for signal in signals.into_iter().flatten().filter(|_| is_first) {
            let Some(signal) = rustix::process::Signal::from_named_raw(signal.0) else {
                continue;
            };
            // It is a child of ours that nobody reaps now, so its numbers are its own.
            let _ = match (group, Pid::from_raw(orphan.pid)) {
                (Some(group), _) => kill_process_group(group, signal),
                (None, Some(pid)) => kill_process(pid, signal),
                (None, None) => Ok(()),
            };
        }
        self.known.insert((orphan.pid, orphan.started));
        look.ours.push(orphan);
    }
}

/// The children of this process that no task was started as, the youngest first.
fn orphans(children: &Children) -> Vec<i32> {
    let me = std::process::id() as i32;
    let mut orphans = proc::adopted().unwrap_or_else(|_| {
        // A kernel without such lists. Something that is being started may be among them.
        let all = processes().unwrap_or_default().into_iter();
        all.filter(|process| process.parent == me)
            .map(|child| child.pid)
            .collect()
    });
    orphans.retain(|&pid| !children.has(pid));
    orphans.reverse();
    orphans
}

/// A child that lives although `/proc` does not show it.
fn hidden(pid: i32) -> Option<Process> {
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(Pid::from_raw(pid)?), peek);
    matches!(status, Ok(None)).then(|| Process::hidden(pid, pid))
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
