//! One run as a page for a browser, and as a picture.
//!
//! The page is also well-formed XML, loads nothing, and runs no script. Elements without
//! content are written with braces, `rect {}`: otherwise `maud` would not close them.

mod axis;
mod badge;
mod breakdown;
mod critical_path;
mod escape;
mod layout;
mod picture;
mod placement;
mod span;
mod summary;
mod table;
mod tooltips;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(crate) use self::escape::xml_text;
use self::{
    escape::sanitized_document,
    layout::Layout,
    picture::legend,
    summary::{summary, title},
    table::table,
    tooltips::tooltips,
};
use crate::{
    formats::text::printable,
    model::{now::Now, run_finder::FoundRun, timeline::Timeline},
};

const STYLE: &str = include_str!("page.css");

/// Elements that `maud` would not close.
const META: &str = r#"<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>"#;

/// Height in pixels of a printed page below the summary.
const PRINT_HEIGHT: usize = 470;

/// Returns the page, or `None` if no run was found.
pub fn run_html(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let layout = Layout::new(found.run.as_ref()?, now);
    let zoom = (PRINT_HEIGHT as f64 / layout.height as f64).min(1.0);
    let print_style = format!("@media print {{ .timeline {{ zoom: {zoom:.3}; }} }}");
    let page = html! {
        (DOCTYPE) "\n"
        html xmlns="http://www.w3.org/1999/xhtml" lang="en" {
            head {
                (PreEscaped(META))
                title { (document_title(&layout, now)) }
                style { (PreEscaped(STYLE)) (PreEscaped(print_style)) }
            }
            body {
                main {
                    (summary(found, &layout, now))
                    section.when {
                        h2 { "When it ran " small { "each try from its own beginning" } }
                        @if layout.omitted_starts > 0 {
                            p { (layout.omitted_starts) " starts of earlier tries are left out." }
                        }
                        div.scroll {
                            div.timeline { (picture::embedded(&layout)) (tooltips(&layout)) }
                        }
                        (legend_list(&layout))
                    }
                    section.table { (table(&layout, now)) }
                }
            }
        }
    };
    Some(sanitized_document(page))
}

/// Returns the picture as a file of its own, or `None` if no run was found.
pub fn run_svg(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let layout = Layout::new(found.run.as_ref()?, now);
    let title = document_title(&layout, now);
    Some(sanitized_document(picture::standalone(&layout, &title)))
}

/// Title of the document.
fn document_title(layout: &Layout, now: &Now) -> String {
    let run = printable(&layout.timeline.run.header.run);
    format!("{} – run {run}", title(layout, now))
}

fn legend_list(layout: &Layout) -> Markup {
    html! {
        ul.legend {
            @for (sample, word) in legend(layout) {
                li {
                    svg.picture width="16" height="16" aria-hidden="true" { (sample) }
                    " " (word)
                } "\n"
            }
        } "\n"
    }
}
