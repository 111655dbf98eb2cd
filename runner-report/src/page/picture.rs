//! The picture itself, as SVG. Widths are shares and heights are pixels, so that it takes
//! the room it is given and its letters stay as large as they are.

use std::fmt::Write;

use runner_config::format_duration;

use super::{
    escape::Escaped,
    lanes::Levels,
    layout::{Band, HEADER, Layout, Piece, ROW, What},
    mark::Mark,
    room::Room,
    scale::ticks,
    words,
};
use crate::{Now, now::span, text::shown, timeline::Visit};

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
pub(super) fn within(layout: &Layout) -> String {
    let height = layout.height;
    let mut svg = format!(
        "<svg class=\"picture\" width=\"100%\" height=\"{height}\" aria-hidden=\"true\" focusable=\"false\">\n"
    );
    svg += &style();
    svg += &drawing(layout, |_, _| String::new());
    svg + "</svg>\n"
}

/// The picture in a file of its own, with its explanations in it.
pub(super) fn alone(layout: &Layout, title: &str, now: &Now) -> String {
    let height = layout.height + 64;
    let title = Escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture alone\" width=\"{ALONE}\" height=\"{height}\" \
         viewBox=\"0 0 {ALONE} {height}\" role=\"group\" aria-labelledby=\"title\">\n\
         <title id=\"title\">{title}</title>\n"
    );
    svg += &style();
    let _ = write!(
        svg,
        "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n\
         <svg x=\"16\" y=\"12\" width=\"{}\" height=\"{}\" overflow=\"visible\">\n",
        ALONE - 32,
        layout.height
    );
    svg += &drawing(layout, |band, piece| {
        let details = words::details(layout, band, piece, now).join("\n");
        let name = words::name(piece);
        let lines = format!("{name}, try {}\n{details}", band.number);
        let lines: Vec<_> = lines
            .lines()
            .map(|line| Escaped(line).to_string())
            .collect();
        format!("<title>{}</title>", lines.join("\n"))
    });
    svg += "</svg>\n";
    svg += &legend_alone(layout);
    svg + "</svg>\n"
}

fn style() -> String {
    let mut text = format!("<style>\n{STYLE}</style>\n<defs>");
    for mark in Mark::ALL {
        let (class, pen) = (mark.class(), mark.pen());
        let _ = write!(text, "<path id=\"sign-{class}\" d=\"{pen}\"/>");
    }
    text + "<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
            patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V6\"/></pattern></defs>\n"
}

/// What the marks mean that are in the picture.
pub(super) fn legend(layout: &Layout) -> Vec<(Sample, &'static str)> {
    let marks = Mark::ALL.into_iter();
    let marks = marks.filter(|mark| {
        layout
            .pieces()
            .any(|(_, piece)| layout.mark(piece) == *mark)
    });
    let mut legend: Vec<_> = marks
        .map(|mark| (Sample::Mark(mark), mark.word()))
        .collect();
    let visits = || layout.timeline.visits.iter();
    if visits().any(|visit| visit.hooks().next().is_some()) {
        legend.push((Sample::Hook, "hook"));
    }
    if layout
        .pieces()
        .any(|(band, piece)| limit(layout, band, piece).is_some())
    {
        legend.push((Sample::Limit, "limit"));
    }
    if layout.has_choice() {
        legend.push((Sample::Decides, "decided how long it took"));
    }
    legend
}

/// A mark that the legend explains.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    Mark(Mark),
    Hook,
    Limit,
    Decides,
}

/// One of them, sixteen pixels wide.
pub(super) fn sample(sample: Sample) -> String {
    match sample {
        Sample::Mark(mark) => {
            let class = mark.class();
            format!(
                "<rect class=\"bar {class}\" x=\".5\" y=\".5\" width=\"15\" height=\"15\"/>\
                 <use class=\"sign {class}\" href=\"#sign-{class}\" x=\"3\" y=\"3\"/>"
            )
        }
        Sample::Hook => {
            "<rect class=\"hook\" x=\"1\" y=\"6\" width=\"14\" height=\"4\"/>".to_owned()
        }
        Sample::Limit => "<path class=\"limit\" d=\"M4 1H12M8 1V15M4 15H12\"/>".to_owned(),
        Sample::Decides => "<path class=\"decides\" d=\"M0 8H16\"/>".to_owned(),
    }
}

fn legend_alone(layout: &Layout) -> String {
    let y = layout.height + 28;
    let mut text = String::new();
    let mut x = 16;
    for (mark, word) in legend(layout) {
        let sample = sample(mark);
        let _ = writeln!(
            text,
            "<svg x=\"{x}\" y=\"{y}\" overflow=\"visible\">{sample}<text class=\"muted\" x=\"22\" y=\"12\">{word}</text></svg>"
        );
        x += 22 + word.len() * LETTER + 20;
    }
    text
}

/// Everything but the frame. `title` is what a piece says of itself.
fn drawing(layout: &Layout, title: impl Fn(&Band, &Piece) -> String) -> String {
    let mut svg = axis(layout);
    for band in &layout.bands {
        svg += &header(layout, band);
        svg += &levels(layout, band);
        for piece in &band.pieces {
            svg += &drawn(layout, band, piece, &title(band, piece));
        }
    }
    svg
}

fn axis(layout: &Layout) -> String {
    let mut svg = String::new();
    let bottom = layout.height;
    for (share, text) in ticks(layout.whole) {
        let x = percent(share);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"4\" y2=\"{bottom}\"/>\
             <text class=\"muted small\" x=\"{x}\" dx=\"4\" y=\"14\">{text}</text>"
        );
    }
    svg
}

