//! Ticks of the time axis, and percentages.

use std::time::Duration;

use runner_config::format_duration;

use crate::model::now::fraction;

/// Maximum number of ticks; more would overlap on a phone.
const MAX_TICKS: u64 = 7;

/// Rightmost position of a tick; text further right would be cut by the edge.
const MAX_POSITION: f64 = 0.97;

/// Round steps: a unit in milliseconds, and multiples of it.
const STEPS: [(u64, &[u64]); 5] = [
    (1, &[1, 2, 5, 10, 20, 50, 100, 200, 500]),
    (1_000, &[1, 2, 5, 10, 15, 30]),
    (60_000, &[1, 2, 5, 10, 15, 30]),
    (3_600_000, &[1, 2, 6, 12]),
    (86_400_000, &[1, 7, 30]),
];

/// Returns the position of each tick as a fraction of `whole`, and its text.
pub(super) fn ticks(whole: Duration) -> Vec<(f64, String)> {
    let millis = whole.as_millis();
    let units = STEPS.iter();
    let mut steps = units.flat_map(|(unit, counts)| counts.iter().map(move |count| unit * count));
    let round_step = steps.find(|step| millis / u128::from(*step) < u128::from(MAX_TICKS));
    let count = if whole.is_zero() { 1 } else { MAX_TICKS };
    // No step is large enough for a run of more than half a year: it has one tick.
    let step = round_step.unwrap_or(u64::MAX);
    let times = (0..count).map(|tick| Duration::from_millis(tick.saturating_mul(step)));
    let shares = times.map(|time| (fraction(time, whole), format_duration(time)));
    shares.take_while(|(at, _)| *at < MAX_POSITION).collect()
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
