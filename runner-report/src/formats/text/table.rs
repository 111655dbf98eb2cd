//! Cells in columns.

use unicode_width::UnicodeWidthStr;

/// On which side of a column its cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A line for each row, two blanks between the columns, and blanks up to the end of the
/// last one. A column that is empty everywhere is left out. There may be very many rows, so
/// they are made twice rather than kept.
pub(super) fn lines<const N: usize>(
    sides: [Side; N],
    rows: impl Iterator<Item = [String; N]> + Clone,
) -> impl Iterator<Item = String> {
    let mut widths = [0; N];
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = cell.width().max(*width);
        }
    }
    rows.map(move |row| {
        let cells = sides.iter().zip(widths).zip(&row);
        let cells = cells.filter(|((_, width), _)| *width > 0);
        let cells = cells.map(|((side, width), cell)| {
            let pad = " ".repeat(width - cell.width());
            match side {
                Side::Left => format!("{cell}{pad}"),
                Side::Right => format!("{pad}{cell}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ")
    })
}

/// The same as a text, without the blanks at the ends of lines.
pub(super) fn table<const N: usize>(
    sides: [Side; N],
    rows: impl Iterator<Item = [String; N]> + Clone,
) -> String {
    let mut text = String::new();
    for line in lines(sides, rows) {
        text += line.trim_end();
        text += "\n";
    }
    text
}
