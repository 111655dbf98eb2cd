//! Something that took time in a try: a start of a task, a wait or the halt task, with the
//! texts about it, for a reader and for a screen reader alike.

use std::time::Duration;

use jiff::Timestamp;
use runner_config::format_duration;
use runner_exec::TaskResult;

use super::{outcome_mark::Mark, placement::Room};
use crate::{
    formats::text::shown,
    model::{
        now::{between, plus},
        run_details::{HaltTask, RetryWait},
        run_header::RunState,
        timeline::FullStart,
    },
};

/// Letters of a name in the picture.
const MAX_LABEL: usize = 40;

pub(super) struct Piece<'a> {
    /// The start of a task, if it is one.
    pub(super) start: Option<&'a FullStart>,
    pub(super) name: String,
    /// The name, cut.
    pub(super) label: String,
    pub(super) mark: Mark,
    /// `failed: exited with 7`.
    pub(super) fate: String,
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
    pub(super) began: String,
    pub(super) level: usize,
    pub(super) row: usize,
    /// `true` if it is on the critical path: the try would have been shorter without.
    pub(super) decides: bool,
    pub(super) room: Room,
    /// Where the next one begins in the same row.
    pub(super) next: f64,
}

impl<'a> Piece<'a> {
    /// Something that has no hooks, and did `how`.
    fn new(name: String, from: Timestamp, to: Timestamp, mark: Mark, how: &str) -> Piece<'a> {
        // What is a matter of milliseconds may be rounded to less than nothing.
        let to = to.max(from);
        Piece {
            start: None,
            label: cut(&name, MAX_LABEL),
            name,
            mark,
            fate: match how {
                "" => mark.word.to_owned(),
                how => format!("{}: {how}", mark.word),
            },
            from,
            to,
            task_from: from,
            task_to: to,
            time: format_duration(between(from, to)),
            limit: None,
            hooks: Vec::new(),
            began: String::new(),
            level: 0,
            row: 0,
            decides: false,
            room: Room::default(),
            next: 1.0,
        }
    }

    /// A start of a task; `until` is the end of what has none of its own.
    pub(super) fn of_start(start: &'a FullStart, until: Timestamp, state: RunState) -> Piece<'a> {
        let ended = start.ended.as_ref();
        let mark = match ended.and_then(|ended| ended.result) {
            Some(TaskResult::Ok) => Mark::OK,
            Some(TaskResult::Retry) => Mark::FAILED,
            Some(TaskResult::Halt) => Mark::HALT,
            Some(TaskResult::Exit) => Mark::EXIT,
            Some(TaskResult::Interrupted) => Mark::INTERRUPTED,
            None if ended.is_none() => Mark::without_end(state),
            None => Mark::UNKNOWN,
        };
        let how = match (ended, start.started) {
            (Some(ended), _) if mark == Mark::OK && ended.outcome.is_exit_zero() => String::new(),
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
        let (name, to) = (shown(&start.task), start.to(until));
        Piece {
            start: Some(start),
            task_from,
            task_to,
            time: format_duration(time),
            limit: ended.and_then(|ended| ended.limit).map(format_duration),
            hooks: hooks.collect(),
            ..Piece::new(name, start.from, to, mark, &how)
        }
    }

    /// A wait that was over at `until`.
    pub(super) fn of_wait(wait: &RetryWait, until: Timestamp) -> Piece<'a> {
        let how = format!("before try {}", wait.try_num);
        Piece::new("wait".to_owned(), wait.at, until, Mark::WAIT, &how)
    }

    /// The halt task; `until` is its end if it has none of its own.
    pub(super) fn of_halt(halt: &HaltTask, until: Timestamp, state: RunState) -> Piece<'a> {
        let name = format!("halt task {}", shown(&halt.name));
        let (mark, to, end) = match &halt.end {
            Some((end, time)) if end.is_exit_zero() => {
                (Mark::OK, plus(halt.at, *time), end.description())
            }
            Some((end, time)) => (Mark::FAILED, plus(halt.at, *time), end.description()),
            None => (Mark::without_end(state), until, String::new()),
        };
        let how = format!("{}, {end}", shown(&halt.reason));
        Piece::new(name, halt.at, to, mark, &how)
    }

    /// Time from the first hook to the last.
    pub(super) fn whole(&self) -> Duration {
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
        let lines = [self.fate.clone(), took, self.began.clone()];
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
