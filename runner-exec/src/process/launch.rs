//! One process from its start to its end.

use std::{
    fs::File,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    sync::Arc,
    time::{Duration, Instant},
};

use runner_config::Leftovers;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{
    Latch, StopSignals,
    children::Registered,
    group::Group,
    limits::Limits,
    orphans::Sweep,
    poll::{Countdown, POLL_FALLBACK_INTERVAL, from_now},
    proc::{Process, without},
    start::start,
};
use crate::process::{
    command::CommandLine,
    outcome::{Outcome, Signal, StartFailure},
};

/// End of a process.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its duration.
    pub elapsed: Duration,
    /// Its end was requested before it had ended by itself.
    pub end_requested: bool,
    /// Processes that it left in its group when it ended by itself.
    pub left: Vec<Process>,
    /// Processes that could be its orphans, and are left alone because that is not certain.
    pub unknown: Vec<Process>,
    /// Processes that survived SIGKILL.
    pub unkillable: Vec<Process>,
}

impl Ended {
    fn new(outcome: Outcome, elapsed: Duration) -> Ended {
        Ended {
            outcome,
            elapsed,
            end_requested: false,
            left: Vec::new(),
            unknown: Vec::new(),
            unkillable: Vec::new(),
        }
    }

    pub(crate) fn not_started(failure: StartFailure) -> Ended {
        Ended::new(Outcome::NotStarted(failure), Duration::ZERO)
    }
}

/// Starts `command` with this stdin and waits for its end: by itself, at its limit, or at the
/// request of `stop`. Processes that it leaves are dealt with before this returns.
/// `started` is called with its number once it runs, while its limit counts: it must not block.
pub fn launch(
    mut command: CommandLine,
    stdin: &Arc<File>,
    limits: &Limits,
    stop: &StopSignals,
    started: &dyn Fn(i32),
) -> Ended {
    // Before the start: on a busy machine the process can run for a while before this
    // thread runs again.
    let countdown = Countdown::start(limits.time.map(|limit| limit.time), stop.clone());
    let starting = stop.children.starting();
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
    let (signal, outcome) = match watch(&countdown, &registered, stop, &mut reap) {
        Woken::Exited(outcome) => {
            let mut ended = Ended::new(outcome, countdown.elapsed());
            // It is reaped, so its number can belong to another process from now on.
            drop(registered);
            ended.end_requested = stop.requested().is_some();
            (ended.left, ended.unkillable) = leftovers(leader, limits, stop);
            stop.children.reap_orphans();
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
    if !stop.is_killed() {
        group.request_end(signal);
    }
    let sweep = Sweep::start(&command, leader, limits, signal, stop);
    let mut unkillable = group.end(limits.kill_grace, stop, || status = reap());
    let elapsed = countdown.elapsed();
    // It is reaped, so its number can belong to another process from now on.
    drop(registered);
    let (unknown, orphans) = sweep.finish();
    // A survivor of the group can have become an orphan meanwhile.
    let unknown = without(unknown, &unkillable);
    unkillable.extend(without(orphans, &unkillable));
    stop.children.reap_orphans();
    let end_requested = outcome.is_none() || stop.requested().is_some();
    let outcome = outcome.or(status).unwrap_or(Outcome::Signaled(signal));
    Ended {
        end_requested,
        unknown,
        unkillable,
        ..Ended::new(outcome, elapsed)
    }
}

/// Reason for the end of a wait.
enum Woken {
    /// The process has ended by itself, and was reaped.
    Exited(Outcome),
    /// The process must be ended with this signal. The outcome is known at its limit and when it
    /// was stopped; at a request it follows from the end of the process.
    ToEnd(Signal, Option<Outcome>),
}

/// Run time after which SIGCHLD is watched, which notifies of stopped processes and of orphans
/// at once. Each such signal has a cost, which short tasks avoid.
const WATCH_STOPS_AFTER: Duration = Duration::from_millis(500);

/// Waits for the first of: its end, its limit, a stop, a request of `stop`. `reap` reaps the
/// process if possible. A process that a debugger holds counts as running, so its limit ends
/// that wait too.
fn watch(
    limit: &Countdown,
    process: &Registered,
    stop: &StopSignals,
    reap: &mut dyn FnMut() -> Option<Outcome>,
) -> Woken {
    // `None` if no descriptor shows that it can be reaped: before Linux 5.3, with a filter that
    // forbids it, without descriptors left, and until its tracer has reaped it.
    let mut exit = pidfd_open(process.leader, PidfdFlags::empty()).ok();
    let mut watch_stops_at = from_now(WATCH_STOPS_AFTER);
    let mut stops = None;
    loop {
        let fds = stops.iter().map(|stops: &Arc<Latch<Signal>>| stops.as_fd());
        let fds: Vec<_> = fds.chain(exit.iter().map(AsFd::as_fd)).collect();
        let look_again = exit.is_none().then(|| from_now(POLL_FALLBACK_INTERVAL));
        let next = look_again.flatten().into_iter().chain(watch_stops_at).min();
        let readable = limit.wait(&fds, next).unwrap_or_default();
        let has_ended = readable.last() == Some(&true);
        // Also at the limit: it can have ended at the same time.
        if let Some(outcome) = reap() {
            return Woken::Exited(outcome);
        }
        exit = exit.filter(|_| !has_ended);
        if let Some(signal) = stop.end_signal() {
            return Woken::ToEnd(signal, None);
        }
        if stop.is_killed() {
            return Woken::ToEnd(Signal::TERM, None);
        }
        if let Some(&signal) = stops.as_ref().and_then(|stops| stops.get()) {
            return Woken::ToEnd(Signal::TERM, Some(Outcome::Signaled(signal)));
        }
        if limit.has_ended() {
            return Woken::ToEnd(Signal::TERM, Some(Outcome::TimedOut));
        }
        if watch_stops_at.is_some_and(|time| time <= Instant::now()) {
            watch_stops_at = None;
            // Without descriptors left a stop is not noticed, and the limit ends the process.
            stops = process.watch_stops().ok();
        }
    }
}

/// Applies `leftovers` to the group of a process that ended by itself. Returns the members that
/// were left, and those that survived SIGKILL.
fn leftovers(leader: Pid, limits: &Limits, stop: &StopSignals) -> (Vec<Process>, Vec<Process>) {
    let group = Group {
        leader,
        reaped: true,
    };
    if limits.leftovers == Leftovers::Allow || !group.exists() {
        return (Vec::new(), Vec::new());
    }
    group.wait_empty(&Countdown::start(Some(limits.leak_time), stop.clone()));
    group.reap();
    if !group.exists() {
        return (Vec::new(), Vec::new());
    }
    let left = group.members().unwrap_or_default();
    let mut unkillable = Vec::new();
    if limits.leftovers == Leftovers::Kill {
        group.request_end(Signal::TERM);
        unkillable = group.end(limits.kill_grace, stop, || ());
    }
    group.reap();
    (without(left, &unkillable), unkillable)
}

/// Reaps a process and returns its outcome; `None` if it has not ended, or a debugger holds it.
fn reap(handle: &duct::Handle) -> Option<Outcome> {
    match handle.try_wait() {
        Ok(None) => None,
        Ok(Some(output)) => Some(match output.status.code() {
            // The kernel keeps eight bits of an exit code.
            Some(code) => Outcome::Exited(code as u8),
            None => Outcome::Signaled(Signal(output.status.signal().unwrap_or_default())),
        }),
        Err(_) => {
            let reason = "its status was lost: something else waited for it";
            Some(Outcome::NotStarted(StartFailure::new(reason, None)))
        }
    }
}
