//! The tries of a run with their spans: what the page and the picture show.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{critical_path::critical_path, span::Span};
use crate::model::{
    now::{Now, between},
    timeline::{FullStart, Timeline, TryStart},
};

/// Limits of the shown tries. More are not readable.
const MAX_TRIES: usize = 20;
const MAX_STARTS: usize = 10_000;

/// The last tries of a run.
pub(super) struct Tries<'a> {
    pub(super) timeline: &'a Timeline,
    pub(super) tries: Vec<Try<'a>>,
    /// Number of earlier tries that are not shown.
    pub(super) omitted: usize,
}

/// A try, up to the wait after it.
pub(super) struct Try<'a> {
    pub(super) number: u32,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Spans in the order of their starts.
    pub(super) spans: Vec<Span<'a>>,
    /// The wait after it.
    pub(super) wait: Option<Span<'a>>,
}

impl Try<'_> {
    /// Returns the duration without the wait after it.
    pub(super) fn duration(&self) -> Duration {
        between(self.from, self.to)
    }
}

impl<'a> Tries<'a> {
    pub(super) fn new(timeline: &'a Timeline, now: &Now) -> Tries<'a> {
        let all = all_tries(timeline);
        let begin = |first: usize| {
            let number = all.get(first).map_or(0, |known| known.number);
            timeline
                .starts
                .partition_point(|start| start.try_num < number)
        };
        let mut first = all.len().saturating_sub(MAX_TRIES);
        while timeline.starts.len() - begin(first) > MAX_STARTS && first + 1 < all.len() {
            first += 1;
        }
        let mut tries = spans_of(
            &all[first..],
            &timeline.starts[begin(first)..],
            timeline,
            now,
        );
        for one in &mut tries {
            let spans = one.spans.iter();
            let times: Vec<_> = spans.map(|span| (span.from, span.to)).collect();
            for index in critical_path(&times) {
                one.spans[index].is_critical = true;
            }
        }
        Tries {
            timeline,
            tries,
            omitted: first,
        }
    }

    /// Returns each span of a task, and the halt task, with its try.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&Try<'a>, &Span<'a>)> {
        let tries = self.tries.iter();
        tries.flat_map(|one| one.spans.iter().map(move |span| (one, span)))
    }

    /// Returns `true` if a span is not on the critical path.
    pub(super) fn has_noncritical_spans(&self) -> bool {
        self.spans().any(|(_, span)| !span.is_critical)
    }

    /// Returns the duration with all waits.
    pub(super) fn duration(&self) -> Duration {
        let ends = self.tries.iter().map(|one| {
            let wait = one.wait.as_ref().map_or(Duration::ZERO, Span::duration);
            one.duration() + wait
        });
        ends.sum()
    }
}

/// Returns all tries. The record of the first one can be rotated away.
fn all_tries(timeline: &Timeline) -> Vec<TryStart> {
    let mut tries = timeline.tries.clone();
    if let Some(FullStart { try_num, .. }) = timeline.starts.first()
        && tries.first().is_none_or(|known| known.number != *try_num)
    {
        let (number, at) = (*try_num, timeline.run.header.started);
        tries.insert(0, TryStart { number, at });
    }
    tries
}

fn spans_of<'a>(
    tries: &[TryStart],
    starts: &'a [FullStart],
    timeline: &'a Timeline,
    now: &Now,
) -> Vec<Try<'a>> {
    let state = timeline.run.header.state(now);
    let until = timeline.run.picture_end(now);
    let ends = tries.iter().skip(1).map(|next| next.at).chain([until]);
    let empty = tries.iter().zip(ends).map(|(known, to)| Try {
        number: known.number,
        from: known.at,
        to: to.max(known.at),
        spans: Vec::new(),
        wait: None,
    });
    let mut tries: Vec<Try> = empty.collect();
    let numbered = tries.iter().enumerate();
    let indexes: HashMap<u32, usize> = numbered.map(|(index, one)| (one.number, index)).collect();
    for start in starts {
        if let Some(&index) = indexes.get(&start.try_num) {
            tries[index].spans.push(Span::of_start(start, until, state));
        }
    }
    for wait in &timeline.run.waits {
        if let Some(&index) = indexes.get(&wait.try_num.saturating_sub(1)) {
            let one = &mut tries[index];
            let at = wait.at.clamp(one.from, one.to);
            one.wait = Some(Span::of_wait(wait, at, one.to));
            one.to = at;
        }
    }
    if let (Some(halt), Some(last)) = (&timeline.run.halt, tries.last_mut()) {
        last.spans.push(Span::of_halt(halt, until, state));
    }
    tries
}
