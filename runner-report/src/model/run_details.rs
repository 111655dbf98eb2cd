//! One run in detail: tasks, waits, and the halt task.

use std::{collections::HashMap, io, path::Path, time::Duration};

use jiff::Timestamp;
use runner_config::{from_name_text, reason};
use runner_exec::{Before, LimitSetting, OutputLine, TaskResult, TimeLimit, tail};
use serde::Serialize;

use crate::{
    journal::reader::Author,
    journal::record::{
        HaltEntry, JournalEntry, Record, RunEntry, RunSetup, TaskEntry, TryEntry, serialize_time,
    },
    model::{
        end::AnyOutcome,
        now::{Now, between, serialize_seconds, to_duration},
        run_header::{RunHeader, RunState},
        runs_by_id::FromRecords,
    },
};

/// A run with its tasks. [`TaskHistory`] keeps the details of the last end only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunDetails {
    /// Identity, times and end of the run.
    pub header: RunHeader,
    /// Settings at the start, or `None` if that record was rotated away.
    pub setup: Option<RunSetup>,
    /// Tasks in the order of their first starts, including those that could not start.
    pub tasks: Vec<TaskHistory>,
    /// Waits before further tries.
    pub waits: Vec<RetryWait>,
    /// The halt task, if it started.
    pub halt: Option<HaltTask>,
    /// The task that decided the end of the run, as its end names it.
    pub(crate) decided_by: Option<String>,
    /// The used tries until then.
    pub(crate) tries: Option<UsedTries>,
    /// Tasks that never started, as the end of the run lists them.
    pub(crate) not_reached: Vec<String>,
    /// Index of each task name in [`RunDetails::tasks`].
    indexes: HashMap<String, usize>,
}

/// Tries of the chain, or failures of one task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct UsedTries {
    pub(crate) count: u32,
    /// Maximum of `count`; 0 for none.
    pub(crate) max: u32,
    pub(crate) are_failures: bool,
}

/// A task of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskHistory {
    /// File name.
    pub name: String,
    /// Every start, including those that failed to start.
    pub starts: Vec<TaskStart>,
    /// The last end, if there is one.
    pub end: Option<TaskEnd>,
}

/// One start of a task, in short form. A run can have very many of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TaskStart {
    /// Number of the try.
    pub try_num: u32,
    /// Time of the start.
    #[serde(rename = "started", serialize_with = "serialize_time")]
    pub at: Timestamp,
    /// Run time, or `None` if the task has no end.
    #[serde(serialize_with = "serialize_seconds")]
    pub elapsed: Option<Duration>,
    /// Result as hooks receive it, or `None` if there is no end or the word is unknown.
    pub result: Option<TaskResult>,
}

/// End of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskEnd {
    /// Time of the end.
    pub at: Timestamp,
    /// Result as hooks receive it, or `None` for a word of a later version.
    pub result: Option<TaskResult>,
    /// Run time.
    pub elapsed: Duration,
    /// Outcome of the process.
    pub outcome: AnyOutcome,
    /// Time limit.
    pub limit: Option<TimeLimit>,
    /// Reason if the task did not start.
    pub why: Option<String>,
    /// Path of the file with its output.
    pub output: Option<String>,
    /// Last lines of its output; empty until they are read.
    pub lines: Vec<OutputLine>,
    /// Reason why they cannot be read.
    pub unreadable: Option<String>,
    /// `false` if the chain continued after its failure.
    pub required: bool,
}

/// A wait before another try.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RetryWait {
    /// Time of the begin.
    #[serde(rename = "started", serialize_with = "serialize_time")]
    pub at: Timestamp,
    /// Planned duration.
    #[serde(rename = "seconds", serialize_with = "serialize_seconds")]
    pub time: Duration,
    /// Number of the try after the wait.
    pub try_num: u32,
    /// Time of the next event, which can be earlier than planned.
    #[serde(skip)]
    pub(crate) until: Option<Timestamp>,
}

/// The halt task of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct HaltTask {
    /// File name.
    pub name: String,
    /// Reason of the start, in the form of `RUNNER_HALT_REASON`.
    pub reason: String,
    /// Time of the start.
    pub at: Timestamp,
    /// Outcome and run time, if it has ended.
    pub end: Option<(AnyOutcome, Duration)>,
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
        if record.entry != JournalEntry::Unknown
            && let Some(wait) = self.waits.last_mut()
        {
            wait.until.get_or_insert(at);
        }
        match &record.entry {
            JournalEntry::Run(RunEntry::Start(setup)) => self.setup = Some(setup.clone()),
            JournalEntry::Run(RunEntry::End {
                task,
                tries,
                failures,
                max_tries,
                not_reached,
                ..
            }) => {
                self.decided_by.clone_from(task);
                self.tries = tries.or(*failures).map(|count| UsedTries {
                    count,
                    max: max_tries.unwrap_or(0),
                    are_failures: failures.is_some(),
                });
                self.not_reached.clone_from(not_reached);
            }
            JournalEntry::Try(TryEntry::Wait {
                seconds: time,
                before,
            }) => {
                if Before::parse(before) == Some(Before::Try) {
                    self.waits.push(RetryWait {
                        at,
                        time: to_duration(*time),
                        try_num: self.header.try_num.saturating_add(1),
                        until: None,
                    });
                }
            }
            JournalEntry::Task(TaskEntry::Start { task, try_num, .. }) => {
                self.task_mut(task).starts.push(TaskStart {
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
                limited_by,
                why,
                output,
                required,
                ..
            }) => {
                let task = self.task_mut(task);
                let end = TaskEnd {
                    at,
                    result: TaskResult::parse(result),
                    elapsed: to_duration(*elapsed),
                    outcome: AnyOutcome::parse(outcome, why.as_deref()),
                    limit: time_limit(*limit, limited_by.as_deref()),
                    why: why.clone(),
                    output: output.clone(),
                    lines: Vec::new(),
                    unreadable: None,
                    required: required.unwrap_or(true),
                };
                task.add_end(*try_num, &end);
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
                    halt.end = Some((AnyOutcome::parse(outcome, None), to_duration(*elapsed)));
                }
            }
            JournalEntry::Run(_) | JournalEntry::Try(_) | JournalEntry::Hook(_) => {}
            JournalEntry::Unknown => {}
        }
    }
}

