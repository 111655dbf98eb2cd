//! Messages about events.

use std::{io, path::Path, time::Duration};

use runner_config::{format_duration, reason, shown};
use runner_exec::{
    Before, ChainEnd, Consequence, Count, Deciding, Event, Fate, HaltReason, HookOf, Leaver, Next,
    Outcome, OutputLine, Phase, Process, Reaction, RunPhase, Signal, StopRequest, TaskName,
    TaskResult, TimeLimit, tail,
};

use crate::console::{
    level::Level::{self, Detail, Error, Info, Warning},
    shell::quoted,
};

/// Beginning of a line with the fix for the message above.
pub(crate) const HINT: &str = "  hint: ";

/// Maximum number of names in the list of tasks that were not reached.
const MAX_MISSED: usize = 10;

/// Returns `true` for a start, and for an end after which the chain continues normally.
pub(crate) fn is_routine(event: &Event) -> bool {
    match event {
        Event::TaskStart { .. } | Event::HookStart { .. } => true,
        Event::TaskEnd { next, .. } => matches!(
            next,
            Next::Chain(Consequence::Continue) | Next::Drill(Reaction::Continue | Reaction::Again)
        ),
        Event::HookEnd { outcome, .. } => matches!(outcome, Outcome::Exited(0)),
        _ => false,
    }
}

