//! Snapshots of long output: help, lists, and the messages about a configuration with many
//! problems.

use crate::support::{Ran, Test, snapshots::snapshot, top};

/// Runs the program with `args`, for a terminal of 100 columns.
#[track_caller]
fn answer(args: &[&str]) -> Ran {
    Test::new()
        .no_config()
        .env("COLUMNS", "100")
        .run_with(args)
        .status(0)
        .stderr("")
}

#[test]
fn help_of_runner() {
    snapshot!("help-runner", answer(&["--help"]).stdout);
    snapshot!("help-runner-short", answer(&["-h"]).stdout);
}

#[test]
fn help_of_runner_config() {
    let long = answer(&["runner-config", "--help"]).stdout;
    snapshot!("help-runner-config", long);
    let short = answer(&["runner-config", "-h"]).stdout;
    snapshot!("help-runner-config-short", short);
}

#[test]
fn help_of_runner_report() {
    let long = answer(&["runner-report", "--help"]).stdout;
    snapshot!("help-runner-report", long);
    let short = answer(&["runner-report", "-h"]).stdout;
    snapshot!("help-runner-report-short", short);
}

#[test]
fn every_setting_with_its_default_and_meaning() {
    snapshot!("settings", answer(&["runner-config", "--settings"]).stdout);
}

#[test]
fn the_example_in_its_order() {
    let (config, tasks) = (top().join("runner.cfg"), top().join("example-tasks.d"));
    let args = [
        "-c",
        config.to_str().unwrap(),
        "--list",
        tasks.to_str().unwrap(),
    ];
    snapshot!("list-of-the-example", answer(&args).stdout);
}

#[test]
fn the_values_of_the_example() {
    let config = top().join("runner.cfg");
    let args = ["runner-config", "-c", config.to_str().unwrap(), "--list"];
    snapshot!("values-of-the-example", answer(&args).stdout);
}

#[test]
fn all_problems_are_reported_at_once() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b.sh", "")
        .task("3-c", "")
        .file("tasks.d/4-d", "#!/bin/sh\n", 0o644)
        .file("tasks.d/5-e", "#!/bin/sh\r\n", 0o755)
        .file("tasks.d/6-f", "true\n", 0o755)
        .file("tasks.d/7-g", "#!/nowhere/sh\n", 0o755)
        .file("tasks.d/notes.txt", "", 0o644)
        .only_config(
            "# Everything is wrong.\n\
             [runner]\n\
             max_tries = five\n\
             max_time =\n\
             sleep_time = -1\n\
             retry_from = middle\n\
             ok_codes = 0 2\n\
             stop_codes = 300\n\
             jobs = 0\n\
             task_hook = 'oh\n\
             leftovers = keep\n\
             max_trys = 3\n\
             color = red\n\
             depends_on = a\n\
             halt_task = no/halt.sh\n\
             \n\
             [env]\n\
             HOME = $HOME/x\n\
             \n\
             [a]\n\
             max_tims = 3\n\
             required = perhaps\n\
             depends_on = c nobody\n\
             \n\
             [b]\n\
             max_time = 3\n\
             [2-b.sh]\n\
             max_time = 4\n\
             \n\
             [nothing]\n\
             max_time = 3\n\
             interpreter = sh\n",
        )
        .run_with(["-c", "runner.cfg", "--check", "tasks.d"])
        .status(78)
        .order("")
        .stdout("");
    snapshot!("broken-configuration", ran.stderr);
}

#[test]
fn all_unreadable_lines_are_reported_at_once() {
    let ran = Test::new()
        .only_config(
            "key = before any section\n\
             [runner\n\
             max_tries = 3\n\
             [ padded ]\n\
             [env] x\n\
             = no key\n\
             just words\n\
             [DEFAULT]\n\
             fine = yes\n\
             [a]]\n",
        )
        .run_with(["runner-config", "-c", "runner.cfg", "--check"])
        .status(78)
        .stdout("");
    snapshot!("broken-sections", ran.stderr);
}
