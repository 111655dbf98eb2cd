//! Links over the picture: one for each piece, to its row in the table. It shows the details
//! while it has the focus or the pointer.

use maud::{Markup, html};

use super::{
    axis::percent,
    layout::{Band, Layout},
    span::{Piece, cut},
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
    let (from, to) = (layout.x(band, piece.from), layout.x(band, piece.to));
    // The details stay within the page at its right edge, too.
    let class = (from > 0.5).then_some("left");
    let (left, width) = (percent(from), percent(to - from));
    let details = piece.details();
    let output = piece.output();
    let last = output.iter().skip(output.len().saturating_sub(LINES));
    let last = last.map(|line| cut(&line.replace('\t', "    "), LETTERS));
    html! {
        a href={ "#s" (number) } class=[class]
            style={ "left:" (left) ";top:" (band.row(piece.row)) "px;width:" (width) }
            aria-label={ (piece.name) ": " (details.join("; ")) } {
            span {
                b { bdi { (piece.name) } }
                @for line in &details { i { (line) } }
                @if !output.is_empty() { samp { (last.collect::<Vec<_>>().join("\n")) } }
            }
        }
    }
}
