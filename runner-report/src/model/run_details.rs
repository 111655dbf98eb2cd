//! One run as its records tell it: tasks, waits, the halt task.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use runner_exec::{Before, TaskResult};
use serde::Serialize;

use crate::{
    journal::record::{
        HaltEntry, JournalEntry, Record, RunEntry, RunSetup, TaskEntry, TryEntry,
        serialize_timestamp,
    },
    model::{
        end::RecordedOutcome,
        now::{Now, serialize_seconds, to_duration},
        run_header::{RunHeader, RunState},
        runs_by_id::FromRecords,
    },
};

/// A run with all that happened in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunDetails {
    /// Which one it is, and what became of it.
    pub header: RunHeader,
    /// What it set out to do; not there when the journal does not reach back so far.
    pub setup: Option<RunSetup>,
    /// The tasks that were to be started, in the order of their first starts.
    pub tasks: Vec<TaskHistory>,
    /// When nothing was started for a while, before another try.
    pub waits: Vec<RetryWait>,
    /// The halt task, when it was started.
    pub halt: Option<HaltTask>,
    /// Where the task of a name stands among [`RunDetails::tasks`].
    places: HashMap<String, usize>,
}

/// A task of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskHistory {
    /// Its name.
    pub name: String,
    /// Each time it was started, or was to be.
    pub starts: Vec<TaskStart>,
    /// How it ended last, if it ever did.
    pub end: Option<TaskEnd>,
}

/// One start of a task. There may be very many of them in a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TaskStart {
    /// The number of the try.
    pub try_num: u32,
    /// When.
    #[serde(rename = "started", serialize_with = "serialize_timestamp")]
    pub at: Timestamp,
    /// How long it ran, when it has ended.
    #[serde(serialize_with = "serialize_seconds")]
    pub elapsed: Option<Duration>,
    /// What hooks heard of it, when it has ended.
    pub result: Option<TaskResult>,
}

/// How a start of a task ended.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskEnd {
    /// When.
    pub at: Timestamp,
    /// What hooks heard of it.
    pub result: Option<TaskResult>,
    /// How long it ran.
    pub elapsed: Duration,
    /// What the process did.
    pub outcome: RecordedOutcome,
    /// How long it might run.
    pub limit: Option<Duration>,
    /// Why it did not start, when it did not.
    pub why: Option<String>,
    /// The file that has its output.
    pub output: Option<String>,
}

/// A wait before another try.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RetryWait {
    /// When it began.
    #[serde(rename = "started", serialize_with = "serialize_timestamp")]
    pub at: Timestamp,
    /// How long it was to be.
    #[serde(rename = "seconds", serialize_with = "serialize_seconds")]
    pub time: Duration,
    /// The number of the try it was for.
    pub try_num: u32,
}

/// The halt task of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct HaltTask {
    /// Its name.
    pub name: String,
    /// Why it was started, as `RUNNER_HALT_REASON` says it.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// What it did and how long it ran, when it has ended.
    pub end: Option<(RecordedOutcome, Duration)>,
}

impl FromRecords for RunDetails {
    fn new(record: &Record) -> RunDetails {
        RunDetails {
            header: RunHeader::new(record),
            ..RunDetails::default()
        }
    }

