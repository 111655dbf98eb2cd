//! Where everything in the picture stands, before anything of it is drawn: try below try,
//! each from its own beginning, so that they can be compared.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use runner_config::format_duration;
use runner_exec::TaskName;
use unicode_width::UnicodeWidthStr;

use super::{
    critical_path::decides,
    placement::{Levels, Room, rows},
    span::Piece,
};
use crate::model::{
    now::{Now, between, fraction, plus},
    timeline::{FullStart, Timeline, TryStart},
};

/// A picture of more starts or tries could not be read, nor its page be opened.
const MAX_STARTS: usize = 5_000;
const MAX_TRIES: usize = 100;

/// Pixels from the top: of the axis, of what stands above a try, of a row.
pub(super) const AXIS: usize = 24;
pub(super) const HEADER: usize = 30;
pub(super) const ROW: usize = 22;

/// What sign and letter are wide, as shares of a width of a thousand pixels, and how many
/// letters the time takes.
const SIGN: f64 = 0.024;
const LETTER: f64 = 0.0068;
const TIME: usize = 6;

pub(super) struct Layout<'a> {
    pub(super) timeline: &'a Timeline,
    /// When the picture ends.
    pub(super) until: Timestamp,
    /// How long the longest try took, which is the width.
    pub(super) whole: Duration,
    pub(super) bands: Vec<Band<'a>>,
    pub(super) levels: Levels,
    pub(super) height: usize,
    /// How many starts of earlier tries are not shown.
    pub(super) left_out: usize,
}

/// A try.
pub(super) struct Band<'a> {
    pub(super) number: u32,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// In the order of their beginnings.
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) top: usize,
    pub(super) rows: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(timeline: &'a Timeline, now: &Now) -> Layout<'a> {
        let (tries, starts) = shown(timeline);
        let bands = bands(&tries, starts, timeline, now);
        let times = bands.iter().map(|band| between(band.from, band.to));
        let mut layout = Layout {
            timeline,
            until: timeline.run.picture_end(now),
            whole: times.max().unwrap_or_default(),
            bands,
            levels: Levels::Beside,
            height: 0,
            left_out: timeline.starts.len() - starts.len(),
        };
        for (levels, max_rows) in Levels::ALL {
            layout.stack(levels);
            if layout.bands.iter().map(|band| band.rows).sum::<usize>() <= max_rows {
                break;
            }
        }
        for band in &mut layout.bands {
            let pieces = band.pieces.iter();
            let times: Vec<_> = pieces.map(|piece| (piece.from, piece.to)).collect();
            for index in decides(&times) {
                band.pieces[index].decides = true;
            }
            band.give_room(layout.whole);
        }
        layout
    }

    /// Gives each piece a row, and each try its place.
    fn stack(&mut self, levels: Levels) {
        let mut top = AXIS;
        for band in &mut self.bands {
            let bars = band.pieces.iter().map(|piece| match levels {
                Levels::Named => (piece.level, piece.from, piece.to_with_name(self.whole)),
                Levels::Below | Levels::Beside => (piece.level, piece.from, piece.to),
            });
            let found = rows(bars, levels);
            band.top = top;
            band.rows = found.iter().max().map_or(0, |last| last + 1);
            for (piece, row) in band.pieces.iter_mut().zip(found) {
                piece.row = row;
            }
            top += HEADER + band.rows * ROW;
        }
        self.levels = levels;
        self.height = top + 8;
    }

    /// Each piece with its try, in the order of time.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&Band<'a>, &Piece<'a>)> {
        let bands = self.bands.iter();
        bands.flat_map(|band| band.pieces.iter().map(move |piece| (band, piece)))
    }

    /// Returns `true` if something ran beside the critical path.
    pub(super) fn has_choice(&self) -> bool {
        self.pieces().any(|(_, piece)| !piece.decides)
    }

    /// The share of the width at which `at` stands.
    pub(super) fn x(&self, band: &Band, at: Timestamp) -> f64 {
        fraction(between(band.from, at), self.whole)
    }
}

impl Piece<'_> {
    /// The share of the width that its name wants.
    fn need(&self) -> f64 {
        let letters = self.label.width() + TIME;
        SIGN + letters as f64 * LETTER
    }

    /// When the row is free again, if its name stands in it or behind it.
    fn to_with_name(&self, whole: Duration) -> Timestamp {
        let name = whole.mul_f64(self.need());
        if self.whole() < name {
            plus(self.to, name)
        } else {
            self.to
        }
    }

    fn same_level(&self, other: &Piece) -> bool {
        let (Some(one), Some(other)) = (self.start, other.start) else {
            return false;
        };
        TaskName::new(&*one.task).same_level(&TaskName::new(&*other.task))
    }
}

impl<'a> Band<'a> {
    fn add(&mut self, mut piece: Piece<'a>, now: &Now) {
        piece.level = match self.pieces.last() {
            None => 0,
            Some(last) if last.same_level(&piece) => last.level,
            Some(last) => last.level + 1,
        };
        let into = format_duration(between(self.from, piece.task_from));
        let clock = now.local(piece.task_from, "%H:%M:%S");
        piece.began = format!("began {into} into try {}, at {clock}", self.number);
        self.pieces.push(piece);
    }

    /// Where a row begins.
    pub(super) fn row(&self, row: usize) -> usize {
        self.top + HEADER + row * ROW
    }

    /// Gives each name its place, as far as `whole` is the width.
    fn give_room(&mut self, whole: Duration) {
        let x = |at: Timestamp| fraction(between(self.from, at), whole);
        let mut next = vec![1.0; self.rows];
        for piece in self.pieces.iter_mut().rev() {
            piece.next = next[piece.row];
            next[piece.row] = x(piece.from);
        }
        let mut last = vec![0.0; self.rows];
        for piece in &mut self.pieces {
            let bar = (x(piece.from), x(piece.to));
            piece.room = Room::new(last[piece.row], bar, piece.next, piece.need());
            last[piece.row] = bar.1.max(piece.room.to);
        }
    }
}

/// The last tries, as many as can be shown, and their starts.
fn shown(timeline: &Timeline) -> (Vec<TryStart>, &[FullStart]) {
    let Timeline { starts, .. } = timeline;
    let mut tries = timeline.tries.clone();
    // The journal may not reach back to the first one.
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

/// The tries, with what happened in each.
fn bands<'a>(
    tries: &[TryStart],
    starts: &'a [FullStart],
    timeline: &'a Timeline,
    now: &Now,
) -> Vec<Band<'a>> {
    let state = timeline.run.header.state(now);
    let until = timeline.run.picture_end(now);
    let ends = tries.iter().skip(1).map(|next| next.at).chain([until]);
    let bands = tries.iter().zip(ends).map(|(known, to)| Band {
        number: known.number,
        from: known.at,
        to,
        pieces: Vec::new(),
        top: 0,
        rows: 0,
    });
    let mut bands: Vec<Band> = bands.collect();
    let places = bands.iter().enumerate();
    let places: HashMap<u32, usize> = places.map(|(index, band)| (band.number, index)).collect();
    for start in starts {
        if let Some(&index) = places.get(&start.try_num) {
            bands[index].add(Piece::of_start(start, until, state), now);
        }
    }
    for wait in &timeline.run.waits {
        if let Some(&index) = places.get(&wait.try_num.saturating_sub(1)) {
            let to = bands[index].to;
            bands[index].add(Piece::of_wait(wait, to), now);
        }
    }
    if let (Some(halt), Some(band)) = (&timeline.run.halt, bands.last_mut()) {
        band.add(Piece::of_halt(halt, until, state), now);
    }
    bands
}
