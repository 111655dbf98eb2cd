//! A span of time in a try: a start of a task, a wait, or the halt task, with the texts about
//! it for sighted readers and screen readers.

use std::time::Duration;

use jiff::Timestamp;
use runner_config::format_duration;
use runner_exec::{OutputLine, TaskResult};

use super::{badge::Badge, placement::LabelRoom};
use crate::{
    formats::text::printable,
    model::{
        now::{between, plus},
        run_details::{HaltTask, RetryWait},
        run_header::RunState,
        timeline::FullStart,
    },
};

/// Maximum number of letters of a name in the picture.
const MAX_LABEL: usize = 40;

pub(super) struct Span<'a> {
    /// The start, if the span is one of a task.
    pub(super) start: Option<&'a FullStart>,
    pub(super) name: String,
    /// The name, cut to [`MAX_LABEL`] letters.
    pub(super) label: String,
    pub(super) badge: Badge,
    /// Outcome in words, such as `failed: exited with 7`.
    pub(super) status: String,
    /// Times with the hooks around the task.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Times without the hooks.
    pub(super) task_from: Timestamp,
    pub(super) task_to: Timestamp,
    /// Duration without hooks, by the clock that time limits use.
    pub(super) time: String,
    pub(super) limit: Option<String>,
    /// One text for each hook.
    pub(super) hooks: Vec<String>,
    /// Start in words, relative to the try and as local time.
    pub(super) start_text: String,
    pub(super) level: usize,
    pub(super) row: usize,
    /// `true` if the span is on the critical path of its try.
    pub(super) is_critical: bool,
    pub(super) room: LabelRoom,
    /// Start of the next span in the row, as a fraction of the width.
    pub(super) next_from: f64,
}

impl<'a> Span<'a> {
    /// Creates a span without hooks. `how` is an outcome in words, or empty.
    fn new(name: String, from: Timestamp, to: Timestamp, badge: Badge, how: &str) -> Span<'a> {
        // Times rounded to milliseconds can be in the wrong order.
        let to = to.max(from);
        Span {
            start: None,
            label: cut(&name, MAX_LABEL),
            name,
            badge,
            status: match how {
                "" => badge.word.to_owned(),
                how => format!("{}: {how}", badge.word),
            },
            from,
            to,
            task_from: from,
            task_to: to,
            time: format_duration(between(from, to)),
            limit: None,
            hooks: Vec::new(),
            start_text: String::new(),
            level: 0,
            row: 0,
            is_critical: false,
            room: LabelRoom::default(),
            next_from: 1.0,
        }
    }

    /// Creates the span of a start. `until` is its end if it has none.
    pub(super) fn of_start(start: &'a FullStart, until: Timestamp, state: RunState) -> Span<'a> {
        let ended = start.ended.as_ref();
        let badge = match ended.and_then(|ended| ended.result) {
            Some(TaskResult::Ok) => Badge::OK,
            Some(TaskResult::Skip) => Badge::SKIPPED,
            Some(TaskResult::Retry) => Badge::FAILED,
            Some(TaskResult::Halt) => Badge::HALT,
            Some(TaskResult::Exit) => Badge::EXIT,
            Some(TaskResult::Interrupted) => Badge::INTERRUPTED,
            None if ended.is_none() => Badge::without_end(state),
            None => Badge::UNKNOWN,
        };
        let how = match (ended, start.started) {
            (Some(ended), _) if badge == Badge::OK && ended.outcome.is_exit_zero() => String::new(),
            (Some(ended), _) => ended.outcome.description(),
            (None, Some(_)) => String::new(),
            (None, None) => "not started".to_owned(),
        };
        let hooks = start.hooks(until).map(|(when, hook, to)| {
            let time = format_duration(between(hook.from, to));
            match &hook.end {
                Some((_, end)) if end.is_exit_zero() => format!("hook {when}: {time}"),
                Some((_, end)) => format!("hook {when}: {time}, {}", end.description()),
                None => format!("hook {when}: {time}, no end"),
            }
        });
        let (task_from, task_to) = (start.task_from(), start.task_to(until));
        let time = ended.map_or_else(|| between(task_from, task_to), |ended| ended.elapsed);
        let (name, to) = (printable(&start.task), start.to(until));
        Span {
            start: Some(start),
            task_from,
            task_to,
            time: format_duration(time),
            limit: ended.and_then(|ended| ended.limit).map(format_duration),
            hooks: hooks.collect(),
            ..Span::new(name, start.from, to, badge, &how)
        }
    }

    /// Creates the span of a wait until `until`.
    pub(super) fn of_wait(wait: &RetryWait, until: Timestamp) -> Span<'a> {
        let how = format!("before try {}", wait.try_num);
        Span::new("wait".to_owned(), wait.at, until, Badge::WAIT, &how)
    }

    /// Creates the span of the halt task. `until` is its end if it has none.
    pub(super) fn of_halt(halt: &HaltTask, until: Timestamp, state: RunState) -> Span<'a> {
        let name = format!("halt task {}", printable(&halt.name));
        let (badge, to, end) = match &halt.end {
            Some((end, time)) if end.is_exit_zero() => {
                (Badge::OK, plus(halt.at, *time), end.description())
            }
            Some((end, time)) => (Badge::FAILED, plus(halt.at, *time), end.description()),
            None => (Badge::without_end(state), until, String::new()),
        };
        let how = format!("{}, {end}", printable(&halt.reason));
        Span::new(name, halt.at, to, badge, &how)
    }

    /// Returns the duration with the hooks.
    pub(super) fn duration(&self) -> Duration {
        between(self.from, self.to)
    }

    /// Returns the last lines of the output of the task.
    pub(super) fn output(&self) -> Vec<String> {
        let ended = self.start.and_then(|start| start.ended.as_ref());
        let lines = ended.iter().flat_map(|ended| &ended.lines);
        lines.map(OutputLine::plain).collect()
    }

    /// Returns the lines of a description without the name.
    pub(super) fn details(&self) -> Vec<String> {
        let of = self.limit.iter().map(|limit| format!(" of {limit}"));
        let took = format!("took {}{}", self.time, of.collect::<String>());
        let lines = [self.status.clone(), took, self.start_text.clone()];
        lines.into_iter().chain(self.hooks.clone()).collect()
    }
}

/// Returns the first `letters` of `text`, with an ellipsis if that is not all.
pub(super) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
