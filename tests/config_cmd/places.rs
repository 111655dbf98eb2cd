//! Paths of the binary and the configuration.

use std::{fs, os::unix::fs::symlink};

use crate::support::Test;

use super::{ANSWERS, ASK, answers, words};

/// Names of directories: one plain name, and names with characters that are special to a
/// shell.
const PLACES: [&str; 12] = [
    "plain-1.0_x+y",
    "two words",
    "it's",
    "say \"hi\"",
    "back\\slash",
    "dollar $HOME `id`",
    "star * ? [a]",
    "tilde ~",
    "semi;colon & pipe | < >",
    "größe ☃",
    "tab\tand\nline",
    "#hash",
];

#[test]
fn it_answers_wherever_the_configuration_is() {
    for place in PLACES {
        answers(Test::new().config_in(place), place);
    }
}

#[test]
fn it_answers_wherever_the_binary_is() {
    for place in PLACES {
        answers(Test::new().program_in(place).config_in("etc"), "etc");
    }
}

#[test]
fn it_answers_wherever_the_binary_and_the_link_are() {
    for place in PLACES {
        let test = Test::new().program_in(place).link_in(place);
        answers(test.config_in("etc"), "etc");
    }
}

#[test]
fn it_answers_wherever_both_are() {
    for place in PLACES {
        answers(Test::new().program_in(place).config_in(place), place);
    }
}

#[test]
fn plain_paths_are_used_as_they_are() {
    let ran = answers(Test::new().program_in("bin").config_in("etc"), "etc");
    let dir = fs::canonicalize(ran.test.dir()).unwrap();
    let config = ran.test.path("etc/runner.cfg");
    let expected = [
        dir.join("bin/runner"),
        "runner-config".into(),
        "-c".into(),
        config,
    ];
    assert_eq!(words(&ran), expected);
}

#[test]
fn a_link_beside_the_binary_is_used() {
    let test = Test::new().program_in("bin").link_in("bin");
    let ran = answers(test.config_in("etc"), "etc");
    let dir = fs::canonicalize(ran.test.dir()).unwrap();
    let config = ran.test.path("etc/runner.cfg");
    let expected = [dir.join("bin/runner-config"), "-c".into(), config];
    assert_eq!(words(&ran), expected);
}

#[test]
fn something_else_of_that_name_beside_the_binary_is_not_used() {
    let other = "#!/bin/sh\necho a wrong one\n";
    let test = Test::new()
        .program_in("bin")
        .file("bin/runner-config", other, 0o755);
    answers(test.config_in("etc"), "etc");
    let test = Test::new()
        .program_in("two words")
        .file("two words/runner-config", other, 0o755);
    answers(test.config_in("etc"), "etc");
}

#[test]
fn the_binary_may_be_called_by_a_link() {
    for name in ["start-tasks", "runner"] {
        let test = Test::new().program_in("bin").config_in("etc");
        fs::create_dir(test.path("links")).unwrap();
        let link = test.path("links").join(name);
        symlink("../bin/runner", &link).unwrap();
        answers(test.program(link), "etc");
    }
}

#[test]
fn without_a_configuration_nothing_is_found() {
    for place in ["bin", "two words"] {
        Test::new()
            .no_config()
            .program_in(place)
            .task(
                "1-a",
                "$RUNNER_CONFIG_CMD -g my.key && exit 9\n\
                 [ \"$($RUNNER_CONFIG_CMD -g my.key --default 'it is unset')\" = 'it is unset' ] || exit 9\n\
                 $RUNNER_CONFIG_CMD --settings | grep max_tries >&2",
            )
            .run()
            .status(0)
            .stdout("")
            .says("max_tries  ")
            .nothing_left();
    }
}

#[test]
fn the_configuration_may_be_named_by_a_variable() {
    for place in ["etc", "two words"] {
        let ran = Test::new()
            .config_in(place)
            .env("RUNNER_CONFIG", format!("{place}/runner.cfg"))
            .task("1-a", ASK)
            .run_with(["tasks.d"])
            .status(0)
            .stdout(ANSWERS)
            .nothing_left();
        assert!(words(&ran).contains(&"-c".into()));
    }
}

#[test]
fn the_configuration_named_by_an_argument_wins_over_the_variable() {
    let test = Test::new().config_in("etc").env("RUNNER_CONFIG", "nowhere");
    answers(test, "etc");
}

#[test]
fn the_option_in_the_command_wins_over_the_variable() {
    Test::new()
        .config_in("etc")
        .file("other.cfg", "[my]\nkey = another value\n", 0o644)
        .task(
            "1-a",
            "env -i RUNNER_CONFIG=other.cfg $RUNNER_CONFIG_CMD -g my.key",
        )
        .run_with(["-c", "etc/runner.cfg", "tasks.d"])
        .status(0)
        .stdout("a value\n");
}

#[test]
fn every_process_can_query_the_configuration() {
    Test::new()
        .config_in("two words")
        .program_in("two words")
        .task("1-a", "$RUNNER_CONFIG_CMD -g my.key\nexit 2")
        .task("halt.sh", "$RUNNER_CONFIG_CMD -g my.key")
        .file(
            "two words/more of it's/hook",
            "[runner]\ntask_hook = ../../hook\n",
            0o644,
        )
        .file("hook", "#!/bin/sh\n$RUNNER_CONFIG_CMD -g my.key\n", 0o755)
        .run_with(["-c", "two words/runner.cfg", "tasks.d"])
        .status(2)
        .stdout("a value\na value\na value\na value\n");
}

#[test]
fn messages_name_the_file_itself() {
    Test::new()
        .file("two words/runner.cfg", "[a]\nx = 1\n", 0o644)
        .no_config()
        .task(
            "1-a",
            "$RUNNER_CONFIG_CMD --list --show-origin; echo oops >>'two words/runner.cfg'\n\
             $RUNNER_CONFIG_CMD -g a.x",
        )
        .run_with([
            "-c",
            "two words/runner.cfg",
            "--set",
            "max_tries=1",
            "tasks.d",
        ])
        .status(1)
        .says("/two words/runner.cfg:3: ")
        .does_not_say("runner-links");
}
