//! Events as sentences that a person wants to read at a boot console.

use std::{path::Path, time::Duration};

use runner_config::{format_duration, shown};
use runner_exec::{
    Before, ChainEnd, Consequence, Count, Event, Fate, HaltReason, Next, Outcome, Phase, Process,
    Signal, TaskResult, tail,
};

use crate::console::level::Level;

/// Begins a line that says how to mend what the line above says.
pub(crate) const HINT: &str = "  hint: ";

/// Whether something starts, or has ended as it should and the chain goes on.
pub(crate) fn goes_on(event: &Event) -> bool {
    match event {
        Event::TaskStart { .. } | Event::HookStart { .. } => true,
        Event::TaskEnd { next, .. } => matches!(next, Next::Chain(Consequence::GoOn)),
        Event::HookEnd { outcome, .. } => matches!(outcome, Outcome::Exited(0)),
        _ => false,
    }
}

/// What happened, and what comes next; `None` when there is nothing to say of it.
pub(crate) fn sentence(event: &Event) -> Option<(Level, String)> {
    Some(match event {
        Event::RunStart { run, plan, done } => {
            let tasks = count(plan.tasks.len(), "task");
            let done = match done.len() {
                0 => String::new(),
                done => format!(", {done} of them done before"),
            };
            (Level::Info, format!("run {run} starts: {tasks}{done}"))
        }
        Event::TryStart { try_num, .. } => (Level::Detail, format!("try {try_num} starts")),
        // That it starts was said, and nobody may make it wait now.
        Event::Started { .. } => return None,
        Event::TaskStart { task, .. } => (Level::Info, format!("`{task}` starts")),
        Event::HookStart { task, phase, .. } => {
            let side = side(*phase);
            (Level::Detail, format!("hook {side} `{task}` starts"))
        }
        Event::HookEnd {
            task,
            phase,
            outcome,
            elapsed,
            limit,
            survived,
        } => {
            let side = side(*phase);
            let what = did(outcome, *elapsed, *limit, "hook_time", *survived);
            match outcome {
                Outcome::Exited(0) => (Level::Detail, format!("hook {side} `{task}` {what}")),
                _ => (
                    Level::Warning,
                    format!("hook {side} `{task}` {what}; the chain goes on all the same"),
                ),
            }
        }
        Event::TaskEnd {
            task,
            outcome,
            elapsed,
            limit,
            survived,
            next,
            result,
            output,
            ..
        } => {
            let what = did(outcome, *elapsed, *limit, "max_time", *survived);
            let (level, next) = then(*next);
            let output = match (output, result) {
                // A shell's syntax error exits with 2, which halts.
                (Some(output), TaskResult::Retry | TaskResult::Halt | TaskResult::Exit) => {
                    last_lines(output)
                }
                (Some(_), TaskResult::Ok | TaskResult::Interrupted) | (None, _) => String::new(),
            };
            (
                level,
                format!("`{task}` {what}{next}{}{output}", hint(outcome)),
            )
        }
        Event::NoLog { path, error } => {
            let (path, why) = (shown(path), runner_config::reason(error));
            (
                Level::Error,
                format!("cannot write the log `{path}`: {why}; tasks write to stdout and stderr"),
            )
        }
        Event::NoMark { path, error } => {
            let (path, why) = (shown(path), runner_config::reason(error));
            (
                Level::Error,
                format!(
                    "cannot put the mark `{path}` into its place: {why}; its task will start again in the next run"
                ),
            )
        }
        Event::Left {
            task,
            hook,
            processes,
            fate,
        } => {
            let who = match hook {
                None => format!("`{task}`"),
                Some(phase) => format!("the hook {} `{task}`", side(*phase)),
            };
            let names: Vec<String> = processes.iter().map(Process::to_string).collect();
            let these = format!(
                "{}: {}",
                count(processes.len(), "process"),
                names.join(", ")
            );
            match fate {
                Fate::Ended => (Level::Info, format!("{who} left {these}; ended")),
                Fate::LeftAlone => (Level::Warning, format!("{who} left {these}; left alone")),
                Fate::Unknown => (
                    Level::Warning,
                    format!("{who} may have left {these}; left alone"),
                ),
                Fate::Undying => {
                    let these: Vec<String> = processes.iter().map(state).collect();
                    let (number, these) = (count(these.len(), "process"), these.join(", "));
                    (
                        Level::Error,
                        format!("{who} cannot be ended, not even by SIGKILL: {number}: {these}"),
                    )
                }
            }
        }
        Event::Wait { time, before } => {
            let time = match time.is_zero() {
                true => "at once".to_owned(),
                false => format!("in {}", format_duration(*time)),
            };
            match before {
                Before::Try => (Level::Detail, format!("next try {time}")),
                Before::Run => (Level::Info, format!("next run {time}")),
            }
        }
        Event::HaltStart { task, reason, .. } => {
            let reason = because(*reason);
            (
                Level::Info,
                format!("halt task `{task}` starts, because {reason}"),
            )
        }
        Event::HaltEnd {
            task,
            outcome,
            elapsed,
            limit,
            survived,
            output,
        } => {
            let what = did(outcome, *elapsed, *limit, "max_time", *survived);
            let (level, output) = match (outcome, output) {
                (Outcome::Exited(0), _) => (Level::Info, String::new()),
                (_, None) => (Level::Error, String::new()),
                (_, Some(output)) => (Level::Error, last_lines(output)),
            };
            let hint = hint(outcome);
            (level, format!("halt task `{task}` {what}{hint}{output}"))
        }
        Event::HaltMissing { reason } => {
            let reason = because(*reason);
            (
                Level::Warning,
                format!("the halt task would run now, because {reason}, but there is none"),
            )
        }
        Event::HaltWithheld {
            reason,
            most,
            period,
            path,
        } => {
            let (reason, path) = (because(*reason), shown(path));
            let (halts, period) = (count(*most as usize, "halt"), format_duration(*period));
            (
                Level::Error,
                format!(
                    "the halt task would run now, because {reason}, but `max_halts` is used up: \
                     {halts} within {period}\n{HINT}mend what makes it halt; remove `{path}` to \
                     count anew"
                ),
            )
        }
        Event::NoHaltCount { path, error } => {
            let (path, why) = (shown(path), runner_config::reason(error));
            (
                Level::Error,
                format!(
                    "cannot count the halts in `{path}`: {why}; the machine may halt more often than `max_halts`"
                ),
            )
        }
        Event::RunEnd { end, elapsed, .. } => {
            let time = format_duration(*elapsed);
            match end {
                ChainEnd::Finished { failed: 0 } => (Level::Info, format!("finished after {time}")),
                ChainEnd::Finished { failed } => {
                    let failures = count(*failed, "failure");
                    (
                        Level::Warning,
                        format!(
                            "finished after {time}, with {failures} of tasks that are not required"
                        ),
                    )
                }
                ChainEnd::GaveUp => (Level::Error, format!("gave up after {time}")),
                ChainEnd::Halted => (Level::Warning, format!("halted after {time}")),
                ChainEnd::Stopped => (Level::Warning, format!("stopped after {time}")),
                ChainEnd::Interrupted => (Level::Warning, format!("interrupted after {time}")),
            }
        }
    })
}

