//! The command lines: applets and their names, options, links, what follows the
//! runs, and several of them.

mod applets;
mod command;
mod links;
mod options;
mod runs;

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use crate::support::{Ran, Test, runner};

/// A link of this name to the program under test.
#[track_caller]
fn link(test: &Test, name: &str) -> PathBuf {
    let link = test.path(name);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(runner(), &link).unwrap();
    link
}

/// Makes the links in this directory of the story.
#[track_caller]
fn install(test: Test, directory: &str) -> Ran {
    test.run_with(["--install-links", directory])
}
