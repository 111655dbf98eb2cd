//! Text in aligned columns.

use unicode_width::UnicodeWidthStr;

/// Alignment of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Returns a line for each row, padded, with two spaces between columns. Empty columns are left
/// out. The iterator of rows runs twice: there can be too many of them to store.
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
        let nonempty = cells.filter(|((_, width), _)| *width > 0);
        let padded = nonempty.map(|((align, width), cell)| {
            let pad = " ".repeat(width - cell.width());
            match align {
                Align::Left => format!("{cell}{pad}"),
                Align::Right => format!("{pad}{cell}"),
            }
        });
        padded.collect::<Vec<_>>().join("  ")
    })
}

/// Returns the lines as one text, without trailing spaces.
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