/// Returns the message about an event, with its level; `None` if there is none.
pub(crate) fn message(event: &Event) -> Option<(Level, String)> {
    Some(match event {
        Event::RunStart { run, plan, done } => {
            let tasks = count(plan.tasks.len(), "task");
            let done = match done.len() {
                0 => String::new(),
                done => format!(", {done} of them already done"),
            };
            (Info, format!("run {run} starts: {tasks}{done}"))
        }
        Event::DrillStart { run, plan } => {
            let tasks = plan.tasks.len();
            let starts = count(tasks.saturating_mul(tasks + 3) / 2, "start");
            let tasks = count(tasks, "task");
            (
                Info,
                format!("drill {run} starts: {tasks}, at most {starts}"),
            )
        }
        Event::DrillEnd {
            end,
            signal,
            elapsed,
            ended_by,
        } => drill_end(*end, *signal, *elapsed, *ended_by),
        Event::TryStart { try_num, .. } => (Detail, format!("try {try_num} starts")),
        // There was a message before its start, and this must not block.
        Event::Started { .. } => return None,
        Event::TaskStart { task, .. } => (Info, format!("`{task}` starts")),
        Event::HookStart { hook, .. } => (Detail, format!("{} starts", hook_text(*hook))),
        Event::HookEnd {
            hook,
            outcome,
            elapsed,
            limit,
            survived,
        } => {
            let what = did(outcome, None, *elapsed, *limit, *survived);
            let ended = format!("{} {what}", hook_text(*hook));
            match (outcome, hook) {
                (Outcome::Exited(0), _) => (Detail, ended),
                (_, HookOf::Run(RunPhase::End)) => (Warning, ended),
                _ if outcome.is_end_of_run(*limit) => (Warning, ended),
                (_, HookOf::Task(..) | HookOf::Run(RunPhase::Start)) => {
                    (Warning, ended + "; the chain continues")
                }
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
            let result = match next {
                Next::Drill(Reaction::Again) => TaskResult::Ok,
                Next::Drill(_) | Next::Chain(_) | Next::Retry { .. } | Next::Nothing => *result,
            };
            let what = did(outcome, Some(result), *elapsed, *limit, *survived);
            let (level, next) = then(*next);
            // Also for a halt: a shell exits with 2 on a syntax error.
            let failed = match result {
                TaskResult::Retry | TaskResult::Halt | TaskResult::Exit => true,
                TaskResult::Ok | TaskResult::Skip | TaskResult::Interrupted => false,
            };
            let output = output.filter(|_| failed).map(last_lines);
            let (hint, output) = (hint(outcome), output.unwrap_or_default());
            (level, format!("`{task}` {what}{next}{hint}{output}"))
        }
        Event::NoLog { path, error } => cannot(
            format!("write the log `{}`", shown(path)),
            error,
            "tasks write to stdout and stderr",
        ),
        Event::NoOutputs { error } => (
            Warning,
            format!(
                "cannot create a directory for outputs: {}; tasks have no `RUNNER_OUTPUTS`",
                reason(error)
            ),
        ),
        Event::NoStoredOutputs { path, why } => (
            Error,
            format!(
                "cannot use the outputs in `{}`: {why}; later tasks do not see them",
                shown(path)
            ),
        ),
        Event::NoMark { path, error } => cannot(
            format!("commit the mark `{}`", shown(path)),
            error,
            "its task will start again in the next run",
        ),
        Event::LeftBehind {
            by,
            processes,
            fate,
        } => {
            let who = match by {
                Leaver::Task(task) => format!("`{task}`"),
                Leaver::Hook(hook) => format!("the {}", hook_text(*hook)),
            };
            let (level, what, then) = match fate {
                Fate::Ended => (Info, "left", "; ended"),
                Fate::LeftAlone => (Warning, "left", "; still running (`leftovers`)"),
                Fate::Unknown => (Warning, "may have left", "; still running"),
                Fate::Unkillable => (Error, "cannot be ended, not even by SIGKILL:", ""),
            };
            let name = match fate {
                Fate::Unkillable => state,
                Fate::Ended | Fate::LeftAlone | Fate::Unknown => Process::to_string,
            };
            let names: Vec<String> = processes.iter().map(name).collect();
            let (number, names) = (count(names.len(), "process"), names.join(", "));
            (level, format!("{who} {what} {number}: {names}{then}"))
        }
        Event::Wait { time, before } => match before {
            Before::Try => (Detail, format!("next try {}", when(*time))),
            Before::Run => (Info, format!("next run {}", when(*time))),
        },
        Event::HaltStart { task, reason, .. } => {
            let why = because(*reason);
            (Info, format!("halt task `{task}` starts, because {why}"))
        }
        Event::HaltEnd {
            task,
            outcome,
            elapsed,
            limit,
            survived,
            output,
        } => {
            let what = did(outcome, None, *elapsed, *limit, *survived);
            let ended = format!("halt task `{task}` {what}{}", hint(outcome));
            match outcome {
                Outcome::Exited(0) => (Info, ended),
                _ => (Error, ended + &output.map(last_lines).unwrap_or_default()),
            }
        }
        Event::HaltMissing { reason } => {
            let would_run = would_run(*reason);
            (Detail, format!("{would_run}, but there is none"))
        }
        Event::HaltWithheld {
            reason,
            most,
            period,
            path,
        } => {
            let (would_run, path) = (would_run(*reason), shown(path));
            let (halts, period) = (count(*most as usize, "halt"), format_duration(*period));
            (
                Error,
                format!(
                    "{would_run}, but the limit `max_halts` is reached: {halts} within {period}\n\
                     {HINT}fix the cause of the halts; remove `{path}` to reset the count"
                ),
            )
        }
        Event::NoHaltCount { path, error } => cannot(
            format!("count the halts in `{}`", shown(path)),
            error,
            "the machine may halt more often than `max_halts`",
        ),
        Event::RunEnd {
            end,
            signal,
            elapsed,
            decided_by,
            interrupted_at,
            not_reached,
            state_dir,
            ..
        } => {
            let time = format_duration(*elapsed);
            let (level, what) = match end {
                ChainEnd::Finished { failed: 0 } => {
                    return Some((Info, format!("finished after {time}")));
                }
                ChainEnd::Finished { failed } => {
                    let failures = count(*failed, "failure");
                    let text = format!(
                        "finished after {time}, with {failures} of tasks that are not required"
                    );
                    return Some((Warning, text));
                }
                ChainEnd::GaveUp => (Error, "gave up".to_owned()),
                ChainEnd::OutOfTime => (Error, "out of time".to_owned()),
                ChainEnd::Halted => (Warning, "halted".to_owned()),
                ChainEnd::Stopped => (Warning, "stopped".to_owned()),
                ChainEnd::Interrupted => {
                    let signal = signal.map(|signal| format!(" by {signal}"));
                    (
                        Warning,
                        format!("interrupted{}", signal.unwrap_or_default()),
                    )
                }
            };
            let why = match (decided_by, interrupted_at) {
                (Some(deciding), _) => why(deciding),
                (None, Some(next)) if *end == ChainEnd::OutOfTime => {
                    format!(" after {time}: `{next}` was not started")
                }
                (None, _) => format!(" after {time}"),
            };
            let hint = state_dir.map(report_hint).unwrap_or_default();
            (level, what + &why + &missed(not_reached) + &hint)
        }
    })
}

/// Returns the message about the end of a drill.
fn drill_end(
    end: ChainEnd,
    signal: Option<Signal>,
    elapsed: Duration,
    ended_by: Option<&TaskName>,
) -> (Level, String) {
    let time = format_duration(elapsed);
    match (end, signal, ended_by) {
        (ChainEnd::Finished { failed: 0 }, ..) => (Info, format!("drill finished after {time}")),
        (ChainEnd::Finished { failed }, ..) => {
            let findings = count(failed, "finding");
            (
                Warning,
                format!("drill finished after {time}, with {findings}"),
            )
        }
        (ChainEnd::Interrupted, Some(signal), _) => {
            (Warning, format!("drill interrupted by {signal}"))
        }
        (_, _, Some(task)) => (Error, format!("`{task}` ended the drill after {time}")),
        (_, _, None) => (Error, format!("drill ended after {time}")),
    }
}

/// Returns the deciding task, its outcome and the tries, as the rest of a sentence.
fn why(deciding: &Deciding) -> String {
    let Deciding {
        task,
        outcome,
        limit,
        survived,
        count: counted,
    } = deciding;
    let what = outcome.predicate(*limit, *survived);
    let tries = match counted {
        Count::Try(number, 0) => format!("try {number}"),
        Count::Try(number, max) => format!("{number} of {}", count(*max as usize, "try")),
        Count::Failure(number, 0) => format!("failure {number}"),
        Count::Failure(number, max) => {
            format!("{number} of {}", count(*max as usize, "failure"))
        }
    };
    format!(": `{task}` {what} ({tries})")
}

/// Returns the tasks that were not reached, as the rest of a sentence.
fn missed(tasks: &[&TaskName]) -> String {
    if tasks.is_empty() {
        return String::new();
    }
    let names: Vec<String> = (tasks.iter().take(MAX_MISSED))
        .map(|task| task.to_string())
        .collect();
    let others = match tasks.len().saturating_sub(MAX_MISSED) {
        0 => String::new(),
        others => format!(" and {}", count(others, "other")),
    };
    format!("; not reached: {}{others}", names.join(", "))
}

/// Returns the hint with the command that shows the run.
fn report_hint(state_dir: &Path) -> String {
    let state_dir = quoted(&[state_dir.into()]);
    format!("\n{HINT}`runner-report --state-dir {state_dir}` shows more")
}

/// Returns the message about a signal that requests the end.
pub(crate) fn signal_message(request: StopRequest) -> String {
    let what = match (request.nth, request.is_idle) {
        (1, false) => "ending what runs; a second signal kills the tasks",
        (1, true) => "ending",
        (2, false) => "killing what runs; a third signal exits at once",
        (2, true) => "ending; a third signal exits at once",
        _ => "exiting at once",
    };
    format!("got {}: {what}", request.signal)
}

/// Returns the predicate of a sentence about the end of a process, with its duration. It follows
/// the result: a task that succeeded "is done", whatever its exit code. With `survived`, another
/// message names the processes.
fn did(
    outcome: &Outcome,
    result: Option<TaskResult>,
    elapsed: Duration,
    limit: Option<TimeLimit>,
    survived: bool,
) -> String {
    let what = outcome.predicate(limit, survived);
    let is_ok = result.map_or(*outcome == Outcome::Exited(0), |it| it == TaskResult::Ok);
    let time = format_duration(elapsed);
    match outcome {
        Outcome::Exited(_) if result == Some(TaskResult::Skip) => {
            format!("is skipped ({what}) after {time}")
        }
        Outcome::Exited(0) if is_ok => format!("is done after {time}"),
        Outcome::Exited(_) if is_ok => format!("is done ({what}) after {time}"),
        Outcome::Exited(_) => format!("{what} after {time}"),
        Outcome::Signaled(signal) if signal.wants_terminal() && !survived => {
            format!("{what}; it was ended after {time}")
        }
        Outcome::Signaled(_) => format!("{what} after {time}"),
        Outcome::TimedOut if survived => format!("{what}; some of its processes survived"),
        Outcome::TimedOut => format!("{what}; its process group was ended"),
        Outcome::NotStarted(_) | Outcome::BadOutput(_) => what,
    }
}

/// Returns the message about an error of the runner, and its consequence.
fn cannot(what: String, error: &io::Error, then: &str) -> (Level, String) {
    let why = reason(error);
    (Error, format!("cannot {what}: {why}; {then}"))
}

/// Returns a process with its state, which can explain why it survived.
fn state(process: &Process) -> String {
    match (process.state, process.tracer()) {
        (Process::UNKNOWN_STATE, _) => process.to_string(),
        (state, Some(tracer)) => format!("{process} (state {state}, traced by process {tracer})"),
        (state, None) => format!("{process} (state {state})"),
    }
}

fn hint(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotStarted(failure) => {
            let hint = failure.hint.map(|hint| format!("\n{HINT}{hint}"));
            hint.unwrap_or_default()
        }
        Outcome::Exited(_) | Outcome::Signaled(_) | Outcome::TimedOut | Outcome::BadOutput(_) => {
            String::new()
        }
    }
}

