//! Outputs that are wrong, which is a failure of their task.

use std::time::Duration;

use super::{hand, print};
use crate::support::Test;

/// A story whose only try is that of a task with this body.
fn bad(body: &str) -> Test {
    Test::new()
        .task("1-a", body)
        .task("2-b", "")
        .config("max_tries = 1")
}

#[test]
fn a_wrong_file_fails_the_task_at_once() {
    for (body, why) in [
        (hand("A=1\\nsecret\\n").as_str(), "line 2 has no `=`"),
        (
            "echo RUNNER_TASK=x >$RUNNER_OUTPUTS",
            "line 1 sets a variable whose name begins with `RUNNER_`",
        ),
        ("mkfifo $RUNNER_OUTPUTS", "its file is not a regular file"),
        ("mkdir $RUNNER_OUTPUTS", "its file is not a regular file"),
        ("ln -s /dev/zero $RUNNER_OUTPUTS", "its file is a symlink"),
        ("ln -s nowhere $RUNNER_OUTPUTS", "its file is a symlink"),
        (
            "truncate -s 1T $RUNNER_OUTPUTS",
            "its file is larger than 64K",
        ),
        (
            "head -c 65537 /dev/zero >$RUNNER_OUTPUTS",
            "its file is larger than 64K",
        ),
    ] {
        let line = format!("`1-a` wrote a bad output: {why}; giving up");
        bad(body)
            .run()
            .status(1)
            .order("1-a")
            .says(&line)
            .does_not_say("secret")
            .within(Duration::from_secs(60));
    }
}

#[test]
fn hooks_and_the_halt_task_see_that_an_output_was_bad() {
    let ran = Test::new()
        .task("1-a", "echo secret >$RUNNER_OUTPUTS")
        .task("halt.sh", &print("RUNNER_OUTCOME"))
        .hook()
        .config("max_tries = 2")
        .run()
        .status(1)
        .order("1-a 1-a halt.sh")
        .stdout("1-a RUNNER_OUTCOME=bad-output\n")
        .says("`1-a` wrote a bad output: line 1 has no `=` (2 of 2 tries)");
    assert!(ran.hooks()[1].ends_with(r#""result":"RETRY"}"#));
}

#[test]
fn outputs_of_a_run_that_are_too_large_fail_their_task() {
    let large = "{ printf 'A='; head -c 65000 /dev/zero | tr '\\0' x; } >$RUNNER_OUTPUTS";
    let tasks = ["1-a", "2-b", "3-c", "4-d", "5-e"];
    (tasks.iter())
        .fold(Test::new(), |test, name| test.task(name, large))
        .config("max_tries = 1")
        .run()
        .status(1)
        .order("1-a 2-b 3-c 4-d 5-e")
        .says("`5-e` wrote a bad output: all outputs of the run are larger than 256K");
}

#[test]
fn a_bad_file_of_a_task_that_failed_is_ignored() {
    bad("mkfifo $RUNNER_OUTPUTS; exit 3")
        .run()
        .status(1)
        .says("`1-a` exited with 3");
}

#[test]
fn names_that_matter_to_programs_are_allowed() {
    Test::new()
        .task(
            "1-a",
            "echo PATH=/nowhere:$PATH >$RUNNER_OUTPUTS; echo LD_PRELOAD= >>$RUNNER_OUTPUTS",
        )
        .task("2-b", "case $PATH in /nowhere:*) echo seen;; esac")
        .run()
        .status(0)
        .stdout("seen\n");
}

#[test]
fn what_is_written_later_is_lost() {
    let later = "echo A=1 >$RUNNER_OUTPUTS
(until [ -e go ]; do sleep 0.05; done; echo B=2 >>$RUNNER_OUTPUTS; echo >late) >/dev/null 2>&1 &";
    Test::new()
        .task("1-a", later)
        .task("2-b", ">go; until [ -e late ]; do sleep 0.05; done")
        .task("3-c", &print("A B"))
        .config("[a]\nleftovers = allow")
        .run()
        .status(0)
        .stdout("3-c A=1 B=\n");
    // A process that is ended as a leftover had its time.
    Test::new()
        .task("1-a", "(trap 'echo A=1 >$RUNNER_OUTPUTS; exit' TERM; >ready; sleep 30 & wait) >/dev/null 2>&1 &\nuntil [ -e ready ]; do sleep 0.05; done")
        .task("2-b", &print("A"))
        .config("leftovers = kill")
        .run()
        .status(0)
        .stdout("2-b A=1\n");
}
