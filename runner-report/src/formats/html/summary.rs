//! The part of the page above the picture: title, facts and breakdown.

use maud::{Markup, html};
use runner_config::format_duration;

use super::{axis::percent, breakdown::breakdown, layout::Layout};
use crate::{
    formats::text::{printable, run_facts},
    model::{
        end::RunReason,
        now::{Now, fraction},
        run_finder::{FoundRun, Refusals},
        run_header::RunState,
        timeline::Timeline,
    },
};

/// Title of page and picture: state and duration of the run.
pub(super) fn title(layout: &Layout, now: &Now) -> String {
    let header = &layout.timeline.run.header;
    let time = format_duration(header.elapsed(now));
    match header.state(now) {
        RunState::Running => format!("Running for {time}"),
        RunState::CutOff => format!("Cut off after {time}"),
        RunState::WentDown => format!("Halted after {time}: the machine went down"),
        RunState::Ended(end) => match &end.reason {
            RunReason::Finished => format!("Finished in {time}"),
            RunReason::FinishedWithFailures => format!("Finished in {time}, with failures"),
            RunReason::GaveUp => format!("Gave up after {time}"),
            RunReason::Halted => format!("Halted after {time}"),
            RunReason::Stopped => format!("Stopped after {time}"),
            RunReason::Interrupted => format!("Interrupted after {time}"),
            RunReason::HaltsUsedUp => format!("Ended after {time}, without the halt task"),
            RunReason::Other(later) => format!("Ended after {time}: {}", printable(later)),
        },
    }
}

pub(super) fn summary(found: &FoundRun<Timeline>, layout: &Layout, now: &Now) -> Markup {
    let run = &layout.timeline.run;
    html! {
        (refused_note(&found.refused, now))
        h1 { (title(layout, now)) }
        p.id { "run " bdi { (printable(&run.header.run)) } }
        div.summary {
            dl {
                @for (name, fact) in run_facts(run, now) { dt { (name) } dd { (fact) } "\n" }
            }
            (breakdown_list(layout))
        }
    }
}

fn refused_note(refusals: &Refusals, now: &Now) -> Markup {
    let count = match refusals.count {
        1 => "A later start was".to_owned(),
        count => format!("{count} later starts were"),
    };
    html! {
        @if let Some(last) = &refusals.last {
            p.refused role="note" {
                (count) " refused, the last one at " (now.local(last.at, "%Y-%m-%d %H:%M:%S"))
                ": " (printable(&last.reason))
            }
        }
    }
}

fn breakdown_list(layout: &Layout) -> Markup {
    let parts = breakdown(layout);
    let whole = parts.iter().map(|part| part.time).sum();
    html! {
        section {
            h2 { "What took the time" }
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
