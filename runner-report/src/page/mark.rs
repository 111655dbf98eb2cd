//! What became of a start, as colour, sign and word: colours alone are not seen by all.

use runner_exec::TaskResult;

use super::what::What;
use crate::State;

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

    /// The class in the style sheets, and the end of the id of the sign.
    pub(super) fn class(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Failed => "failed",
            Mark::Halt => "halt",
            Mark::Exit => "exit",
            Mark::Interrupted => "interrupted",
            Mark::Running => "running",
            Mark::Unknown => "unknown",
            Mark::Wait => "wait",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Mark::Ok => "OK",
            Mark::Failed => "failed",
            Mark::Halt => "asked to halt",
            Mark::Exit => "asked to stop",
            Mark::Interrupted => "interrupted",
            Mark::Running => "running",
            Mark::Unknown => "end unknown",
            Mark::Wait => "wait",
        }
    }

    /// The sign in a square of ten, as the path that a pen takes.
    pub(super) fn pen(self) -> &'static str {
        match self {
            Mark::Ok => "M1 5.5 4 8.5 9 2",
            Mark::Failed => "M8.7 3.4A4.2 4.2 0 1 0 9.2 6M9.2.8V3.6H6.4",
            Mark::Halt => "M2.8 2.6a4 4 0 1 0 4.4 0M5 .6V5",
            Mark::Exit => "M2 2H8V8H2ZM3 3.5H7M3 5H7M3 6.5H7",
            Mark::Interrupted => "M1.5 1.5 8.5 8.5M8.5 1.5 1.5 8.5",
            Mark::Running => "M3 1.5 8 5 3 8.5Z",
            Mark::Unknown => "M2.8 3.2a2.2 2.2 0 1 1 3.2 2c-.8.4-1 .8-1 1.4M5 8.8v.2",
            Mark::Wait => "M2 1H8L2 9H8Z",
        }
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
