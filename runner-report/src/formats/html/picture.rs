//! The picture itself, as SVG. Widths are shares and heights are pixels, so that it takes
//! the room it is given and its letters stay as large as they are.

use maud::{Markup, PreEscaped, html};
use runner_config::format_duration;

use super::{
    axis::{percent, ticks},
    layout::{Band, HEADER, Layout, ROW},
    outcome_mark::Mark,
    placement::Levels,
    span::Piece,
};
use crate::model::now::between;

/// A bar within its row, and the line below it.
const BAR_TOP: usize = 2;
const BAR: usize = 16;
const LINE_TOP: usize = BAR_TOP + BAR + 1;

/// A hook is a thin edge, as low as letters are not.
const HOOK: usize = 4;

/// What a letter is wide, about, where that has to be known.
const LETTER: usize = 7;

/// How wide a picture is that stands alone.
const ALONE: usize = 1200;

/// Less than this share of the width has no room for a letter, or for a sign.
const NO_NAME: f64 = 0.03;
const NO_SIGN: f64 = 0.016;

const STYLE: &str = include_str!("picture.css");

/// The picture in a page that explains it.
pub(super) fn within(layout: &Layout) -> Markup {
    html! {
        svg.picture width="100%" height=(layout.height) aria-hidden="true" focusable="false" { "\n"
            (style())
            (drawing(layout, false))
        } "\n"
    }
}

/// The picture in a file of its own, with its explanations in it.
pub(super) fn alone(layout: &Layout, title: &str) -> Markup {
    let height = layout.height + 64;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="picture alone" width=(ALONE) height=(height)
            viewBox={ "0 0 " (ALONE) " " (height) } role="group" aria-labelledby="title" { "\n"
            title #title { (title) } "\n"
            (style())
            rect.paper width="100%" height="100%" {} "\n"
            svg x="16" y="12" width=(ALONE - 32) height=(layout.height) overflow="visible" { "\n"
                (drawing(layout, true))
            } "\n"
            (legend_alone(layout))
        } "\n"
    }
}

fn style() -> Markup {
    html! {
        style { "\n" (PreEscaped(STYLE)) } "\n"
        defs {
            @for mark in Mark::ALL { path id={ "sign-" (mark.class) } d=(mark.pen) {} }
            pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)" {
                path.hatch d="M0 0V6" {}
            }
        } "\n"
    }
}

/// A sample of everything in the picture, sixteen pixels wide, and its meaning.
pub(super) fn legend(layout: &Layout) -> Vec<(Markup, &'static str)> {
    let pieces = || layout.pieces();
    let mut legend = Vec::new();
    for mark in Mark::ALL {
        if pieces().any(|(_, piece)| piece.mark == mark) {
            let class = format!("bar {}", mark.class);
            let bar = html! { rect class=(class) x=".5" y=".5" width="15" height="15" {} };
            legend.push((html! { (bar) (sign(mark, "3")) }, mark.word));
        }
    }
    let mut starts = layout.timeline.starts.iter();
    if starts.any(|start| start.before.is_some() || start.after.is_some()) {
        let hook = html! { rect.hook x="1" y="6" width="14" height="4" {} };
        legend.push((hook, "hook"));
    }
    if pieces().any(|(band, piece)| limit(layout, band, piece).is_some()) {
        legend.push((html! { path.limit d="M4 1H12M8 1V15M4 15H12" {} }, "limit"));
    }
    if layout.has_choice() {
        let line = html! { path.decides d="M0 8H16" {} };
        legend.push((line, "decided how long it took"));
    }
    legend
}

fn sign(Mark { class, .. }: Mark, x: &str) -> Markup {
    html! { use class={ "sign " (class) } href={ "#sign-" (class) } x=(x) y="3" {} }
}

