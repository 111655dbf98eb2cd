//! Parses a line of the journal.
//!
//! A journal can have millions of lines. One whose members are in the order in which the runner
//! writes them is parsed in one pass; any other order takes two.

use std::{
    borrow::Cow,
    fmt::{self, Formatter},
    ops::Range,
};

use jiff::{Timestamp, civil, tz::Offset};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor,
        value::{BorrowedStrDeserializer, MapAccessDeserializer},
    },
};

use crate::journal::record::{
    HaltEntry, HookEntry, JournalEntry, Record, RunEntry, TaskEntry, TryEntry,
};

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

/// Parses exactly the form that is written.
pub(crate) fn parse_written_time(text: &[u8]) -> Option<Timestamp> {
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
