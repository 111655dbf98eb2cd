//! Where the name of a bar stands: in it, behind it, before it, or cut.

/// From one share of the width to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Room {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Whether the name stands at the right end of it.
    pub(super) is_before: bool,
}

impl Room {
    /// The room for a name that wants `need`, of a bar between the name or bar that ends at
    /// `last` and the one that begins at `next`.
    pub(super) fn new(last: f64, (from, to): (f64, f64), next: f64, need: f64) -> Room {
        let behind = |from| Room {
            from,
            to: next,
            is_before: false,
        };
        let free = from - last;
        if to - from < need && next - to >= need {
            behind(to)
        } else if next - from < need && free >= need {
            Room {
                from: last,
                to: from,
                is_before: true,
            }
        } else {
            // Also when it is cut: its beginning says most.
            behind(from.max(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_where_it_can_be_read() {
        for (last, bar, next, from, to, is_before) in [
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
            let expected = Room {
                from,
                to,
                is_before,
            };
            assert_eq!(Room::new(last, bar, next, 0.3), expected, "{bar:?}");
        }
    }
}
