//! The critical path of a try: the spans that determined its duration.

use jiff::Timestamp;

/// Returns the indexes of those `times` (from, to) that determined the last end, latest first.
///
/// The path goes from the span that ended last to the one that ended last before its start, and
/// so on. `times` are sorted by start. Only earlier indexes are searched, so a clock that was
/// set back cannot cause an endless loop.
pub(super) fn critical_path(times: &[(Timestamp, Timestamp)]) -> Vec<usize> {
    let latest = |times: &[(Timestamp, Timestamp)], before: Option<Timestamp>| {
        let indexes = 0..times.len();
        indexes
            .filter(|&index| before.is_none_or(|before| times[index].1 <= before))
            .max_by_key(|&index| times[index].1)
    };
    let mut chain = Vec::new();
    let mut next = latest(times, None);
    while let Some(index) = next {
        chain.push(index);
        next = latest(&times[..index], Some(times[index].0));
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_back_from_the_last_end_to_the_first_start() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (times, expected) in [
            (&[][..], &[][..]),
            (&[(0, 1)], &[0]),
            // One after the other.
            (&[(0, 1), (1, 5), (5, 6)], &[2, 1, 0]),
            // Two at a time: the next one waited for the slower.
            (&[(0, 9), (0, 3), (9, 10)], &[2, 0]),
            (&[(0, 3), (0, 9), (9, 10)], &[2, 1]),
            // The last end belongs to a task that took a free slot early.
            (&[(0, 2), (0, 8), (2, 12), (8, 9)], &[2, 0]),
            // Nothing ran for a while.
            (&[(0, 2), (4, 5)], &[1, 0]),
            // Spans of length zero.
            (&[(3, 3), (3, 3)], &[1, 0]),
            // The clock was set back.
            (&[(50, 60), (10, 20)], &[0]),
            (&[(10, 20), (5, 30)], &[1]),
        ] {
            let times: Vec<_> = times.iter().map(|&(from, to)| (at(from), at(to))).collect();
            assert_eq!(critical_path(&times), expected, "{times:?}");
        }
    }
}
