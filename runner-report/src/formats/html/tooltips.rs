//! Links over the picture: one for each piece, to its row in the table. It shows the details
//! while it has the focus or the pointer.

use maud::{Markup, html};

use super::{
    caption::cut,
    layout::{Band, Layout, Piece, ROW},
    picture::percent,
};

/// As many lines of output as can be read in passing.
const LINES: usize = 6;
const LETTERS: usize = 160;

/// One link a piece, in the order of time.
pub(super) fn hot(layout: &Layout) -> Markup {
    html! {
        div.hot {
            @for (number, (band, piece)) in layout.pieces().enumerate() {
                (link(layout, number, band, piece)) "\n"
            }
        }
    }
}

fn link(layout: &Layout, number: usize, band: &Band, piece: &Piece) -> Markup {
    let (from, to) = (
        layout.x(band, piece.span.from),
        layout.x(band, piece.span.to),
    );
    let top = band.first_row() + piece.row * ROW;
    // The details stay within the page at its right edge, too.
    let class = (from > 0.5).then_some("left");
    let (left, width) = (percent(from), percent(to - from));
    let (name, details) = (&piece.caption.name, piece.caption.details());
    html! {
        a href={ "#s" (number) } class=[class]
            style={ "left:" (left) ";top:" (top) "px;width:" (width) }
            aria-label={ (name) ": " (details.join("; ")) } {
            span {
                b { bdi { (name) } }
                @for line in &details { i { (line) } }
                @if let Some(output) = output(piece) { samp { (output) } }
            }
        }
    }
}

fn output(piece: &Piece) -> Option<String> {
    let lines = &piece.span.ended()?.lines;
    let lines = &lines[lines.len().saturating_sub(LINES)..];
    let lines = lines
        .iter()
        .map(|line| cut(&line.replace('\t', "    "), LETTERS));
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