fn header(layout: &Layout, band: &Band) -> String {
    let y = band.top;
    let text = y + HEADER - 10;
    let number = band.number;
    let time = format_duration(span(band.from, band.to));
    let failed = band
        .pieces
        .iter()
        .filter(|piece| layout.mark(piece) == Mark::Failed);
    let failed: Vec<String> = failed.take(3).map(words::label).collect();
    let why = match failed.len() {
        0 => String::new(),
        _ => shown(&format!(" · {} failed", failed.join(", "))),
    };
    let why = Escaped(&why);
    format!(
        "<line class=\"edge\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
         <text class=\"head\" y=\"{text}\">Try {number}<tspan class=\"muted\" dx=\"8\">{time}{why}</tspan></text>\n"
    )
}

/// What separates the levels: a line below each, or one before each.
fn levels(layout: &Layout, band: &Band) -> String {
    let mut svg = String::new();
    let top = band.first_row();
    for piece in band.levels().skip(1) {
        let _ = match layout.levels {
            Levels::Named | Levels::Below => {
                let y = top + piece.row * ROW;
                writeln!(
                    svg,
                    "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>"
                )
            }
            Levels::Beside => {
                let (x, bottom) = (percent(layout.x(band, piece.from)), top + band.rows * ROW);
                writeln!(
                    svg,
                    "<line class=\"level\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\"/>"
                )
            }
        };
    }
    svg
}

fn drawn(layout: &Layout, band: &Band, piece: &Piece, title: &str) -> String {
    let mark = layout.mark(piece);
    let class = mark.class();
    let y = band.first_row() + piece.row * ROW;
    let (from, to) = match piece.what {
        What::Visit(visit) => (visit.starts(), visit.ends(layout.until)),
        What::Wait(_) | What::Halt(_) => (piece.from, piece.to),
    };
    let (x, end) = (layout.x(band, from), layout.x(band, to));
    let focus = match title.is_empty() {
        true => "",
        false => " tabindex=\"0\" role=\"img\"",
    };
    let mut svg = format!("<g{focus}>{title}");
    if let What::Visit(visit) = piece.what {
        svg += &hooks(layout, band, visit, y);
    }
    let top = y + BAR_TOP;
    let _ = write!(
        svg,
        "<rect class=\"bar {class}\" x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{BAR}\"/>",
        percent(x),
        percent(end - x)
    );
    if piece.decides && layout.has_choice() {
        let (x1, x2) = (
            percent(layout.x(band, piece.from)),
            percent(layout.x(band, piece.to)),
        );
        let y = y + LINE_TOP;
        let _ = write!(
            svg,
            "<line class=\"decides\" x1=\"{x1}\" x2=\"{x2}\" y1=\"{y}\" y2=\"{y}\"/>"
        );
    }
    if let Some(at) = limit(layout, band, piece) {
        let x = percent(at);
        let (top, bottom) = (y + 1, y + ROW - 1);
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{bottom}\"/>"
        );
    }
    svg += &label(layout, piece, mark, top);
    svg + "</g>\n"
}

fn hooks(layout: &Layout, band: &Band, visit: &Visit, y: usize) -> String {
    let top = y + BAR_TOP + BAR - HOOK;
    let hooks = visit.hooks().map(|(_, hook)| {
        let from = layout.x(band, hook.from);
        let to = layout.x(band, hook.to(layout.until));
        let (x, width) = (percent(from), percent(to - from));
        format!("<rect class=\"hook\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{HOOK}\"/>")
    });
    hooks.collect()
}

/// Where the limit stands, when it would have come before something else does.
fn limit(layout: &Layout, band: &Band, piece: &Piece) -> Option<f64> {
    let What::Visit(visit) = piece.what else {
        return None;
    };
    let at = layout.x(band, visit.limit_at()?);
    Some(at).filter(|at| *at < 1.0 && *at <= piece.next)
}

/// Sign and name, cut where something else begins.
fn label(layout: &Layout, piece: &Piece, mark: Mark, top: usize) -> String {
    let Room {
        from,
        to,
        is_before,
    } = piece.room;
    let class = mark.class();
    if to - from < NO_SIGN {
        return String::new();
    }
    let name = words::label(piece);
    let time = words::time(layout, piece);
    let name = Escaped(&name);
    let text = match to - from < NO_NAME {
        true => String::new(),
        false => {
            let at = if is_before {
                "x=\"100%\" dx=\"-20\" text-anchor=\"end\""
            } else {
                "x=\"19\""
            };
            format!(
                "<text class=\"name\" y=\"12\" {at}>{name}<tspan class=\"muted\" dx=\"6\">{time}</tspan></text>"
            )
        }
    };
    let sign = match is_before {
        true => format!(
            "<svg x=\"100%\" overflow=\"visible\"><use class=\"sign {class}\" href=\"#sign-{class}\" x=\"-15\" y=\"3\"/></svg>"
        ),
        false => format!("<use class=\"sign {class}\" href=\"#sign-{class}\" x=\"4\" y=\"3\"/>"),
    };
    format!(
        "<svg x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{BAR}\">{sign}{text}</svg>",
        percent(from),
        percent(to - from)
    )
}

/// A share as SVG and CSS write it, as exact as a screen can show.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.3}", share.max(0.0) * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_as_short_as_it_can_be() {
        for (share, expected) in [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.1, "10%"),
            (1.0 / 3.0, "33.333%"),
            (0.000_001, "0%"),
            (-0.1, "0%"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }
}
