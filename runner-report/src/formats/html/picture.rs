//! The picture as SVG. Widths are in percent and heights in pixels, so that the picture fills
//! the available width without scaling its text.

use maud::{Markup, PreEscaped, html};
use runner_config::format_duration;

use super::{
    axis::{percent, ticks},
    badge::Badge,
    layout::{HEADER_HEIGHT, Layout, ROW_HEIGHT, TryBand},
    placement::Stacking,
    span::Span,
};
use crate::model::now::between;

/// Bar and line below it: heights and offsets in a row, in pixels.
const BAR_TOP: usize = 2;
const BAR_HEIGHT: usize = 16;
const LINE_TOP: usize = BAR_TOP + BAR_HEIGHT + 1;

/// Height of a hook in pixels: a strip at the bottom of the bar, below the text.
const HOOK_HEIGHT: usize = 4;
const HOOK_TOP: usize = BAR_TOP + BAR_HEIGHT - HOOK_HEIGHT;

/// Approximate width of a letter in the legend.
const LETTER_PIXELS: usize = 7;

/// Width in pixels of a picture in a file of its own.
const FILE_WIDTH: usize = 1200;

/// Minimum width, as a fraction, for a name and for a sign.
const MIN_NAME_WIDTH: f64 = 0.03;
const MIN_SIGN_WIDTH: f64 = 0.016;

const STYLE: &str = include_str!("picture.css");

/// Returns the picture for a page that has the legend and the details.
pub(super) fn embedded(layout: &Layout) -> Markup {
    html! {
        svg.picture width="100%" height=(layout.height) aria-hidden="true" focusable="false" { "\n"
            (style())
            (drawing(layout, false))
        } "\n"
    }
}

/// Returns the picture for a file of its own, with legend and details.
pub(super) fn standalone(layout: &Layout, title: &str) -> Markup {
    let height = layout.height + 64;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="picture alone" width=(FILE_WIDTH) height=(height)
            viewBox={ "0 0 " (FILE_WIDTH) " " (height) } role="group" aria-labelledby="title" { "\n"
            title #title { (title) } "\n"
            (style())
            rect.paper width="100%" height="100%" {} "\n"
            svg x="16" y="12" width=(FILE_WIDTH - 32) height=(layout.height) overflow="visible" { "\n"
                (drawing(layout, true))
            } "\n"
            (standalone_legend(layout))
        } "\n"
    }
}

fn style() -> Markup {
    html! {
        style { "\n" (PreEscaped(STYLE)) } "\n"
        defs {
            @for badge in Badge::ALL { path id={ "sign-" (badge.class) } d=(badge.path) {} }
            pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)" {
                path.hatch d="M0 0V6" {}
            }
        } "\n"
    }
}

/// Returns a sample, 16 px wide, and the meaning of each kind of element in the picture.
pub(super) fn legend(layout: &Layout) -> Vec<(Markup, &'static str)> {
    let spans = || layout.spans();
    let mut legend = Vec::new();
    for badge in Badge::ALL {
        if spans().any(|(_, span)| span.badge == badge) {
            let class = format!("bar {}", badge.class);
            let bar = html! { rect class=(class) x=".5" y=".5" width="15" height="15" {} };
            legend.push((html! { (bar) (sign(badge, "3")) }, badge.word));
        }
    }
    let mut starts = layout.timeline.starts.iter();
    if starts.any(|start| start.before.is_some() || start.after.is_some()) {
        let hook = html! { rect.hook x="1" y="6" width="14" height="4" {} };
        legend.push((hook, "hook"));
    }
    if spans().any(|(band, span)| limit_x(layout, band, span).is_some()) {
        legend.push((html! { path.limit d="M4 1H12M8 1V15M4 15H12" {} }, "limit"));
    }
    if layout.has_noncritical_spans() {
        let line = html! { path.decides d="M0 8H16" {} };
        legend.push((line, "decided how long it took"));
    }
    legend
}

fn sign(Badge { class, .. }: Badge, x: &str) -> Markup {
    html! { use class={ "sign " (class) } href={ "#sign-" (class) } x=(x) y="3" {} }
}

fn standalone_legend(layout: &Layout) -> Markup {
    let mut x = 16;
    let places = legend(layout).into_iter().map(|(sample, word)| {
        let place = x;
        x += 22 + word.len() * LETTER_PIXELS + 20;
        (place, sample, word)
    });
    html! {
        @for (x, sample, word) in places {
            svg x=(x) y=(layout.height + 28) overflow="visible" {
                (sample)
                text.muted x="22" y="12" { (word) }
            } "\n"
        }
    }
}

