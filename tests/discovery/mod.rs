//! Task directories as a user sees them: the files that are tasks, their order, and the
//! problems with the others.

mod directories;
mod left_out;
mod order;
mod parallel;
mod questions;

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::Test;

/// Creates a named pipe or a socket.
#[track_caller]
fn special(test: &Test, name: &str, kind: FileType) {
    mknodat(CWD, test.path(name), kind, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Creates a symbolic link.
#[track_caller]
fn link(test: &Test, name: &str, target: &str) {
    symlink(target, test.path(name)).unwrap();
}

/// The file names that `--list` prints, separated by blanks.
#[track_caller]
fn listed(test: Test) -> String {
    let ran = test.args(["--list"]).run().status(0);
    let name = |line: &str| line.split("  ").next().unwrap().to_owned();
    ran.stdout.lines().map(name).collect::<Vec<_>>().join(" ")
}