/// A message about the `nth` signal that requests the end.
pub(crate) fn signal_sentence(signal: Signal, nth: u32) -> String {
    let what = match nth {
        1 => "ending what runs; once more kills it",
        2 => "killing what runs",
        _ => "leaving at once",
    };
    format!("got {signal}: {what}")
}

/// The predicate of a sentence about a process. `survived` says that some of it could not
/// be ended, which another sentence names.
fn did(
    outcome: &Outcome,
    elapsed: Duration,
    limit: Option<Duration>,
    setting: &str,
    survived: bool,
) -> String {
    let time = format_duration(elapsed);
    match (outcome, survived) {
        (Outcome::Exited(0), _) => format!("is done after {time}"),
        (Outcome::Exited(code), _) => format!("exited with {code} after {time}"),
        (Outcome::Signaled(signal), false) if signal.wants_terminal() => {
            format!("wanted the terminal, which no task has ({signal}); it was ended after {time}")
        }
        (Outcome::Signaled(signal), false) => format!("was ended by {signal} after {time}"),
        (Outcome::Signaled(signal), true) => {
            format!("got {signal}, and some of it is still there after {time}")
        }
        (Outcome::TimedOut, _) => {
            let limit = format_duration(limit.unwrap_or_default());
            let then = match survived {
                false => "its process group was ended",
                true => "some of it is still there",
            };
            format!("ran longer than `{setting}` ({limit}); {then}")
        }
        (Outcome::NotStarted(failure), _) => format!("did not start: {}", failure.reason),
    }
}

