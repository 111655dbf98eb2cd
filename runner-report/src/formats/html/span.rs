//! Something that took time in a try: a start of a task, a wait or the halt task, with the
//! texts about it, for a reader and for a screen reader alike.

use std::time::Duration;

use jiff::Timestamp;
use runner_config::format_duration;
use runner_exec::TaskResult;

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

/// Letters of a name in the picture.
const MAX_LABEL: usize = 40;

pub(super) struct Span<'a> {
    /// The start of a task, if it is one.
    pub(super) start: Option<&'a FullStart>,
    pub(super) name: String,
    /// The name, cut.
    pub(super) label: String,
    pub(super) badge: Badge,
    /// `failed: exited with 7`.
    pub(super) status: String,
    /// When it was, with the hooks around it.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Without them.
    pub(super) task_from: Timestamp,
    pub(super) task_to: Timestamp,
    /// How long it took, without hooks, by the clock that limits go by.
    pub(super) time: String,
    pub(super) limit: Option<String>,
    /// One text for each hook.
    pub(super) hooks: Vec<String>,
    /// When it began, by the clock of the try and by that on the wall.
    pub(super) start_text: String,
    pub(super) level: usize,
    pub(super) row: usize,
    /// `true` if it is on the critical path: the try would have been shorter without.
    pub(super) is_critical: bool,
    pub(super) room: LabelRoom,
    /// Where the next one begins in the same row.
    pub(super) next_from: f64,
}

impl<'a> Span<'a> {
    /// Something that has no hooks, and did `how`.
    fn new(name: String, from: Timestamp, to: Timestamp, badge: Badge, how: &str) -> Span<'a> {
        // What is a matter of milliseconds may be rounded to less than nothing.
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

    /// A start of a task; `until` is the end of what has none of its own.
    pub(super) fn of_start(start: &'a FullStart, until: Timestamp, state: RunState) -> Span<'a> {
        let ended = start.ended.as_ref();
        let badge = match ended.and_then(|ended| ended.result) {
            Some(TaskResult::Ok) => Badge::OK,
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

    /// A wait that was over at `until`.
    pub(super) fn of_wait(wait: &RetryWait, until: Timestamp) -> Span<'a> {
        let how = format!("before try {}", wait.try_num);
        Span::new("wait".to_owned(), wait.at, until, Badge::WAIT, &how)
    }

    /// The halt task; `until` is its end if it has none of its own.
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

    /// Time from the first hook to the last.
    pub(super) fn duration(&self) -> Duration {
        between(self.from, self.to)
    }

    /// The last lines of the output of the task.
    pub(super) fn output(&self) -> &'a [String] {
        self.start.map_or(&[], |start| &start.lines)
    }

    /// Everything but the name, line by line.
    pub(super) fn details(&self) -> Vec<String> {
        let of = self.limit.iter().map(|limit| format!(" of {limit}"));
        let took = format!("took {}{}", self.time, of.collect::<String>());
        let lines = [self.status.clone(), took, self.start_text.clone()];
        lines.into_iter().chain(self.hooks.clone()).collect()
    }
}

/// The first `letters` of `text`.
pub(super) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