fn legend_alone(layout: &Layout) -> Markup {
    let mut x = 16;
    let places = legend(layout).into_iter().map(|(sample, word)| {
        let place = x;
        x += 22 + word.len() * LETTER + 20;
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

/// Everything but the frame. A picture that is `alone` has the details in it.
fn drawing(layout: &Layout, alone: bool) -> Markup {
    html! {
        @for (share, text) in ticks(layout.whole) {
            (line("grid", [share; 2], [4, layout.height]))
            text.muted.small x=(percent(share)) dx="4" y="14" { (text) } "\n"
        }
        @for band in &layout.bands {
            (header(band))
            (levels(layout, band))
            @for piece in &band.pieces { (drawn(layout, band, piece, alone)) "\n" }
        }
    }
}

/// A line from one share of the width to another, and from one height to another.
fn line(class: &str, [x1, x2]: [f64; 2], [y1, y2]: [usize; 2]) -> Markup {
    html! { line class=(class) x1=(percent(x1)) x2=(percent(x2)) y1=(y1) y2=(y2) {} }
}

fn header(band: &Band) -> Markup {
    let pieces = band.pieces.iter();
    let failed = pieces.filter(|piece| piece.mark == Mark::FAILED).take(3);
    let failed: Vec<&str> = failed.map(|piece| &*piece.label).collect();
    html! {
        (line("edge", [0.0, 1.0], [band.top; 2]))
        text.head y=(band.top + HEADER - 10) {
            "Try " (band.number)
            tspan.muted dx="8" {
                (format_duration(between(band.from, band.to)))
                @if !failed.is_empty() { " · " (failed.join(", ")) " failed" }
            }
        } "\n"
    }
}

/// What separates the levels: a line below each, or one before each.
fn levels(layout: &Layout, band: &Band) -> Markup {
    let pairs = band.pieces.iter().zip(band.pieces.iter().skip(1));
    let starts = pairs.filter(|(last, piece)| last.level != piece.level);
    let lines = starts.map(|(_, piece)| match layout.levels {
        Levels::Named | Levels::Below => line("grid", [0.0, 1.0], [band.row(piece.row); 2]),
        Levels::Beside => {
            let x = layout.x(band, piece.from);
            line("level", [x; 2], [band.row(0), band.row(band.rows)])
        }
    });
    html! { @for line in lines { (line) "\n" } }
}

fn drawn(layout: &Layout, band: &Band, piece: &Piece, alone: bool) -> Markup {
    let y = band.row(piece.row);
    let x = |at| layout.x(band, at);
    html! {
        g tabindex=[alone.then_some("0")] role=[alone.then_some("img")] {
            @if alone {
                title { (piece.name) ", try " (band.number) "\n" (piece.details().join("\n")) }
            }
            @for (_, hook, to) in piece.start.into_iter().flat_map(|it| it.hooks(layout.until)) {
                (bar("hook", x(hook.from), x(to), y + BAR_TOP + BAR - HOOK, HOOK))
            }
            (bar(&format!("bar {}", piece.mark.class), x(piece.task_from), x(piece.task_to), y + BAR_TOP, BAR))
            @if piece.decides && layout.has_choice() {
                (line("decides", [x(piece.from), x(piece.to)], [y + LINE_TOP; 2]))
            }
            @if let Some(at) = limit(layout, band, piece) {
                (line("limit", [at; 2], [y + 1, y + ROW - 1]))
            }
            (label(piece, y + BAR_TOP))
        }
    }
}

fn bar(class: &str, from: f64, to: f64, y: usize, height: usize) -> Markup {
    let (x, width) = (percent(from), percent(to - from));
    html! { rect class=(class) x=(x) y=(y) width=(width) height=(height) {} }
}

/// Where the limit stands, when it would have come before something else does.
fn limit(layout: &Layout, band: &Band, piece: &Piece) -> Option<f64> {
    let at = layout.x(band, piece.start?.limit_at()?);
    Some(at).filter(|at| *at < 1.0 && *at <= piece.next)
}

/// Sign and name, cut where something else begins.
fn label(piece: &Piece, y: usize) -> Markup {
    let room = piece.room;
    let width = room.to - room.from;
    let sign = |x| sign(piece.mark, x);
    html! {
        @if width >= NO_SIGN {
            svg x=(percent(room.from)) y=(y) width=(percent(width)) height=(BAR) {
                @if room.is_before {
                    svg x="100%" overflow="visible" { (sign("-15")) }
                } @else {
                    (sign("4"))
                }
                @if width >= NO_NAME {
                    text.name y="12" x=(if room.is_before { "100%" } else { "19" })
                        dx=[room.is_before.then_some("-20")]
                        text-anchor=[room.is_before.then_some("end")] {
                        (piece.label) tspan.muted dx="6" { (piece.time) }
                    }
                }
            }
        }
    }
}
