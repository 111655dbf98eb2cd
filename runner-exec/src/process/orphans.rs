//! Processes that left the group of a task and were orphaned. The runner is their subreaper, so
//! they are its children. They are ended together with a task that a limit or a signal ends;
//! orphans of a task that ends by itself continue.
//!
//! The environment of an orphan identifies the start that it comes from: each start has other
//! values of the runner's own variables. Daemons of earlier tasks stay. An orphan of unknown
//! origin is left alone and named, so that nothing is left silently.

use std::{
    collections::{HashMap, HashSet},
    mem,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

// rustix knows no session that was begun outside of the PID namespace, which has the number 0.
use nix::unistd::getsid;
use rustix::process::Pid;

use super::{
    Children, Limits, StopSignals,
    group::{MIN_KILL_TIMEOUT, RUNNABLE_TIMEOUT},
    pid::{is_running, reap, request_end, watch},
    poll::{Countdown, from_now, wait_readable},
    proc::{self, Process, processes, variables},
};
use crate::{
    process::{command::CommandLine, outcome::Signal},
    run::environment::COOKIE,
};

/// Time between two looks at orphans that cannot be watched: a process that is about to exec has
/// no environment for a moment, and one that forks and exits all the time must be found alive.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Maximum time between fork and exec, in which a process can have no environment.
const MAX_EXEC_TIME: Duration = Duration::from_millis(50);

/// Origin of an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lineage {
    /// It comes from this start.
    Ours,
    /// It comes from another start.
    Foreign,
    /// Neither environment nor age shows it: the environment is not readable, was emptied, or
    /// has the values of another runner, which can have been a task of this one or an earlier run.
    Unknown,
}

/// Ends the orphans of one start, and their orphans, like a group: with a signal, and with
/// SIGKILL after the grace.
pub(crate) struct Sweep<'a> {
    /// Values of the identifying variables, [`COOKIE`], in the environment of this start.
    cookie: [Option<Vec<u8>>; COOKIE.len()],
    /// Start time of the leader, and its number, as the time is coarse; `None` if other tasks
    /// run at the same time, as age does not show the origin then.
    since: Option<(u64, i32)>,
    stop: &'a StopSignals,
    signal: Signal,
    grace: Duration,
    /// The grace of those that were signaled together with the group.
    countdown: Countdown,
    /// No other task can have orphaned a process that started after the leader.
    is_age_unique: bool,
    /// Number, start time and liveness of the orphans of the last look, with the time at which
    /// each was first seen.
    seen: HashMap<(i32, u64, bool), Instant>,
    /// Number and start time of orphans of this start.
    known: HashSet<(i32, u64)>,
    /// Processes, and groups by their negative number, that got the signal, which is sent once.
    signaled: HashSet<i32>,
}

/// Result of one look at the orphans.
#[derive(Default)]
struct Look {
    /// Orphans of this start that are alive.
    ours: Vec<Process>,
    /// Orphans of unknown origin that are alive.
    unknown: Vec<Process>,
    /// Orphans of unknown origin that appeared or died a moment ago. A dead one can have forked
    /// just before, and one that is about to exec has no environment for a moment.
    fresh: Vec<Process>,
}

