//! Where everything in the picture stands, before anything of it is drawn: try below try,
//! each from its own beginning, so that they can be compared.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use runner_exec::TaskName;
use unicode_width::UnicodeWidthStr;

use super::{
    caption::Caption,
    critical_path::decides,
    label_placement::Room,
    mark::Mark,
    rows::{Levels, Stretch, rows},
    scale::share,
    what::{Span, What},
};
use crate::model::{
    now::{Now, later, span},
    run_header::State,
    timeline::{Timeline, Try, Visit},
};

/// A picture of more starts or tries could not be read, nor its page be opened.
const MOST_VISITS: usize = 5_000;
const MOST_TRIES: usize = 100;

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

/// Something that took time in a try.
pub(super) struct Piece<'a> {
    pub(super) span: Span<'a>,
    pub(super) mark: Mark,
    pub(super) caption: Caption,
    level: usize,
    pub(super) row: usize,
    /// Whether the try would have been shorter without.
    pub(super) decides: bool,
    pub(super) room: Room,
    /// Where the next one begins in the same row.
    pub(super) next: f64,
}

impl<'a> Layout<'a> {
    pub(super) fn new(timeline: &'a Timeline, now: &Now) -> Layout<'a> {
        let until = timeline.run.until(now);
        let (tries, visits) = shown(timeline);
        let left_out = timeline.visits.len() - visits.len();
        let mut bands = bands(&tries, until);
        fill(&mut bands, timeline, visits, until, now);
        let spans = bands.iter().map(|band| span(band.from, band.to));
        let whole = spans.max().unwrap_or_default();
        let mut stacked = (Levels::Beside, AXIS);
        for (levels, most) in Levels::ALL {
            stacked = (levels, stack(&mut bands, levels, whole));
            if bands.iter().map(|band| band.rows).sum::<usize>() <= most {
                break;
            }
        }
        let (levels, height) = stacked;
        for band in &mut bands {
            let spans = band.pieces.iter().map(|piece| piece.span);
            let times: Vec<_> = spans.map(|span| (span.from, span.to)).collect();
            for index in decides(&times) {
                band.pieces[index].decides = true;
            }
            give_room(band, whole);
        }
        Layout {
            timeline,
            until,
            whole,
            bands,
            levels,
            height,
            left_out,
        }
    }

    /// Each piece with its try, in the order of time.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&Band<'a>, &Piece<'a>)> {
        let bands = self.bands.iter();
        bands.flat_map(|band| band.pieces.iter().map(move |piece| (band, piece)))
    }

    /// Whether something ran beside what determined the length.
    pub(super) fn has_choice(&self) -> bool {
        self.pieces().any(|(_, piece)| !piece.decides)
    }

    /// Which share of the width `at` stands at.
    pub(super) fn x(&self, band: &Band, at: Timestamp) -> f64 {
        share(span(band.from, at), self.whole)
    }
}

impl Piece<'_> {
    /// The share of the width that its name wants.
    fn need(&self) -> f64 {
        let letters = self.caption.label.width() + TIME;
        SIGN + letters as f64 * LETTER
    }

    /// When the row is free again, if its name stands in it or behind it.
    fn to_with_name(&self, whole: Duration) -> Timestamp {
        let name = whole.mul_f64(self.need());
        let Span { to, .. } = self.span;
        if self.span.whole() < name {
            later(to, name)
        } else {
            to
        }
    }
}

impl Band<'_> {
    /// Where the first of its rows begins.
    pub(super) fn first_row(&self) -> usize {
        self.top + HEADER
    }

    /// Where each level begins: its number, its time, its row.
    pub(super) fn levels(&self) -> impl Iterator<Item = &Piece<'_>> {
        let mut level = None;
        let starts = self.pieces.iter();
        starts.filter(move |piece| level.replace(piece.level) != Some(piece.level))
    }
}

