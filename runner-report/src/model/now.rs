//! What is compared with the journal: the time, the machine's boot, who is alive.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use runner_config::format_duration;
use serde::{Serialize, Serializer};

/// A process, told apart from a later one that has its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunnerProcess {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did, where that is known.
    pub start_time: Option<u64>,
}

/// The present, as values.
#[derive(Clone, Debug)]
pub struct Now {
    /// The time, where people read it.
    pub at: ZonedDateTime,
    /// Which time the machine is running for, or nothing where it does not say.
    pub boot: String,
    /// The runners that are alive.
    pub alive: Vec<RunnerProcess>,
}

impl Now {
    /// How long ago `then` was, in words.
    pub(crate) fn ago(&self, then: Timestamp) -> String {
        match between(then, self.at.timestamp()).as_secs() {
            0 => "just now".to_owned(),
            seconds => format!("{} ago", format_duration(Duration::from_secs(seconds))),
        }
    }

    /// A time as a clock on the wall shows it.
    pub(crate) fn local(&self, then: Timestamp, format: &str) -> String {
        let local = then.to_zoned_datetime(self.at.time_zone().clone());
        local.strftime(format).to_string()
    }
}

/// From one time to another; none when a clock was set back between them.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// The part of `whole` that `time` is, at most all of it.
pub(crate) fn fraction(time: Duration, whole: Duration) -> f64 {
    match whole.is_zero() {
        true => 0.0,
        false => (time.as_secs_f64() / whole.as_secs_f64()).min(1.0),
    }
}

/// So much later than `at`.
pub(crate) fn plus(at: Timestamp, time: Duration) -> Timestamp {
    at.checked_add(time).unwrap_or(at)
}

/// `at` on a clock that is `clock_offset`.
pub(crate) fn shifted(at: Timestamp, clock_offset: SignedDuration) -> Timestamp {
    at.checked_add(clock_offset).unwrap_or(at)
}

/// A time as the journal writes it.
pub(crate) fn to_duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Writes a time that may be unknown as the journal does.
pub(crate) fn serialize_seconds<S: Serializer>(
    time: &(impl Copy + Into<Option<Duration>>),
    to: S,
) -> Result<S::Ok, S::Error> {
    let time: Option<Duration> = (*time).into();
    time.map(|time| time.as_secs_f64()).serialize(to)
}
