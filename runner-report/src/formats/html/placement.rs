//! Rows of bars and positions of their labels. Bars of the same time have different rows. A
//! label is in its bar, after it, before it, or cut.

use jiff::Timestamp;

/// Arrangement of levels and their bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stacking {
    /// Levels below each other, like stairs, with rows that also fit the labels.
    Stairs,
    /// Levels below each other, each with as many rows as workers.
    Below,
    /// Levels beside each other, in as many rows as workers.
    Beside,
}

impl Stacking {
    /// From the most readable to the smallest, each with its maximum number of rows.
    pub(super) const ALL: [(Stacking, usize); 3] = [
        (Stacking::Stairs, 60),
        (Stacking::Below, 120),
        (Stacking::Beside, usize::MAX),
    ];
}

/// Returns the row of each bar. `bars` are (level, from, to), in the order of time.
pub(super) fn assign_rows(
    bars: impl Iterator<Item = (usize, Timestamp, Timestamp)>,
    stacking: Stacking,
) -> Vec<usize> {
    let mut rows = Vec::new();
    // End of the last bar in each row of the level.
    let mut taken: Vec<Timestamp> = Vec::new();
    let (mut first, mut last_level) = (0, 0);
    for (level, from, to) in bars {
        if stacking != Stacking::Beside && level != last_level {
            first += taken.len();
            taken.clear();
        }
        last_level = level;
        let free = taken.iter().position(|until| *until <= from);
        let row = free.unwrap_or(taken.len());
        match taken.get_mut(row) {
            Some(until) => *until = to,
            None => taken.push(to),
        }
        rows.push(first + row);
    }
    rows
}

/// Room of a label, in fractions of the width.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LabelRoom {
    pub(super) from: f64,
    pub(super) to: f64,
    /// `true` if the label is at the right end, before its bar.
    pub(super) is_right_aligned: bool,
}

impl LabelRoom {
    /// Returns the room for a label of width `need`. `last` is the end of the bar or label on
    /// the left, and `next` the start of the bar on the right.
    pub(super) fn new(last: f64, (from, to): (f64, f64), next: f64, need: f64) -> LabelRoom {
        let room = |from, to, is_right_aligned| LabelRoom {
            from,
            to,
            is_right_aligned,
        };
        if to - from < need && next - to >= need {
            room(to, next, false)
        } else if next - from < need && from - last >= need {
            room(last, from, true)
        } else {
            // Also if it is cut: the beginning of a name is the most useful part.
            room(from.max(last), next, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_the_same_time_have_different_rows() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (bars, below, beside) in [
            (&[][..], &[][..], &[][..]),
            (&[(0, 0, 5)], &[0], &[0]),
            // One after the other, and in the second row while the first is taken.
            (&[(0, 0, 5), (0, 5, 6)], &[0, 0], &[0, 0]),
            (&[(0, 0, 5), (0, 4, 6), (0, 5, 7)], &[0, 1, 0], &[0, 1, 0]),
            (&[(0, 3, 3), (0, 3, 3)], &[0, 0], &[0, 0]),
            // A level starts below the previous one, or in a free row.
            (&[(0, 0, 5), (0, 0, 6), (1, 6, 7)], &[0, 1, 2], &[0, 1, 0]),
            (&[(0, 0, 5), (1, 5, 6), (2, 6, 7)], &[0, 1, 2], &[0, 0, 0]),
        ] {
            let bars = bars
                .iter()
                .map(|&(level, from, to)| (level, at(from), at(to)));
            assert_eq!(assign_rows(bars.clone(), Stacking::Below), below);
            assert_eq!(assign_rows(bars, Stacking::Beside), beside);
        }
    }

    #[test]
    fn a_label_is_placed_where_it_can_be_read() {
        for (last, bar, next, from, to, is_right_aligned) in [
            // In its bar.
            (0.0, (0.1, 0.5), 1.0, 0.1, 1.0, false),
            (0.0, (0.1, 0.5), 0.5, 0.1, 0.5, false),
            // After a bar that is too short.
            (0.0, (0.1, 0.2), 1.0, 0.2, 1.0, false),
            // From its bar to the next one, if that is just enough.
            (0.0, (0.1, 0.2), 0.4, 0.1, 0.4, false),
            // Before its bar, if the next one or the edge is near.
            (0.0, (0.8, 0.9), 1.0, 0.0, 0.8, true),
            (0.2, (0.5, 0.6), 0.6, 0.2, 0.5, true),
            (0.21, (0.5, 0.6), 0.6, 0.5, 0.6, false),
            // Cut, if there is no room, and not over another label.
            (0.5, (0.5, 0.6), 0.6, 0.5, 0.6, false),
            (0.6, (0.5, 0.7), 0.7, 0.6, 0.7, false),
        ] {
            let room = LabelRoom::new(last, bar, next, 0.3);
            assert_eq!(
                (room.from, room.to, room.is_right_aligned),
                (from, to, is_right_aligned),
                "{bar:?}"
            );
        }
    }
}
