//! Something that took time in a try: a start of a task, a wait or the halt task.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{
    now::{later, span},
    run::{Halt, Wait},
    timeline::{Ended, Visit},
};

#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Visit(&'a Visit),
    Wait(&'a Wait),
    Halt(&'a Halt),
}

/// When it was.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) what: What<'a>,
    /// With the hooks around it.
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Without them.
    pub(super) starts: Timestamp,
    pub(super) ends: Timestamp,
}

impl<'a> Span<'a> {
    /// `until` is the end of what has none of its own.
    pub(super) fn new(what: What<'a>, until: Timestamp) -> Span<'a> {
        let (from, to) = match what {
            What::Visit(visit) => (visit.from, visit.is_over(until)),
            What::Wait(wait) => (wait.at, until),
            What::Halt(halt) => {
                let to = halt.end.as_ref().map(|(_, time)| later(halt.at, *time));
                (halt.at, to.unwrap_or(until))
            }
        };
        // What is a matter of milliseconds may be rounded to less than nothing.
        let to = to.max(from);
        let (starts, ends) = match what {
            What::Visit(visit) => (visit.starts(), visit.ends(until)),
            What::Wait(_) | What::Halt(_) => (from, to),
        };
        Span {
            what,
            from,
            to,
            starts,
            ends,
        }
    }

    /// Time from the first hook to the last.
    pub(super) fn whole(&self) -> Duration {
        span(self.from, self.to)
    }

    /// Time without hooks, by the clock that limits go by.
    pub(super) fn time(&self) -> Duration {
        match self.ended() {
            Some(ended) => ended.elapsed,
            None => span(self.starts, self.ends),
        }
    }

    /// Start of a task.
    pub(super) fn visit(&self) -> Option<&'a Visit> {
        match self.what {
            What::Visit(visit) => Some(visit),
            What::Wait(_) | What::Halt(_) => None,
        }
    }

    /// End of a task.
    pub(super) fn ended(&self) -> Option<&'a Ended> {
        self.visit()?.ended.as_ref()
    }
}
