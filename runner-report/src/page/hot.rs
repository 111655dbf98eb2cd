//! What lies over the picture: for each piece a link to its row in the table, which shows
//! what there is to say as long as it has the focus or the pointer.

use std::fmt::Write;

use super::{
    escape::Escaped,
    layout::{Band, Layout, Piece, ROW, What},
    picture::percent,
    words,
};
use crate::Now;

/// As many lines of output as can be read in passing.
const LINES: usize = 6;
const LETTERS: usize = 160;

/// One link a piece, in the order of time.
pub(super) fn hot(layout: &Layout, now: &Now) -> String {
    let mut html = String::from("<div class=\"hot\">\n");
    for (number, (band, piece)) in layout.pieces().enumerate() {
        html += &link(layout, number, band, piece, now);
    }
    html + "</div>\n"
}

fn link(layout: &Layout, number: usize, band: &Band, piece: &Piece, now: &Now) -> String {
    let (from, to) = (layout.x(band, piece.from), layout.x(band, piece.to));
    let top = band.first_row() + piece.row * ROW;
    // What is said stands within the page also at its right edge.
    let class = if from > 0.5 { " class=\"left\"" } else { "" };
    let (left, width) = (percent(from), percent(to - from));
    let name = words::name(piece);
    let (name, details) = (Escaped(&name), words::details(layout, band, piece, now));
    let label = details.join("; ");
    let label = Escaped(&label);
    let mut html = format!(
        "<a href=\"#s{number}\"{class} style=\"left:{left};top:{top}px;width:{width}\" \
         aria-label=\"{name}: {label}\"><span><b><bdi>{name}</bdi></b>"
    );
    for line in &details {
        let _ = write!(html, "<i>{}</i>", Escaped(line));
    }
    html += &output(piece);
    html + "</span></a>\n"
}

fn output(piece: &Piece) -> String {
    let What::Visit(visit) = piece.what else {
        return String::new();
    };
    let lines = visit.ended.as_ref().map_or(&[][..], |ended| &ended.lines);
    let lines = &lines[lines.len().saturating_sub(LINES)..];
    let lines: Vec<String> = lines.iter().map(|line| cut(line)).collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!("<samp>{}</samp>", lines.join("\n")),
    }
}

fn cut(line: &str) -> String {
    let line = line.replace('\t', "    ");
    match line.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", Escaped(&line[..end])),
        None => Escaped(&line).to_string(),
    }
}
