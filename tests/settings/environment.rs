//! `[env]`.

use crate::support::Test;

use super::{ask, without_times};

/// A story with a hook, a task and a halt task that have the same body.
fn everywhere(body: &str) -> Test {
    Test::new()
        .config("task_hook = ./hook")
        .file("hook", &format!("#!/bin/sh\n{body}\n"), 0o755)
        .task("1-a", body)
        .task("halt.sh", body)
        .args(["-H"])
}

#[test]
fn the_environment_is_inherited_and_then_configured() {
    everywhere("echo ${INHERITED-} ${BOTH-} ${CONFIGURED-}")
        .env("INHERITED", "outside")
        .env("BOTH", "outside")
        .config("[env]\nBOTH = file\nCONFIGURED = file")
        .run()
        .status(0)
        .stdout(&"outside file file\n".repeat(4));
}

#[test]
fn the_runners_own_variables_win_over_inherited_ones() {
    everywhere("echo $RUNNER_TASK")
        .env("RUNNER_TASK", "outside")
        .run()
        .status(0)
        .stdout("1-a\n1-a\n1-a\nhalt.sh\n");
}

#[test]
fn the_runners_own_variables_win_over_configured_ones() {
    everywhere("echo $RUNNER_TASK")
        .config("[env]\nRUNNER_TASK = file")
        .run()
        .status(0)
        .stdout("1-a\n1-a\n1-a\nhalt.sh\n");
    Test::new()
        .config("[env]\nRUNNER_CONFIG_CMD = false\nRUNNER_TRY_NUM = 7\n[hg]\nremote = u")
        .task(
            "1-a",
            "$RUNNER_CONFIG_CMD -g hg.remote && echo $RUNNER_TRY_NUM",
        )
        .run()
        .status(0)
        .stdout("u\n1\n");
}

#[test]
fn values_of_the_environment_are_verbatim() {
    Test::new()
        .config("[env]\nlower = a\nLOWER = \"b\" ; c # d\nLINES_ = 1\n  2\nEMPTY =")
        .task(
            "1-a",
            "printf '<%s>\\n' \"$lower\" \"$LOWER\" \"$LINES_\" \"${EMPTY-unset}\"",
        )
        .run()
        .status(0)
        .stdout("<a>\n<\"b\" ; c # d>\n<1\n2>\n<>\n");
}

#[test]
fn a_dollar_is_literal_and_a_warning() {
    let test = || {
        Test::new()
            .env("X", "outside")
            .config("[env]\nA = $X/${X}\nB = 5$ $5 $$ $\nC = x${X")
            .task("1-a", "printf '%s\\n' \"$A\" \"$B\" \"$C\"")
    };
    let warned = |line, name| {
        format!(
            "warning: runner.cfg:{line}: the value of `{name}` contains a `$`, which is taken literally\n  hint: variables are not expanded in a configuration file\n"
        )
    };
    let expected = warned(5, "A") + &warned(7, "C");
    test()
        .args(["--check"])
        .run()
        .status(1)
        .stdout("")
        .stderr(&expected);
    let ran = test().run().status(0).stdout("$X/${X}\n5$ $5 $$ $\nx${X\n");
    assert!(without_times(&ran.stderr).starts_with(&expected));
}

#[test]
fn a_dollar_in_path_is_an_error() {
    for (path, status) in [("$PATH:/opt/bin", 78), ("/opt/bin:/usr/bin", 0)] {
        let ran = ask(&format!("[env]\nPATH = {path}\n"), &["--check"]).status(status);
        let message = "error: runner.cfg:2: the value of `PATH` contains a `$`";
        assert_eq!(
            ran.stderr.starts_with(message),
            status == 78,
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn quotes_around_a_value_are_part_of_it_and_warned_of() {
    let test = || {
        Test::new()
            .config("[env]\nA = \"b\"\nB = 'b'\nC = \"\nD = \"b\" c\nE = 'b\"\nF = ''")
            .task(
                "1-a",
                "printf '%s\\n' \"$A\" \"$B\" \"$C\" \"$D\" \"$E\" \"$F\"",
            )
    };
    let warned = |line, name| {
        format!(
            "warning: runner.cfg:{line}: the value of `{name}` is in quotes, which are part of it\n  \
             hint: write it without quotes\n"
        )
    };
    let expected = warned(5, "A") + &warned(6, "B") + &warned(10, "F");
    test().args(["--check"]).run().status(1).stderr(&expected);
    let ran = test().run().status(0);
    ran.stdout("\"b\"\n'b'\n\"\n\"b\" c\n'b\"\n''\n");
}

#[test]
fn a_variable_without_a_name_is_an_error() {
    Test::new()
        .config("[env]\n= 5")
        .task("1-a", "")
        .run()
        .status(78)
        .order("")
        .says("error: runner.cfg:5: no name before the `=` or `:`\n");
}

#[test]
fn values_of_the_environment_are_never_shown() {
    Test::new()
        .config("[env]\nPASSWORD = hunter2$X\n  hunter2")
        .task("1-a", "exit 1")
        .config("[runner]\nmax_tries = 1")
        .args(["-v"])
        .run()
        .status(1)
        .does_not_say("hunter2");
    // A line of a value that lost its indentation: the message must not show it.
    ask("[env]\nPASSWORD =\nhunter2\n", &["--check"])
        .status(78)
        .says("error: runner.cfg:3: line without `=` or `:`\n")
        .does_not_say("hunter2");
}
