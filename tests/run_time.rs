//! `max_run_time`: the time limit of a whole run.

use std::{fs::File, time::Duration};

use rustix::{
    fs::{FlockOperation, flock},
    process::Signal,
};
use serde_json::Value;

use crate::support::{Ran, Test, pause, snapshots::snapshot};

const SOON: Duration = Duration::from_secs(10);

/// A story with a journal, whose halt task shows its environment.
fn story(config: &str) -> Test {
    let halt =
        "echo $RUNNER_HALT_REASON $RUNNER_TASK $RUNNER_TRY_NUM $RUNNER_RESULT $RUNNER_OUTCOME";
    Test::new()
        .config("state_dir = state")
        .config(config)
        .task("halt.sh", halt)
}

/// Asserts the members of the last event, except for the duration.
#[track_caller]
fn ends_with(ran: &Ran, expected: &str) {
    let lines = ran.lines("state/journal.jsonl");
    let end: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    let members = ["event", "status", "reason", "task", "tries", "not_reached"];
    let members = members.map(|member| end[member].to_string());
    assert_eq!(members.join(" "), expected);
}

#[test]
fn a_task_that_runs_when_the_time_is_over_is_ended() {
    let ran = story("max_run_time = 2s")
        .task("1-a", "")
        .task("2-b", "sleep 30")
        .task("3-c", "")
        .hook()
        .run_hook()
        .run()
        .status(1)
        .within(SOON)
        .order("run-start 1-a 2-b run-end halt.sh")
        .stdout("out-of-time 2-b 1 RETRY timed-out\n")
        .says(
            "`2-b` was still running after `max_run_time` (2s); its process group was ended; \
             giving up: the run is out of time (`max_run_time`)",
        )
        .says("halt task `halt.sh` starts, because the run is out of time")
        .says(
            "out of time: `2-b` was still running after `max_run_time` (2s) (1 of 5 tries); \
             not reached: 3-c",
        )
        .nothing_left();
    assert!(ran.elapsed >= Duration::from_secs(2));
    let hooks = ran.hooks();
    assert!(
        hooks
            .last()
            .unwrap()
            .contains(r#""task":"2-b","try_num":1,"max_retries":5,"result":"RETRY""#)
    );
    ends_with(&ran, r#""run-end" 1 "out-of-time" "2-b" 1 ["3-c"]"#);
    let hook = ran.lines("run-hooks").pop().unwrap();
    let read: Value = serde_json::from_str(&hook).unwrap();
    let hook = hook
        .replace(read["run"].as_str().unwrap(), "RUN_ID")
        .replace(&read["elapsed"].to_string(), "SECONDS");
    snapshot!("run-hook-out-of-time", hook);
    let ends = ran.lines("state/journal.jsonl").into_iter();
    let ends = ends.filter(|line| line.contains("task-end"));
    let limits: Vec<bool> = ends
        .map(|end| end.contains(r#""limit":2.0,"limited_by":"max_run_time""#))
        .collect();
    assert_eq!(limits, [true, true]);
}

#[test]
fn tasks_that_run_at_the_same_time_are_all_timed_out() {
    for _ in 0..3 {
        let ran = story("max_run_time = 2s\njobs = 3")
            .hook()
            .task("1-a", "sleep 30")
            .task("1-b", "sleep 30")
            .task("1-c", "trap '' TERM; sleep 30 & wait; sleep 30")
            .config("[b]\nrequired = no\n[c]\nkill_grace = 0.2")
            .task("2-d", "")
            .run()
            .status(1)
            .within(SOON)
            .nothing_left();
        let ended = |hook: &String| hook.contains(r#""result":"RETRY""#);
        assert_eq!(ran.hooks().iter().filter(|hook| ended(hook)).count(), 3);
    }
}

#[test]
fn a_wait_that_would_not_end_in_time_does_not_begin() {
    let ran = story("max_run_time = 10m\nsleep_time = 1h")
        .task("1-a", "exit 7")
        .task("2-b", "")
        .run()
        .status(1)
        .within(SOON)
        .order("1-a halt.sh")
        .stdout("out-of-time 1-a 1 RETRY exited:7\n")
        .says("giving up: the run is out of time (`max_run_time`)")
        .says("out of time: `1-a` exited with 7 (1 of 5 tries); not reached: 2-b");
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-a" 1 ["2-b"]"#);
}

#[test]
fn with_jobs_the_longest_wait_counts_when_the_others_have_ended() {
    const FIRST: &str = "until [ -e b ]; do sleep 0.01; done; exit 7";
    const SECOND: &str = "touch b; sleep 0.3; exit 8";
    let ran = story("max_run_time = 10m\njobs = 2\n[b]\nsleep_time = 1h")
        .task("1-a", FIRST)
        .task("1-b", SECOND)
        .task("2-c", "")
        .run()
        .status(1)
        .within(SOON)
        .says("out of time: `1-b` exited with 8 (1 of 5 tries); not reached: 2-c");
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-b" 1 ["2-c"]"#);
    let ran = story("max_run_time = 10m\njobs = 2\n[a]\nsleep_time = 1h")
        .task("1-a", FIRST)
        .task("1-b", SECOND)
        .run()
        .status(1)
        .within(SOON);
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-a" 1 null"#);
}

#[test]
fn the_last_tries_count_before_the_time() {
    story("max_run_time = 10m\nsleep_time = 1h\nmax_tries = 1")
        .task("1-a", "exit 7")
        .run()
        .status(1)
        .stdout("gave-up 1-a 1 RETRY exited:7\n")
        .says("gave up: `1-a` exited with 7 (1 of 1 try)");
}

#[test]
fn a_run_with_only_optional_tasks_left_ends_out_of_time_too() {
    let ran = story("max_run_time = 500ms\nrequired = no")
        .task("1-a", "sleep 30")
        .task("2-b", "")
        .run()
        .status(1)
        .within(SOON)
        .order("1-a halt.sh");
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-a" 1 ["2-b"]"#);
}

/// A hook that sleeps in this phase.
fn sleeping_hook(phase: &str, time: u32) -> String {
    format!("#!/bin/sh\n[ \"$RUNNER_HOOK $RUNNER_TASK\" != '{phase} 1-a' ] || sleep {time}\n")
}

#[test]
fn no_task_starts_after_a_hook_that_took_the_rest_of_the_time() {
    let ran = story("max_run_time = 1\ntask_hook = ./hook")
        .file("hook", &sleeping_hook("post", 2), 0o755)
        .task("1-a", "")
        .task("2-b", "")
        .task("3-c", "")
        .run()
        .status(1)
        .within(SOON)
        .order("1-a halt.sh")
        .stdout("out-of-time 2-b 1\n")
        .says(": `2-b` was not started; not reached: 2-b, 3-c");
    ends_with(
        &ran,
        r#""run-end" 1 "out-of-time" "2-b" null ["2-b","3-c"]"#,
    );
    // The chain has finished when nothing is left to start.
    story("max_run_time = 1\ntask_hook = ./hook")
        .file("hook", &sleeping_hook("post", 2), 0o755)
        .task("1-a", "")
        .run()
        .status(0);
}

#[test]
fn a_hook_before_a_task_ends_with_the_run() {
    let ran = story("max_run_time = 500ms\ntask_hook = ./hook")
        .file("hook", &sleeping_hook("pre", 30), 0o755)
        .task("1-a", "")
        .run()
        .status(1)
        .within(SOON)
        .order("halt.sh")
        .says("hook before `1-a` was still running after `max_run_time` (500ms); its process group was ended\n")
        .does_not_say("the chain continues")
        .says(": `1-a` was not started; not reached: 1-a")
        .nothing_left();
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-a" null ["1-a"]"#);
    let ran = story("max_run_time = 500ms\nrun_hook = ./hook")
        .file(
            "hook",
            "#!/bin/sh\n[ $RUNNER_HOOK = run-end ] || sleep 30\n",
            0o755,
        )
        .task("1-a", "")
        .run()
        .status(1)
        .within(SOON)
        .order("halt.sh");
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-a" null ["1-a"]"#);
}

#[test]
fn a_signal_after_the_limit_changes_the_end_and_not_the_task() {
    let ran = story("max_run_time = 500ms\ntask_hook = ./hook\nlog_dir = logs")
        .file(
            "hook",
            "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { : >ready; exec sleep 30; }\n",
            0o755,
        )
        .task("1-a", "sleep 30")
        .task("2-b", "")
        .start();
    ran.until("ready", "");
    ran.signal(Signal::TERM);
    ran.until("stderr", "got SIGTERM");
    ran.signal(Signal::TERM);
    let ran = ran.wait().status(143).within(SOON).order("1-a");
    ends_with(&ran, r#""run-end" 143 "interrupted" "1-a" null ["2-b"]"#);
}

#[test]
fn what_follows_the_end_has_limits_of_its_own() {
    let ran = story("max_run_time = 500ms\ntask_hook = ./hook\nrun_hook = ./hook")
        .file(
            "hook",
            "#!/bin/sh\ncase $RUNNER_HOOK in post|run-end) sleep 1; echo $RUNNER_HOOK >>order; esac\n",
            0o755,
        )
        .task("1-a", "sleep 30")
        .task("halt.sh", "sleep 1")
        .run()
        .status(1)
        .within(SOON)
        .order("1-a post run-end halt.sh")
        .does_not_say("halt task `halt.sh` ran longer")
        .does_not_say("halt task `halt.sh` was");
    assert!(
        ran.read("state/journal.jsonl")
            .contains(r#""halt-end","task":"halt.sh","outcome":"exited:0""#)
    );
}

#[test]
fn each_run_has_its_own_time() {
    story("max_run_time = 4\nsleep_time = 0")
        .task("1-a", "sleep 1.5")
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a");
    let ran = story("max_run_time = 1")
        .task("1-a", "[ -e second ] && sleep 30; touch second")
        .args(["-n", "3"])
        .run()
        .status(1)
        .within(SOON)
        .order("1-a 1-a halt.sh");
    ends_with(&ran, r#""run-end" 1 "out-of-time" "1-a" 1 null"#);
}

#[test]
fn the_wait_for_the_lock_does_not_count() {
    let test = story("max_run_time = 1").file("state/lock", "", 0o600);
    let lock = File::open(test.path("state/lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let waiting = test.task("1-a", "").args(["--wait-lock"]).start();
    waiting.until("stderr", "waiting for it");
    pause(Duration::from_millis(1500));
    drop(lock);
    waiting.wait().status(0).order("1-a");
}

#[test]
fn one_task_alone_has_no_time_of_a_run() {
    story("max_run_time = 200ms")
        .task("1-a", "sleep 1")
        .args(["--only", "1-a"])
        .run()
        .status(0);
}
