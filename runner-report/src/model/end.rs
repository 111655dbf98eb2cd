//! Ends of processes and runs in the journal. Words of later versions are kept unchanged.

use std::fmt::{Display, Formatter, Result};

use runner_config::escape;
use runner_exec::{ChainEnd, Outcome, TimeLimit};
use serde::{Deserialize, Serialize};

/// Outcome of a process.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyOutcome {
    /// An outcome that this version knows.
    Known(Outcome),
    /// A word of a later version.
    Other(String),
}

impl AnyOutcome {
    /// Parses the form of `RUNNER_OUTCOME`. `why` is the reason if the process did not start,
    /// or of a bad output.
    pub(crate) fn parse(word: &str, why: Option<&str>) -> AnyOutcome {
        let known = Outcome::parse(word, why.unwrap_or_default());
        known.map_or_else(|| Self::Other(word.to_owned()), Self::Known)
    }

    /// Returns `true` if the process exited with 0.
    pub(crate) fn is_exit_zero(&self) -> bool {
        matches!(self, AnyOutcome::Known(Outcome::Exited(0)))
    }

    pub(crate) fn is_not_started(&self) -> bool {
        matches!(self, AnyOutcome::Known(Outcome::NotStarted(_)))
    }

    /// Returns the predicate of a sentence about it. `limit` is the time limit of the process.
    pub(crate) fn predicate(&self, limit: Option<TimeLimit>) -> String {
        match self {
            AnyOutcome::Known(outcome) => outcome.predicate(limit, false),
            AnyOutcome::Other(word) => format!("ended: {word}"),
        }
    }

    /// Returns a text for people. Control characters are escaped.
    pub(crate) fn description(&self) -> String {
        match self {
            AnyOutcome::Known(Outcome::Exited(code)) => format!("exited with {code}"),
            AnyOutcome::Known(Outcome::Signaled(signal)) => signal.to_string(),
            AnyOutcome::Known(Outcome::TimedOut) => "timed out".to_owned(),
            AnyOutcome::Known(Outcome::NotStarted(failure)) if failure.reason.is_empty() => {
                "did not start".to_owned()
            }
            AnyOutcome::Known(Outcome::NotStarted(failure)) => {
                format!("did not start: {}", escape(&failure.reason))
            }
            AnyOutcome::Known(Outcome::BadOutput(why)) => format!("bad output: {}", escape(why)),
            AnyOutcome::Other(word) => escape(word).into_owned(),
        }
    }
}

/// Writes the form of the journal.
impl Display for AnyOutcome {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            AnyOutcome::Known(outcome) => outcome.fmt(f),
            AnyOutcome::Other(word) => f.write_str(word),
        }
    }
}

/// Reason of the end of a run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunReason {
    /// All tasks are done.
    Finished,
    /// All tasks are done, but some that are not required failed.
    FinishedWithFailures,
    /// The tries were used up.
    GaveUp,
    /// The time limit of the run was reached.
    OutOfTime,
    /// A task requested the halt task.
    Halted,
    /// A task requested the end.
    Stopped,
    /// The runner received a stop signal.
    Interrupted,
    /// `max_halts` was reached, so the halt task did not run.
    HaltsUsedUp,
    /// A word of a later version.
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
            ChainEnd::OutOfTime => RunReason::OutOfTime,
            ChainEnd::Halted => RunReason::Halted,
            ChainEnd::Stopped => RunReason::Stopped,
            ChainEnd::Interrupted => RunReason::Interrupted,
        }
    }

    /// Returns the word in the journal.
    pub fn as_str(&self) -> &str {
        match self {
            RunReason::Finished => "finished",
            RunReason::FinishedWithFailures => "finished-with-failures",
            RunReason::GaveUp => "gave-up",
            RunReason::OutOfTime => "out-of-time",
            RunReason::Halted => "halted",
            RunReason::Stopped => "stopped",
            RunReason::Interrupted => "interrupted",
            RunReason::HaltsUsedUp => "halts-used-up",
            RunReason::Other(word) => word,
        }
    }
}
