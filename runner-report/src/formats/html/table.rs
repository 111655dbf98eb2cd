//! The picture as a table, for those who read rather than look.

use maud::{Markup, html};

use super::{
    layout::{Band, Layout},
    span::Piece,
};
use crate::{formats::text::shown, model::now::Now};

pub(super) fn table(layout: &Layout, now: &Now) -> Markup {
    let head = [
        "task",
        "try",
        "began",
        "took",
        "limit",
        "what became of it",
        "hooks",
    ];
    html! {
        table {
            caption { "Every start, in the order of time" }
            thead { tr { @for head in head { th scope="col" { (head) } } } }
            tbody {
                @for (number, (band, piece)) in layout.pieces().enumerate() {
                    (row(number, band, piece, now)) "\n"
                }
            }
        }
    }
}

fn row(number: usize, band: &Band, piece: &Piece, now: &Now) -> Markup {
    let class = piece.mark.class;
    html! {
        tr id={ "s" (number) } {
            th scope="row" { bdi { (piece.name) } }
            td.n { (band.number) }
            td.n { (now.local(piece.from, "%H:%M:%S%.3f")) }
            td.n { (piece.time) }
            td.n { (piece.limit.as_deref().unwrap_or_default()) }
            td {
                svg.picture width="10" height="10" aria-hidden="true" {
                    use class={ "sign " (class) } href={ "#sign-" (class) } {}
                }
                " " (piece.fate) (output(piece))
            }
            td { (piece.hooks.join("; ")) }
        }
    }
}

fn output(piece: &Piece) -> Markup {
    let ended = piece.start.and_then(|start| start.ended.as_ref());
    let path = ended.and_then(|ended| ended.output.as_deref());
    let lines = piece.output();
    html! {
        @if let Some(path) = path.map(shown) {
            @if lines.is_empty() {
                div { code { (path) } }
            } @else {
                details {
                    summary { "last lines of " code { (path) } }
                    pre { (lines.join("\n").replace('\t', "    ")) }
                }
            }
        }
    }
}
