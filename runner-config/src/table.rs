//! The table of settings: name, default, field, parser and meaning of each, and the sections in
//! which it has an effect. `--settings`, README and the man page show it. A new setting is a row
//! here, and a field in [`Settings`] or [`TaskSettings`].

use std::{path::PathBuf, time::Duration};

use crate::{
    document::{Document, Override},
    task_settings::{RetryFrom, TaskSettings, Words},
    value::{self, Parsed, Written},
};

/// Settings of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Settings of a task without a section of its own.
    pub task: TaskSettings,
    /// Start of a retry.
    pub retry_from: RetryFrom,
    /// Time limit of a run; `None` = no limit.
    pub max_run_time: Option<Duration>,
    /// The name of the halt task; `None` if `halt_task` is empty.
    pub halt_task: Option<String>,
    /// The name of the halt task is configured, and not the default.
    pub halt_task_written: bool,
    /// The command before and after each task.
    pub task_hook: Option<Words>,
    /// The command at the start and the end of a run.
    pub run_hook: Option<Words>,
    /// Maximum number of tasks that run at the same time; 1 or more.
    pub jobs: usize,
    /// Maximum number of halts within [`Settings::halt_period`]; 0 = no limit.
    pub max_halts: u32,
    /// The period of [`Settings::max_halts`].
    pub halt_period: Duration,
    /// Directory of journal, lock and marks.
    pub state_dir: Option<PathBuf>,
    /// Size of the journal in bytes above which it is renamed; `None` = no limit.
    pub journal_size: Option<u64>,
    /// Directory for the output of tasks.
    pub log_dir: Option<PathBuf>,
    /// Number of runs whose output is kept; 0 = all.
    pub log_keep: u32,
    /// The variables of `[env]`, in the order in which they are written.
    pub env: Vec<(String, String)>,
    pub(crate) document: Document,
    pub(crate) overrides: Vec<Override>,
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// The default, as it would be written.
    pub default: &'static str,
    /// Its meaning, in one line.
    pub meaning: &'static str,
    pub(crate) field: Field,
}

/// Parses a value and stores it.
type Store<T> = fn(&mut T, &Written) -> Parsed<()>;

/// The field of a setting, by the sections in which it has an effect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field {
    /// Only in `[runner]`.
    Runner(Store<Settings>),
    /// In `[runner]` for all tasks, and in a task's section for that task.
    RunnerAndTask(Store<TaskSettings>),
    /// Only in a task's section.
    Task(Store<TaskSettings>),
}

/// A setting that `$parse` stores in the field of its name, or in the one after `=>`.
macro_rules! row {
    ($scope:ident, $name:ident, $default:literal, $parse:path, $meaning:literal) => {
        row!($scope, $name => $name, $default, $parse, $meaning)
    };
    ($scope:ident, $name:ident => $($field:ident).+, $default:literal, $parse:path, $meaning:literal) => {
        Setting {
            name: stringify!($name),
            default: $default,
            meaning: $meaning,
            field: Field::$scope(|settings, written| {
                settings.$($field).+ = $parse(written)?;
                Ok(())
            }),
        }
    };
}

/// A setting without a field, since `Document` or `Settings::depends_on` reads it.
const fn unstored(field: Field, name: &'static str, meaning: &'static str) -> Setting {
    Setting {
        name,
        default: "",
        meaning,
        field,
    }
}

/// Name of the setting that [`Settings::depends_on`] reads.
pub(crate) const DEPENDS_ON: &str = "depends_on";

