//! Positions of everything in the picture. Tries are below each other, and each starts at the
//! left edge, so that they can be compared.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use runner_config::format_duration;
use runner_exec::TaskName;
use unicode_width::UnicodeWidthStr;

use super::{
    critical_path::critical_path,
    placement::{LabelRoom, Stacking, assign_rows},
    span::Span,
};
use crate::model::{
    now::{Now, between, fraction, plus},
    timeline::{FullStart, Timeline, TryStart},
};

/// Limits of a picture. A larger one is not readable, and browsers are slow with it.
const MAX_STARTS: usize = 5_000;
const MAX_TRIES: usize = 100;

/// Heights in pixels, of the axis, of the line above a try, and of a row.
pub(super) const AXIS_HEIGHT: usize = 24;
pub(super) const HEADER_HEIGHT: usize = 30;
pub(super) const ROW_HEIGHT: usize = 22;

/// Widths of a sign and of a letter, as fractions of a picture of 1000 px, and the number of
/// letters reserved for the time.
const SIGN_WIDTH: f64 = 0.024;
const LETTER_WIDTH: f64 = 0.0068;
const TIME_LETTERS: usize = 6;

pub(super) struct Layout<'a> {
    pub(super) timeline: &'a Timeline,
    /// Time at the end of the last try.
    pub(super) until: Timestamp,
    /// Duration of the longest try, which is the full width.
    pub(super) longest_try: Duration,
    pub(super) bands: Vec<TryBand<'a>>,
    pub(super) stacking: Stacking,
    pub(super) height: usize,
    /// Number of starts of earlier tries that are not shown.
    pub(super) omitted_starts: usize,
}

/// A try: its spans in rows below a header. `top` is in pixels.
pub(super) struct TryBand<'a> {
    pub(super) number: u32,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Spans in the order of their starts.
    pub(super) spans: Vec<Span<'a>>,
    pub(super) top: usize,
    pub(super) rows: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(timeline: &'a Timeline, now: &Now) -> Layout<'a> {
        let (tries, starts) = last_tries(timeline);
        let bands = try_bands(&tries, starts, timeline, now);
        let times = bands.iter().map(|band| between(band.from, band.to));
        let mut layout = Layout {
            timeline,
            until: timeline.run.picture_end(now),
            longest_try: times.max().unwrap_or_default(),
            bands,
            stacking: Stacking::Beside,
            height: 0,
            omitted_starts: timeline.starts.len() - starts.len(),
        };
        for (stacking, max_rows) in Stacking::ALL {
            layout.stack(stacking);
            if layout.bands.iter().map(|band| band.rows).sum::<usize>() <= max_rows {
                break;
            }
        }
        for band in &mut layout.bands {
            let spans = band.spans.iter();
            let times: Vec<_> = spans.map(|span| (span.from, span.to)).collect();
            for index in critical_path(&times) {
                band.spans[index].is_critical = true;
            }
            band.place_labels(layout.longest_try);
        }
        layout
    }

    /// Sets the row of each span and the top of each try.
    fn stack(&mut self, stacking: Stacking) {
        let mut top = AXIS_HEIGHT;
        for band in &mut self.bands {
            let bars = band.spans.iter().map(|span| match stacking {
                Stacking::Stairs => (span.level, span.from, span.to_with_label(self.longest_try)),
                Stacking::Below | Stacking::Beside => (span.level, span.from, span.to),
            });
            let found = assign_rows(bars, stacking);
            band.top = top;
            band.rows = found.iter().max().map_or(0, |last| last + 1);
            for (span, row) in band.spans.iter_mut().zip(found) {
                span.row = row;
            }
            top += HEADER_HEIGHT + band.rows * ROW_HEIGHT;
        }
        self.stacking = stacking;
        self.height = top + 8;
    }

    /// Returns each span with its try, in the order of time.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&TryBand<'a>, &Span<'a>)> {
        let bands = self.bands.iter();
        bands.flat_map(|band| band.spans.iter().map(move |span| (band, span)))
    }

    /// Returns `true` if a span is not on the critical path.
    pub(super) fn has_noncritical_spans(&self) -> bool {
        self.spans().any(|(_, span)| !span.is_critical)
    }

    /// Returns the position of `at`, as a fraction of the width.
    pub(super) fn x(&self, band: &TryBand, at: Timestamp) -> f64 {
        fraction(between(band.from, at), self.longest_try)
    }
}

