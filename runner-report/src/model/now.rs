//! The present, as values that reports compare with the journal, and arithmetic of times.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use runner_config::format_duration;
use serde::{Serialize, Serializer};

/// The process of a runner. The start time distinguishes it from a later process with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunnerProcess {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot, if known.
    pub start_time: Option<u64>,
}

/// The present, as values.
#[derive(Clone, Debug)]
pub struct Now {
    /// Current time, in the time zone of the reader.
    pub at: ZonedDateTime,
    /// Boot id of the machine, or empty if it has none.
    pub boot: String,
    /// Runners that are alive.
    pub alive: Vec<RunnerProcess>,
}

impl Now {
    /// Returns the time since `then` in words, such as `5m ago`.
    pub(crate) fn ago(&self, then: Timestamp) -> String {
        match between(then, self.at.timestamp()).as_secs() {
            0 => "just now".to_owned(),
            seconds => format!("{} ago", format_duration(Duration::from_secs(seconds))),
        }
    }

    /// Formats `then` in the local time zone.
    pub(crate) fn local(&self, then: Timestamp, format: &str) -> String {
        let local = then.to_zoned_datetime(self.at.time_zone().clone());
        local.strftime(format).to_string()
    }
}

/// Returns the time from `from` to `to`, or zero if a clock was set back between them.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Returns `time` as a fraction of `whole`, at most 1.0; 0.0 if `whole` is zero.
pub(crate) fn fraction(time: Duration, whole: Duration) -> f64 {
    if whole.is_zero() {
        return 0.0;
    }
    (time.as_secs_f64() / whole.as_secs_f64()).min(1.0)
}

/// Returns `at` plus `time`, or `at` if that is out of range.
pub(crate) fn plus(at: Timestamp, time: Duration) -> Timestamp {
    at.checked_add(time).unwrap_or(at)
}

/// Returns `at` plus an offset of either sign, or `at` if that is out of range.
pub(crate) fn shifted(at: Timestamp, clock_offset: SignedDuration) -> Timestamp {
    at.checked_add(clock_offset).unwrap_or(at)
}

/// Returns the smallest of the sorted `times` that `percent` of them do not exceed.
pub(crate) fn nearest_rank(times: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (times.len() * percent).div_ceil(100);
    times.get(rank.checked_sub(1)?).copied()
}

/// Converts seconds of the journal. Values that are no duration become zero.
pub(crate) fn to_duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Serializes a duration, or an optional one, as seconds.
pub(crate) fn serialize_seconds<S: Serializer>(
    time: &(impl Copy + Into<Option<Duration>>),
    to: S,
) -> Result<S::Ok, S::Error> {
    let time: Option<Duration> = (*time).into();
    time.map(|time| time.as_secs_f64()).serialize(to)
}
