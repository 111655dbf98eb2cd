//! What became of a start, as colour, sign and word: colours alone are not seen by all.

use runner_exec::TaskResult;

use super::what::What;
use crate::model::run_header::State;

/// What is drawn alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Ok,
    Failed,
    Halt,
    Exit,
    Interrupted,
    Running,
    Unknown,
    Wait,
}

impl Mark {
    pub(super) fn of(what: What, state: State) -> Mark {
        let (has_ended, result) = match what {
            What::Visit(visit) => (visit.ended.is_some(), visit.result()),
            What::Wait(_) => return Mark::Wait,
            What::Halt(halt) => match &halt.end {
                Some((end, _)) if end.is_zero() => return Mark::Ok,
                Some(_) => return Mark::Failed,
                None => (false, None),
            },
        };
        match result {
            Some(TaskResult::Ok) => Mark::Ok,
            Some(TaskResult::Retry) => Mark::Failed,
            Some(TaskResult::Halt) => Mark::Halt,
            Some(TaskResult::Exit) => Mark::Exit,
            Some(TaskResult::Interrupted) => Mark::Interrupted,
            None if !has_ended && state == State::Running => Mark::Running,
            None => Mark::Unknown,
        }
    }

    /// Class in the style sheets, which ends the id of the sign; word; and the sign in a
    /// square of ten, as the path that a pen takes.
    fn look(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Mark::Ok => ("ok", "OK", "M1 5.5 4 8.5 9 2"),
            Mark::Failed => (
                "failed",
                "failed",
                "M8.7 3.4A4.2 4.2 0 1 0 9.2 6M9.2.8V3.6H6.4",
            ),
            Mark::Halt => ("halt", "asked to halt", "M2.8 2.6a4 4 0 1 0 4.4 0M5 .6V5"),
            Mark::Exit => ("exit", "asked to stop", "M2 2H8V8H2ZM3 3.5H7M3 5H7M3 6.5H7"),
            Mark::Interrupted => (
                "interrupted",
                "interrupted",
                "M1.5 1.5 8.5 8.5M8.5 1.5 1.5 8.5",
            ),
            Mark::Running => ("running", "running", "M3 1.5 8 5 3 8.5Z"),
            Mark::Unknown => (
                "unknown",
                "end unknown",
                "M2.8 3.2a2.2 2.2 0 1 1 3.2 2c-.8.4-1 .8-1 1.4M5 8.8v.2",
            ),
            Mark::Wait => ("wait", "wait", "M2 1H8L2 9H8Z"),
        }
    }

    pub(super) fn class(self) -> &'static str {
        self.look().0
    }

    pub(super) fn word(self) -> &'static str {
        self.look().1
    }

    pub(super) fn pen(self) -> &'static str {
        self.look().2
    }

    pub(super) const ALL: [Mark; 8] = [
        Mark::Ok,
        Mark::Failed,
        Mark::Halt,
        Mark::Exit,
        Mark::Interrupted,
        Mark::Running,
        Mark::Unknown,
        Mark::Wait,
    ];
}
