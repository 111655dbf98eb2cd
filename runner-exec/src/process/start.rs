//! Starts a process, and explains why one did not start.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where processes are started"
)]

use std::{fs::File, io, os::unix::process::CommandExt, path::Path, sync::Arc, time::Duration};

use runner_config::{reason, shown};
use rustix::io::Errno;

use super::poll::{from_now, wait_readable};
use crate::process::{command::CommandLine, file_format::FileFormat, outcome::StartFailure};

/// Number of retries for a file that is open for writing. The wait before each doubles, from
/// 1 ms on: about 255 ms in total.
const BUSY_TRIES: u32 = 8;

/// Starts `command` in a process group of its own, with this stdin.
///
/// duct starts it by `posix_spawn`, which does not copy the memory of this process, if the
/// program is a path and no code runs in the child. Exit codes are not errors here, so the
/// expression is unchecked. Takes the output out of `command` and closes it here once the
/// process has started, so that its reader sees an end of file, and descriptors are freed.
pub(crate) fn start(
    command: &mut CommandLine,
    stdin: &Arc<File>,
) -> Result<duct::Handle, StartFailure> {
    if !command.program.to_string_lossy().contains('/') {
        let reason = format!("`{}` was not found in PATH", shown(&command.program));
        return Err(StartFailure::new(reason, "write its path, or install it"));
    }
    let (env, stdin) = (command.env.clone(), stdin.clone());
    let mut expression = duct::cmd(&command.program, &command.args)
        .unchecked()
        .before_spawn(move |process| {
            process.stdin(stdin.try_clone()?).process_group(0);
            // duct's `env` would copy the whole expression for each variable.
            for (name, value) in &*env {
                match value {
                    Some(value) => process.env(name, value),
                    None => process.env_remove(name),
                };
            }
            Ok(())
        });
    if let Some(output) = command.output.take() {
        expression = expression
            .stdout_file(output.stdout)
            .stderr_file(output.stderr);
    }
    let mut busy = 0;
    loop {
        match expression.start() {
            // A process still has it open for writing, or a child that was forked meanwhile.
            Err(error)
                if Errno::from_io_error(&error) == Some(Errno::TXTBSY) && busy < BUSY_TRIES =>
            {
                wait_readable(&[], from_now(Duration::from_millis(1 << busy)));
                busy += 1;
            }
            started => return started.map_err(|error| failure(&command.program, &error)),
        }
    }
}

/// Explains why the system did not start `program`.
fn failure(program: &Path, error: &io::Error) -> StartFailure {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT) => missing(program),
        Some(Errno::NOEXEC) if FileFormat::of(program) == FileFormat::Binary => {
            StartFailure::new("it is a program for another kind of machine", None)
        }
        Some(Errno::NOEXEC) => StartFailure::new(
            "exec format error: it has no `#!` line and is not a program",
            "add a `#!` line, or set `interpreter`",
        ),
        Some(Errno::ACCESS) if program.is_dir() => StartFailure::new("it is a directory", None),
        Some(Errno::ACCESS) => StartFailure::new(
            "permission denied",
            "make it and its interpreter executable, on a file system without `noexec`",
        ),
        Some(Errno::TXTBSY) => StartFailure::new(
            "text file busy: another process has it open for writing",
            None,
        ),
        Some(Errno::TOOBIG) => StartFailure::new(
            "its arguments and environment are too long",
            "shorten the values in `[env]` and of outputs",
        ),
        _ => StartFailure::new(reason(error), None),
    }
}

fn missing(program: &Path) -> StartFailure {
    if !program.exists() {
        return if program.is_symlink() {
            StartFailure::new("it is a dangling symlink", None)
        } else {
            StartFailure::new("the file no longer exists", None)
        };
    }
    match FileFormat::of(program) {
        FileFormat::Script { crlf: true, .. } => StartFailure::new(
            "its `#!` line ends in CRLF (Windows line ending)",
            "save it with Unix line endings",
        ),
        FileFormat::Script { interpreter, .. } => {
            let reason = format!("its interpreter `{}` does not exist", shown(&interpreter));
            StartFailure::new(reason, "fix its `#!` line")
        }
        FileFormat::Binary => {
            StartFailure::new("the dynamic loader that it needs does not exist", None)
        }
        FileFormat::Unknown | FileFormat::Unreadable => {
            StartFailure::new("no such file or directory", None)
        }
    }
}
