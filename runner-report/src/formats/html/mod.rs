//! One run as a page for a browser, and as a picture.
//!
//! The page is also well-formed XML, loads nothing, and runs no script. Elements without
//! content are written with braces, `rect {}`: otherwise `maud` would not close them.

mod axis;
mod badge;
mod breakdown;
mod chart;
mod colours;
mod critical_path;
mod escape;
mod picture;
mod row;
mod sign;
mod span;
mod strip;
mod summary;
mod tries;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use runner_config::format_duration;

pub(crate) use self::escape::xml_text;
use self::{
    axis::{Axis, percent},
    badge::Badge,
    breakdown::breakdown,
    chart::Chart,
    escape::sanitized_document,
    picture::{Heading, picture},
    row::rows,
    sign::sign_definitions,
    strip::strip,
    summary::{place_and_times, summary, title},
    tries::Tries,
};
use crate::{
    formats::text::{printable, run_facts},
    model::{
        now::{Now, fraction},
        run_finder::FoundRun,
        timeline::Timeline,
    },
};

const STYLE: &str = include_str!("page.css");

/// Elements that `maud` would not close.
const META: &str = r#"<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>"#;

/// Returns the page, or `None` if no run was found.
pub fn run_html(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let timeline = found.run.as_ref()?;
    let run = &timeline.run;
    let tries = Tries::new(timeline, now);
    let chart = Chart {
        tries: &tries,
        axis: &Axis::new(&tries),
        now,
        shows_path: tries.has_noncritical_spans(),
    };
    let id = printable(&run.header.run);
    let page = html! {
        (DOCTYPE) "\n"
        html xmlns="http://www.w3.org/1999/xhtml" lang="en" {
            head {
                (PreEscaped(META))
                title { (title(run, now)) " – run " (id) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                svg.signs aria-hidden="true" { defs { (sign_definitions()) } }
                main {
                    (summary(run, &found.refused, now))
                    (strip(&found.past, now))
                    (chart.html(rows(&tries, &found.past, run.header.state(now))))
                    div.facts {
                        section {
                            h2 { "The run" }
                            dl {
                                @for (name, fact) in run_facts(run, now) {
                                    dt { (name) } dd { (fact) } "\n"
                                }
                            }
                        }
                        (breakdown_list(&tries))
                    }
                }
            }
        }
    };
    Some(sanitized_document(page))
}

/// Returns the picture as a file of its own, or `None` if no run was found.
pub fn run_svg(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let timeline = found.run.as_ref()?;
    let run = &timeline.run;
    let tries = Tries::new(timeline, now);
    let heading = Heading {
        badge: Badge::of_run(run.header.state(now)),
        title: title(run, now),
        place: place_and_times(run, now),
    };
    let rows = rows(&tries, &found.past, run.header.state(now));
    Some(sanitized_document(picture(
        &heading,
        &tries,
        &Axis::new(&tries),
        rows,
    )))
}

fn breakdown_list(tries: &Tries) -> Markup {
    let parts = breakdown(tries);
    let whole = parts.iter().map(|part| part.time).sum();
    if parts.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 {
                "What took the time"
                @if tries.omitted > 0 { small { " of the last " (tries.tries.len()) " tries" } }
            }
            ol {
                @for part in &parts {
                    @let share = fraction(part.time, whole);
                    li style={ "--share:" (percent(share)) } {
                        bdi { (part.name) }
                        span {
                            (format_duration(part.time))
                            @if part.count > 1 { ", " (part.count) " times" }
                        }
                        b { (format!("{:.0} %", share * 100.0)) }
                    } "\n"
                }
            }
        }
    }
}
