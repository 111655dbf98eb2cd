//! One process from its start to its end.

use std::{
    fs::File,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    sync::Arc,
    time::{Duration, Instant},
};

use runner_config::{Leftovers, TaskSettings};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{
    Cancel, Latch,
    children::Registered,
    group::{Group, SETTLE},
    orphans::Sweep,
    poll::{Countdown, POLL_FALLBACK_INTERVAL, from_now},
    proc::{Process, without},
    start::start,
};
use crate::process::{
    command::CommandLine,
    outcome::{Outcome, Signal, StartFailure},
};

/// How long a process may run, and what happens to what it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run.
    pub time: Option<Duration>,
    /// The time between asking its group to end and killing it.
    pub kill_grace: Duration,
    /// How long to wait for what it leaves in its group.
    pub leak_time: Duration,
    /// What to do with it then.
    pub leftovers: Leftovers,
    /// Whether nothing else runs at the same time.
    pub alone: bool,
}

impl Limits {
    /// The limits of a task.
    pub fn of_task(settings: &TaskSettings, alone: bool) -> Limits {
        Limits {
            time: settings.max_time,
            kill_grace: settings.kill_grace,
            leak_time: settings.leak_time,
            leftovers: settings.leftovers,
            alone,
        }
    }

    /// The longest time until nothing of it is left that can be ended; `None` when it
    /// may run for ever.
    pub fn longest(&self) -> Option<Duration> {
        // The group, and then what it orphaned: the grace, and the time to die of SIGKILL.
        let end = self.kill_grace.saturating_add(self.kill_grace.max(SETTLE));
        let time = self.time?.saturating_add(self.leak_time);
        Some(time.saturating_add(end.saturating_mul(2)))
    }

    /// The limits of a hook.
    pub fn of_hook(settings: &TaskSettings, alone: bool) -> Limits {
        Limits {
            time: settings.hook_time,
            ..Limits::of_task(settings, alone)
        }
    }
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it did.
    pub outcome: Outcome,
    /// How long it ran.
    pub elapsed: Duration,
    /// Whether it was asked to end before it had ended by itself.
    pub asked: bool,
    /// What it left in its group when it ended by itself.
    pub left: Vec<Process>,
    /// What may be its orphans, and is left alone because that cannot be known.
    pub unknown: Vec<Process>,
    /// What could not be ended.
    pub undying: Vec<Process>,
}

impl Ended {
    fn new(outcome: Outcome, elapsed: Duration) -> Ended {
        Ended {
            outcome,
            elapsed,
            asked: false,
            left: Vec::new(),
            unknown: Vec::new(),
            undying: Vec::new(),
        }
    }

    pub(crate) fn not_started(failure: StartFailure) -> Ended {
        Ended::new(Outcome::NotStarted(failure), Duration::ZERO)
    }
}

/// Starts `command` with this stdin and waits for its end: by itself, at its limit, or
/// because `cancel` asks for it. What it leaves behind is seen to before this returns.
/// `started` is told of its number once it runs, and must not make it wait.
pub fn launch(
    mut command: CommandLine,
    stdin: &Arc<File>,
    limits: &Limits,
    cancel: &Cancel,
    started: &dyn Fn(i32),
) -> Ended {
    // Before the start: on a busy machine the process may run for a while before this
    // thread does again.
    let countdown = Countdown::start(limits.time, cancel.clone());
    let starting = cancel.children.starting();
    let handle = match start(&mut command, stdin) {
        Ok(handle) => handle,
        Err(failure) => return Ended::not_started(failure),
    };
    let leader = handle
        .pids()
        .first()
        .and_then(|&pid| Pid::from_raw(pid as i32));
    let leader = leader.unwrap_or_else(|| unreachable!("a started command has a process"));
    let registered = starting.register(leader);
    started(leader.as_raw_pid());
    let mut reap = || reap(&handle);
    let (signal, outcome) = match watch(&countdown, &registered, cancel, &mut reap) {
        Woken::Exited(outcome) => {
            let mut ended = Ended::new(outcome, countdown.elapsed());
            // Its number may be another's from now on.
            drop(registered);
            ended.asked = cancel.asked().is_some();
            (ended.left, ended.undying) = leftovers(leader, limits, cancel);
            cancel.children.reap_orphans();
            return ended;
        }
        Woken::ToEnd(signal, outcome) => (signal, outcome),
    };
    let group = Group {
        leader,
        reaped: false,
    };
    // Stays `None` for a leader that cannot be ended, or that a debugger holds.
    let mut status = None;
    if !cancel.killed() {
        group.request_end(signal);
    }
    let orphans = Sweep::start(&command, leader, limits, signal, cancel);
    let mut undying = group.end(limits.kill_grace, cancel, || status = reap());
    let elapsed = countdown.elapsed();
    // Its number may be another's from now on.
    drop(registered);
    let (unknown, orphans) = orphans.finish();
    // What is left of the group may have become an orphan meanwhile.
    let unknown = without(unknown, &undying);
    undying.extend(without(orphans, &undying));
    cancel.children.reap_orphans();
    let asked = outcome.is_none() || cancel.asked().is_some();
    let outcome = outcome.or(status).unwrap_or(Outcome::Signaled(signal));
    Ended {
        asked,
        unknown,
        undying,
        ..Ended::new(outcome, elapsed)
    }
}

