//! Outcomes of spans as colour, sign and word: not every reader sees colours.

use runner_exec::TaskResult;

use crate::model::{end::RunReason, run_details::TaskEnd, run_header::RunState};

/// Appearance of an outcome.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Badge {
    /// Class in the style sheets. The id of the sign is `sign-` and the class.
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    /// The sign as an SVG path in a square of 10 by 10.
    pub(super) path: &'static str,
}

const fn badge(class: &'static str, word: &'static str, path: &'static str) -> Badge {
    Badge { class, word, path }
}

impl Badge {
    pub(super) const OK: Badge = badge("ok", "OK", "M1 5.5 4 8.5 9 2");
    pub(super) const SKIPPED: Badge = badge("skipped", "skipped", "M1.5 2 5 5 1.5 8M5 2 8.5 5 5 8");
    pub(super) const FAILED: Badge = badge("failed", "failed", "M1.5 1.5 8.5 8.5M8.5 1.5 1.5 8.5");
    pub(super) const OPTIONAL: Badge =
        badge("optional", "failed (not required)", Badge::FAILED.path);
    pub(super) const HALT: Badge = badge(
        "halt",
        "requested a halt",
        "M2.8 2.6a4 4 0 1 0 4.4 0M5 .6V5",
    );
    pub(super) const EXIT: Badge = badge(
        "exit",
        "requested the end",
        "M2 2H8V8H2ZM3 3.5H7M3 5H7M3 6.5H7",
    );
    pub(super) const INTERRUPTED: Badge = badge(
        "interrupted",
        "interrupted",
        "M5 .8A4.2 4.2 0 1 0 5.01.8M2 2 8 8",
    );
    pub(super) const RUNNING: Badge = badge("running", "running", "M3 1.5 8 5 3 8.5Z");
    pub(super) const UNKNOWN: Badge = badge(
        "unknown",
        "end unknown",
        "M2.8 3.2a2.2 2.2 0 1 1 3.2 2c-.8.4-1 .8-1 1.4M5 8.8v.2",
    );
    pub(super) const WAIT: Badge = badge("wait", "wait", "M2 1H8L2 9H8Z");

    pub(super) const DONE: Badge = badge("done", "done by an earlier run", Badge::OK.path);
    pub(super) const MISSED: Badge = badge("missed", "not reached", "M2 5H8");
    pub(super) const LATER: Badge = badge("later", "not started yet", "M2 5H8");

    pub(super) const ALL: [Badge; 13] = [
        Badge::OK,
        Badge::SKIPPED,
        Badge::FAILED,
        Badge::OPTIONAL,
        Badge::HALT,
        Badge::EXIT,
        Badge::INTERRUPTED,
        Badge::RUNNING,
        Badge::UNKNOWN,
        Badge::WAIT,
        Badge::DONE,
        Badge::MISSED,
        Badge::LATER,
    ];

    /// Returns the badge of a run.
    pub(super) fn of_run(state: RunState) -> Badge {
        match state {
            RunState::Running => Badge::RUNNING,
            RunState::WentDown => Badge::HALT,
            RunState::CutOff => Badge::UNKNOWN,
            RunState::Ended(end) => match end.reason {
                RunReason::Finished => Badge::OK,
                RunReason::FinishedWithFailures => Badge::OPTIONAL,
                RunReason::Halted => Badge::HALT,
                RunReason::Stopped => Badge::EXIT,
                RunReason::Interrupted => Badge::INTERRUPTED,
                RunReason::GaveUp | RunReason::OutOfTime => Badge::FAILED,
                RunReason::HaltsUsedUp | RunReason::Other(_) => Badge::FAILED,
            },
        }
    }

    /// Returns the badge of a start with this end.
    pub(super) fn of_end(ended: Option<&TaskEnd>, state: RunState) -> Badge {
        let Some(ended) = ended else {
            return Badge::without_end(state);
        };
        match ended.result {
            Some(TaskResult::Ok) => Badge::OK,
            Some(TaskResult::Skip) => Badge::SKIPPED,
            Some(TaskResult::Retry) if !ended.required => Badge::OPTIONAL,
            Some(TaskResult::Retry) => Badge::FAILED,
            Some(TaskResult::Halt) => Badge::HALT,
            Some(TaskResult::Exit) => Badge::EXIT,
            Some(TaskResult::Interrupted) => Badge::INTERRUPTED,
            None => Badge::UNKNOWN,
        }
    }

    /// Returns the badge of a span without an end.
    pub(super) fn without_end(state: RunState) -> Badge {
        match state {
            RunState::Running => Badge::RUNNING,
            RunState::CutOff | RunState::WentDown | RunState::Ended(_) => Badge::UNKNOWN,
        }
    }
}
