//! The side effects of runs, as values: a test can replace each of them.

use std::{ffi::OsStr, io};

use crate::{
    plan::task_name::TaskName,
    process::{
        Ended, Limits, StopSignals,
        command::{CommandLine, Streams},
    },
    run::event::Event,
    state::Lock,
};

/// Starts a process and waits for its end; see [`launch()`](crate::launch()).
pub type Launcher<'a> =
    dyn Fn(CommandLine, &Limits, &StopSignals, &dyn Fn(i32)) -> Ended + Sync + 'a;

/// Receives the events.
pub type Sink<'a> = dyn Fn(&Event) + Sync + 'a;

/// Makes streams for the output of a process that runs for this task. Their lines are prefixed
/// with the name of the task.
pub type Outlet<'a> = dyn Fn(&TaskName) -> io::Result<Streams> + Sync + 'a;

/// The tools of all runs of the program.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Starts processes.
    pub launcher: &'a Launcher<'a>,
    /// Requests the end of the runner.
    pub stop: &'a StopSignals,
    /// Receives the events.
    pub sink: &'a Sink<'a>,
    /// Records the running processes.
    pub lock: Option<&'a Lock>,
    /// Output when `jobs` allows several processes at the same time; `None` for the runner's
    /// stdout and stderr.
    pub outlet: Option<&'a Outlet<'a>>,
    /// Returns a random number from 0 to 1.
    pub random: fn() -> f64,
    /// The value of `RUNNER_CONFIG_CMD`.
    pub config_cmd: &'a OsStr,
}
