//! The time axis: tries one after the other, all in the same scale, with short gaps for waits.

use std::time::Duration;

use jiff::Timestamp;

use super::tries::{Tries, Try};
use crate::model::now::{between, fraction};

/// Maximum number of ticks; more would overlap on a phone.
const MAX_TICKS: u64 = 7;

/// Width of the gap of a wait, as a fraction of the whole; a shorter wait has its own width.
const MAX_GAP: f64 = 0.025;

/// Margin at the end, so that a very short bar there can be seen.
const MARGIN: f64 = 0.005;

/// Round steps: a unit in milliseconds, and multiples of it.
const STEPS: [(u64, &[u64]); 5] = [
    (1, &[1, 2, 5, 10, 20, 50, 100, 200, 500]),
    (1_000, &[1, 2, 5, 10, 15, 30]),
    (60_000, &[1, 2, 5, 10, 15, 30]),
    (3_600_000, &[1, 2, 6, 12]),
    (86_400_000, &[1, 7, 30]),
];

pub(super) struct Axis {
    /// Time of each bend and its position, in the order of time; linear between them.
    bends: Vec<(Timestamp, f64)>,
    /// Duration of the full width.
    pub(super) width: Duration,
}

impl Axis {
    pub(super) fn new(tries: &Tries) -> Axis {
        let all: Duration = tries.tries.iter().map(Try::duration).sum();
        let gap = |wait: Duration| wait.min(all.mul_f64(MAX_GAP));
        let gaps = tries.tries.iter().filter_map(|one| one.wait.as_ref());
        let end = all + gaps.map(|wait| gap(wait.duration())).sum::<Duration>();
        let width = end.mul_f64(1.0 + MARGIN);
        let mut at = Duration::ZERO;
        let mut bends = Vec::new();
        for one in &tries.tries {
            bends.push((one.from, fraction(at, width)));
            at += one.duration();
            bends.push((one.to, fraction(at, width)));
            at += one
                .wait
                .as_ref()
                .map_or(Duration::ZERO, |wait| gap(wait.duration()));
        }
        Axis { bends, width }
    }

    /// Returns the position of `at`, as a fraction of the width.
    pub(super) fn x(&self, at: Timestamp) -> f64 {
        let after = self.bends.partition_point(|(time, _)| *time <= at);
        match (
            after.checked_sub(1).map(|last| self.bends[last]),
            self.bends.get(after),
        ) {
            (Some((from, left)), Some((to, right))) => {
                left + (right - left) * fraction(between(from, at), between(from, *to))
            }
            (Some((_, left)), None) => left,
            (None, _) => 0.0,
        }
    }

    /// Returns the width of `time`, as a fraction.
    pub(super) fn share(&self, time: Duration) -> f64 {
        if self.width.is_zero() {
            return 0.0;
        }
        time.as_secs_f64() / self.width.as_secs_f64()
    }

    /// Returns the times of the ticks in a try of this duration, all round.
    pub(super) fn ticks(&self, time: Duration) -> impl Iterator<Item = Duration> {
        let step = round_step(self.width);
        let ticks =
            (0..MAX_TICKS).map(move |tick| Duration::from_millis(tick.saturating_mul(step)));
        ticks.take_while(move |tick| tick.is_zero() || *tick < time)
    }
}

/// Returns the smallest round step in milliseconds that needs no more ticks than are readable.
fn round_step(whole: Duration) -> u64 {
    let millis = whole.as_millis();
    let units = STEPS.iter();
    let mut steps = units.flat_map(|(unit, counts)| counts.iter().map(move |count| unit * count));
    let step = steps.find(|step| millis / u128::from(*step) < u128::from(MAX_TICKS));
    // No step is large enough for a run of more than half a year: it has one tick.
    step.unwrap_or(u64::MAX)
}

/// Formats a fraction as a percentage with up to three digits.
pub(super) fn percent(share: f64) -> String {
    let digits = format!("{:.3}", share.max(0.0) * 100.0);
    let number = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{number}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_has_no_trailing_zeros() {
        for (share, expected) in [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.1, "10%"),
            (1.0 / 3.0, "33.333%"),
            (0.000_001, "0%"),
            (-0.1, "0%"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }
}
