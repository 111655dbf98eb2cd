//! One run as a page for a browser, and as a picture: what took so long, and why.
//!
//! The page is well-formed as XML, too, asks nobody for anything, and runs no script.

mod decides;
mod escape;
mod hot;
mod lanes;
mod layout;
mod made_of;
mod mark;
mod picture;
mod room;
mod scale;
mod summary;
mod table;
mod words;

use std::fmt::Write;

pub(crate) use self::escape::plain;
use self::{
    escape::Escaped,
    hot::hot,
    layout::Layout,
    picture::{legend, sample},
    summary::{summary, title},
    table::table,
};
use crate::{Found, Now, Timeline, text::shown};

const STYLE: &str = include_str!("page.css");

/// What a printed page has room for below the summary, in pixels.
const PRINTED: usize = 470;

/// The page of the run that was found, if one was.
pub fn run_html(found: &Found<Timeline>, now: &Now) -> Option<String> {
    let timeline = found.run.as_ref()?;
    let layout = Layout::new(timeline, now);
    let head = format!(
        "{} – run {}",
        title(&layout, now),
        shown(&timeline.run.head.run)
    );
    let zoom = (PRINTED as f64 / layout.height as f64).min(1.0);
    let mut html = format!(
        "<!DOCTYPE html>\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}@media print {{ .timeline {{ zoom: {zoom:.3}; }} }}\n</style>\n\
         </head>\n<body>\n<main>\n",
        Escaped(&head)
    );
    html += &summary(found, &layout, now);
    html += "<section class=\"when\">\n<h2>When it ran <small>each try from its own beginning</small></h2>\n";
    html += &left_out(&layout);
    html += "<div class=\"scroll\">\n<div class=\"timeline\">\n";
    html += &picture::within(&layout);
    html += &hot(&layout, now);
    html += "</div>\n</div>\n";
    html += &legend_list(&layout);
    html += "</section>\n<section class=\"table\">\n";
    html += &table(&layout, now);
    html += "</section>\n</main>\n</body>\n</html>\n";
    Some(html)
}

/// The picture alone.
pub fn run_svg(found: &Found<Timeline>, now: &Now) -> Option<String> {
    let timeline = found.run.as_ref()?;
    let layout = Layout::new(timeline, now);
    let run = shown(&timeline.run.head.run);
    let title = format!("{} – run {run}", title(&layout, now));
    Some(picture::alone(&layout, &title, now))
}

fn left_out(layout: &Layout) -> String {
    match layout.left_out {
        0 => String::new(),
        count => format!("<p>{count} starts of earlier tries are left out.</p>\n"),
    }
}

fn legend_list(layout: &Layout) -> String {
    let mut html = String::from("<ul class=\"legend\">\n");
    for (mark, word) in legend(layout) {
        let sample = sample(mark);
        let _ = writeln!(
            html,
            "<li><svg class=\"picture\" width=\"16\" height=\"16\" aria-hidden=\"true\">{sample}</svg> {word}</li>"
        );
    }
    html + "</ul>\n"
}