impl<'a> Sweep<'a> {
    /// Sends `signal` to the orphans of `leader`, which was started by `command` and is not
    /// reaped. They share the grace of the group. `stop` can shorten it.
    pub(crate) fn start(
        command: &CommandLine,
        leader: Pid,
        limits: &Limits,
        signal: Signal,
        stop: &'a StopSignals,
    ) -> Sweep<'a> {
        let value = |name: &str| {
            let (_, value) = command.env.iter().rfind(|(set, _)| set == name)?;
            Some(value.as_ref()?.as_encoded_bytes().to_owned())
        };
        let leader = Process::read(leader.as_raw_pid()).filter(|_| limits.alone);
        let grace = limits.kill_grace;
        let mut sweep = Sweep {
            cookie: COOKIE.map(value),
            since: leader.map(|leader| (leader.started, leader.pid)),
            stop,
            signal,
            grace,
            countdown: Countdown::start(Some(grace), stop.kill_only()),
            // Process 1 gets the orphans of all processes.
            is_age_unique: std::process::id() != 1,
            seen: HashMap::new(),
            known: HashSet::new(),
            signaled: HashSet::new(),
        };
        if !stop.is_killed() {
            sweep.look(Some(signal));
        }
        sweep
    }

    /// Ends the orphans after the end of the group. Returns those of unknown origin, which are
    /// left alone, and those of this start that survived SIGKILL.
    pub(crate) fn finish(mut self) -> (Vec<Process>, Vec<Process>) {
        let (stop, signal) = (self.stop, self.signal);
        if !stop.is_killed() {
            let signaled = self.signaled.len();
            // A fresh one gets the signal later, if it turns out to be ours.
            let is_all_signaled = self.look(Some(signal)).fresh.is_empty();
            let mut countdown = Countdown::start(Some(self.grace), stop.kill_only());
            if is_all_signaled && self.signaled.len() == signaled {
                mem::swap(&mut countdown, &mut self.countdown);
            }
            if let Some(unknown) = self.end(signal, &countdown) {
                return (unknown, Vec::new());
            }
        }
        for time in [self.grace.max(MIN_KILL_TIMEOUT), RUNNABLE_TIMEOUT] {
            let countdown = Countdown::start(Some(time), stop.without_requests());
            if let Some(unknown) = self.end(Signal::KILL, &countdown) {
                return (unknown, Vec::new());
            }
            // Those in state R end as soon as they get a processor.
            if !self
                .look(None)
                .ours
                .iter()
                .all(|orphan| orphan.state == 'R')
            {
                break;
            }
        }
        wait_readable(&[], from_now(LOOK_INTERVAL));
        let look = self.look(None);
        ([look.unknown, look.fresh].concat(), look.ours)
    }

    /// Sends `signal` to all orphans of this start until none is left or `time` is over. Returns
    /// those of unknown origin, or `None` if one of this start is left.
    fn end(&mut self, signal: Signal, time: &Countdown) -> Option<Vec<Process>> {
        let mut is_over = false;
        let mut last_ours = Instant::now();
        loop {
            let look = self.look(Some(signal));
            if look.ours.is_empty() && look.fresh.is_empty() {
                return Some(look.unknown);
            }
            if !look.ours.is_empty() {
                last_ours = Instant::now();
            } else if last_ours.elapsed() >= MIN_KILL_TIMEOUT {
                // One forks all the time and is never found alive. It cannot be ended, but it
                // is named.
                return Some([look.unknown, look.fresh].concat());
            }
            if is_over {
                return None;
            }
            let ends: Vec<OwnedFd> = look.ours.iter().filter_map(watch).collect();
            let is_watched = look.fresh.is_empty() && ends.len() == look.ours.len();
            let next = from_now(LOOK_INTERVAL).filter(|_| !is_watched);
            is_over = !time.wait_for_ends(ends, next);
            look.ours.iter().for_each(|orphan| reap(orphan.pid));
            self.stop.children.reap_orphans();
        }
    }

    /// Looks at all orphans, and sends `signal` to those of this start.
    fn look(&mut self, signal: Option<Signal>) -> Look {
        // No other thread reaps during a start. So dead ones stay visible, and numbers are not
        // reused.
        let _unreaped = self.stop.children.starting();
        let mut look = Look::default();
        let mut unknown = Vec::new();
        let mut seen = HashMap::new();
        // One that forks and exits all the time is gone before the others are looked at, so the
        // youngest comes first, and gets the signal at once.
        for pid in orphans(&self.stop.children) {
            // One that is alive but not in `/proc` is hidden.
            let hidden = || is_running(pid).then(|| Process::hidden(pid));
            let Some(orphan) = Process::read(pid).or_else(hidden) else {
                continue;
            };
            let now = (orphan.pid, orphan.started, orphan.lives());
            let first_seen = self.seen.get(&now).copied().unwrap_or_else(Instant::now);
            let is_fresh = first_seen.elapsed() < MAX_EXEC_TIME && !self.is_known(&orphan);
            seen.insert(now, first_seen);
            match self.lineage(&orphan) {
                Lineage::Ours => self.signal(orphan, signal, &mut look),
                // A daemon of an earlier task can orphan processes too.
                Lineage::Foreign => self.is_age_unique &= !orphan.lives(),
                Lineage::Unknown if is_fresh => look.fresh.push(orphan),
                Lineage::Unknown if orphan.lives() => unknown.push(orphan),
                Lineage::Unknown => {}
            }
        }
        self.seen = seen;
        for orphan in unknown {
            // Its age shows its origin only if no other task can have orphaned it. The age of
            // a hidden one is not known.
            let has_age = self.since.is_some() && orphan.state != Process::UNKNOWN_STATE;
            if self.is_age_unique && has_age || self.is_known(&orphan) {
                self.signal(orphan, signal, &mut look);
            } else {
                look.unknown.push(orphan);
            }
        }
        look
    }

    fn lineage(&self, orphan: &Process) -> Lineage {
        // A dead process has no environment, and that of a hidden one cannot be read.
        let cookie = variables(orphan.pid, COOKIE).filter(|_| orphan.lives());
        let cookie = cookie.unwrap_or_default();
        let is_older = |since| orphan.started > 0 && (orphan.started, orphan.pid) <= since;
        if cookie == self.cookie {
            Lineage::Ours
        } else if cookie[0] == self.cookie[0] || self.since.is_some_and(is_older) {
            Lineage::Foreign
        } else {
            Lineage::Unknown
        }
    }

    fn is_known(&self, orphan: &Process) -> bool {
        self.known.contains(&(orphan.pid, orphan.started))
    }

    /// Sends `signal` to an orphan of this start: once, or each time if it is SIGKILL.
    fn signal(&mut self, orphan: Process, signal: Option<Signal>, look: &mut Look) {
        // One that forks and exits all the time is gone before it gets the signal, but its group
        // is not. No process from outside its session can have joined that group.
        let own_session = getsid(None).map_or(0, |session| session.as_raw());
        let has_group = orphan.group > 1 && orphan.session != own_session;
        let number = if has_group { -orphan.group } else { orphan.pid };
        if let Some(signal) = signal
            && (self.signaled.insert(number) || signal == Signal::KILL)
        {
            // It is our child and is not reaped now, so its numbers are not reused.
            request_end(number, signal);
        }
        self.known.insert((orphan.pid, orphan.started));
        look.ours.push(orphan);
    }
}

/// Returns the children of this process that are not tasks or hooks, the youngest first.
fn orphans(children: &Children) -> Vec<i32> {
    let me = std::process::id() as i32;
    let mut orphans = proc::adopted().unwrap_or_else(|_| {
        // A kernel without such lists. A process that is being started can be among them.
        let all = processes().unwrap_or_default().into_iter();
        all.filter(|process| process.parent == me)
            .map(|child| child.pid)
            .collect()
    });
    orphans.retain(|&pid| !children.has(pid));
    orphans.reverse();
    orphans
}
