//! One line of the journal, as it is written and as it is read back. The members of each event
//! are explained in docs/journal.md.
#![expect(missing_docs, reason = "docs/journal.md has the members in a table")]

use std::borrow::Cow;

use jiff::Timestamp;
use runner_config::escape_json;
use serde::{Deserialize, Serialize, Serializer, de::Error};

use crate::model::end::RunReason;

/// The version of this schema, in `run-start`. Members and events may be added to a version;
/// what is there keeps its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// A line: what happened, when, and in which run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// When it happened, in UTC, with milliseconds.
    #[serde(serialize_with = "serialize_timestamp")]
    pub ts: Timestamp,
    pub run: String,
    /// The `boot_id` of the machine, empty where it has none.
    pub boot: String,
    /// What happened, by the member `event`, with its own members.
    #[serde(flatten)]
    pub entry: JournalEntry,
}

/// What happened, by what it happened to. Times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum JournalEntry {
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

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum RunEntry {
    #[serde(rename = "run-start")]
    Start(RunSetup),
    /// It has ended. The halt task of `-H` comes behind it.
    #[serde(rename = "run-end")]
    End {
        status: u8,
        reason: RunReason,
        elapsed: f64,
    },
    /// It never started.
    #[serde(rename = "refused")]
    Refused { status: u8, reason: String },
}

/// What a run sets out to do.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct RunSetup {
    pub version: u32,
    pub pid: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<u64>,
    pub taskdir: String,
    pub tasks: usize,
    pub jobs: usize,
    pub max_tries: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum TryEntry {
    #[serde(rename = "try-start")]
    Start { try_num: u32 },
    /// Nothing is started for this long.
    #[serde(rename = "wait")]
    Wait { seconds: f64, before: String },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum HookEntry {
    #[serde(rename = "hook-start")]
    Start { task: String, phase: String },
    #[serde(rename = "hook-end")]
    End {
        task: String,
        phase: String,
        outcome: String,
        elapsed: f64,
    },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum TaskEntry {
    /// It was started. There is none for one that could not be.
    #[serde(rename = "task-start")]
    Start {
        task: String,
        try_num: u32,
        pid: i32,
    },
    #[serde(rename = "task-end")]
    End {
        task: String,
        try_num: u32,
        result: String,
        outcome: String,
        elapsed: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event")]
pub enum HaltEntry {
    #[serde(rename = "halt-start")]
    Start { task: String, reason: String },
    #[serde(rename = "halt-end")]
    End {
        task: String,
        outcome: String,
        elapsed: f64,
    },
}

impl TaskEntry {
    /// Returns the name of the task and the number of its try.
    pub(crate) fn task_and_try(&self) -> (&String, u32) {
        let (TaskEntry::Start { task, try_num, .. } | TaskEntry::End { task, try_num, .. }) = self;
        (task, *try_num)
    }
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
        // A struct reads from an array, too.
        if !line.trim_start().starts_with('{') {
            return Err(Error::custom("not an object"));
        }
        let header: Header = serde_json::from_str(line)?;
        let entry = match &*header.event {
            "run-start" | "run-end" | "refused" => JournalEntry::Run(serde_json::from_str(line)?),
            "try-start" | "wait" => JournalEntry::Try(serde_json::from_str(line)?),
            "hook-start" | "hook-end" => JournalEntry::Hook(serde_json::from_str(line)?),
            "task-start" | "task-end" => JournalEntry::Task(serde_json::from_str(line)?),
            "halt-start" | "halt-end" => JournalEntry::Halt(serde_json::from_str(line)?),
            _ => JournalEntry::Unknown,
        };
        Ok(Record {
            ts: header.ts.parse().map_err(Error::custom)?,
            run: header.run,
            boot: header.boot,
            entry,
        })
    }

    /// The line, with its end.
    pub fn to_line(&self) -> String {
        match serde_json::to_string(self) {
            Ok(line) => escape_json(line) + "\n",
            Err(error) => unreachable!("strings and numbers are JSON: {error}"),
        }
    }
}

/// Writes a time that may be unknown as RFC 3339 with milliseconds and `Z`.
pub(crate) fn serialize_timestamp<S: Serializer>(
    ts: &(impl Copy + Into<Option<Timestamp>>),
    to: S,
) -> Result<S::Ok, S::Error> {
    let ts: Option<Timestamp> = (*ts).into();
    ts.map(|ts| format!("{ts:.3}")).serialize(to)
}
