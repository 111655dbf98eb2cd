//! The command lines: applets and their names, options, links, the command after the
//! runs, and several runs.

mod applets;
mod command;
mod links;
mod options;
mod runs;

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use crate::support::{Ran, Test, runner};

/// Creates a link of this name to the program under test.
#[track_caller]
fn link(test: &Test, name: &str) -> PathBuf {
    let link = test.path(name);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(runner(), &link).unwrap();
    link
}

/// Runs `--install-links` for this directory of the story.
#[track_caller]
fn install(test: Test, directory: &str) -> Ran {
    test.run_with(["--install-links", directory])
}
