//! The strip of the last runs: result and length of each, to see what is new.

use maud::{Markup, html};
use runner_config::format_duration;

use super::{axis::percent, badge::Badge};
use crate::model::{
    now::{Now, fraction},
    past::Past,
};

/// Minimum height of a run, as a fraction.
const MIN_HEIGHT: f64 = 0.08;

/// Returns nothing if there is only one run.
pub(super) fn strip(past: &Past, now: &Now) -> Markup {
    let runs: Vec<_> = (past.runs.iter())
        .map(|run| (run, Badge::of_run(run.state(now)), run.elapsed(now)))
        .collect();
    let longest = runs
        .iter()
        .map(|(.., time)| *time)
        .max()
        .unwrap_or_default();
    let badges: Vec<Badge> = runs.iter().map(|(_, badge, _)| *badge).collect();
    html! {
        @if runs.len() > 1 {
            section.past {
                h2 {
                    "The last " (runs.len()) " runs "
                    small { (counts(&badges)) "; the last one is this run" }
                }
                ol {
                    @for (run, badge, time) in &runs {
                        @let at = now.local(run.started, "%Y-%m-%d %H:%M");
                        @let text = format!("{at}: {}, {}", word(*badge), format_duration(*time));
                        @let height = fraction(*time, longest).max(MIN_HEIGHT);
                        li title=(text) { i class=(badge.class) style={ "height:" (percent(height)) } {} span { (text) } }
                    }
                }
            }
        }
    }
}

/// Returns the number of runs with each badge, as text.
fn counts(badges: &[Badge]) -> String {
    let counts = Badge::ALL.into_iter().filter_map(|badge| {
        let count = badges.iter().filter(|found| **found == badge).count();
        (count > 0).then(|| format!("{count} {}", word(badge)))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// Returns the word for a run with this badge.
fn word(badge: Badge) -> &'static str {
    match badge {
        Badge::OK => "finished",
        Badge::OPTIONAL => "finished with failures",
        Badge::HALT => "halted",
        Badge::EXIT => "stopped",
        Badge::UNKNOWN => "cut off",
        badge => badge.word,
    }
}
