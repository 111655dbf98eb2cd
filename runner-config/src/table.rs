//! The one table of settings. The parser takes its defaults from here;
//! `--settings`, `--help` and README show it.

/// In which sections a setting may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only in `[runner]`.
    Runner,
    /// In `[runner]` for all tasks, and in a task's section for that task.
    RunnerAndTask,
    /// Only in a task's section.
    Task,
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// The value that is in force when none is written, as it would be written.
    pub default: &'static str,
    /// Where it may stand.
    pub scope: Scope,
    /// What it does, in one line.
    pub meaning: &'static str,
}

const fn row(
    scope: Scope,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        scope,
        meaning,
    }
}

use Scope::{Runner, RunnerAndTask, Task};

/// Every setting, in the order in which it is shown.
#[rustfmt::skip]
pub static SETTINGS: [Setting; 28] = [
    row(RunnerAndTask, "sleep_time", "1", "least time to wait before a retry, and between the starts of two runs"),
    row(RunnerAndTask, "retry_jitter", "30", "a random time from 0 to this is added to each wait"),
    row(RunnerAndTask, "retry_backoff", "1", "the wait is multiplied by this for each further try"),
    row(RunnerAndTask, "max_sleep", "0", "upper bound of one wait; 0 = none"),
    row(RunnerAndTask, "max_tries", "5", "tries before giving up; 0 = never give up; in a task's section: failures of that task"),
    row(Runner, "retry_from", "start", "where a retry starts: `start` of the chain, or the `failed` task"),
    row(RunnerAndTask, "max_time", "600", "how long a task (or the halt task) may run; 0 = no limit"),
    row(RunnerAndTask, "hook_time", "30", "how long a hook may run; 0 = no limit"),
    row(RunnerAndTask, "kill_grace", "5", "time between asking a process group to end and killing it"),
    row(RunnerAndTask, "leak_time", "0.2", "how long to wait for what a finished task left running in its group"),
    row(RunnerAndTask, "leftovers", "report", "what to do then: `kill`, `report`, or `allow` (do not even wait)"),
    row(Runner, "halt_task", "halt.sh", "file in the task directory; never part of the chain"),
    row(Runner, "task_hook", "", "command run before and after each task; the JSON is its last argument"),
    row(RunnerAndTask, "interpreter", "", "command put before the task's path"),
    row(RunnerAndTask, "ok_codes", "0", "exit codes that mean: go on"),
    row(RunnerAndTask, "halt_codes", "2", "exit codes that mean: run the halt task, then stop"),
    row(RunnerAndTask, "stop_codes", "", "exit codes that mean: stop, without the halt task"),
    row(Runner, "jobs", "1", "how many tasks may run at the same time"),
    row(Runner, "max_halts", "0", "after so many halts within `halt_period` the halt task is not run any more; 0 = no limit"),
    row(Runner, "halt_period", "1d", "see `max_halts`"),
    row(Runner, "include_dir", "", "directory whose files are read after this one, in byte order; later wins"),
    row(Runner, "state_dir", "", "where journal, lock and `once` marks live; empty = none"),
    row(Runner, "log_dir", "", "where the output of tasks goes instead of stdout, one file per task and try"),
    row(Runner, "log_keep", "10", "of how many runs `log_dir` is kept"),
    row(Task, "depends_on", "", "names of tasks that have to be done before, comma or blank separated"),
    row(Task, "enabled", "yes", "`no` takes the task out of the chain"),
    row(Task, "required", "yes", "`no` lets the chain go on when the task fails"),
    row(Task, "frequency", "always", "`always`, `once-per-boot`, or `once`; the last two need `state_dir`"),
];

/// The row of the setting called `name`.
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

impl Setting {
    /// Whether it may stand in `[runner]`.
    pub fn in_runner(&self) -> bool {
        matches!(self.scope, Runner | RunnerAndTask)
    }

    /// Whether it may stand in a task's section.
    pub fn in_task(&self) -> bool {
        matches!(self.scope, Task | RunnerAndTask)
    }
}