/// All settings, in the order in which they are shown.
#[rustfmt::skip]
pub static SETTINGS: [Setting; 32] = [
    row!(RunnerAndTask, sleep_time, "1", value::duration, "minimum wait before a retry, and minimum time between the starts of two runs"),
    row!(RunnerAndTask, retry_jitter, "", value::jitter, "a random time from 0 to this is added to each wait; empty = `sleep_time`"),
    row!(RunnerAndTask, retry_backoff, "1", value::factor, "factor by which the wait grows with each further try"),
    row!(RunnerAndTask, max_sleep, "0", value::limit, "upper limit of one wait; 0 = none"),
    row!(RunnerAndTask, max_tries, "5", value::max_tries, "tries before giving up; 0 = never give up; in a task's section: failures of that task"),
    row!(Runner, retry_from, "start", value::retry_from, "where a retry starts: `start` of the chain, or the `failed` task"),
    row!(Runner, max_run_time, "0", value::limit, "time limit for one whole run; 0 = none"),
    row!(RunnerAndTask, max_time, "600", value::limit, "time limit for a task or the halt task; 0 = none"),
    row!(RunnerAndTask, hook_time, "30", value::limit, "time limit for a hook; 0 = none"),
    row!(RunnerAndTask, kill_grace, "5", value::duration, "time between asking a process group to end (SIGTERM) and killing it (SIGKILL)"),
    row!(RunnerAndTask, leak_time, "0.2", value::duration, "how long to wait for processes that a finished task left in its group"),
    row!(RunnerAndTask, leftovers, "report", value::leftovers, "what to do with them then: `kill`, `report`, or `allow` (do not even wait)"),
    row!(RunnerAndTask, required, "yes", value::yes_or_no, "`no` lets the chain continue when the task fails"),
    row!(Runner, halt_task, "halt.sh", value::file_name, "file in the task directory; never part of the chain"),
    row!(Runner, task_hook, "", value::command, "command run before and after each task; the JSON is its last argument"),
    row!(Runner, run_hook, "", value::command, "command run when a run starts and when its chain has ended; the JSON is its last argument"),
    row!(RunnerAndTask, interpreter, "", value::command, "command put before the task's path"),
    row!(RunnerAndTask, ok_codes => codes.ok, "0", value::codes, "exit codes that mean: continue"),
    row!(RunnerAndTask, skip_codes => codes.skip, "", value::codes, "exit codes that mean: this task does not apply here; continue"),
    row!(RunnerAndTask, halt_codes => codes.halt, "2", value::codes, "exit codes that mean: run the halt task, then end"),
    row!(RunnerAndTask, stop_codes => codes.stop, "", value::codes, "exit codes that mean: end, without the halt task"),
    row!(Runner, jobs, "1", value::jobs, "how many tasks may run at the same time"),
    row!(Runner, max_halts, "0", value::whole_number, "after this many halts within `halt_period` the halt task is not run any more; 0 = no limit"),
    row!(Runner, halt_period, "1d", value::duration, "see `max_halts`"),
    unstored(Field::Runner(|_, _| Ok(())), "include_dir", "directory whose files are read after this one, in byte order; later wins"),
    row!(Runner, state_dir, "", value::path, "directory for journal, lock and `once` marks; empty = none"),
    row!(Runner, journal_size, "16M", value::size_limit, "a larger journal is renamed to `journal.jsonl.old` when a run or a try starts; 0 = never"),
    row!(Runner, log_dir, "", value::path, "directory for the output of tasks, one file per task and try, instead of stdout"),
    row!(Runner, log_keep, "10", value::whole_number, "how many runs to keep in `log_dir`"),
    unstored(Field::Task(|_, _| Ok(())), DEPENDS_ON, "tasks that must have succeeded before it, separated by commas or blanks"),
    row!(Task, enabled, "yes", value::yes_or_no, "`no` takes the task out of the chain"),
    row!(Task, frequency, "always", value::frequency, "`always`, `once-per-boot`, `once-per-machine`, or `once`; all but `always` need `state_dir`"),
];

/// Returns the row of the setting called `name`.
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

impl Setting {
    /// Returns `true` if it has an effect in `[runner]`.
    pub fn in_runner(&self) -> bool {
        !matches!(self.field, Field::Task(_))
    }

    /// Returns `true` if it has an effect in a task's section.
    pub fn in_task(&self) -> bool {
        !matches!(self.field, Field::Runner(_))
    }
}
