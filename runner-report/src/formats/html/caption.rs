//! Texts about what took time, for a reader and for a screen reader alike.

use jiff::Timestamp;
use runner_config::format_duration;

use super::{
    mark::Mark,
    what::{Span, What},
};
use crate::{
    formats::text::shown,
    model::{
        now::{Now, span},
        timeline::Visit,
    },
};

/// Letters of a name in the picture.
const MAX_LABEL: usize = 40;

pub(super) struct Caption {
    pub(super) name: String,
    /// The name, cut.
    pub(super) label: String,
    /// How long it took, without hooks.
    pub(super) time: String,
    /// How long it might take.
    pub(super) limit: Option<String>,
    /// `failed: exited with 7`.
    pub(super) fate: String,
    /// One text for each hook.
    pub(super) hooks: Vec<String>,
    /// When it began, by the clock of the try and by that on the wall.
    began: String,
}

impl Caption {
    /// The texts of `it` in the try of this number that began at `from`.
    pub(super) fn new(
        it: &Span,
        mark: Mark,
        (number, from): (u32, Timestamp),
        until: Timestamp,
        now: &Now,
    ) -> Caption {
        let name = match it.what {
            What::Visit(visit) => shown(&visit.task),
            What::Wait(_) => "wait".to_owned(),
            What::Halt(halt) => format!("halt task {}", shown(&halt.name)),
        };
        let limit = it.visit().and_then(Visit::limit);
        let into = format_duration(span(from, it.starts));
        let clock = now.local(it.starts, "%H:%M:%S");
        Caption {
            label: cut(&name, MAX_LABEL),
            name,
            time: format_duration(it.time()),
            limit: limit.map(format_duration),
            fate: fate(it.what, mark),
            hooks: hooks(it, until),
            began: format!("began {into} into try {number}, at {clock}"),
        }
    }

    /// Everything but the name, line by line.
    pub(super) fn details(&self) -> Vec<String> {
        let of = self.limit.iter().map(|limit| format!(" of {limit}"));
        let took = format!("took {}{}", self.time, of.collect::<String>());
        let lines = [self.fate.clone(), took, self.began.clone()];
        lines.into_iter().chain(self.hooks.clone()).collect()
    }
}

fn fate(what: What, mark: Mark) -> String {
    let word = mark.word();
    let how = match what {
        What::Visit(visit) => match (&visit.ended, visit.started) {
            (Some(ended), _) if mark == Mark::Ok && ended.how.outcome.is_zero() => {
                return word.to_owned();
            }
            (Some(ended), _) => ended.how.outcome.words(),
            (None, Some(_)) => return word.to_owned(),
            (None, None) => "not started".to_owned(),
        },
        What::Wait(wait) => format!("before try {}", wait.try_num),
        What::Halt(halt) => {
            let end = halt.end.as_ref().map(|(end, _)| end.words());
            format!("{}, {}", shown(&halt.reason), end.unwrap_or_default())
        }
    };
    format!("{word}: {how}")
}

fn hooks(it: &Span, until: Timestamp) -> Vec<String> {
    let hooks = it.visit().into_iter().flat_map(Visit::hooks);
    let hooks = hooks.map(|(when, hook)| {
        let time = format_duration(hook.time(until));
        match &hook.end {
            Some((_, end)) if end.is_zero() => format!("hook {when}: {time}"),
            Some((_, end)) => format!("hook {when}: {time}, {}", end.words()),
            None => format!("hook {when}: {time}, no end"),
        }
    });
    hooks.collect()
}

/// The first `letters` of `text`.
pub(super) fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
