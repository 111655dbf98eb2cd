//! The picture of a run as SVG: the rows of the page without what they open to.

use maud::{Markup, PreEscaped, html};
use runner_config::format_duration;

use super::{
    axis::{Axis, percent},
    badge::Badge,
    row::{Row, fold},
    sign::sign_definitions,
    span::Span,
    tries::Tries,
};
use crate::model::now::plus;

const STYLE: &str = include_str!("picture.css");

/// Sizes in pixels.
const WIDTH: usize = 1200;
const ROW_HEIGHT: usize = 24;
const TOP: usize = 92;
const BARS_LEFT: usize = 250;
const BARS_WIDTH: usize = 620;
const STATUS_LEFT: usize = 885;

/// Maximum numbers of letters.
const MAX_NAME: usize = 32;
const MAX_STATUS: usize = 42;
const MAX_TITLE: usize = 110;

/// Texts above the rows.
pub(super) struct Heading {
    pub(super) badge: Badge,
    pub(super) title: String,
    pub(super) place: String,
}

pub(super) fn picture(heading: &Heading, tries: &Tries, axis: &Axis, rows: Vec<Row>) -> Markup {
    let (shown, folded) = fold(rows);
    let height = TOP + (shown.len() + 1 + usize::from(!folded.is_empty())) * ROW_HEIGHT + 16;
    let Heading {
        badge,
        title,
        place,
    } = heading;
    let all = tries.tries.iter();
    let waits = all.filter_map(|one| Some((one, one.wait.as_ref()?)));
    let last = TOP + (shown.len() + 1) * ROW_HEIGHT;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="picture" width=(WIDTH) height=(height)
            viewBox={ "0 0 " (WIDTH) " " (height) } role="group" aria-labelledby="title" { "\n"
            title #title { (title) } "\n"
            style { "\n" (PreEscaped(STYLE)) }
            defs { (sign_definitions()) } "\n"
            rect.paper width="100%" height="100%" {}
            svg x="16" y="16" width="20" height="20" {
                use class={ "sign " (badge.class) } href={ "#sign-" (badge.class) } {}
            }
            text.title x="46" y="33" { (cut(title, MAX_TITLE)) }
            text.muted x="46" y="54" { (cut(place, MAX_TITLE)) } "\n"
            svg x=(BARS_LEFT) y=(TOP - 26) width=(BARS_WIDTH) height=(last - TOP + 26) { (grid(tries, axis)) }
            @for (index, row) in shown.iter().enumerate() {
                (drawing(row, TOP + index * ROW_HEIGHT, axis)) "\n"
            }
            @if tries.tries.iter().any(|one| one.wait.is_some()) {
                text.muted x="46" y=(last - 8) { "waits, not to scale" }
            }
            svg x=(BARS_LEFT) y=(last - ROW_HEIGHT) width=(BARS_WIDTH) height=(ROW_HEIGHT) {
                @for (one, wait) in waits {
                    (bar("wait", wait, axis, one.number))
                }
            }
            @if !folded.is_empty() {
                text.muted x="46" y=(last + 16) { (folded.len()) " more tasks are left out" }
            }
        } "\n"
    }
}

/// Returns a line at the beginning of each try, with its number and duration.
fn grid(tries: &Tries, axis: &Axis) -> Markup {
    html! {
        @for one in &tries.tries {
            @for tick in axis.ticks(one.duration()) {
                @let x = percent(axis.x(plus(one.from, tick)));
                line class=(if tick.is_zero() { "try" } else { "tick" }) x1=(x) x2=(x) y1="0" y2="100%" {}
            }
            text.head x=(percent(axis.x(one.from))) dx="4" y="12" {
                "Try " (one.number) tspan.muted dx="6" { (format_duration(one.duration())) }
            } "\n"
        }
    }
}

fn drawing(row: &Row, y: usize, axis: &Axis) -> Markup {
    let time = row.time.map(format_duration).unwrap_or_default();
    html! {
        g tabindex="0" role="img" aria-label={ (row.name) ": " (row.status) "; " (time) } {
            svg x="22" y=(y + 5) width="12" height="12" {
                use class={ "sign " (row.badge.class) } href={ "#sign-" (row.badge.class) } {}
            }
            text x="46" y=(y + 16) { (cut(&row.name, MAX_NAME)) }
            svg x=(BARS_LEFT) y=(y) width=(BARS_WIDTH) height=(ROW_HEIGHT) {
                @for (number, span) in &row.spans {
                    @if let Some(usual) = row.usual {
                        @let x = percent(axis.x(span.task_from));
                        rect.late x=(x) y="4" width=(percent(axis.share(usual.p95))) height="16" {}
                        rect.usual x=(x) y="4" width=(percent(axis.share(usual.median))) height="16" {}
                    }
                    (bar(span.badge.class, span, axis, *number))
                }
            }
            text x=(STATUS_LEFT) y=(y + 16) {
                (time) tspan.muted dx="8" { (cut(&row.status, MAX_STATUS)) }
            }
        }
    }
}

fn bar(class: &str, span: &Span, axis: &Axis, try_num: u32) -> Markup {
    let (from, to) = (axis.x(span.task_from), axis.x(span.task_to));
    let facts = [
        span.status.clone(),
        format!("took {}", format_duration(span.time)),
    ];
    let facts: Vec<String> = facts.into_iter().chain(span.hooks.clone()).collect();
    html! {
        rect class={ "bar " (class) } x=(percent(from)) y="7" width=(percent(to - from)) height="10" {
            title { (span.name) ", try " (try_num) "\n" (facts.join("\n")) }
        }
    }
}

/// Returns the first `letters` of `text`, with an ellipsis if that is not all.
fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
