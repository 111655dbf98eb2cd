//! The part of the page above the tasks: what became of the run, and why.

use maud::{Markup, html};
use runner_config::format_duration;

use super::{badge::Badge, colours::coloured, sign::sign};
use crate::{
    formats::text::{first_names, optional_failures, output_note, printable},
    model::{
        cause::Cause,
        end::RunReason,
        now::{Now, plus},
        run_details::RunDetails,
        run_finder::Refusals,
        run_header::RunState,
    },
};

/// Maximum number of tasks whose failure is shown.
const MAX_CAUSES: usize = 3;

/// Title of page and picture: the state, and the task that explains it.
pub(super) fn title(run: &RunDetails, now: &Now) -> String {
    let time = format_duration(run.header.elapsed(now));
    let state = match run.header.state(now) {
        RunState::Running => format!("Running for {time}"),
        RunState::CutOff => format!("Cut off after {time}"),
        RunState::WentDown => format!("Halted after {time}, the machine went down"),
        RunState::Ended(end) => match &end.reason {
            RunReason::Finished => format!("Finished in {time}"),
            RunReason::FinishedWithFailures => format!("Finished in {time}, with failures"),
            RunReason::GaveUp => format!("Gave up after {time}"),
            RunReason::OutOfTime => format!("Out of time after {time}"),
            RunReason::Halted => format!("Halted after {time}"),
            RunReason::Stopped => format!("Stopped after {time}"),
            RunReason::Interrupted => format!("Interrupted after {time}"),
            RunReason::HaltsUsedUp => format!("Ended after {time}, without the halt task"),
            RunReason::Other(later) => format!("Ended after {time}, {}", printable(later)),
        },
    };
    match &run.causes(now)[..] {
        [] => state,
        [cause] => format!("{state}: {}", sentence(cause)),
        [cause, others @ ..] => {
            format!("{state}: {}, and {} more", sentence(cause), others.len())
        }
    }
}

/// Returns the cause as a sentence, in which the name is not quoted.
fn sentence(cause: &Cause) -> String {
    format!(
        "{} {}",
        printable(cause.name),
        printable(&cause.predicate())
    )
}

pub(super) fn summary(run: &RunDetails, refused: &Refusals, now: &Now) -> Markup {
    let badge = Badge::of_run(run.header.state(now));
    html! {
        (refused_note(refused, now))
        header class=(badge.class) {
            h1 { (sign(badge)) (title(run, now)) }
            p { (place(run)) }
            p { (times(run, now)) " · run " code { (printable(&run.header.run)) } }
        }
        (failures(run, now))
    }
}

/// Returns host and task directory.
fn place(run: &RunDetails) -> String {
    let setup = run.setup.as_ref();
    let texts = setup.map(|setup| [&setup.host, &setup.taskdir]);
    let texts = texts.into_iter().flatten().filter(|text| !text.is_empty());
    texts
        .map(|text| printable(text))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// Returns host, task directory and times in one line.
pub(super) fn place_and_times(run: &RunDetails, now: &Now) -> String {
    let parts = [place(run), times(run, now)].into_iter();
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

fn times(run: &RunDetails, now: &Now) -> String {
    let header = &run.header;
    let from = now.local(header.started, "%Y-%m-%d %H:%M:%S");
    let to = now.local(plus(header.started, header.elapsed(now)), "%H:%M:%S %:z");
    match header.state(now) {
        RunState::Running => format!("since {from} {}", now.local(header.started, "%:z")),
        RunState::CutOff | RunState::WentDown | RunState::Ended(_) => format!("{from} to {to}"),
    }
}

/// Returns the end of the output of the tasks that explain the state, and the tasks that failed
/// without an effect or were not reached.
fn failures(run: &RunDetails, now: &Now) -> Markup {
    let causes = run.causes(now);
    let optional = optional_failures(run, &causes);
    let is_running = run.header.state(now) == RunState::Running;
    let not_reached = if is_running {
        Vec::new()
    } else {
        run.not_reached()
    };
    html! {
        section.why {
            @for cause in causes.iter().take(MAX_CAUSES) {
                @if causes.len() > 1 { p { b { (sentence(cause)) } } }
                @if let Some((note, _)) = output_note(cause) {
                    @let end = cause.task.and_then(|task| task.end.as_ref());
                    @let lines = end.map_or(&[][..], |end| &end.lines);
                    @if !lines.is_empty() { pre.output { (coloured(lines)) } }
                    p.muted { (note.trim_end_matches(':')) }
                }
            }
            @if !optional.is_empty() {
                p { b { "Failed, but not required: " } (first_names(&optional, optional.len())) }
            }
            @if !not_reached.is_empty() {
                p { b { "Not reached: " } (first_names(&not_reached, run.not_reached_count())) }
            }
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
                (count) " refused, the last one at "
                (now.local(last.at, "%Y-%m-%d %H:%M:%S %:z"))
                ": " (printable(&last.reason))
            }
        }
    }
}