/// The last tries, as many as can be shown, and their starts.
fn shown(timeline: &Timeline) -> (Vec<Try>, &[Visit]) {
    let mut tries = timeline.tries.clone();
    // The journal may not reach back to the first one.
    if let Some(first) = timeline.visits.first()
        && tries
            .first()
            .is_none_or(|known| known.number != first.try_num)
    {
        let (number, at) = (first.try_num, timeline.run.head.started);
        tries.insert(0, Try { number, at });
    }
    let mut first = tries.len().saturating_sub(MOST_TRIES);
    let begin = |first: usize| {
        let number = tries.get(first).map_or(0, |known| known.number);
        timeline
            .visits
            .partition_point(|visit| visit.try_num < number)
    };
    while timeline.visits.len() - begin(first) > MOST_VISITS && first + 1 < tries.len() {
        first += 1;
    }
    let visits = &timeline.visits[begin(first)..];
    (tries.split_off(first), visits)
}

fn bands<'a>(tries: &[Try], until: Timestamp) -> Vec<Band<'a>> {
    let ends = tries.iter().skip(1).map(|next| next.at).chain([until]);
    let bands = tries.iter().zip(ends).map(|(known, to)| Band {
        number: known.number,
        from: known.at,
        to,
        pieces: Vec::new(),
        top: 0,
        rows: 0,
    });
    bands.collect()
}

/// Puts what happened into the tries.
fn fill<'a>(
    bands: &mut [Band<'a>],
    timeline: &'a Timeline,
    visits: &'a [Visit],
    until: Timestamp,
    now: &Now,
) {
    let state = timeline.run.head.state(now);
    let places = bands.iter().enumerate();
    let places: HashMap<u32, usize> = places.map(|(index, band)| (band.number, index)).collect();
    for visit in visits {
        if let Some(&index) = places.get(&visit.try_num) {
            bands[index].add(What::Visit(visit), until, state, now);
        }
    }
    for wait in &timeline.run.waits {
        let before = wait.try_num.saturating_sub(1);
        if let Some(&index) = places.get(&before) {
            let to = bands[index].to;
            bands[index].add(What::Wait(wait), to, state, now);
        }
    }
    if let (Some(halt), Some(band)) = (&timeline.run.halt, bands.last_mut()) {
        band.add(What::Halt(halt), until, state, now);
    }
}

impl<'a> Band<'a> {
    fn add(&mut self, what: What<'a>, until: Timestamp, state: State, now: &Now) {
        let level = match self.pieces.last() {
            None => 0,
            Some(last) if same_level(&last.span.what, &what) => last.level,
            Some(last) => last.level + 1,
        };
        let span = Span::new(what, until);
        let mark = Mark::of(what, state);
        self.pieces.push(Piece {
            caption: Caption::new(&span, mark, (self.number, self.from), until, now),
            span,
            mark,
            level,
            row: 0,
            decides: false,
            room: Room::default(),
            next: 1.0,
        });
    }
}

fn same_level(one: &What, other: &What) -> bool {
    let (What::Visit(one), What::Visit(other)) = (one, other) else {
        return false;
    };
    TaskName::new(&*one.task).same_level(&TaskName::new(&*other.task))
}

/// Gives each piece a row, and each try its place; says how high that is.
fn stack(bands: &mut [Band], levels: Levels, whole: Duration) -> usize {
    let mut top = AXIS;
    for band in bands {
        let stretches = band.pieces.iter().map(|piece| Stretch {
            level: piece.level,
            from: piece.span.from,
            to: match levels {
                Levels::Named => piece.to_with_name(whole),
                Levels::Below | Levels::Beside => piece.span.to,
            },
        });
        let (found, count) = rows(stretches, levels);
        for (piece, row) in band.pieces.iter_mut().zip(found) {
            piece.row = row;
        }
        band.top = top;
        band.rows = count;
        top += HEADER + count * ROW;
    }
    top + 8
}

/// Gives each name its place, as far as `whole` is the width.
fn give_room(band: &mut Band, whole: Duration) {
    let x = |at: Timestamp| share(span(band.from, at), whole);
    let mut next = vec![1.0; band.rows];
    let mut nexts = Vec::new();
    for piece in band.pieces.iter().rev() {
        nexts.push(next[piece.row]);
        next[piece.row] = x(piece.span.from);
    }
    let mut last = vec![0.0; band.rows];
    for (piece, next) in band.pieces.iter_mut().zip(nexts.into_iter().rev()) {
        let need = piece.need();
        let bar = (x(piece.span.from), x(piece.span.to));
        piece.next = next;
        piece.room = Room::new(last[piece.row], bar, next, need);
        last[piece.row] = bar.1.max(piece.room.to);
    }
}
