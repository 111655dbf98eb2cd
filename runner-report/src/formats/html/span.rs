//! A span of time in a try: a start of a task, a wait, or the halt task, with its texts.

use std::time::Duration;

use jiff::Timestamp;
use runner_config::format_duration;

use super::badge::Badge;
use crate::{
    formats::text::printable,
    model::{
        now::{between, plus},
        run_details::{HaltTask, RetryWait, TaskEnd},
        run_header::RunState,
        timeline::FullStart,
    },
};

/// Used share of a time limit from which it is shown.
const NEAR_LIMIT: f64 = 0.7;

pub(super) struct Span<'a> {
    /// The start, if the span is one of a task.
    pub(super) start: Option<&'a FullStart>,
    pub(super) name: String,
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
    pub(super) time: Duration,
    pub(super) limit: Option<Duration>,
    /// One text for each hook.
    pub(super) hooks: Vec<String>,
    /// `true` if the span is on the critical path of its try.
    pub(super) is_critical: bool,
}

impl<'a> Span<'a> {
    /// Creates a span without hooks. `how` is an outcome in words, or empty.
    fn new(name: String, from: Timestamp, to: Timestamp, badge: Badge, how: &str) -> Span<'a> {
        // Times rounded to milliseconds can be in the wrong order.
        let to = to.max(from);
        Span {
            start: None,
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
            time: between(from, to),
            limit: None,
            hooks: Vec::new(),
            is_critical: false,
        }
    }

    /// Creates the span of a start. `until` is its end if it has none.
    pub(super) fn of_start(start: &'a FullStart, until: Timestamp, state: RunState) -> Span<'a> {
        let ended = start.ended.as_ref();
        let badge = Badge::of_end(ended, state);
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
            time,
            limit: ended.and_then(|ended| Some(ended.limit?.time)),
            hooks: hooks.collect(),
            ..Span::new(name, start.from, to, badge, &how)
        }
    }

    /// Creates the span of a wait.
    pub(super) fn of_wait(wait: &RetryWait, from: Timestamp, until: Timestamp) -> Span<'a> {
        let how = format!("before try {}", wait.try_num);
        Span::new("wait".to_owned(), from, until, Badge::WAIT, &how)
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
        let texts = [printable(&halt.reason), end].into_iter();
        let how = texts
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
        Span::new(name, halt.at, to, badge, &how)
    }

    /// Returns the duration with the hooks.
    pub(super) fn duration(&self) -> Duration {
        between(self.from, self.to)
    }

    /// Returns the end of the task, if the span is one of a task.
    pub(super) fn ended(&self) -> Option<&'a TaskEnd> {
        self.start?.ended.as_ref()
    }

    /// Returns `true` if the task used most of its time limit.
    pub(super) fn is_near_limit(&self) -> bool {
        let is_near = |limit: Duration| self.time > limit.mul_f64(NEAR_LIMIT);
        self.limit.is_some_and(is_near)
    }
}
