//! The verdict about the outcome of a task.

use runner_config::Codes;
use serde::Serialize;

use crate::process::outcome::Outcome;

/// Verdict about the end of a task, in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The chain continues.
    Proceed,
    /// The chain continues: the task does not apply here.
    Skip,
    /// The task failed: the chain is tried again, gives up, or continues if it is not required.
    Retry,
    /// The chain ends, without the halt task.
    Stop,
    /// The halt task runs, and the chain ends.
    Halt,
}

impl Verdict {
    /// Returns the verdict about `outcome`, with the exit codes of `codes`. Everything but a
    /// listed exit code is [`Verdict::Retry`].
    pub fn of(outcome: &Outcome, codes: &Codes) -> Verdict {
        match outcome {
            Outcome::Exited(code) if codes.ok.contains(code) => Verdict::Proceed,
            Outcome::Exited(code) if codes.skip.contains(code) => Verdict::Skip,
            Outcome::Exited(code) if codes.halt.contains(code) => Verdict::Halt,
            Outcome::Exited(code) if codes.stop.contains(code) => Verdict::Stop,
            Outcome::Exited(_)
            | Outcome::Signaled(_)
            | Outcome::TimedOut
            | Outcome::NotStarted(_)
            | Outcome::BadOutput(_) => Verdict::Retry,
        }
    }
}

/// The `result` in the JSON of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskResult {
    /// The chain continues.
    Ok,
    /// The chain continues: the task does not apply here.
    Skip,
    /// The chain is tried again, or gives up.
    Retry,
    /// The task requested the halt task.
    Halt,
    /// The task requested the end of the chain.
    Exit,
    /// A signal or the end of the chain ended the task.
    Interrupted,
}

impl TaskResult {
    /// Parses the word of [`TaskResult::as_str`].
    pub fn parse(word: &str) -> Option<TaskResult> {
        use TaskResult::{Exit, Halt, Interrupted, Ok, Retry, Skip};
        let mut results = [Ok, Skip, Retry, Halt, Exit, Interrupted].into_iter();
        results.find(|result| result.as_str() == word)
    }

    /// Returns the word in the JSON of a hook and in `RUNNER_RESULT`.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskResult::Ok => "OK",
            TaskResult::Skip => "SKIP",
            TaskResult::Retry => "RETRY",
            TaskResult::Halt => "HALT",
            TaskResult::Exit => "EXIT",
            TaskResult::Interrupted => "INTERRUPTED",
        }
    }
}

impl From<Verdict> for TaskResult {
    fn from(verdict: Verdict) -> TaskResult {
        match verdict {
            Verdict::Proceed => TaskResult::Ok,
            Verdict::Skip => TaskResult::Skip,
            Verdict::Retry => TaskResult::Retry,
            Verdict::Stop => TaskResult::Exit,
            Verdict::Halt => TaskResult::Halt,
        }
    }
}
