//! Links over the picture, one for each span, to its row in the table. A link shows the details
//! while it has the focus or the pointer. Its class in the style sheet is `hot`.

use maud::{Markup, html};

use super::{
    axis::percent,
    layout::{Layout, TryBand},
    span::{Span, cut},
};

/// Maximum number of output lines in a tooltip, and of letters in a line.
const MAX_LINES: usize = 6;
const MAX_LETTERS: usize = 160;

/// Returns the links, in the order of time.
pub(super) fn tooltips(layout: &Layout) -> Markup {
    html! {
        div.hot {
            @for (number, (band, span)) in layout.spans().enumerate() {
                (tooltip(layout, number, band, span)) "\n"
            }
        }
    }
}

fn tooltip(layout: &Layout, number: usize, band: &TryBand, span: &Span) -> Markup {
    let (from, to) = (layout.x(band, span.from), layout.x(band, span.to));
    // On the right half the details extend to the left, to stay within the page.
    let class = (from > 0.5).then_some("left");
    let (left, width) = (percent(from), percent(to - from));
    let details = span.details();
    let output = span.output();
    let last = output[output.len().saturating_sub(MAX_LINES)..].iter();
    let cut_lines = last.map(|line| cut(&line.replace('\t', "    "), MAX_LETTERS));
    html! {
        a href={ "#s" (number) } class=[class]
            style={ "left:" (left) ";top:" (band.row_top(span.row)) "px;width:" (width) }
            aria-label={ (span.name) ": " (details.join("; ")) } {
            span {
                b { bdi { (span.name) } }
                @for line in &details { i { (line) } }
                @if !output.is_empty() { samp { (cut_lines.collect::<Vec<_>>().join("\n")) } }
            }
        }
    }
}
