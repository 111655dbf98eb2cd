//! The configuration as a user sees it: values, effective settings, and messages about
//! problems.

mod check;
mod command_line;
mod default_section;
mod environment;
mod include_dir;
mod list;
mod names;
mod source;
mod table;
mod task_sections;
mod value;
mod wrong_values;

use serde_json::Value;

use crate::support::{Ran, Test};

/// Runs `runner-config` with this configuration.
#[track_caller]
fn ask(config: &str, args: &[&str]) -> Ran {
    let all = ["runner-config", "-c", "runner.cfg"].iter().chain(args);
    Test::new().only_config(config).run_with(all)
}

/// Effective value of a setting for the first task, from `--list --json`.
#[track_caller]
fn in_force(test: Test, name: &str) -> Value {
    let ran = test.args(["--list", "--json"]).run().status(0);
    let tasks: Value = serde_json::from_str(&ran.stdout).unwrap();
    tasks[0][name].clone()
}

/// The messages without the time at the beginning of each line.
fn without_times(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| {
        let is_more = line.starts_with("  ");
        let text = if is_more {
            line
        } else {
            line.split_once(' ').unwrap().1
        };
        format!("{text}\n")
    });
    lines.collect()
}
