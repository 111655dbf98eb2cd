//! What all runs of the program use.

use std::{ffi::OsStr, io};

use crate::{
    plan::task_name::TaskName,
    process::{
        Cancel, Ended, Limits,
        command::{CommandLine, Streams},
    },
    run::event::Event,
    state::Lock,
};

/// Starts a process and sees to its end; see [`launch()`](crate::launch()).
pub type Launcher<'a> = dyn Fn(CommandLine, &Limits, &Cancel, &dyn Fn(i32)) -> Ended + Sync + 'a;

/// Receives everything that happens.
pub type Sink<'a> = dyn Fn(&Event) + Sync + 'a;

/// Makes streams for the output of a process that is run for a task, where it is told apart
/// from that of others.
pub type Outlet<'a> = dyn Fn(&TaskName) -> io::Result<Streams> + Sync + 'a;

/// What all runs of the program use.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Starts processes.
    pub launcher: &'a Launcher<'a>,
    /// Requests the end of the runner.
    pub stop: &'a Cancel,
    /// Receives what happens.
    pub sink: &'a Sink<'a>,
    /// Records what is running.
    pub lock: Option<&'a Lock>,
    /// Output when `jobs` allows several processes at the same time; `None` for the runner's
    /// stdout and stderr.
    pub outlet: Option<&'a Outlet<'a>>,
    /// A random number from 0 to 1.
    pub random: fn() -> f64,
    /// The value of `RUNNER_CONFIG_CMD`.
    pub config_cmd: &'a OsStr,
}
