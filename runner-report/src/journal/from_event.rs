//! Converts events of a run to entries of the journal.

use std::{
    path::{self, Path},
    time::Duration,
};

use runner_config::name_text;
use runner_exec::{
    Consequence, Count, Event, HookOf, LimitSetting, Next, Outcome, Process, TaskName, host_name,
    machine_digest,
};

use crate::{
    journal::record::{
        HaltEntry, HookEntry, JournalEntry, RunEntry, RunSetup, SCHEMA_VERSION, TaskEntry, TryEntry,
    },
    model::end::RunReason,
};

/// Limits of a list of names: their number, and the sum of their bytes. In JSON a byte can become
/// six, and readers skip lines of more than 1 MiB.
const MAX_NAMES: usize = 1000;
const MAX_NAME_BYTES: usize = 100_000;

/// Returns the entry for `event`, or `None` if it is not recorded. `taskdir` is absolute.
pub(crate) fn to_entry(event: &Event, taskdir: &str) -> Option<JournalEntry> {
    Some(match event {
        Event::RunStart { plan, done, .. } => {
            let pid = std::process::id() as i32;
            let done = done.iter().map(|done| text_of(&plan.tasks[done.0].name));
            let order = plan.order();
            JournalEntry::Run(RunEntry::Start(RunSetup {
                version: SCHEMA_VERSION,
                pid,
                start_time: start_time(pid),
                taskdir: taskdir.to_owned(),
                tasks: plan.tasks.len(),
                jobs: plan.settings.jobs,
                max_tries: plan.settings.task.max_tries.number(),
                done: done.collect(),
                host: host_name(),
                machine: machine_digest(),
                runner_version: env!("CARGO_PKG_VERSION").to_owned(),
                fingerprint: plan.fingerprint(),
                plan: first_names(order.iter().map(|id| &plan.tasks[id.0].name)),
            }))
        }
        Event::TryStart { try_num, .. } => {
            // The journal can have been renamed, and the part with the start of the run be gone.
            let pid = Some(std::process::id() as i32).filter(|_| *try_num > 1);
            JournalEntry::Try(TryEntry::Start {
                try_num: *try_num,
                pid,
                start_time: pid.and_then(start_time),
            })
        }
        Event::HookStart { hook, .. } => match hook {
            HookOf::Task(task, phase) => JournalEntry::Hook(HookEntry::Start {
                task: text_of(task),
                phase: phase.as_str().to_owned(),
            }),
            HookOf::Run(phase) => JournalEntry::Run(RunEntry::HookStart {
                phase: phase.as_str().to_owned(),
            }),
        },
        Event::HookEnd {
            hook,
            outcome,
            elapsed,
            ..
        } => {
            let (outcome, elapsed) = (outcome.to_string(), rounded_seconds(*elapsed));
            match hook {
                HookOf::Task(task, phase) => JournalEntry::Hook(HookEntry::End {
                    task: text_of(task),
                    phase: phase.as_str().to_owned(),
                    outcome,
                    elapsed,
                }),
                HookOf::Run(phase) => JournalEntry::Run(RunEntry::HookEnd {
                    phase: phase.as_str().to_owned(),
                    outcome,
                    elapsed,
                }),
            }
        }
        Event::Started { task, try_num, pid } => JournalEntry::Task(TaskEntry::Start {
            task: text_of(task),
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
            outputs,
            next,
            ..
        } => JournalEntry::Task(TaskEntry::End {
            task: text_of(task),
            try_num: *try_num,
            result: result.as_str().to_owned(),
            outcome: outcome.to_string(),
            elapsed: rounded_seconds(*elapsed),
            limit: limit.map(|limit| rounded_seconds(limit.time)),
            limited_by: limit
                .map(|limit| limit.setting)
                .filter(|setting| *setting != LimitSetting::MaxTime)
                .map(|setting| setting.as_str().to_owned()),
            why: match outcome {
                Outcome::NotStarted(failure) => Some(failure.reason.clone()),
                Outcome::BadOutput(why) => Some(why.clone()),
                Outcome::Exited(_) | Outcome::Signaled(_) | Outcome::TimedOut => None,
            },
            output: output.map(absolute_path),
            outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
            required: (*next == Next::Chain(Consequence::Pass)).then_some(false),
        }),
        Event::Wait { time, before } => JournalEntry::Try(TryEntry::Wait {
            seconds: rounded_seconds(*time),
            before: before.as_str().to_owned(),
        }),
        Event::HaltStart { task, reason, .. } => JournalEntry::Halt(HaltEntry::Start {
            task: text_of(task),
            reason: reason.as_str().to_owned(),
        }),
        Event::HaltEnd {
            task,
            outcome,
            elapsed,
            ..
        } => JournalEntry::Halt(HaltEntry::End {
            task: text_of(task),
            outcome: outcome.to_string(),
            elapsed: rounded_seconds(*elapsed),
        }),
        Event::RunEnd {
            end,
            withheld,
            signal,
            elapsed,
            decided_by,
            interrupted_at,
            not_reached,
            ..
        } => {
            let (tries, failures, max_tries) = match decided_by.map(|deciding| deciding.count) {
                Some(Count::Try(tries, max)) => (Some(tries), None, Some(max)),
                Some(Count::Failure(failures, max)) => (None, Some(failures), Some(max)),
                None => (None, None, None),
            };
            let deciding = decided_by.map(|deciding| deciding.task);
            JournalEntry::Run(RunEntry::End {
                status: end.status(*signal),
                reason: RunReason::from_end(*end, *withheld),
                elapsed: rounded_seconds(*elapsed),
                task: deciding.or(*interrupted_at).map(text_of),
                tries,
                failures,
                max_tries,
                not_reached: first_names(not_reached.iter().copied()),
            })
        }
        // A drill has no journal.
        Event::DrillStart { .. } | Event::DrillEnd { .. } => return None,
        Event::TaskStart { .. }
        | Event::NoOutputs { .. }
        | Event::NoStoredOutputs { .. }
        | Event::NoLog { .. }
        | Event::NoMark { .. }
        | Event::LeftBehind { .. }
        | Event::HaltMissing { .. }
        | Event::HaltWithheld { .. }
        | Event::NoHaltCount { .. } => return None,
    })
}

/// Returns `true` if the entry must be on the disk before the run continues.
pub(crate) fn is_flush_required(entry: &JournalEntry) -> bool {
    match entry {
        // The halt task can shut the machine down, and a refused start ends the program.
        JournalEntry::Halt(_) | JournalEntry::Run(RunEntry::Refused { .. }) => true,
        JournalEntry::Run(RunEntry::End { .. }) | JournalEntry::Task(TaskEntry::End { .. }) => true,
        JournalEntry::Task(TaskEntry::Start { .. }) | JournalEntry::Try(_) => false,
        JournalEntry::Run(RunEntry::Start(_)) | JournalEntry::Hook(_) => false,
        JournalEntry::Run(RunEntry::HookStart { .. } | RunEntry::HookEnd { .. }) => false,
        JournalEntry::Unknown => false,
    }
}

fn start_time(pid: i32) -> Option<u64> {
    Process::read(pid).map(|process| process.started)
}

/// Returns the first names, so few that their line is not too long for a reader.
fn first_names<'a>(tasks: impl Iterator<Item = &'a TaskName>) -> Vec<String> {
    let mut bytes = 0;
    let names = tasks.take(MAX_NAMES).map(text_of);
    let short = names.take_while(|name| {
        bytes += name.len();
        bytes <= MAX_NAME_BYTES
    });
    short.collect()
}

fn text_of(task: &TaskName) -> String {
    name_text(task.as_os_str()).into_owned()
}

/// Returns an absolute path, so that reports find the file from any directory.
fn absolute_path(path: &Path) -> String {
    let absolute = path::absolute(path);
    name_text(absolute.as_deref().unwrap_or(path).as_os_str()).into_owned()
}

/// Converts to seconds, rounded to the microsecond: more digits mean nothing.
fn rounded_seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}
