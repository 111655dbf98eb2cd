//! Queries of tasks, in the first run and in later ones.

use std::fs;

use crate::support::Test;

use super::{ANSWERS, ASK};

#[test]
fn the_command_can_be_split_at_blanks_without_a_shell() {
    let running = Test::new()
        .program_in("it's")
        .config_in("it's")
        .task("1-a", ASK)
        .waiting_for_go()
        .start_with(["-c", "it's/runner.cfg", "tasks.d"]);
    running.until("command", "\n");
    let command = fs::read_to_string(running.path("command")).unwrap();
    let mut words = command.split_whitespace();
    let answer = Test::new()
        .no_config()
        .program(words.next().unwrap())
        .run_with(words.chain(["-g", "my.key"]))
        .status(0)
        .stdout("a value\n");
    drop(answer);
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let story = |config: &str| {
        Test::new()
            .config_in("two words")
            .file("two words/conf/hook", "#!/bin/sh\necho hook\n", 0o755)
            .file(
                "two words/more of it's/20-hook",
                "[runner]\ntask_hook = ../conf/hook\n",
                0o644,
            )
            .task("1-a", ASK)
            .run_with(["-c", config, "tasks.d"])
            .status(0)
            .stdout(&format!("hook\n{ANSWERS}hook\n"));
    };
    story("two words/runner.cfg");
    story("./two words/../two words/runner.cfg");
    story("tasks.d/../two words/runner.cfg");
}

#[test]
fn the_next_run_can_query_the_configuration() {
    Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", "$RUNNER_CONFIG_CMD -g my.key")
        .args(["-n", "2"])
        .run_with(["-n", "2", "-c", "two words/runner.cfg", "tasks.d"])
        .status(0)
        .stdout("a value\na value\n");
}
