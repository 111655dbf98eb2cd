//! `-- COMMAND`: the program that replaces the runner once all runs have finished.
#![expect(
    clippy::disallowed_methods,
    reason = "nothing is started here, this process becomes it"
)]

use std::{ffi::OsString, io::ErrorKind, os::unix::process::CommandExt, process::Command};

use runner_config::{reason, shown};
use runner_exec::{Original, Variables, small_address_space};

use crate::{console::log::Log, exit::Exit};

/// Executes `command` in place of this process, with `[env]` and the outputs of tasks, and without
/// the runner's own variables. Returns only if that fails.
pub(crate) fn hand_over(
    command: &[OsString],
    env: &[(String, String)],
    outputs: &Variables,
    original: Original,
    log: &Log,
) -> Exit {
    let Some((program, args)) = command.split_first() else {
        return Exit::Finished;
    };
    original.restore();
    let variables = env.iter().map(|(name, value)| (name, value));
    let mut command = Command::new(program);
    for name in small_address_space() {
        command.env_remove(name);
    }
    let error = command.args(args).envs(variables).envs(outputs).exec();
    let (program, why) = (shown(program.as_ref()), reason(&error));
    log.error(&format!("cannot execute `{program}`: {why}"));
    match error.kind() {
        ErrorKind::NotFound => Exit::NotFound,
        _ => Exit::NotExecutable,
    }
}