/// Returns the last lines of the output of a failed task.
fn last_lines(output: &Path) -> String {
    let path = shown(output);
    match tail(output, None) {
        Ok(lines) if lines.is_empty() => format!("\n  its output `{path}` is empty"),
        Ok(lines) => {
            format!("\n  the end of `{path}`:{}", quoted_lines(&lines))
        }
        Err(error) => format!("\n  cannot read its output `{path}`: {}", reason(&error)),
    }
}

/// Returns the last output of the deciding task, to be shown again.
pub(crate) fn repeated(task: &str, lines: &[OutputLine]) -> String {
    let lines = quoted_lines(lines);
    format!("the end of the output of `{task}`:{lines}")
}

/// Returns the lines of an output, each below the text before.
pub(crate) fn quoted_lines(lines: &[OutputLine]) -> String {
    let lines = lines.iter().map(OutputLine::plain);
    lines.map(|line| format!("\n  | {line}")).collect()
}

/// Returns the level of a message about the end of a task, and the reaction of the chain as the
/// rest of the sentence.
fn then(next: Next) -> (Level, String) {
    let (level, then) = match next {
        Next::Nothing | Next::Chain(Consequence::Continue) => (Info, ""),
        Next::Chain(Consequence::Pass) => (Warning, "; it is not required, so the chain continues"),
        Next::Chain(Consequence::GiveUp) => (Error, "; giving up"),
        Next::Chain(Consequence::OutOfTime) => (
            Error,
            "; giving up: the run is out of time (`max_run_time`)",
        ),
        Next::Chain(Consequence::Stop) => (Warning, "; stopping the chain (`stop_codes`)"),
        Next::Chain(Consequence::Halt) => (Warning, "; halting the chain (`halt_codes`)"),
        Next::Chain(Consequence::Retry | Consequence::Interrupt) => (Warning, ""),
        Next::Drill(Reaction::Continue) => (Info, ""),
        Next::Drill(Reaction::Again) => (Info, "; starting the chain again"),
        Next::Drill(Reaction::Finding) => (Warning, "; it cannot be started again"),
        Next::Drill(Reaction::Note) => (Warning, "; it is not required, so the drill continues"),
        Next::Drill(Reaction::End) => (Error, "; ending the drill"),
        Next::Retry {
            wait,
            from_failed,
            others,
            count,
        } => {
            let from = if from_failed {
                "from the failed task"
            } else {
                "from the beginning"
            };
            let when = if others {
                "when the others have ended".to_owned()
            } else {
                when(wait)
            };
            let count = match count {
                Count::Try(next, 0) => format!("try {next}"),
                Count::Try(next, most) => format!("try {next} of {most}"),
                Count::Failure(failures, 0) => format!("failure {failures}"),
                Count::Failure(failures, most) => format!("failure {failures} of {most}"),
            };
            let then = format!("; trying again {from} {when} ({count})");
            return (Warning, then);
        }
    };
    (level, then.to_owned())
}

