//! What the length of a run is made of: along what decided each try, how much of it was
//! which task, hooks, and waits.

use std::{collections::HashMap, time::Duration};

use super::{
    layout::Layout,
    what::{Span, What},
};
use crate::{formats::text::shown, model::now::span};

/// More are added up.
const MOST: usize = 6;

/// A part of the length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) time: Duration,
    /// How often it had a part in it.
    pub(super) count: usize,
}

/// The largest parts and what is left, each more than nothing.
pub(super) fn made_of(layout: &Layout) -> Vec<Part> {
    let mut parts = Parts::default();
    for (_, piece) in layout.pieces().filter(|(_, piece)| piece.decides) {
        parts.piece(&piece.span);
    }
    let whole = layout
        .bands
        .iter()
        .map(|band| span(band.from, band.to))
        .sum();
    parts.largest(whole)
}

#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    places: HashMap<String, usize>,
}

impl Parts {
    fn piece(&mut self, it: &Span) {
        let name = match it.what {
            What::Visit(visit) => {
                let task = span(it.starts, it.ends).min(it.whole());
                if visit.hooks().next().is_some() {
                    self.add("hooks".to_owned(), it.whole() - task);
                }
                return self.add(shown(&visit.task), task);
            }
            What::Wait(_) => "waits before another try".to_owned(),
            What::Halt(halt) => format!("halt task {}", shown(&halt.name)),
        };
        self.add(name, it.whole());
    }

    fn add(&mut self, name: String, time: Duration) {
        let place = *self.places.entry(name.clone()).or_insert_with(|| {
            self.parts.push(Part {
                name,
                time: Duration::ZERO,
                count: 0,
            });
            self.parts.len() - 1
        });
        let part = &mut self.parts[place];
        part.time += time;
        part.count += 1;
    }

    fn largest(self, whole: Duration) -> Vec<Part> {
        let Parts { mut parts, .. } = self;
        parts.sort_by_key(|part| std::cmp::Reverse(part.time));
        let known: Duration = parts.iter().map(|part| part.time).sum();
        let rest = parts.split_off(parts.len().min(MOST));
        if !rest.is_empty() {
            parts.push(Part {
                name: format!("{} others", rest.len()),
                time: rest.iter().map(|part| part.time).sum(),
                count: 1,
            });
        }
        parts.push(Part {
            name: "between these".to_owned(),
            time: whole.saturating_sub(known),
            count: 1,
        });
        parts.retain(|part| part.time >= Duration::from_millis(1));
        parts
    }
}
