//! The picture as a table, for those who read rather than look.

use maud::{Markup, html};

use super::layout::{Band, Layout, Piece};
use crate::{formats::text::shown, model::now::Now};

const HEAD: [&str; 7] = [
    "task",
    "try",
    "began",
    "took",
    "limit",
    "what became of it",
    "hooks",
];

pub(super) fn table(layout: &Layout, now: &Now) -> Markup {
    html! {
        table {
            caption { "Every start, in the order of time" }
            thead { tr { @for head in HEAD { th scope="col" { (head) } } } }
            tbody {
                @for (number, (band, piece)) in layout.pieces().enumerate() {
                    (row(number, band, piece, now)) "\n"
                }
            }
        }
    }
}

fn row(number: usize, band: &Band, piece: &Piece, now: &Now) -> Markup {
    let (caption, class) = (&piece.caption, piece.mark.class());
    html! {
        tr id={ "s" (number) } {
            th scope="row" { bdi { (caption.name) } }
            td.n { (band.number) }
            td.n { (now.local(piece.span.from, "%H:%M:%S%.3f")) }
            td.n { (caption.time) }
            td.n { (caption.limit.as_deref().unwrap_or_default()) }
            td {
                svg.picture width="10" height="10" aria-hidden="true" {
                    use class={ "sign " (class) } href={ "#sign-" (class) } {}
                }
                " " (caption.fate) (output(piece))
            }
            td { (caption.hooks.join("; ")) }
        }
    }
}

fn output(piece: &Piece) -> Markup {
    let ended = piece.span.ended();
    let output = ended.and_then(|ended| ended.how.output.as_deref().map(shown));
    let lines = ended.map_or(&[][..], |ended| &ended.lines);
    html! {
        @if let Some(output) = output {
            @if lines.is_empty() {
                div { code { (output) } }
            } @else {
                details {
                    summary { "last lines of " code { (output) } }
                    pre { (lines.join("\n").replace('\t', "    ")) }
                }
            }
        }
    }
}