/// Formats the end of a wait: `at once`, or `in 2s`.
fn when(wait: Duration) -> String {
    if wait.is_zero() {
        "at once".to_owned()
    } else {
        format!("in {}", format_duration(wait))
    }
}

fn hook_text(hook: HookOf) -> String {
    match hook {
        HookOf::Task(task, Phase::Pre) => format!("hook before `{task}`"),
        HookOf::Task(task, Phase::Post) => format!("hook after `{task}`"),
        HookOf::Run(RunPhase::Start) => "run hook at the start".to_owned(),
        HookOf::Run(RunPhase::End) => "run hook at the end".to_owned(),
    }
}

fn because(reason: HaltReason) -> &'static str {
    match reason {
        HaltReason::Halted => "a task requested it",
        HaltReason::GaveUp => "all tries are used up",
        HaltReason::OutOfTime => "the run is out of time",
        HaltReason::HaltAfter => "the last run has finished",
    }
}

fn would_run(reason: HaltReason) -> String {
    let why = because(reason);
    format!("the halt task would run now, because {why}")
}

/// Formats a number of things: `1 task`, `2 tasks`.
pub(crate) fn count(number: usize, what: &str) -> String {
    match (number, what) {
        (1, _) => format!("1 {what}"),
        (_, "process") => format!("{number} processes"),
        (_, "try") => format!("{number} tries"),
        _ => format!("{number} {what}s"),
    }
}
