//! From what a run says to what the journal keeps of it.

use std::{
    path::{self, Path},
    time::Duration,
};

use runner_config::name_text;
use runner_exec::{Event, Outcome, Process, TaskName};

use crate::{
    journal::record::{Entry, Text, VERSION},
    model::end::RunReason,
};

/// What is kept of `event`, if anything is; `taskdir` is the absolute path.
pub(crate) fn entry<'a>(event: &'a Event, taskdir: &'a str) -> Option<Entry<'a>> {
    Some(match event {
        Event::RunStart { plan, done, .. } => {
            let pid = std::process::id() as i32;
            Entry::RunStart {
                version: VERSION,
                pid,
                start_time: Process::read(pid).map(|process| process.started),
                taskdir: taskdir.into(),
                tasks: plan.tasks.len(),
                jobs: plan.settings.jobs.get(),
                max_tries: plan.settings.task.max_tries.number(),
                done: (done.iter())
                    .map(|done| text(&plan.tasks[done.0].name))
                    .collect(),
            }
        }
        Event::TryStart { try_num, .. } => Entry::TryStart { try_num: *try_num },
        Event::HookStart { task, phase, .. } => Entry::HookStart {
            task: text(task),
            phase: phase.as_str().into(),
        },
        Event::HookEnd {
            task,
            phase,
            outcome,
            elapsed,
            ..
        } => Entry::HookEnd {
            task: text(task),
            phase: phase.as_str().into(),
            outcome: outcome.to_string().into(),
            elapsed: seconds(*elapsed),
        },
        Event::Started { task, try_num, pid } => Entry::TaskStart {
            task: text(task),
            try_num: *try_num,
            pid: *pid,
        },
        Event::TaskEnd {
            task,
            try_num,
            result,
            outcome,
            elapsed,
            limit,
            output,
            ..
        } => Entry::TaskEnd {
            task: text(task),
            try_num: *try_num,
            result: result.as_str().into(),
            outcome: outcome.to_string().into(),
            elapsed: seconds(*elapsed),
            limit: limit.map(seconds),
            why: match outcome {
                Outcome::NotStarted(failure) => Some(failure.reason.as_str().into()),
                Outcome::Exited(_) | Outcome::Signaled(_) | Outcome::TimedOut => None,
            },
            output: output.map(absolute),
        },
        Event::Wait { time, before } => Entry::Wait {
            seconds: seconds(*time),
            before: before.as_str().into(),
        },
        Event::HaltStart { task, reason, .. } => Entry::HaltStart {
            task: text(task),
            reason: reason.as_str().into(),
        },
        Event::HaltEnd {
            task,
            outcome,
            elapsed,
            ..
        } => Entry::HaltEnd {
            task: text(task),
            outcome: outcome.to_string().into(),
            elapsed: seconds(*elapsed),
        },
        Event::RunEnd {
            end,
            withheld,
            signal,
            elapsed,
        } => Entry::RunEnd {
            status: end.status(*signal),
            reason: RunReason::of(*end, *withheld).as_str().to_owned().into(),
            elapsed: seconds(*elapsed),
        },
        Event::TaskStart { .. }
        | Event::NoLog { .. }
        | Event::NoMark { .. }
        | Event::Left { .. }
        | Event::HaltMissing { .. }
        | Event::HaltWithheld { .. }
        | Event::NoHaltCount { .. } => return None,
    })
}

/// Whether the journal is to be on the disk before anything else happens.
pub(crate) fn is_flushed(entry: &Entry) -> bool {
    match entry {
        Entry::TaskEnd { .. } | Entry::HaltEnd { .. } | Entry::RunEnd { .. } => true,
        // The halt task may end the machine, and a refused start the program.
        Entry::HaltStart { .. } | Entry::Refused { .. } => true,
        Entry::RunStart { .. }
        | Entry::TryStart { .. }
        | Entry::HookStart { .. }
        | Entry::HookEnd { .. }
        | Entry::TaskStart { .. }
        | Entry::Wait { .. }
        | Entry::Unknown => false,
    }
}

fn text(task: &TaskName) -> Text<'_> {
    name_text(task.as_os_str())
}

/// A path that names the same file for reports from another directory.
fn absolute(path: &Path) -> Text<'_> {
    match path::absolute(path) {
        Ok(path) => name_text(path.as_os_str()).into_owned().into(),
        Err(_) => name_text(path.as_os_str()),
    }
}

/// To the microsecond: more digits say nothing.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}