impl Span<'_> {
    /// Returns the width that the label needs, as a fraction.
    fn label_width(&self) -> f64 {
        let letters = self.label.width() + TIME_LETTERS;
        SIGN_WIDTH + letters as f64 * LETTER_WIDTH
    }

    /// Returns the end of the span, or of its label if that is placed after the bar.
    fn to_with_label(&self, whole: Duration) -> Timestamp {
        let name = whole.mul_f64(self.label_width());
        if self.duration() < name {
            plus(self.to, name)
        } else {
            self.to
        }
    }

    fn is_same_level(&self, other: &Span) -> bool {
        let (Some(one), Some(other)) = (self.start, other.start) else {
            return false;
        };
        TaskName::new(&*one.task).same_level(&TaskName::new(&*other.task))
    }
}

impl<'a> TryBand<'a> {
    fn add(&mut self, mut span: Span<'a>, now: &Now) {
        span.level = match self.spans.last() {
            None => 0,
            Some(last) if last.is_same_level(&span) => last.level,
            Some(last) => last.level + 1,
        };
        let into = format_duration(between(self.from, span.task_from));
        let clock = now.local(span.task_from, "%H:%M:%S");
        span.start_text = format!("began {into} into try {}, at {clock}", self.number);
        self.spans.push(span);
    }

    /// Returns the top of a row in pixels.
    pub(super) fn row_top(&self, row: usize) -> usize {
        self.top + HEADER_HEIGHT + row * ROW_HEIGHT
    }

    /// Sets the room of each label. `whole` is the duration of the full width.
    fn place_labels(&mut self, whole: Duration) {
        let x = |at: Timestamp| fraction(between(self.from, at), whole);
        let mut next = vec![1.0; self.rows];
        for span in self.spans.iter_mut().rev() {
            span.next_from = next[span.row];
            next[span.row] = x(span.from);
        }
        let mut last = vec![0.0; self.rows];
        for span in &mut self.spans {
            let bar = (x(span.from), x(span.to));
            span.room = LabelRoom::new(last[span.row], bar, span.next_from, span.label_width());
            last[span.row] = bar.1.max(span.room.to);
        }
    }
}

/// Returns the last tries within the limits of a picture, and their starts.
fn last_tries(timeline: &Timeline) -> (Vec<TryStart>, &[FullStart]) {
    let Timeline { starts, .. } = timeline;
    let mut tries = timeline.tries.clone();
    // The record of the first try can be rotated away.
    if let Some(FullStart { try_num, .. }) = starts.first()
        && tries.first().is_none_or(|known| known.number != *try_num)
    {
        let (number, at) = (*try_num, timeline.run.header.started);
        tries.insert(0, TryStart { number, at });
    }
    let begin = |first: usize| {
        let number = tries.get(first).map_or(0, |known| known.number);
        starts.partition_point(|start| start.try_num < number)
    };
    let mut first = tries.len().saturating_sub(MAX_TRIES);
    while starts.len() - begin(first) > MAX_STARTS && first + 1 < tries.len() {
        first += 1;
    }
    let starts = &starts[begin(first)..];
    (tries.split_off(first), starts)
}

/// Returns the tries with their spans.
fn try_bands<'a>(
    tries: &[TryStart],
    starts: &'a [FullStart],
    timeline: &'a Timeline,
    now: &Now,
) -> Vec<TryBand<'a>> {
    let state = timeline.run.header.state(now);
    let until = timeline.run.picture_end(now);
    let ends = tries.iter().skip(1).map(|next| next.at).chain([until]);
    let empty_bands = tries.iter().zip(ends).map(|(known, to)| TryBand {
        number: known.number,
        from: known.at,
        to,
        spans: Vec::new(),
        top: 0,
        rows: 0,
    });
    let mut bands: Vec<TryBand> = empty_bands.collect();
    let numbered = bands.iter().enumerate();
    let indexes: HashMap<u32, usize> = numbered.map(|(index, band)| (band.number, index)).collect();
    for start in starts {
        if let Some(&index) = indexes.get(&start.try_num) {
            bands[index].add(Span::of_start(start, until, state), now);
        }
    }
    for wait in &timeline.run.waits {
        if let Some(&index) = indexes.get(&wait.try_num.saturating_sub(1)) {
            let to = bands[index].to;
            bands[index].add(Span::of_wait(wait, to), now);
        }
    }
    if let (Some(halt), Some(band)) = (&timeline.run.halt, bands.last_mut()) {
        band.add(Span::of_halt(halt, until, state), now);
    }
    bands
}
