//! From the events of a run to what the journal keeps of them.

use std::{
    path::{self, Path},
    time::Duration,
};

use runner_config::name_text;
use runner_exec::{Event, Outcome, Process, TaskName};

use crate::{
    journal::record::{Entry, HaltEntry, HookEntry, RunEntry, Setup, TaskEntry, TryEntry, VERSION},
    model::end::RunReason,
};

/// What is kept of `event`, if anything is; `taskdir` is the absolute path.
pub(crate) fn entry(event: &Event, taskdir: &str) -> Option<Entry> {
    Some(match event {
        Event::RunStart { plan, done, .. } => {
            let pid = std::process::id() as i32;
            let done = done.iter().map(|done| text(&plan.tasks[done.0].name));
            Entry::Run(RunEntry::Start(Setup {
                version: VERSION,
                pid,
                start_time: Process::read(pid).map(|process| process.started),
                taskdir: taskdir.to_owned(),
                tasks: plan.tasks.len(),
                jobs: plan.settings.jobs,
                max_tries: plan.settings.task.max_tries.number(),
                done: done.collect(),
            }))
        }
        Event::TryStart { try_num, .. } => Entry::Try(TryEntry::Start { try_num: *try_num }),
        Event::HookStart { task, phase, .. } => Entry::Hook(HookEntry::Start {
            task: text(task),
            phase: phase.as_str().to_owned(),
        }),
        Event::HookEnd {
            task,
            phase,
            outcome,
            elapsed,
            ..
        } => Entry::Hook(HookEntry::End {
            task: text(task),
            phase: phase.as_str().to_owned(),
            outcome: outcome.to_string(),
            elapsed: rounded_seconds(*elapsed),
        }),
        Event::Started { task, try_num, pid } => Entry::Task(TaskEntry::Start {
            task: text(task),
            try_num: *try_num,
            pid: *pid,
        }),
        Event::TaskEnd {
            task,
            try_num,
            result,
            outcome,
            elapsed,
            limit,
            output,
            ..
        } => Entry::Task(TaskEntry::End {
            task: text(task),
            try_num: *try_num,
            result: result.as_str().to_owned(),
            outcome: outcome.to_string(),
            elapsed: rounded_seconds(*elapsed),
            limit: limit.map(rounded_seconds),
            why: match outcome {
                Outcome::NotStarted(failure) => Some(failure.reason.clone()),
                Outcome::Exited(_) | Outcome::Signaled(_) | Outcome::TimedOut => None,
            },
            output: output.map(absolute),
        }),
        Event::Wait { time, before } => Entry::Try(TryEntry::Wait {
            seconds: rounded_seconds(*time),
            before: before.as_str().to_owned(),
        }),
        Event::HaltStart { task, reason, .. } => Entry::Halt(HaltEntry::Start {
            task: text(task),
            reason: reason.as_str().to_owned(),
        }),
        Event::HaltEnd {
            task,
            outcome,
            elapsed,
            ..
        } => Entry::Halt(HaltEntry::End {
            task: text(task),
            outcome: outcome.to_string(),
            elapsed: rounded_seconds(*elapsed),
        }),
        Event::RunEnd {
            end,
            withheld,
            signal,
            elapsed,
            ..
        } => Entry::Run(RunEntry::End {
            status: end.status(*signal),
            reason: RunReason::from_end(*end, *withheld),
            elapsed: rounded_seconds(*elapsed),
        }),
        Event::TaskStart { .. }
        | Event::NoLog { .. }
        | Event::NoMark { .. }
        | Event::Left { .. }
        | Event::HaltMissing { .. }
        | Event::HaltWithheld { .. }
        | Event::NoHaltCount { .. } => return None,
    })
}

/// Returns `true` if the entry must be on the disk before anything else happens.
pub(crate) fn is_flushed(entry: &Entry) -> bool {
    match entry {
        // The halt task can end the machine, and a refused start ends the program.
        Entry::Halt(_) | Entry::Run(RunEntry::Refused { .. }) => true,
        Entry::Run(RunEntry::End { .. }) | Entry::Task(TaskEntry::End { .. }) => true,
        Entry::Run(RunEntry::Start(_)) | Entry::Task(TaskEntry::Start { .. }) => false,
        Entry::Try(_) | Entry::Hook(_) | Entry::Unknown => false,
    }
}

fn text(task: &TaskName) -> String {
    name_text(task.as_os_str()).into_owned()
}

/// A path that names the same file for reports from another directory.
fn absolute(path: &Path) -> String {
    let absolute = path::absolute(path);
    name_text(absolute.as_deref().unwrap_or(path).as_os_str()).into_owned()
}

/// Rounds to the microsecond: more digits mean nothing.
fn rounded_seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}
