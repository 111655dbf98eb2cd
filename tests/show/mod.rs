//! `--list`, `--dry-run`, `--graph`, `--env` and `--check`, which show a plan without
//! running it.

mod answers;
mod documented;
mod no_file;

use std::fs;

use crate::support::Test;

/// A plan with a bit of everything.
fn plan() -> Test {
    Test::new()
        .task("1-a", "")
        .task("2-b.sh", "env >seen")
        .task("2-c\"q\"\\", "")
        .task("3-d d", "")
        .task("halt.sh", "")
        .hook()
        .config("max_time = 1m\n[env]\nGREETING = a  b\nPATH_TO = x\n")
        .config("[b]\nmax_time = 0\ndepends_on = 2-c\"q\"\\\nrequired = no\ninterpreter = sh -e")
        .config("[work]\ndir = /tmp ; here")
}

/// The path of a program in `PATH`.
fn which(name: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let mut paths = path.split(':').map(|dir| format!("{dir}/{name}"));
    paths.find(|path| fs::metadata(path).is_ok()).unwrap()
}
