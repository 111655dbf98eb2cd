//! One line of the journal, for writing and for reading. docs/journal.md explains the members
//! of each event.
#![expect(missing_docs, reason = "docs/journal.md has the members in a table")]

use std::{
    borrow::Cow,
    fmt::{self, Formatter},
    ops::Range,
};

use jiff::{Timestamp, civil, tz::Offset};
use runner_config::escape_json;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor,
        value::{BorrowedStrDeserializer, MapAccessDeserializer},
    },
};

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
        max_tries: Option<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_reached: Vec<String>,
    },
    /// Refused start: there was no run.
    #[serde(rename = "refused")]
    Refused { status: u8, reason: String },
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

/// Members of every line.
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
    /// Parses a line.
    ///
    /// # Errors
    ///
    /// The line is not a record.
    pub fn parse(line: &str) -> serde_json::Result<Record> {
        // serde would accept an array for a struct.
        if !line.trim_start().starts_with('{') {
            return Err(Error::custom("not an object"));
        }
        serde_json::from_str::<InOrder>(line)
            .map_or_else(|_| Record::in_any_order(line), |it| Ok(it.0))
    }

    /// Parses a line whose members can have any order. This takes two passes.
    fn in_any_order(line: &str) -> serde_json::Result<Record> {
        let header: Header = serde_json::from_str(line)?;
        let mut line = serde_json::Deserializer::from_str(line);
        Ok(Record {
            entry: JournalEntry::parse(&header.event, &mut line)?,
            ts: parse_time(&header.ts).map_err(Error::custom)?,
            run: header.run,
            boot: header.boot,
        })
    }

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

impl JournalEntry {
    /// Parses the members of an event.
    fn parse<'de, D: Deserializer<'de>>(event: &str, members: D) -> Result<JournalEntry, D::Error> {
        let line = MapAccessDeserializer::new(Tagged {
            event,
            members: Some(members),
        });
        Ok(match event {
            "run-start" | "run-hook-start" | "run-hook-end" | "run-end" | "refused" => {
                JournalEntry::Run(RunEntry::deserialize(line)?)
            }
            "try-start" | "wait" => JournalEntry::Try(TryEntry::deserialize(line)?),
            "hook-start" | "hook-end" => JournalEntry::Hook(HookEntry::deserialize(line)?),
            "task-start" | "task-end" => JournalEntry::Task(TaskEntry::deserialize(line)?),
            "halt-start" | "halt-end" => JournalEntry::Halt(HaltEntry::deserialize(line)?),
            _ => {
                IgnoredAny::deserialize(line)?;
                JournalEntry::Unknown
            }
        })
    }
}

/// A map with one key, the event, whose value is its members. This is how serde reads an enum
/// without collecting the members first, as it does for a tag inside of them.
struct Tagged<'a, D> {
    event: &'a str,
    members: Option<D>,
}

impl<'de, D: Deserializer<'de>> MapAccess<'de> for Tagged<'_, D> {
    type Error = D::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, D::Error> {
        let event = self
            .members
            .as_ref()
            .map(|_| self.event.into_deserializer());
        event.map(|event| seed.deserialize(event)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, D::Error> {
        let members = self
            .members
            .take()
            .ok_or_else(|| Error::custom("no value"))?;
        seed.deserialize(members)
    }
}

/// A record whose members are in the order in which they are written, and those of [`Header`]
/// without an escape. It is parsed in one pass.
struct InOrder(Record);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(line: D) -> Result<InOrder, D::Error> {
        line.deserialize_map(InOrderVisitor)
    }
}

struct InOrderVisitor;

impl<'de> Visitor<'de> for InOrderVisitor {
    type Value = InOrder;

    fn expecting(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut line: M) -> Result<InOrder, M::Error> {
        let mut member = |name| match line.next_entry::<&str, &str>()? {
            Some((key, value)) if key == name => Ok(value),
            Some(_) | None => Err(Error::custom("not in order")),
        };
        let [ts, run, boot, event] = [
            member("ts")?,
            member("run")?,
            member("boot")?,
            member("event")?,
        ];
        Ok(InOrder(Record {
            ts: parse_time(ts).map_err(Error::custom)?,
            run: run.to_owned(),
            boot: boot.to_owned(),
            entry: JournalEntry::parse(event, MapAccessDeserializer::new(AfterHeader(line)))?,
        }))
    }
}

/// The members after those of [`Header`], which must not appear again.
struct AfterHeader<M>(M);

impl<'de, M: MapAccess<'de>> MapAccess<'de> for AfterHeader<M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, M::Error> {
        match self.0.next_key()? {
            Some("ts" | "run" | "boot" | "event") => Err(Error::custom("not in order")),
            key => key
                .map(|key| seed.deserialize(BorrowedStrDeserializer::new(key)))
                .transpose(),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        self.0.next_value_seed(seed)
    }
}

/// Parses a time. The form that is written, `YYYY-MM-DDTHH:MM:SS.mmmZ`, needs no general parser.
fn parse_time(text: &str) -> Result<Timestamp, jiff::Error> {
    parse_written_time(text.as_bytes()).map_or_else(|| text.parse(), Ok)
}

fn parse_written_time(text: &[u8]) -> Option<Timestamp> {
    if text.len() != 24 || [4, 7, 10, 13, 16, 19, 23].map(|at| text[at]) != *b"--T::.Z" {
        return None;
    }
    let number = |digits: Range<usize>| {
        let mut digits = text[digits].iter().map(|digit| digit.wrapping_sub(b'0'));
        digits.try_fold(0, |value, digit| {
            (digit < 10).then(|| 10 * value + i16::from(digit))
        })
    };
    let short = |at| i8::try_from(number(at..at + 2)?).ok();
    let date = civil::Date::new(number(0..4)?, short(5)?, short(8)?).ok()?;
    let nanosecond = i32::from(number(20..23)?) * 1_000_000;
    let time = civil::Time::new(short(11)?, short(14)?, short(17)?, nanosecond).ok()?;
    Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

/// Serializes a time, or an optional one, as RFC 3339 with milliseconds and `Z`.
pub(crate) fn serialize_time<S: Serializer>(
    ts: &(impl Copy + Into<Option<Timestamp>>),
    to: S,
) -> Result<S::Ok, S::Error> {
    let ts: Option<Timestamp> = (*ts).into();
    ts.map(|ts| format!("{ts:.3}")).serialize(to)
}
