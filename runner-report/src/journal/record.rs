//! One line of the journal. docs/journal.md explains the members of each event, and `parse` reads
//! them.
#![expect(missing_docs, reason = "docs/journal.md has the members in a table")]

use jiff::Timestamp;
use runner_config::escape_json;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::end::RunReason;

/// Version of this schema, in `run-start`. Members and events can be added without a new
/// version; the meaning of existing ones does not change.
pub const SCHEMA_VERSION: u32 = 1;

/// A line: an entry with its time and run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// Time in UTC, with milliseconds.
    #[serde(serialize_with = "serialize_time")]
    pub ts: Timestamp,
    pub run: String,
    /// The `boot_id` of the machine, or empty if it has none.
    pub boot: String,
    /// Member `event`, and the members of that event. [`Record::to_line`] writes them.
    #[serde(skip)]
    pub entry: JournalEntry,
}

/// An event, grouped by its subject. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum JournalEntry {
    /// Event of the run as a whole.
    Run(RunEntry),
    /// Event of a try of the chain.
    Try(TryEntry),
    /// Event of a hook.
    Hook(HookEntry),
    /// Event of a task.
    Task(TaskEntry),
    /// Event of the halt task.
    Halt(HaltEntry),
    /// Event of a later version.
    #[serde(skip)]
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum RunEntry {
    #[serde(rename = "run-start")]
    Start(RunSetup),
    #[serde(rename = "run-hook-start")]
    HookStart { phase: String },
    #[serde(rename = "run-hook-end")]
    HookEnd {
        phase: String,
        outcome: String,
        elapsed: f64,
    },
    /// End of the run. The halt task of `-H` runs after it.
    #[serde(rename = "run-end")]
    End {
        status: u8,
        reason: RunReason,
        elapsed: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tries: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failures: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_tries: Option<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_reached: Vec<String>,
    },
    /// Refused start: there was no run.
    #[serde(rename = "refused")]
    Refused {
        status: u8,
        reason: String,
        #[serde(default)]
        host: String,
        #[serde(default)]
        machine: String,
    },
}

/// Settings of a run at its start.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
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
    #[serde(default)]
    pub host: String,
    #[serde(default)]
    pub machine: String,
    #[serde(default)]
    pub runner_version: String,
    #[serde(default)]
    pub fingerprint: String,
    #[serde(default)]
    pub plan: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum TryEntry {
    #[serde(rename = "try-start")]
    Start {
        try_num: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_time: Option<u64>,
    },
    /// Wait of this many seconds.
    #[serde(rename = "wait")]
    Wait { seconds: f64, before: String },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
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
pub enum TaskEntry {
    /// Start of a task. A task that could not be started has only an end.
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
        limited_by: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        required: Option<bool>,
    },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
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

impl Record {
    /// Returns the line, with a line feed.
    pub fn to_line(&self) -> String {
        let json = (
            serde_json::to_string(self),
            serde_json::to_string(&self.entry),
        );
        let (header, entry) = match json {
            (Ok(header), Ok(entry)) => (header, entry),
            (Err(error), _) | (_, Err(error)) => {
                unreachable!("strings and numbers are JSON: {error}")
            }
        };
        // From `{"EVENT":{MEMBERS}}` to `"EVENT",MEMBERS}`.
        let event = entry[1..entry.len() - 1].replacen(":{", ",", 1);
        let header = &header[..header.len() - 1];
        escape_json(format!("{header},\"event\":{event}")) + "\n"
    }
}

/// Serializes a time, or an optional one, as RFC 3339 with milliseconds and `Z`.
pub(crate) fn serialize_time<S: Serializer>(
    ts: &(impl Copy + Into<Option<Timestamp>>),
    to: S,
) -> Result<S::Ok, S::Error> {
    let ts: Option<Timestamp> = (*ts).into();
    ts.map(|ts| format!("{ts:.3}")).serialize(to)
}
