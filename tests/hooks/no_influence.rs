//! A hook cannot change the run, whatever it does.

use rustix::process::Signal;

use crate::support::{Ran, Test, once};

use super::SOON;

/// Runs a chain with every kind of verdict, without and with this hook. Asserts that both
/// runs are the same.
#[track_caller]
fn has_no_influence(hook: &str, hook_time: &str) -> Ran {
    let story = |test: Test| {
        test.task("1-a", "")
            .task("2-b", &once(1))
            .task("3-c", "exit 1")
            .task("4-d", "exit 2")
            .task("halt.sh", "echo $RUNNER_HALT_REASON $RUNNER_RESULT")
            .config(&format!("hook_time = {hook_time}\n[c]\nrequired = no"))
            .run()
            .status(2)
            .within(SOON)
            .order("1-a 2-b 1-a 2-b 3-c 4-d halt.sh")
            .stdout("halted HALT\n")
    };
    story(Test::new());
    story(
        Test::new()
            .file("hook", hook, 0o755)
            .config("task_hook = ./hook"),
    )
    .nothing_left()
}

#[test]
fn a_hook_that_fails_changes_nothing() {
    for code in [1, 2, 3, 75, 255] {
        has_no_influence(&format!("#!/bin/sh\nexit {code}\n"), "30")
            .says(&format!("hook before `1-a` exited with {code} after "))
            .says(&format!("hook after `4-d` exited with {code} after "))
            .says("; the chain continues");
    }
}

#[test]
fn a_hook_that_dies_changes_nothing() {
    has_no_influence("#!/bin/sh\nkill -KILL $$\n", "30")
        .says("hook before `1-a` was ended by SIGKILL");
}

#[test]
fn a_hook_that_ends_its_own_group_changes_nothing() {
    has_no_influence("#!/bin/sh\nkill 0\n", "30").says("hook before `1-a` was ended by SIGTERM");
}

#[test]
fn a_hook_that_cannot_start_changes_nothing() {
    has_no_influence("#!/nowhere/sh\n", "30")
        .says("hook before `1-a` did not start: its interpreter `/nowhere/sh` does not exist")
        .does_not_say("hook after ");
}

#[test]
fn a_hook_that_hangs_is_ended_at_its_limit() {
    has_no_influence("#!/bin/sh\nsleep 30\n", "0.1")
        .says("hook before `1-a` ran longer than `hook_time` (100ms); its process group was ended");
}

#[test]
fn a_hook_that_is_missing_changes_nothing() {
    for (hook, expected) in [
        ("./missing", "no hook can start: `./missing` does not exist"),
        (
            "missing-hook",
            "no hook can start: `missing-hook` was not found",
        ),
    ] {
        let ran = Test::new()
            .task("1-a", &once(1))
            .config(&format!("task_hook = {hook}"))
            .args(["-n", "2"])
            .run()
            .status(0)
            .order("1-a 1-a 1-a 1-a")
            .says(expected);
        // One message for each run.
        let words = ["no hook can start", "hook before", "hook after"];
        let is_about = |line: &&str| words.iter().any(|word| line.contains(word));
        let reports = ran.stderr.lines().filter(is_about).count();
        assert_eq!(reports, 2, "{}", ran.stderr);
    }
}

#[test]
fn a_hook_has_a_limit_of_its_own_in_the_section_of_a_task() {
    Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .file(
            "hook",
            "#!/bin/sh\n[ $RUNNER_TASK = 1-a ] && sleep 30\nexit 0\n",
            0o755,
        )
        .config("task_hook = ./hook\nhook_time = 0")
        .config("[a]\nhook_time = 0.2")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .nothing_left()
        .says("hook before `1-a` ran longer than `hook_time` (200ms)")
        .does_not_say("`2-b` ran longer");
}

#[test]
fn a_signal_ends_the_hook_before_a_task_and_the_task_does_not_start() {
    let running = Test::new()
        .task("1-a", "")
        .file(
            "hook",
            "#!/bin/sh\necho $RUNNER_HOOK >>phases\nexec sleep 30\n",
            0o755,
        )
        .config("task_hook = ./hook")
        .start();
    running.until("phases", "pre");
    running.signal(Signal::TERM);
    let ran = running
        .wait()
        .status(143)
        .within(SOON)
        .order("")
        .nothing_left();
    assert_eq!(ran.lines("phases"), ["pre"]);
}