enum Woken {
    /// It has ended by itself, and was reaped.
    Exited(Outcome),
    /// It is to be asked to end, with this signal; the outcome is known unless the runner ends.
    ToEnd(Signal, Option<Outcome>),
}

/// A process that runs longer than this is worth the cost of hearing when it stops,
/// and of hearing at once of what its like orphan.
const A_WHILE: Duration = Duration::from_millis(500);

/// Waits for what comes first. `reap` reaps the process if it can be reaped. One that a
/// debugger holds counts as running: its limit ends that wait, too.
fn watch(
    limit: &Countdown,
    process: &Registered,
    cancel: &Cancel,
    reap: &mut dyn FnMut() -> Option<Outcome>,
) -> Woken {
    // `None` when no descriptor tells that it can be reaped: before Linux 5.3, where a filter
    // forbids it, without descriptors left, and while a tracer has not reaped it.
    let mut exit = pidfd_open(process.leader, PidfdFlags::empty()).ok();
    let mut a_while = from_now(A_WHILE);
    let mut stops = None;
    loop {
        let fds = stops.iter().map(|stops: &Arc<Latch<Signal>>| stops.as_fd());
        let fds: Vec<_> = fds.chain(exit.iter().map(AsFd::as_fd)).collect();
        let look_again = exit.is_none().then(|| from_now(POLL_FALLBACK_INTERVAL));
        let next = look_again.flatten().into_iter().chain(a_while).min();
        let readable = limit.wait(&fds, next).unwrap_or_default();
        let has_ended = readable.last() == Some(&true);
        // Also at the limit: the end may have come with it.
        if let Some(outcome) = reap() {
            return Woken::Exited(outcome);
        }
        exit = exit.filter(|_| !has_ended);
        if let Some(signal) = cancel.to_end() {
            return Woken::ToEnd(signal, None);
        }
        if cancel.killed() {
            return Woken::ToEnd(Signal::TERM, None);
        }
        if let Some(&signal) = stops.as_ref().and_then(|stops| stops.get()) {
            return Woken::ToEnd(Signal::TERM, Some(Outcome::Signaled(signal)));
        }
        if limit.has_ended() {
            return Woken::ToEnd(Signal::TERM, Some(Outcome::TimedOut));
        }
        if a_while.is_some_and(|a_while| a_while <= Instant::now()) {
            a_while = None;
            // Without descriptors it goes unheard, and the limit ends it.
            stops = process.watch_stops().ok();
        }
    }
}

/// Sees to what a process that ended by itself left in its group. Returns who that
/// was, and who of them could not be ended.
fn leftovers(leader: Pid, limits: &Limits, cancel: &Cancel) -> (Vec<Process>, Vec<Process>) {
    let group = Group {
        leader,
        reaped: true,
    };
    if limits.leftovers == Leftovers::Allow || !group.exists() {
        return (Vec::new(), Vec::new());
    }
    group.wait_empty(&Countdown::start(Some(limits.leak_time), cancel.clone()));
    group.reap();
    if !group.exists() {
        return (Vec::new(), Vec::new());
    }
    let left = group.members().unwrap_or_default();
    let mut undying = Vec::new();
    if limits.leftovers == Leftovers::Kill {
        group.request_end(Signal::TERM);
        undying = group.end(limits.kill_grace, cancel, || ());
    }
    group.reap();
    (without(left, &undying), undying)
}

/// Reaps a process, and returns what it did; `None` when it cannot be reaped: it has not
/// ended, or a debugger holds it.
fn reap(handle: &duct::Handle) -> Option<Outcome> {
    match handle.try_wait() {
        Ok(None) => None,
        Ok(Some(output)) => Some(match output.status.code() {
            // The system keeps eight bits of what a process exits with.
            Some(code) => Outcome::Exited(code as u8),
            None => Outcome::Signaled(Signal(output.status.signal().unwrap_or_default())),
        }),
        Err(_) => {
            let reason = "its status was lost: something else waited for it";
            Some(Outcome::NotStarted(StartFailure::new(reason, None)))
        }
    }
}