/// Returns the time limit of a task; `None` for a setting of a later version.
fn time_limit(seconds: Option<f64>, setting: Option<&str>) -> Option<TimeLimit> {
    let setting = setting.map_or(Some(LimitSetting::MaxTime), LimitSetting::parse);
    setting?.of(seconds.map(to_duration))
}

impl RunDetails {
    /// Returns the task of this name. Appends it if it is new.
    pub(crate) fn task_mut(&mut self, name: &str) -> &mut TaskHistory {
        if let Some(&index) = self.indexes.get(name) {
            return &mut self.tasks[index];
        }
        let index = self.tasks.len();
        self.indexes.insert(name.to_owned(), index);
        self.tasks.push(TaskHistory {
            name: name.to_owned(),
            starts: Vec::new(),
            end: None,
        });
        &mut self.tasks[index]
    }

    /// Returns the task of this name, if it has started.
    pub(crate) fn task(&self, name: &str) -> Option<&TaskHistory> {
        Some(&self.tasks[*self.indexes.get(name)?])
    }

    /// Reads the last lines of the output of each task that failed from its log file. The journal
    /// names the files, so only those of its `author` are read: otherwise a journal could make
    /// root show files that its author cannot read.
    pub fn read_outputs(&mut self, author: Author) {
        let not_ok = self.tasks.iter_mut().filter(|task| !task.is_ok());
        let ends = not_ok.filter_map(|task| task.end.as_mut());
        ends.for_each(|end| end.read_output(author));
    }

    /// Returns the time at the right edge of a picture of the run.
    pub(crate) fn picture_end(&self, now: &Now) -> Timestamp {
        match self.header.state(now) {
            RunState::Running => self.header.present(now),
            // With `-H` the halt task runs after the end.
            RunState::Ended(_) if self.is_halt_task_running(now) => self.header.present(now),
            RunState::Ended(_) | RunState::CutOff | RunState::WentDown => self.header.latest,
        }
    }

    /// Returns `true` if the halt task has no end and the runner is alive.
    pub(crate) fn is_halt_task_running(&self, now: &Now) -> bool {
        let has_no_end = self.halt.as_ref().is_some_and(|halt| halt.end.is_none());
        has_no_end && self.header.is_runner_alive(now)
    }
}

impl RetryWait {
    /// Returns how long it took, or will take.
    pub(crate) fn duration(&self) -> Duration {
        let waited = self.until.map(|until| between(self.at, until));
        waited.map_or(self.time, |waited| waited.min(self.time))
    }
}

impl TaskHistory {
    /// Adds an end to the start that has none, or adds a start with this end: the task could
    /// not be started, or the record of its start was rotated away.
    fn add_end(&mut self, try_num: u32, end: &TaskEnd) {
        let without_end = self.starts.pop_if(|start| start.elapsed.is_none());
        let started = end.at.checked_sub(end.elapsed).unwrap_or(end.at);
        self.starts.push(TaskStart {
            try_num,
            at: without_end.map_or(started, |start| start.at),
            elapsed: Some(end.elapsed),
            result: end.result,
        });
    }

    /// Returns the last start.
    pub(crate) fn last(&self) -> Option<&TaskStart> {
        self.starts.last()
    }

    /// Returns the result of the last start, if it has one.
    pub(crate) fn result(&self) -> Option<TaskResult> {
        self.last()?.result
    }

    /// Returns `true` if the last start ended with OK or SKIP.
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self.result(), Some(TaskResult::Ok | TaskResult::Skip))
    }

    /// Returns `false` if the chain continued after its last failure.
    pub(crate) fn is_required(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.required)
    }

    /// Returns `true` if the last start has no end.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.last().is_some_and(|last| last.elapsed.is_none())
    }

    /// Returns the number of failed starts.
    pub(crate) fn failures(&self) -> usize {
        let failed = |start: &&TaskStart| start.result == Some(TaskResult::Retry);
        self.starts.iter().filter(failed).count()
    }
}

impl TaskEnd {
    pub(crate) fn read_output(&mut self, author: Author) {
        let Some(output) = self.output.as_deref().map(from_name_text) else {
            return;
        };
        let lines = match author {
            Author(Some(author)) => tail(Path::new(&output), Some(author)),
            Author(None) => Err(io::Error::other("another user can write the journal")),
        };
        match lines {
            Ok(lines) => self.lines = lines,
            Err(error) => self.unreadable = Some(reason(&error)),
        }
    }
}
