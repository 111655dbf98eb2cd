//! Exit statuses.

use std::process::ExitCode;

use runner_config::Problems;
use runner_exec::{ChainEnd, Signal, TaskResult};

/// Reason for the end of the program, with its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Finished,
    /// All runs have ended, the last one with this end. The signal is the one that requested it.
    Ended(ChainEnd, Option<Signal>),
    /// A check found warnings and no errors.
    Warned,
    /// The requested key or section does not exist.
    NotThere,
    /// `--wait`: the runner is gone, and the run has no end.
    CutOff,
    /// `--fleet`: too many hosts are not ready.
    NotReady,
    Usage,
    NoInput,
    System,
    /// Another run of the same task directory is active.
    Busy,
    Config,
    /// `--wait`: the time is up.
    TimeUp,
    /// COMMAND cannot be executed.
    NotExecutable,
    /// COMMAND does not exist.
    NotFound,
    Signaled(Signal),
    /// `--wait`: the status of the run.
    OfRun(u8),
}

impl Exit {
    pub(crate) fn status(self) -> u8 {
        match self {
            Exit::Finished => 0,
            Exit::Ended(end, signal) => end.status(signal),
            Exit::Warned | Exit::NotThere | Exit::CutOff | Exit::NotReady => 1,
            Exit::Usage => 64,
            Exit::NoInput => 66,
            Exit::System => 71,
            Exit::Busy => 75,
            Exit::Config => 78,
            Exit::TimeUp => 124,
            Exit::NotExecutable => 126,
            Exit::NotFound => 127,
            Exit::Signaled(signal) => 128 + signal.0 as u8,
            Exit::OfRun(status) => status,
        }
    }

    /// Returns `true` if all runs have finished.
    pub(crate) fn is_finished(self) -> bool {
        matches!(
            self,
            Exit::Finished | Exit::Ended(ChainEnd::Finished { .. }, _)
        )
    }

    /// Returns the status of a check that found these problems.
    pub(crate) fn of_problems(problems: &Problems) -> Exit {
        match (problems.has_errors(), problems.has_warnings()) {
            (true, _) => Exit::Config,
            (false, true) => Exit::Warned,
            (false, false) => Exit::Finished,
        }
    }

    /// Returns the status of `--only`.
    pub(crate) fn of_task(result: TaskResult, signal: Option<Signal>) -> Exit {
        let end = match result {
            TaskResult::Ok | TaskResult::Skip => ChainEnd::Finished { failed: 0 },
            TaskResult::Retry => ChainEnd::GaveUp,
            TaskResult::Halt => ChainEnd::Halted,
            TaskResult::Exit => ChainEnd::Stopped,
            TaskResult::Interrupted => ChainEnd::Interrupted,
        };
        Exit::Ended(end, signal)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.status())
    }
}

/// The table that `--help` shows.
pub(crate) const STATUSES: &str = "\
Exit status:
    0  finished
    1  gave up: the tries or the time were used up
    2  halted: the exit code of a task is in `halt_codes` (2)
    3  stopped: the exit code of a task is in `stop_codes`
    4  finished, with failures of tasks that are not required
   64  wrong usage
   66  no such task directory; or no task in it, with -n, -H or COMMAND
   71  the system refused something needed
   75  already running
   78  configuration or plan is wrong
  126  COMMAND cannot be executed
  127  COMMAND does not exist
128+N  ended by signal N";