/// Draws axis and tries. A standalone picture includes the details.
fn drawing(layout: &Layout, is_standalone: bool) -> Markup {
    html! {
        @for (share, text) in ticks(layout.longest_try) {
            (line("grid", [share; 2], [4, layout.height]))
            text.muted.small x=(percent(share)) dx="4" y="14" { (text) } "\n"
        }
        @for band in &layout.bands {
            (band_header(band))
            (level_lines(layout, band))
            @for span in &band.spans { (span_drawing(layout, band, span, is_standalone)) "\n" }
        }
    }
}

/// Draws a line. `x` values are fractions of the width, `y` values pixels.
fn line(class: &str, [x1, x2]: [f64; 2], [y1, y2]: [usize; 2]) -> Markup {
    html! { line class=(class) x1=(percent(x1)) x2=(percent(x2)) y1=(y1) y2=(y2) {} }
}

fn band_header(band: &TryBand) -> Markup {
    let spans = band.spans.iter();
    let failed = spans.filter(|span| span.badge == Badge::FAILED).take(3);
    let failed_names: Vec<&str> = failed.map(|span| &*span.label).collect();
    html! {
        (line("edge", [0.0, 1.0], [band.top; 2]))
        text.head y=(band.top + HEADER_HEIGHT - 10) {
            "Try " (band.number)
            tspan.muted dx="8" {
                (format_duration(between(band.from, band.to)))
                @if !failed_names.is_empty() { " · " (failed_names.join(", ")) " failed" }
            }
        } "\n"
    }
}

/// Draws lines between the levels: horizontal ones, or vertical ones if levels share rows.
fn level_lines(layout: &Layout, band: &TryBand) -> Markup {
    let pairs = band.spans.iter().zip(band.spans.iter().skip(1));
    let starts = pairs.filter(|(last, span)| last.level != span.level);
    let lines = starts.map(|(_, span)| match layout.stacking {
        Stacking::Stairs | Stacking::Below => line("grid", [0.0, 1.0], [band.row_top(span.row); 2]),
        Stacking::Beside => {
            let x = layout.x(band, span.from);
            line("level", [x; 2], [band.row_top(0), band.row_top(band.rows)])
        }
    });
    html! { @for line in lines { (line) "\n" } }
}

fn span_drawing(layout: &Layout, band: &TryBand, span: &Span, is_standalone: bool) -> Markup {
    let y = band.row_top(span.row);
    let x = |at| layout.x(band, at);
    let bar_class = format!("bar {}", span.badge.class);
    html! {
        g tabindex=[is_standalone.then_some("0")] role=[is_standalone.then_some("img")] {
            @if is_standalone {
                title { (span.name) ", try " (band.number) "\n" (span.details().join("\n")) }
            }
            @for (_, hook, to) in span.start.into_iter().flat_map(|it| it.hooks(layout.until)) {
                (bar("hook", x(hook.from), x(to), y + HOOK_TOP, HOOK_HEIGHT))
            }
            (bar(&bar_class, x(span.task_from), x(span.task_to), y + BAR_TOP, BAR_HEIGHT))
            @if span.is_critical && layout.has_noncritical_spans() {
                (line("decides", [x(span.from), x(span.to)], [y + LINE_TOP; 2]))
            }
            @if let Some(at) = limit_x(layout, band, span) {
                (line("limit", [at; 2], [y + 1, y + ROW_HEIGHT - 1]))
            }
            (label(span, y + BAR_TOP))
        }
    }
}

fn bar(class: &str, from: f64, to: f64, y: usize, height: usize) -> Markup {
    let (x, width) = (percent(from), percent(to - from));
    html! { rect class=(class) x=(x) y=(y) width=(width) height=(height) {} }
}

/// Returns the position of the limit, if it is before the next span of the row.
fn limit_x(layout: &Layout, band: &TryBand, span: &Span) -> Option<f64> {
    let at = layout.x(band, span.start?.limit_at()?);
    Some(at).filter(|at| *at < 1.0 && *at <= span.next_from)
}

/// Draws sign and name, cut at the end of their room.
fn label(span: &Span, y: usize) -> Markup {
    let room = span.room;
    let width = room.to - room.from;
    let sign = |x| sign(span.badge, x);
    html! {
        @if width >= MIN_SIGN_WIDTH {
            svg x=(percent(room.from)) y=(y) width=(percent(width)) height=(BAR_HEIGHT) {
                @if room.is_right_aligned {
                    svg x="100%" overflow="visible" { (sign("-15")) }
                } @else {
                    (sign("4"))
                }
                @if width >= MIN_NAME_WIDTH {
                    text.name y="12" x=(if room.is_right_aligned { "100%" } else { "19" })
                        dx=[room.is_right_aligned.then_some("-20")]
                        text-anchor=[room.is_right_aligned.then_some("end")] {
                        (span.label) tspan.muted dx="6" { (span.time) }
                    }
                }
            }
        }
    }
}