/// A process, and why it is still there, as far as its state says so.
fn state(process: &Process) -> String {
    match (process.state, process.tracer()) {
        (Process::UNKNOWN_STATE, _) => process.to_string(),
        (state, Some(tracer)) => format!("{process} (state {state}, traced by process {tracer})"),
        (state, None) => format!("{process} (state {state})"),
    }
}

fn hint(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotStarted(failure) => failure
            .hint
            .map(|hint| format!("\n{HINT}{hint}"))
            .unwrap_or_default(),
        Outcome::Exited(_) | Outcome::Signaled(_) | Outcome::TimedOut => String::new(),
    }
}

/// What a task that failed wrote last.
fn last_lines(output: &Path) -> String {
    let path = shown(output);
    match tail(output, None) {
        Ok(lines) if lines.is_empty() => format!("\n  it wrote nothing to `{path}`"),
        Ok(lines) => {
            let lines: String = lines.iter().map(|line| format!("\n  | {line}")).collect();
            format!("\n  the end of `{path}`:{lines}")
        }
        Err(error) => {
            let why = runner_config::reason(&error);
            format!("\n  cannot read its output `{path}`: {why}")
        }
    }
}

/// What comes after the end of a task, as the rest of a sentence.
fn then(next: Next) -> (Level, String) {
    match next {
        Next::Nothing => (Level::Info, String::new()),
        Next::Chain(consequence) => match consequence {
            Consequence::GoOn => (Level::Info, String::new()),
            Consequence::Pass => (
                Level::Warning,
                "; it is not required, so the chain goes on".to_owned(),
            ),
            Consequence::GiveUp => (Level::Error, "; giving up".to_owned()),
            Consequence::Stop => (Level::Warning, "; stopping, as it asks".to_owned()),
            Consequence::Halt => (Level::Warning, "; halting, as it asks".to_owned()),
            Consequence::Retry | Consequence::Interrupt => (Level::Warning, String::new()),
        },
        Next::Retry {
            wait,
            from_failed,
            others,
            count,
        } => {
            let from = match from_failed {
                true => "from there",
                false => "from the beginning",
            };
            let when = match (others, wait.is_zero()) {
                (true, _) => "when the others have ended".to_owned(),
                (false, true) => "at once".to_owned(),
                (false, false) => format!("in {}", format_duration(wait)),
            };
            let count = match count {
                Count::Try(next, 0) => format!("try {next}"),
                Count::Try(next, most) => format!("try {next} of {most}"),
                Count::Failure(failures, 0) => format!("failure {failures}"),
                Count::Failure(failures, most) => format!("failure {failures} of {most}"),
            };
            (
                Level::Warning,
                format!("; trying again {from} {when} ({count})"),
            )
        }
    }
}

fn side(phase: Phase) -> &'static str {
    match phase {
        Phase::Pre => "before",
        Phase::Post => "after",
    }
}

fn because(reason: HaltReason) -> &'static str {
    match reason {
        HaltReason::Halted => "a task asked for it",
        HaltReason::GaveUp => "the tries are used up",
        HaltReason::HaltAfter => "the last run has finished",
    }
}

/// So many of them, in words.
pub(crate) fn count(number: usize, what: &str) -> String {
    match (number, what) {
        (1, _) => format!("1 {what}"),
        (_, "process") => format!("{number} processes"),
        _ => format!("{number} {what}s"),
    }
}
