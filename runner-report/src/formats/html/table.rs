//! The table of all spans, which has the same facts as the picture.

use maud::{Markup, html};

use super::{
    layout::{Layout, TryBand},
    span::Span,
};
use crate::{formats::text::printable, model::now::Now};

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
                @for (number, (band, span)) in layout.spans().enumerate() {
                    (row(number, band, span, now)) "\n"
                }
            }
        }
    }
}

fn row(number: usize, band: &TryBand, span: &Span, now: &Now) -> Markup {
    let class = span.badge.class;
    html! {
        tr id={ "s" (number) } {
            th scope="row" { bdi { (span.name) } }
            td.n { (band.number) }
            td.n { (now.local(span.from, "%H:%M:%S%.3f")) }
            td.n { (span.time) }
            td.n { (span.limit.as_deref().unwrap_or_default()) }
            td {
                svg.picture width="10" height="10" aria-hidden="true" {
                    use class={ "sign " (class) } href={ "#sign-" (class) } {}
                }
                " " (span.status) (output(span))
            }
            td { (span.hooks.join("; ")) }
        }
    }
}

fn output(span: &Span) -> Markup {
    let ended = span.start.and_then(|start| start.ended.as_ref());
    let path = ended.and_then(|ended| ended.output.as_deref());
    let lines = span.output();
    html! {
        @if let Some(path) = path.map(printable) {
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
