//! The rows of page and picture: one for each task with all its tries, then the halt task.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use super::{badge::Badge, span::Span, tries::Tries};
use crate::{
    formats::text::printable,
    model::{
        cause::ChainTask,
        past::{Past, UsualTime},
        run_header::RunState,
    },
};

/// Number of rows above which the quiet ones are folded.
const MAX_ROWS: usize = 60;

/// Number of the slowest tasks that are not folded.
const MAX_SLOWEST: usize = 20;

pub(super) struct Row<'a> {
    pub(super) name: String,
    pub(super) badge: Badge,
    /// Its last outcome in words.
    pub(super) status: String,
    /// Duration of its last start.
    pub(super) time: Option<Duration>,
    pub(super) usual: Option<UsualTime>,
    /// Its spans, each with the number of its try.
    pub(super) spans: Vec<(u32, &'a Span<'a>)>,
}

impl<'a> Row<'a> {
    fn without_start(name: &str, badge: Badge) -> Row<'a> {
        Row {
            name: printable(name),
            badge,
            status: badge.word.to_owned(),
            time: None,
            usual: None,
            spans: Vec::new(),
        }
    }

    /// Returns the row of spans of one name; there is at least one.
    fn new(spans: Vec<(u32, &'a Span<'a>)>, usual: Option<UsualTime>) -> Option<Row<'a>> {
        // A hook that a signal ended does not hide the result of an earlier try.
        let has_started = |span: &Span| span.start.is_none_or(|start| start.started.is_some());
        let started = spans.iter().rfind(|(_, span)| has_started(span));
        let (_, last) = started.or(spans.last())?;
        Some(Row {
            name: last.name.clone(),
            badge: last.badge,
            status: last.status.clone(),
            time: Some(last.time),
            usual,
            spans,
        })
    }

    /// Returns `true` if the last start took longer than usual.
    pub(super) fn is_slow(&self) -> bool {
        let is_slow = |usual: UsualTime| {
            let time = self.time.unwrap_or_default();
            time > usual.p95.mul_f64(1.5) && time > usual.median + Duration::from_millis(100)
        };
        self.usual.is_some_and(is_slow)
    }

    /// Returns `true` if nothing about it needs attention.
    fn is_quiet(&self) -> bool {
        let quiet = [
            Badge::OK,
            Badge::SKIPPED,
            Badge::DONE,
            Badge::MISSED,
            Badge::LATER,
        ];
        let mut badges = self.spans.iter().map(|(_, span)| span.badge);
        quiet.contains(&self.badge) && badges.all(|badge| quiet.contains(&badge)) && !self.is_slow()
    }
}

/// Returns a row for each task in the order of the chain, and one for the halt task.
pub(super) fn rows<'a>(tries: &'a Tries<'a>, past: &Past, state: RunState) -> Vec<Row<'a>> {
    let later = match state {
        RunState::Running => Badge::LATER,
        RunState::CutOff | RunState::WentDown | RunState::Ended(_) => Badge::MISSED,
    };
    let mut by_task: HashMap<&str, Vec<(u32, &Span)>> = HashMap::new();
    let mut halt = Vec::new();
    for (one, span) in tries.spans() {
        match span.start {
            Some(start) => by_task
                .entry(&start.task)
                .or_default()
                .push((one.number, span)),
            None => halt.push((one.number, span)),
        }
    }
    let run = &tries.timeline.run;
    let tasks = run.chain().into_iter().map(|task| match task {
        ChainTask::Done(name) => Row::without_start(name, Badge::DONE),
        ChainTask::NotReached(name) => Row::without_start(name, later),
        ChainTask::Started(task) => {
            let spans = by_task.remove(&*task.name).unwrap_or_default();
            // A task that was done in an earlier try than those shown has no span.
            let without_span = || {
                let badge = Badge::of_end(task.end.as_ref(), state);
                let time = task.last().and_then(|last| last.elapsed);
                let row = Row::without_start(&task.name, badge);
                Row { time, ..row }
            };
            Row::new(spans, past.usual(&task.name)).unwrap_or_else(without_span)
        }
    });
    let mut rows: Vec<Row> = tasks.collect();
    rows.extend(Row::new(halt, None));
    rows
}

/// Splits off the quiet rows, if there are too many. Both parts keep their order.
pub(super) fn fold(rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    if rows.len() <= MAX_ROWS {
        return (rows, Vec::new());
    }
    let mut times: Vec<Duration> = rows.iter().filter_map(|row| row.time).collect();
    times.sort_unstable_by_key(|time| Reverse(*time));
    let slow = times.get(MAX_SLOWEST).copied().unwrap_or_default();
    let is_shown = |row: &Row| !row.is_quiet() || row.time.is_some_and(|time| time > slow);
    rows.into_iter().partition(is_shown)
}
