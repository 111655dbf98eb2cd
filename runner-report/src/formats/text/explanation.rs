//! The reason of the end of a run, in sentences.

use super::{history::state_label, printable};
use crate::model::{
    cause::Cause,
    end::RunReason,
    now::Now,
    run_details::RunDetails,
    run_header::{RunEnd, RunState},
};

/// Maximum numbers of causes, of their output lines if there are several, and of names.
const MAX_CAUSES: usize = 3;
const MAX_SHORT_LINES: usize = 5;
const MAX_NAMES: usize = 10;

/// Returns the tasks that explain the state with the end of their output, and those that were
/// not reached; then an empty line. Returns nothing if all went well.
pub(super) fn explanation(run: &RunDetails, now: &Now) -> String {
    let causes = run.causes(now);
    let shown_lines = if causes.len() > 1 {
        MAX_SHORT_LINES
    } else {
        usize::MAX
    };
    let mut text = String::new();
    for cause in causes.iter().take(MAX_CAUSES) {
        text += &format!("{}\n", cause_sentence(cause));
        text += &output_end(cause, shown_lines);
    }
    if let Some(others @ 1..) = causes.len().checked_sub(MAX_CAUSES) {
        text += &format!("and {others} more, in the table below\n");
    }
    let optional = optional_failures(run, &causes);
    if !optional.is_empty() {
        text += &format!("failed, but not required: {}\n", first_names(&optional));
    }
    let not_reached = run.not_reached();
    if !not_reached.is_empty() && run.header.state(now) != RunState::Running {
        text += &format!("not reached: {}\n", first_names(&not_reached));
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// Returns the last lines of the output of a cause, at most `max_lines`.
fn output_end(cause: &Cause, max_lines: usize) -> String {
    let ended = cause.task.filter(|task| !task.is_unfinished());
    let Some(end) = ended.and_then(|task| task.end.as_ref()) else {
        return String::new();
    };
    match end.output.as_deref().map(printable) {
        None if end.outcome.is_not_started() => String::new(),
        None => "  its output was not kept; `log_dir` keeps it\n".to_owned(),
        Some(path) if end.lines.is_empty() => format!("  its output `{path}` is empty\n"),
        Some(path) => {
            let last = &end.lines[end.lines.len().saturating_sub(max_lines)..];
            let lines = last.iter().map(|line| format!("  | {}\n", line.plain()));
            format!("  the end of `{path}`:\n{}", lines.collect::<String>())
        }
    }
}

/// Returns the end of a run, or its present state, as the begin of a sentence.
pub(crate) fn end_words(state: RunState) -> String {
    match state {
        RunState::Ended(RunEnd {
            reason: RunReason::FinishedWithFailures,
            ..
        }) => "finished with failures".to_owned(),
        RunState::WentDown => "halted, and the machine went down".to_owned(),
        RunState::Ended(_) | RunState::CutOff | RunState::Running => state_label(state),
    }
}

/// Returns the tasks that failed without being a cause, because they are not required.
pub(crate) fn optional_failures<'a>(run: &'a RunDetails, causes: &[Cause]) -> Vec<&'a str> {
    let is_cause = |name: &str| causes.iter().any(|cause| cause.name == name);
    let failed = run.failed().into_iter();
    let optional = failed.filter(|task| !task.is_required() && !is_cause(&task.name));
    optional.map(|task| &*task.name).collect()
}

/// Returns the cause as a sentence.
pub(crate) fn cause_sentence(cause: &Cause) -> String {
    format!(
        "`{}` {}",
        printable(cause.name),
        printable(&cause.predicate())
    )
}

/// Returns the first names, and the number of the others.
pub(crate) fn first_names(names: &[&str]) -> String {
    let first: Vec<String> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| printable(name))
        .collect();
    let first = first.join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => first,
        1 => format!("{first} and 1 other"),
        others => format!("{first} and {others} others"),
    }
}
