//! Where bars and their names stand: what ran at the same time has rows of its own, and a name
//! is in its bar, behind it, before it, or cut.

use jiff::Timestamp;

/// How levels and what is in them stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stacking {
    /// Below each other, like stairs, and no name in the way of another one.
    Stairs,
    /// Below each other, each with as many rows as workers.
    Below,
    /// Beside each other, in as many rows as workers.
    Beside,
}

impl Stacking {
    /// From the one that is read best to the one with the fewest rows, and the maximum number
    /// of rows of each.
    pub(super) const ALL: [(Stacking, usize); 3] = [
        (Stacking::Stairs, 60),
        (Stacking::Below, 120),
        (Stacking::Beside, usize::MAX),
    ];
}

/// The row of each bar, given by its level and its time, in the order of time.
pub(super) fn assign_rows(
    bars: impl Iterator<Item = (usize, Timestamp, Timestamp)>,
    stacking: Stacking,
) -> Vec<usize> {
    let mut rows = Vec::new();
    // Until when each row of the level is taken.
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

/// Room of a name, from one share of the width to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LabelRoom {
    pub(super) from: f64,
    pub(super) to: f64,
    /// `true` if the name stands at the right end of it.
    pub(super) is_right_aligned: bool,
}

impl LabelRoom {
    /// The room for a name that wants `need`, of a bar between the name or bar that ends at
    /// `last` and the one that begins at `next`.
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
            // Also when it is cut: its beginning says most.
            room(from.max(last), next, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_at_the_same_time_stands_in_rows_of_its_own() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (bars, below, beside) in [
            (&[][..], &[][..], &[][..]),
            (&[(0, 0, 5)], &[0], &[0]),
            // One after the other, and the second row while the first is taken.
            (&[(0, 0, 5), (0, 5, 6)], &[0, 0], &[0, 0]),
            (&[(0, 0, 5), (0, 4, 6), (0, 5, 7)], &[0, 1, 0], &[0, 1, 0]),
            (&[(0, 3, 3), (0, 3, 3)], &[0, 0], &[0, 0]),
            // A level begins below the one before it, or where there is room.
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
    fn a_name_stands_where_it_can_be_read() {
        for (last, bar, next, from, to, is_right_aligned) in [
            // In its bar.
            (0.0, (0.1, 0.5), 1.0, 0.1, 1.0, false),
            (0.0, (0.1, 0.5), 0.5, 0.1, 0.5, false),
            // Behind a bar that is too short for it.
            (0.0, (0.1, 0.2), 1.0, 0.2, 1.0, false),
            // From its bar on, when there is just enough room.
            (0.0, (0.1, 0.2), 0.4, 0.1, 0.4, false),
            // Before it, when the next one is near, or the edge.
            (0.0, (0.8, 0.9), 1.0, 0.0, 0.8, true),
            (0.2, (0.5, 0.6), 0.6, 0.2, 0.5, true),
            (0.21, (0.5, 0.6), 0.6, 0.5, 0.6, false),
            // Cut, where there is no room at all, and not over another name.
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
