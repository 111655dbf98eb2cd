//! Several tasks at the same time.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Ran, Test, is_missing, once};

use super::{IGNORE_SIGNALS, SOON, daemon};

/// Asserts that exactly these tasks ran, in any order.
#[track_caller]
fn assert_ran(ran: &Ran, expected: &str) {
    let mut order = ran.lines("order");
    order.sort();
    assert_eq!(order.join(" "), expected, "{}", ran.stderr);
}

#[test]
fn tasks_of_the_same_number_run_at_the_same_time() {
    Test::new()
        .waiting("1-a", ": >a; wait_for b; wait_for c")
        .waiting("1-b", ": >b; wait_for a; wait_for c")
        .waiting("1-c", ": >c; wait_for a; wait_for b")
        .task("2-d", "[ -e a ] && [ -e b ] && [ -e c ]")
        .args(["-j", "3"])
        .run()
        .status(0)
        .within(SOON)
        .nothing_left();
}

/// Two tasks that run at the same time, with more tasks after them. The first one does `a`
/// when the second one is ready. The second one does `b`, which can wait for the file
/// `verdict`: the hook creates it after the first task has ended.
fn two_tasks(a: &str, b: &str) -> Test {
    let hook = "#!/bin/sh\n\
                echo $RUNNER_HOOK $RUNNER_TASK ${RUNNER_RESULT-} >>hooks.log\n\
                [ $RUNNER_HOOK$RUNNER_TASK != post1-a ] || : >verdict\n";
    Test::new()
        .waiting("1-a", &format!("wait_for ready\n{a}"))
        .waiting("1-b", &format!(": >ready\n{b}"))
        .task("1-c", "")
        .task("2-d", "")
        .task(
            "halt.sh",
            "echo $RUNNER_HALT_REASON $RUNNER_TASK $RUNNER_OUTCOME",
        )
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 0.3\nmax_tries = 2")
        .args(["-j", "2"])
}

#[test]
fn a_halt_ends_the_others() {
    let story = two_tasks("exit 2", "exec sleep 30").run();
    let story = story
        .status(2)
        .within(SOON)
        .stdout("halt.sh | halted 1-a exited:2\n")
        .nothing_left();
    assert_ran(&story, "1-a 1-b halt.sh");
    assert!(story.read("hooks.log").contains("post 1-b INTERRUPTED\n"));
}

#[test]
fn a_stop_ends_the_others() {
    let story = two_tasks("exit 3", IGNORE_SIGNALS)
        .config("stop_codes = 3")
        .run()
        .status(3)
        .within(SOON)
        .stdout("")
        .nothing_left();
    assert_ran(&story, "1-a 1-b");
    assert!(story.read("hooks.log").contains("post 1-b INTERRUPTED\n"));
}

#[test]
fn giving_up_ends_the_others() {
    let story = two_tasks("exit 1", "trap 'exit 2' TERM\nsleep 30 & wait")
        .config("[a]\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("halt.sh | gave-up 1-a exited:1\n")
        .nothing_left();
    assert_ran(&story, "1-a 1-b halt.sh");
    assert!(story.read("hooks.log").contains("post 1-b INTERRUPTED\n"));
}

#[test]
fn a_retry_lets_the_others_end_and_starts_nothing_new() {
    let story = two_tasks(&once(1), "wait_for verdict\necho ended by itself")
        .run()
        .status(0)
        .within(SOON)
        .stdout("1-b     | ended by itself\n1-b     | ended by itself\n")
        .says("trying again from the beginning when the others have ended (try 2 of 2)")
        .nothing_left();
    assert_ran(&story, "1-a 1-a 1-b 1-b 1-c 2-d");
    assert!(story.read("hooks.log").contains("post 1-b OK\n"));
}

#[test]
fn the_most_severe_verdict_decides() {
    for (b, status, expected) in [
        ("exit 2", 2, "halt.sh | halted 1-b exited:2\n"),
        ("exit 3", 3, ""),
        ("exit 9", 1, "halt.sh | gave-up 1-b exited:9\n"),
    ] {
        let story = two_tasks("exit 1", &format!("wait_for verdict\n{b}"))
            .config("stop_codes = 3\n[b]\nmax_tries = 1")
            .run()
            .status(status)
            .within(SOON)
            .stdout(expected)
            .nothing_left();
        let halt = if expected.is_empty() { "" } else { " halt.sh" };
        assert_ran(&story, &format!("1-a 1-b{halt}"));
    }
}

#[test]
fn the_longest_wait_of_several_retries_counts() {
    for longer in ["a", "b"] {
        let story = two_tasks(&once(1), &format!("wait_for verdict\n{}", once(1)))
            .config(&format!("[{longer}]\nsleep_time = 0.5"))
            .run()
            .status(0)
            .within(SOON)
            .nothing_left();
        assert!(story.elapsed >= Duration::from_millis(500));
        assert_ran(&story, "1-a 1-a 1-b 1-b 1-c 2-d");
    }
}

#[test]
fn a_limit_of_one_task_does_not_affect_the_others() {
    let story = two_tasks("exec sleep 30", "wait_for verdict")
        .config("[a]\nmax_time = 0.5\nrequired = no")
        .run()
        .status(4)
        .within(SOON)
        .nothing_left();
    assert_ran(&story, "1-a 1-b 1-c 2-d");
    assert!(story.read("hooks.log").contains("post 1-b OK\n"));
}

#[test]
fn a_limit_of_one_task_leaves_the_daemons_of_the_others() {
    if is_missing("setsid") {
        return;
    }
    two_tasks(
        "exec sleep 30",
        &format!("{}\nwait_for verdict", daemon("daemon")),
    )
    .config("[a]\nmax_time = 0.5\nrequired = no")
    .run()
    .status(4)
    .within(SOON)
    .left("sleep");
}

#[test]
fn a_signal_is_passed_on_to_all_tasks() {
    let running = Test::new()
        .waiting("1-a", ": >a\nsleep 30")
        .waiting("1-b", ": >b\nexec sleep 30")
        .waiting("1-c", "wait_for a\nwait_for b\n: >ready\nsleep 30")
        .task("2-d", "")
        .hook()
        .args(["-j", "8"])
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    let story = running.wait().status(143).within(SOON).nothing_left();
    let interrupted = |line: &String| line.contains("INTERRUPTED");
    assert_eq!(story.hooks().into_iter().filter(interrupted).count(), 3);
    assert_ran(&story, "1-a 1-b 1-c");
}
