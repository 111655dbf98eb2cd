//! Settings that a drill uses, and those that it ignores.

use std::{fs, time::Duration};

use crate::support::{Test, runner};

use super::only_once;

#[test]
fn waits_tries_jobs_and_the_halt_task_do_not_count() {
    let ran = Test::new()
        .task("1-a", "")
        .task("1-b", "")
        .task("halt.sh", "")
        .run_hook()
        .config("sleep_time = 1h\nretry_jitter = 1h\nretry_from = failed\nmax_tries = 1\njobs = 4")
        .drill()
        .run()
        .status(0)
        .order("1-a 1-a 1-b 1-a 1-b")
        .within(Duration::from_secs(30));
    assert!(!ran.test.path("run-hooks").exists());
}

#[test]
fn nothing_is_written_to_the_directories_of_state_and_logs() {
    let ran = Test::with_state()
        .task("1-a", "echo out")
        .task("2-b", &only_once(1))
        .config("log_dir = logs\nlog_keep = 1\n[a]\nfrequency = once")
        .drill()
        .run()
        .status(4);
    assert!(!ran.test.path("logs").exists());
    let files = fs::read_dir(ran.test.path("state")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    files.sort();
    // The lock was there, so the directory has an owner.
    assert_eq!(files, ["taskdir"]);
    // The output of a task goes to the terminal instead.
    assert!(ran.stdout.starts_with("1-a | out\n"), "{}", ran.stdout);
}

#[test]
fn refused_drills_leave_no_journal() {
    let test = Test::with_state().task("1-a", "").config("max_time = x");
    let ran = test.drill().run().status(78).order("").stdout("");
    assert!(!ran.test.path("state/journal.jsonl").exists());
}

#[test]
fn hooks_run_and_learn_that_the_chain_starts_again() {
    let environment = "#!/bin/sh\necho \"$RUNNER_TASK $RUNNER_HOOK $RUNNER_RESULT \
                       $RUNNER_OUTCOME $RUNNER_DRILL\" >>environment\n";
    let ran = Test::new()
        .task("1-a", &only_once(2))
        .task("2-b", "echo $RUNNER_DRILL >seen")
        .file("hook", environment, 0o755)
        .config("task_hook = ./hook")
        .drill()
        .run()
        .status(4);
    assert_eq!(
        ran.lines("environment"),
        [
            "1-a pre   1",
            "1-a post RETRY exited:0 1",
            "1-a pre   1",
            "1-a post HALT exited:2 1",
            "2-b pre   1",
            "2-b post RETRY exited:0 1",
            "2-b pre   1",
            "2-b post OK exited:0 1",
        ]
    );
    assert_eq!(ran.read("seen"), "1\n");
}

#[test]
fn the_json_of_the_hook_is_that_of_a_run() {
    let ran = Test::new().task("1-a", "").hook().drill().run().status(0);
    assert_eq!(
        ran.hooks(),
        [
            r#"{"task":"1-a","try_num":1,"max_retries":5}"#,
            r#"{"task":"1-a","try_num":1,"max_retries":5,"result":"RETRY"}"#,
            r#"{"task":"1-a","try_num":2,"max_retries":5}"#,
            r#"{"task":"1-a","try_num":2,"max_retries":5,"result":"OK"}"#,
        ]
    );
}

#[test]
fn a_run_is_not_a_drill() {
    // Also one that a task of a drill starts.
    let test = Test::new().task("1-a", "echo ${RUNNER_DRILL-unset}");
    let ran = test
        .env("RUNNER_DRILL", "1")
        .run()
        .status(0)
        .stdout("unset\n");
    let runner = runner();
    let nested = format!("{} -q inner.d", runner.display());
    let inner = "#!/bin/sh\necho ${RUNNER_DRILL-unset}\n";
    let test = ran.again().file("inner.d/1-b", inner, 0o755);
    let ran = test.task("1-a", &nested).drill().run().status(0);
    assert!(ran.stdout.starts_with("1-a | unset\n"), "{}", ran.stdout);
}
