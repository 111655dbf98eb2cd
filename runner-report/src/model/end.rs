//! How processes and runs end, as the journal says it. A later version may have further
//! words, which are kept as they are.

use std::fmt::{Display, Formatter, Result};

use runner_config::escape;
use runner_exec::{ChainEnd, Outcome};
use serde::{Deserialize, Serialize};

/// What a process did.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordedOutcome {
    /// An outcome that this version has.
    Known(Outcome),
    /// The word of a later version.
    Other(String),
}

impl RecordedOutcome {
    /// Reads `RUNNER_OUTCOME`; `why` is the reason of a process that did not start.
    pub(crate) fn parse(word: &str, why: Option<&str>) -> RecordedOutcome {
        let known = Outcome::parse(word, why.unwrap_or_default());
        known.map_or_else(
            || RecordedOutcome::Other(word.to_owned()),
            RecordedOutcome::Known,
        )
    }

    /// Whether the exit code is 0.
    pub(crate) fn is_exit_zero(&self) -> bool {
        matches!(self, RecordedOutcome::Known(Outcome::Exited(0)))
    }

    pub(crate) fn is_not_started(&self) -> bool {
        matches!(self, RecordedOutcome::Known(Outcome::NotStarted(_)))
    }

    /// A text for people, without what a terminal would obey.
    pub(crate) fn description(&self) -> String {
        match self {
            RecordedOutcome::Known(Outcome::Exited(code)) => format!("exited with {code}"),
            RecordedOutcome::Known(Outcome::Signaled(signal)) => signal.to_string(),
            RecordedOutcome::Known(Outcome::TimedOut) => "timed out".to_owned(),
            RecordedOutcome::Known(Outcome::NotStarted(failure)) if failure.reason.is_empty() => {
                "did not start".to_owned()
            }
            RecordedOutcome::Known(Outcome::NotStarted(failure)) => {
                format!("did not start: {}", escape(&failure.reason))
            }
            RecordedOutcome::Other(word) => escape(word).into_owned(),
        }
    }
}

/// The form of the journal.
impl Display for RecordedOutcome {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            RecordedOutcome::Known(outcome) => outcome.fmt(f),
            RecordedOutcome::Other(word) => f.write_str(word),
        }
    }
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunReason {
    /// All tasks are done.
    Finished,
    /// All tasks are done but some that are not required.
    FinishedWithFailures,
    /// The tries were used up.
    GaveUp,
    /// A task asked for the halt task.
    Halted,
    /// A task asked for the end.
    Stopped,
    /// The runner was asked to end.
    Interrupted,
    /// `max_halts` kept the halt task back.
    HaltsUsedUp,
    /// The word of a later version.
    #[serde(untagged)]
    Other(String),
}

impl RunReason {
    pub(crate) fn from_end(end: ChainEnd, withheld: bool) -> RunReason {
        match end {
            _ if withheld => RunReason::HaltsUsedUp,
            ChainEnd::Finished { failed: 0 } => RunReason::Finished,
            ChainEnd::Finished { .. } => RunReason::FinishedWithFailures,
            ChainEnd::GaveUp => RunReason::GaveUp,
            ChainEnd::Halted => RunReason::Halted,
            ChainEnd::Stopped => RunReason::Stopped,
            ChainEnd::Interrupted => RunReason::Interrupted,
        }
    }

    /// The word in the journal.
    pub fn as_str(&self) -> &str {
        match self {
            RunReason::Finished => "finished",
            RunReason::FinishedWithFailures => "finished-with-failures",
            RunReason::GaveUp => "gave-up",
            RunReason::Halted => "halted",
            RunReason::Stopped => "stopped",
            RunReason::Interrupted => "interrupted",
            RunReason::HaltsUsedUp => "halts-used-up",
            RunReason::Other(word) => word,
        }
    }
}