    fn apply(&mut self, record: &Record) {
        self.header.apply(record);
        let at = self.header.last_record;
        match &record.entry {
            JournalEntry::Run(RunEntry::Start(setup)) => self.setup = Some(setup.clone()),
            JournalEntry::Try(TryEntry::Wait {
                seconds: time,
                before,
            }) => {
                if Before::parse(before) == Some(Before::Try) {
                    self.waits.push(RetryWait {
                        at,
                        time: to_duration(*time),
                        try_num: self.header.try_num.saturating_add(1),
                    });
                }
            }
            JournalEntry::Task(TaskEntry::Start { task, try_num, .. }) => {
                self.task(task).starts.push(TaskStart {
                    try_num: *try_num,
                    at,
                    elapsed: None,
                    result: None,
                });
            }
            JournalEntry::Task(TaskEntry::End {
                task,
                try_num,
                result,
                outcome,
                elapsed,
                limit,
                why,
                output,
            }) => {
                let task = self.task(task);
                let end = TaskEnd {
                    at,
                    result: TaskResult::parse(result),
                    elapsed: to_duration(*elapsed),
                    outcome: RecordedOutcome::parse(outcome, why.as_deref()),
                    limit: limit.map(to_duration),
                    why: why.clone(),
                    output: output.clone(),
                };
                task.ended(*try_num, &end);
                task.end = Some(end);
            }
            JournalEntry::Halt(HaltEntry::Start { task, reason }) => {
                self.halt = Some(HaltTask {
                    name: task.clone(),
                    reason: reason.clone(),
                    at,
                    end: None,
                });
            }
            JournalEntry::Halt(HaltEntry::End {
                outcome, elapsed, ..
            }) => {
                if let Some(halt) = &mut self.halt {
                    halt.end = Some((RecordedOutcome::parse(outcome, None), to_duration(*elapsed)));
                }
            }
            JournalEntry::Run(_)
            | JournalEntry::Try(_)
            | JournalEntry::Hook(_)
            | JournalEntry::Unknown => {}
        }
    }
}

impl RunDetails {
    /// The task of this name, which is put behind the others when it is new.
    fn task(&mut self, name: &str) -> &mut TaskHistory {
        if let Some(&place) = self.places.get(name) {
            return &mut self.tasks[place];
        }
        let place = self.tasks.len();
        self.places.insert(name.to_owned(), place);
        self.tasks.push(TaskHistory {
            name: name.to_owned(),
            starts: Vec::new(),
            end: None,
        });
        &mut self.tasks[place]
    }

    /// How the task of this name ended last.
    pub(crate) fn end_of(&self, name: &str) -> Option<&TaskEnd> {
        self.tasks[*self.places.get(name)?].end.as_ref()
    }

    /// The time that a picture of it ends with.
    pub(crate) fn picture_end(&self, now: &Now) -> Timestamp {
        match self.header.state(now) {
            RunState::Running => self.header.present(now),
            // The halt task of `-H` comes after the end.
            RunState::Ended(_) if self.is_halt_task_running(now) => self.header.present(now),
            RunState::Ended(_) | RunState::CutOff | RunState::WentDown => self.header.latest,
        }
    }

    pub(crate) fn is_halt_task_running(&self, now: &Now) -> bool {
        let has_no_end = self.halt.as_ref().is_some_and(|halt| halt.end.is_none());
        has_no_end && self.header.is_runner_alive(now)
    }
}

impl TaskHistory {
    /// Takes over the end of the start that has none, or of one that there is no record of:
    /// it was not started, or the journal does not reach back so far.
    fn ended(&mut self, try_num: u32, end: &TaskEnd) {
        let without_end = self.starts.pop_if(|start| start.elapsed.is_none());
        let started = end.at.checked_sub(end.elapsed).unwrap_or(end.at);
        self.starts.push(TaskStart {
            try_num,
            at: without_end.map_or(started, |start| start.at),
            elapsed: Some(end.elapsed),
            result: end.result,
        });
    }

    /// The last start.
    pub(crate) fn last(&self) -> Option<&TaskStart> {
        self.starts.last()
    }

    /// How the last start ended, if it has.
    pub(crate) fn result(&self) -> Option<TaskResult> {
        self.last()?.result
    }

    /// Whether the last start has no end.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.last().is_some_and(|last| last.elapsed.is_none())
    }

    /// How often it failed.
    pub(crate) fn failures(&self) -> usize {
        let failed = |start: &&TaskStart| start.result == Some(TaskResult::Retry);
        self.starts.iter().filter(failed).count()
    }
}
