//! What is said of a start, for a reader and for a screen reader alike.

use runner_config::format_duration;

use super::{
    layout::{Band, Layout, Piece, What},
    mark::Mark,
};
use crate::{
    Now,
    now::span,
    text::{outcome, shown},
    timeline::Visit,
};

/// What a piece is called.
pub(super) fn name(piece: &Piece) -> String {
    match piece.what {
        What::Visit(visit) => shown(&visit.task),
        What::Wait(_) => "wait".to_owned(),
        What::Halt(halt) => format!("halt task {}", shown(&halt.name)),
    }
}

/// The same, as long as a label may be.
pub(super) fn label(piece: &Piece) -> String {
    const MOST: usize = 40;
    let mut name = name(piece);
    if let Some((end, _)) = name.char_indices().nth(MOST) {
        name.truncate(end);
        name.push('…');
    }
    name
}

/// How long it took, as people say it.
pub(super) fn time(layout: &Layout, piece: &Piece) -> String {
    format_duration(match piece.what {
        What::Visit(visit) => visit.time(layout.until),
        What::Wait(_) | What::Halt(_) => span(piece.from, piece.to),
    })
}

/// What became of it: `failed: exited with 7`.
pub(super) fn fate(layout: &Layout, piece: &Piece) -> String {
    let mark = layout.mark(piece);
    let how = match piece.what {
        What::Visit(visit) => how(visit),
        What::Wait(wait) => Some(format!("before try {}", wait.try_num)),
        What::Halt(halt) => {
            let end = halt.end.as_ref().map(|(end, _)| outcome(end, None));
            Some(format!(
                "{}, {}",
                shown(&halt.reason),
                end.unwrap_or_default()
            ))
        }
    };
    match (mark, how) {
        (Mark::Ok, Some(how)) if how == "exited with 0" => mark.word().to_owned(),
        (_, Some(how)) => format!("{}: {how}", mark.word()),
        (_, None) => mark.word().to_owned(),
    }
}

fn how(visit: &Visit) -> Option<String> {
    match (&visit.ended, visit.started) {
        (Some(ended), _) => Some(outcome(&ended.how.outcome, ended.how.why.as_deref())),
        (None, Some(_)) => None,
        (None, None) => Some("not started".to_owned()),
    }
}

/// Each hook around it.
pub(super) fn hooks(layout: &Layout, piece: &Piece) -> Vec<String> {
    let What::Visit(visit) = piece.what else {
        return Vec::new();
    };
    let hooks = visit.hooks().map(|(when, hook)| {
        let time = format_duration(hook.time(layout.until));
        match &hook.end {
            Some((_, end)) if end == "exited:0" => format!("hook {when}: {time}"),
            Some((_, end)) => format!("hook {when}: {time}, {}", outcome(end, None)),
            None => format!("hook {when}: {time}, no end"),
        }
    });
    hooks.collect()
}

/// All of it but the name, line by line.
pub(super) fn details(layout: &Layout, band: &Band, piece: &Piece, now: &Now) -> Vec<String> {
    let start = match piece.what {
        What::Visit(visit) => visit.starts(),
        What::Wait(_) | What::Halt(_) => piece.from,
    };
    let limit = match piece.what {
        What::Visit(visit) => visit.limit(),
        What::Wait(_) | What::Halt(_) => None,
    };
    let mut took = format!("took {}", time(layout, piece));
    if let Some(limit) = limit {
        took += &format!(" of {}", format_duration(limit));
    }
    let into = format_duration(span(band.from, start));
    let clock = now.local(start, "%H:%M:%S");
    let mut lines = vec![
        fate(layout, piece),
        took,
        format!("began {into} into try {}, at {clock}", band.number),
    ];
    lines.extend(hooks(layout, piece));
    lines
}
