//! Rows for what is drawn: what ran at the same time stands in rows of its own.

use jiff::Timestamp;

/// Something that takes time, as far as rows are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// Which level it belongs to, in the order of time.
    pub(super) level: usize,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// How levels and what is in them stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Levels {
    /// Below each other, like stairs, and no name in the way of another one.
    Named,
    /// Below each other, each with as many rows as workers.
    Below,
    /// Beside each other, in as many rows as workers.
    Beside,
}

impl Levels {
    /// From the one that is read best to the one with the fewest rows, and how many rows
    /// the first two may take.
    pub(super) const ALL: [(Levels, usize); 3] = [
        (Levels::Named, 60),
        (Levels::Below, 120),
        (Levels::Beside, usize::MAX),
    ];
}

/// The row of each stretch, in their order, which is that of time; and how many rows there are.
pub(super) fn rows(
    stretches: impl Iterator<Item = Stretch>,
    levels: Levels,
) -> (Vec<usize>, usize) {
    let mut rows = Vec::new();
    // Until when each row of the level is taken.
    let mut taken: Vec<Timestamp> = Vec::new();
    let mut first = 0;
    let mut level = 0;
    for stretch in stretches {
        if levels != Levels::Beside && stretch.level != level {
            first += taken.len();
            taken.clear();
        }
        level = stretch.level;
        let row = match taken.iter().position(|until| *until <= stretch.from) {
            Some(row) => row,
            None => {
                taken.push(stretch.to);
                taken.len() - 1
            }
        };
        taken[row] = stretch.to;
        rows.push(first + row);
    }
    (rows, first + taken.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_at_the_same_time_stands_in_rows_of_its_own() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (stretches, below, beside) in [
            (&[][..], (&[][..], 0), (&[][..], 0)),
            (&[(0, 0, 5)], (&[0], 1), (&[0], 1)),
            // One after the other, and the second row while the first is taken.
            (&[(0, 0, 5), (0, 5, 6)], (&[0, 0], 1), (&[0, 0], 1)),
            (
                &[(0, 0, 5), (0, 4, 6), (0, 5, 7)],
                (&[0, 1, 0], 2),
                (&[0, 1, 0], 2),
            ),
            (&[(0, 3, 3), (0, 3, 3)], (&[0, 0], 1), (&[0, 0], 1)),
            // A level begins below the one before it, or where there is room.
            (
                &[(0, 0, 5), (0, 0, 6), (1, 6, 7)],
                (&[0, 1, 2], 3),
                (&[0, 1, 0], 2),
            ),
            (
                &[(0, 0, 5), (1, 5, 6), (2, 6, 7)],
                (&[0, 1, 2], 3),
                (&[0, 0, 0], 1),
            ),
        ] {
            let stretches = stretches.iter().map(|&(level, from, to)| Stretch {
                level,
                from: at(from),
                to: at(to),
            });
            for (levels, (expected, count)) in [(Levels::Below, below), (Levels::Beside, beside)] {
                let found = rows(stretches.clone(), levels);
                assert_eq!(found, (expected.to_vec(), count), "{levels:?}");
            }
        }
    }
}
