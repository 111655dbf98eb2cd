//! From what a process did to what the chain does about it.

use runner_config::Codes;
use serde::Serialize;

use crate::process::outcome::Outcome;

/// What the chain does about the end of a task, in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The next task may start.
    Proceed,
    /// The chain is tried again.
    Retry,
    /// The chain ends, without the halt task.
    Stop,
    /// The halt task runs, and the chain ends.
    Halt,
}

impl Verdict {
    /// What `outcome` means where exit codes mean what `codes` says. Only an exit
    /// code of the task's own choice can mean anything but [`Verdict::Retry`].
    pub fn of(outcome: &Outcome, codes: &Codes) -> Verdict {
        match outcome {
            Outcome::Exited(code) if codes.ok.contains(code) => Verdict::Proceed,
            Outcome::Exited(code) if codes.halt.contains(code) => Verdict::Halt,
            Outcome::Exited(code) if codes.stop.contains(code) => Verdict::Stop,
            Outcome::Exited(_)
            | Outcome::Signaled(_)
            | Outcome::TimedOut
            | Outcome::NotStarted(_) => Verdict::Retry,
        }
    }
}

/// The `result` in the JSON of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskResult {
    /// The chain goes on.
    Ok,
    /// The chain is tried again, or gives up.
    Retry,
    /// The task asked for the halt task.
    Halt,
    /// The task asked for the end of the chain.
    Exit,
    /// The task was asked to end before it had ended by itself.
    Interrupted,
}

impl TaskResult {
    /// Reads the word of [`TaskResult::as_str`].
    pub fn parse(word: &str) -> Option<TaskResult> {
        use TaskResult::{Exit, Halt, Interrupted, Ok, Retry};
        let mut results = [Ok, Retry, Halt, Exit, Interrupted].into_iter();
        results.find(|result| result.as_str() == word)
    }

    /// The word in the hook's JSON and in `RUNNER_RESULT`.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskResult::Ok => "OK",
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
            Verdict::Retry => TaskResult::Retry,
            Verdict::Stop => TaskResult::Exit,
            Verdict::Halt => TaskResult::Halt,
        }
    }
}
