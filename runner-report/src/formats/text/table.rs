//! Cells in columns.

use unicode_width::UnicodeWidthStr;

/// Alignment of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A line for each row, two blanks between the columns, and blanks up to the end of the
/// last one. A column that is empty everywhere is left out. There may be very many rows, so
/// they are made twice rather than kept.
pub(super) fn aligned_lines<const N: usize>(
    aligns: [Align; N],
    rows: impl Iterator<Item = [String; N]> + Clone,
) -> impl Iterator<Item = String> {
    let mut widths = [0; N];
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = cell.width().max(*width);
        }
    }
    rows.map(move |row| {
        let cells = aligns.iter().zip(widths).zip(&row);
        let cells = cells.filter(|((_, width), _)| *width > 0);
        let cells = cells.map(|((align, width), cell)| {
            let pad = " ".repeat(width - cell.width());
            match align {
                Align::Left => format!("{cell}{pad}"),
                Align::Right => format!("{pad}{cell}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ")
    })
}

/// The same as a text, without the blanks at the ends of lines.
pub(super) fn table<const N: usize>(
    aligns: [Align; N],
    rows: impl Iterator<Item = [String; N]> + Clone,
) -> String {
    let mut text = String::new();
    for line in aligned_lines(aligns, rows) {
        text += line.trim_end();
        text += "\n";
    }
    text
}
