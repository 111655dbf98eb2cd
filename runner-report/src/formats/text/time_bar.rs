//! A bar of characters that shows when a task ran.

use jiff::Timestamp;

use crate::model::now::{between, fraction};

/// Interval in which a task ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// `true` if the task did not succeed.
    pub(super) is_failed: bool,
}

/// Returns `width` columns for the time of `axis`. Failed intervals are lighter, and other
/// intervals do not cover them.
pub(super) fn time_bar(
    intervals: &[Interval],
    axis: (Timestamp, Timestamp),
    width: usize,
) -> String {
    let whole = between(axis.0, axis.1);
    let place = |at: Timestamp| fraction(between(axis.0, at), whole) * width as f64;
    let mut columns = vec![' '; width];
    for interval in intervals {
        // Even the shortest interval gets a column, also at the end.
        let from = (place(interval.from) as usize).min(width.saturating_sub(1));
        let to = (place(interval.to).ceil() as usize).clamp(from + 1, width.max(from + 1));
        for column in columns.iter_mut().take(to).skip(from) {
            let is_light = interval.is_failed || *column == '░';
            *column = if is_light { '░' } else { '█' };
        }
    }
    columns.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_takes_its_share_and_at_least_a_column() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (intervals, expected) in [
            (&[][..], "          "),
            (&[(0, 100, false)], "██████████"),
            (&[(0, 0, false)], "█         "),
            (&[(100, 100, false)], "         █"),
            (&[(10, 20, true), (40, 70, false)], " ░  ███   "),
            (&[(10, 21, false)], " ██       "),
            (&[(10, 11, true), (12, 20, false)], " ░        "),
            (&[(90, 500, false)], "         █"),
        ] {
            let interval = |&(from, to, is_failed)| Interval {
                from: at(from),
                to: at(to),
                is_failed,
            };
            let intervals: Vec<Interval> = intervals.iter().map(interval).collect();
            assert_eq!(time_bar(&intervals, (at(0), at(100)), 10), expected);
            assert_eq!(time_bar(&intervals, (at(0), at(100)), 0), "");
            time_bar(&intervals, (at(50), at(50)), 10);
        }
    }
}
