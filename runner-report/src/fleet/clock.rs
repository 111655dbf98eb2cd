//! Credible times: a clock can be wrong until the network sets it, and in some boots it stays so.

use std::time::Duration;

use jiff::Timestamp;

/// Begin of 2026 in seconds since 1970. No journal is older than the first version of the runner,
/// so a clock that shows an earlier time was never set.
const EARLIEST_SECOND: i64 = 1_767_225_600;

/// Maximum lead over the clock of the reader. It covers every mistake about a time zone.
const MAX_LEAD: Duration = Duration::from_secs(24 * 3600);

/// Range of the times that a right clock can have written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
    latest: Timestamp,
}

impl Clock {
    pub(super) fn new(now: Timestamp) -> Clock {
        Clock {
            now,
            latest: now.checked_add(MAX_LEAD).unwrap_or(Timestamp::MAX),
        }
    }

    pub(super) fn is_credible(self, ts: Timestamp) -> bool {
        ts.as_second() >= EARLIEST_SECOND && ts <= self.latest
    }
}
