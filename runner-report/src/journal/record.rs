//! One line of the journal, as it is written and as it is read back.

use std::borrow::Cow;

use jiff::Timestamp;
use runner_config::escape_json;
use serde::{Deserialize, Serialize, Serializer, de::Error};

use crate::model::end::RunReason;

/// The version of this schema, in `run-start`. Members and events may be added to a version;
/// what is there keeps its meaning.
pub const VERSION: u32 = 1;

/// A line: what happened, when, and in which run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// When it happened, in UTC, with milliseconds.
    #[serde(serialize_with = "milliseconds")]
    pub ts: Timestamp,
    /// The id of the run.
    pub run: String,
    /// The `boot_id` of the machine, empty where it has none.
    pub boot: String,
    /// What happened, by the member `event`, with its own members.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened, by what it happened to. Times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// To the run as a whole.
    Run(RunEntry),
    /// To a try of the chain.
    Try(TryEntry),
    /// To a hook of a task.
    Hook(HookEntry),
    /// To a task.
    Task(TaskEntry),
    /// To the halt task.
    Halt(HaltEntry),
    /// An event of a later version.
    #[serde(skip)]
    Unknown,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum RunEntry {
    /// It starts.
    #[serde(rename = "run-start")]
    Start(Setup),
    /// It has ended. The halt task of `-H` comes behind it.
    #[serde(rename = "run-end")]
    End {
        /// The exit status that the runner would have now.
        status: u8,
        /// How it ended.
        reason: RunReason,
        /// How long it took, without the halt task of `-H`.
        elapsed: f64,
    },
    /// It never started.
    #[serde(rename = "refused")]
    Refused {
        /// The exit status of the runner.
        status: u8,
        /// Why, as the runner logged it.
        reason: String,
    },
}

/// What a run sets out to do.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Setup {
    /// The version of the schema, [`VERSION`].
    pub version: u32,
    /// The process of the runner.
    pub pid: i32,
    /// When that process started, in clock ticks since the machine did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<u64>,
    /// The absolute path of the task directory.
    pub taskdir: String,
    /// Number of tasks in the chain.
    pub tasks: usize,
    /// Number of tasks that can run at the same time.
    pub jobs: usize,
    /// The `max_tries` of the chain; 0 tries forever.
    pub max_tries: u32,
    /// Tasks that are not started, since they are done: `once` or `once-per-boot`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
}

/// An event of a try.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum TryEntry {
    /// It starts.
    #[serde(rename = "try-start")]
    Start {
        /// Its number, from 1.
        try_num: u32,
    },
    /// Nothing is started for this long.
    #[serde(rename = "wait")]
    Wait {
        /// How long.
        seconds: f64,
        /// What is waited for: the next `try` or `run`.
        before: String,
    },
}

/// An event of a hook.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum HookEntry {
    /// It is started now.
    #[serde(rename = "hook-start")]
    Start {
        /// The task that it runs for.
        task: String,
        /// `pre` or `post`.
        phase: String,
    },
    /// It has ended.
    #[serde(rename = "hook-end")]
    End {
        /// The task that it ran for.
        task: String,
        /// `pre` or `post`.
        phase: String,
        /// `RUNNER_OUTCOME` of it.
        outcome: String,
        /// How long it ran.
        elapsed: f64,
    },
}

/// An event of a task.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum TaskEntry {
    /// It was started. There is none for one that could not be.
    #[serde(rename = "task-start")]
    Start {
        /// The task.
        task: String,
        /// The number of the try.
        try_num: u32,
        /// Its process, which leads a group of this number.
        pid: i32,
    },
    /// It has ended.
    #[serde(rename = "task-end")]
    End {
        /// The task.
        task: String,
        /// The number of the try.
        try_num: u32,
        /// `RUNNER_RESULT` of it: `OK`, `RETRY`, `HALT`, `EXIT` or `INTERRUPTED`.
        result: String,
        /// `RUNNER_OUTCOME` of it.
        outcome: String,
        /// How long it ran.
        elapsed: f64,
        /// Its `max_time`; not there without a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
        /// Why it did not start, when it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// The file that has its output, with `log_dir`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
}

/// An event of the halt task.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum HaltEntry {
    /// It starts.
    #[serde(rename = "halt-start")]
    Start {
        /// Its name.
        task: String,
        /// `RUNNER_HALT_REASON` of it.
        reason: String,
    },
    /// It has ended.
    #[serde(rename = "halt-end")]
    End {
        /// Its name.
        task: String,
        /// `RUNNER_OUTCOME` of it.
        outcome: String,
        /// How long it ran.
        elapsed: f64,
    },
}

/// What every line has.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    ts: Cow<'a, str>,
    run: String,
    #[serde(default)]
    boot: String,
    #[serde(borrow)]
    event: Cow<'a, str>,
}

impl Record {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// It is not a record.
    pub fn parse(line: &str) -> serde_json::Result<Record> {
        let header: Header = serde_json::from_str(line)?;
        let entry = match &*header.event {
            "run-start" | "run-end" | "refused" => Entry::Run(serde_json::from_str(line)?),
            "try-start" | "wait" => Entry::Try(serde_json::from_str(line)?),
            "hook-start" | "hook-end" => Entry::Hook(serde_json::from_str(line)?),
            "task-start" | "task-end" => Entry::Task(serde_json::from_str(line)?),
            "halt-start" | "halt-end" => Entry::Halt(serde_json::from_str(line)?),
            _ => Entry::Unknown,
        };
        Ok(Record {
            ts: header.ts.parse().map_err(Error::custom)?,
            run: header.run,
            boot: header.boot,
            entry,
        })
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        match serde_json::to_string(self) {
            Ok(line) => escape_json(line) + "\n",
            Err(error) => unreachable!("strings and numbers are JSON: {error}"),
        }
    }
}

/// Writes RFC 3339 with milliseconds and `Z`.
pub(crate) fn milliseconds<S: Serializer>(ts: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{ts:.3}"))
}
