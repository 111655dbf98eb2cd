//! The reason of the end of a run, in sentences.

use runner_exec::OutputLine;

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
        text += &format!(
            "failed, but not required: {}\n",
            first_names(&optional, optional.len())
        );
    }
    let not_reached = run.not_reached();
    if !not_reached.is_empty() && run.header.state(now) != RunState::Running {
        text += &format!(
            "not reached: {}\n",
            first_names(&not_reached, run.not_reached_count())
        );
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// Returns the last lines of the output of a cause, at most `max_lines`.
fn output_end(cause: &Cause, max_lines: usize) -> String {
    let Some((note, lines)) = output_note(cause) else {
        return String::new();
    };
    let last = &lines[lines.len().saturating_sub(max_lines)..];
    let lines = last.iter().map(|line| format!("  | {line}\n"));
    format!("  {note}\n{}", lines.collect::<String>())
}

/// Returns a note about the output of a cause, and its last lines. A task that has not ended, or
/// that did not start, has none.
pub(crate) fn output_note(cause: &Cause) -> Option<(String, Vec<String>)> {
    let ended = cause.task.filter(|task| !task.is_unfinished());
    let end = ended.and_then(|task| task.end.as_ref())?;
    let lines: Vec<String> = end.lines.iter().map(OutputLine::plain).collect();
    let note = match (end.output.as_deref().map(printable), &end.unreadable) {
        (None, _) if end.outcome.is_not_started() => return None,
        (None, _) => "its output was not kept; `log_dir` keeps it".to_owned(),
        (Some(path), Some(why)) => {
            format!("its output `{path}` cannot be read: {}", printable(why))
        }
        (Some(path), None) if lines.is_empty() => format!("its output `{path}` is empty"),
        (Some(path), None) => format!("the end of `{path}`:"),
    };
    Some((note, lines))
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

/// Returns `words` with the first cause as `sentence`, and the number of the others.
pub(crate) fn because(words: String, causes: &[Cause], sentence: fn(&Cause) -> String) -> String {
    match causes {
        [] => words,
        [cause] => format!("{words}: {}", sentence(cause)),
        [cause, others @ ..] => format!("{words}: {} and {} more", sentence(cause), others.len()),
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

/// Returns the first of `count` names, and the number of the others.
pub(crate) fn first_names(names: &[&str], count: usize) -> String {
    names_as(names, count, printable)
}

/// Returns the first of `count` names as `shown`, and the number of the others.
pub(crate) fn names_as(names: &[&str], count: usize, shown: fn(&str) -> String) -> String {
    let first: Vec<String> = (names.iter().take(MAX_NAMES))
        .map(|name| shown(name))
        .collect();
    let first = first.join(", ");
    match count.saturating_sub(names.len().min(MAX_NAMES)) {
        0 => first,
        1 => format!("{first} and 1 other"),
        others => format!("{first} and {others} others"),
    }
}
