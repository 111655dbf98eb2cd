//! The chain as a user sees it: order, retries, halts, stops, runs.

use std::fs;

use serde_json::Value;

use crate::support::{Test, once};

#[test]
fn tasks_run_in_the_order_of_their_numbers() {
    Test::new()
        .task("10-c", "")
        .task("2-b", "")
        .task("1-a", "")
        .task("last", "")
        .run()
        .status(0)
        .order("1-a 2-b 10-c last");
}

#[test]
fn a_failure_restarts_the_chain() {
    Test::new()
        .task("1-a", "")
        .task("2-b", &once(7))
        .task("3-c", "")
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b 3-c")
        .says("`2-b` exited with 7 after ")
        .says("; trying again from the beginning at once (try 2 of 5)");
}

#[test]
fn a_required_task_that_failed_is_never_passed() {
    Test::new()
        .task("1-a", "")
        .task("2-b", "exit 1")
        .task("3-c", "")
        .config("max_tries = 3")
        .run()
        .status(1)
        .order("1-a 2-b 1-a 2-b 1-a 2-b");
}

#[test]
fn giving_up_runs_the_halt_task_without_a_wait() {
    Test::new()
        .task("1-a", "exit 1")
        .task(
            "halt.sh",
            "echo $RUNNER_HALT_REASON $RUNNER_TASK $RUNNER_RESULT $RUNNER_OUTCOME",
        )
        .config("max_tries = 2")
        .run()
        .status(1)
        .order("1-a 1-a halt.sh")
        .stdout("gave-up 1-a RETRY exited:1\n");
}

#[test]
fn halt_code_runs_halt_task_once() {
    Test::new()
        .task("1-a", "exit 2")
        .task("2-b", "")
        .task(
            "halt.sh",
            "echo $RUNNER_HALT_REASON $RUNNER_TASK $RUNNER_RESULT $RUNNER_OUTCOME",
        )
        .args(["-n", "3", "-H"])
        .run()
        .status(2)
        .order("1-a halt.sh")
        .stdout("halted 1-a HALT exited:2\n");
}

#[test]
fn stop_code_ends_without_the_halt_task() {
    Test::new()
        .task("1-a", "exit 3")
        .task("2-b", "")
        .task("halt.sh", "")
        .config("stop_codes = 3")
        .run()
        .status(3)
        .order("1-a");
}

#[test]
fn a_task_that_is_not_required_may_fail() {
    Test::new()
        .task("1-a", "exit 1")
        .task("2-b", "")
        .config("[a]\nrequired = no")
        .run()
        .status(4)
        .order("1-a 2-b")
        .says("it is not required, so the chain continues");
}

#[test]
fn tasks_of_a_chain_can_all_be_optional() {
    let test = |config: &str| {
        Test::new()
            .task("1-a", "exit 1")
            .task("2-b", "kill -9 $$")
            .task("3-c", "")
            .only_config(&format!("{config}\nsleep_time = 0\nmax_tries = 2"))
    };
    for config in [
        "[runner]\nrequired = no",
        "[DEFAULT]\nrequired = no\n[runner]",
    ] {
        let ran = test(config).run().status(4).order("1-a 2-b 3-c");
        ran.says("with 2 failures of tasks that are not required");
    }
    let option = test("[runner]").args(["--set", "required=no"]);
    option.run().status(4).order("1-a 2-b 3-c");
    // The section of a task wins.
    let own = test("[b]\nrequired = yes\n[runner]\nrequired = no");
    own.run().status(1).order("1-a 2-b 1-a 2-b");
}

#[test]
fn codes_that_end_the_chain_count_for_an_optional_task_only_in_its_own_section() {
    let test = |config: &str| {
        Test::new()
            .task("1-a", "exit 2")
            .task("2-b", "exit 3")
            .task("3-c", "")
            .task("halt.sh", "")
            .only_config(config)
    };
    let optional = "required = no\n";
    for config in [
        format!("[runner]\n{optional}"),
        format!("[runner]\n{optional}halt_codes = 2\nstop_codes = 3\n"),
        format!("[runner]\nstop_codes = 3\n[a]\n{optional}[b]\n{optional}"),
        // These lists do not count, so they share no code with others.
        format!("[runner]\n{optional}ok_codes = 0 4\n[c]\nok_codes = 0 2\n"),
    ] {
        test(&config).run().status(4).order("1-a 2-b 3-c");
    }
    let halts = test(&format!("[runner]\n{optional}[a]\nhalt_codes = 2\n"));
    halts.run().status(2).order("1-a halt.sh");
    let stops = test(&format!("[a]\n{optional}[b]\n{optional}stop_codes = 3\n"));
    stops.run().status(3).order("1-a 2-b");
    let required = test(&format!("[runner]\n{optional}[a]\nrequired = yes\n"));
    required.run().status(2).order("1-a halt.sh");
    let only = test("[a]\nrequired = no\n").args(["--only", "a"]);
    only.run().status(1).order("1-a");
}

#[test]
fn retry_from_failed_keeps_what_is_done() {
    Test::new()
        .task("1-a", "")
        .task("2-b", &once(1))
        .task("3-c", "")
        .config("retry_from = failed")
        .run()
        .status(0)
        .order("1-a 2-b 2-b 3-c");
}

#[test]
fn tries_of_its_own_count_the_failures_of_the_task() {
    Test::new()
        .task("1-a", "[ $RUNNER_TRY_NUM -gt 2 ] || exit 1")
        .task("2-b", "exit 1")
        .config("max_tries = 3\n[b]\nmax_tries = 2")
        .run()
        .status(1)
        .order("1-a 1-a 1-a 2-b 1-a 2-b");
}

#[test]
fn runs_follow_each_other_and_the_halt_task_comes_last() {
    Test::new()
        .task("1-a", "")
        .task("halt.sh", "echo $RUNNER_HALT_REASON ${RUNNER_RESULT-none}")
        .args(["-n3", "-H"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a halt.sh")
        .stdout("halt-after none\n");
}

#[test]
fn a_task_whose_dependency_failed_is_not_started() {
    let ran = Test::new()
        .task("1-a", "exit 1")
        .task("1-b", "")
        .task("1-c", "")
        .task("2-d", "")
        .task(
            "halt.sh",
            "echo $RUNNER_TASK $RUNNER_RESULT $RUNNER_OUTCOME",
        )
        .config(
            "state_dir = state\nmax_tries = 2\n[a]\nrequired = no\n\
             [b]\nrequired = no\ndepends_on = a\n[d]\ndepends_on = b",
        )
        .hook()
        .run()
        .status(1)
        // A lower number alone is not a need.
        .order("1-a 1-c 1-a 1-c halt.sh")
        .stdout("2-d RETRY not-started\n")
        .says("`1-b` did not start: its dependency `1-a` failed; it is not required")
        .says("`2-d` did not start: its dependency `1-b` failed; trying again from the beginning")
        .says("gave up: `2-d` did not start: its dependency `1-b` failed (2 of 2 tries)\n");
    for json in ran.hooks() {
        assert!(json.contains("1-a") || json.contains("1-c"), "{json}");
    }
    let journal = ran.lines("state/journal.jsonl");
    let of_task = |name: &str| -> Vec<Value> {
        let entries = journal
            .iter()
            .map(|line| serde_json::from_str(line).unwrap());
        entries
            .filter(|entry: &Value| entry["event"] != "run-end" && entry["task"] == name)
            .collect()
    };
    for (task, need) in [("1-b", "1-a"), ("2-d", "1-b")] {
        let ends = of_task(task);
        assert_eq!(ends.len(), 2, "{ends:?}");
        for end in ends {
            assert_eq!(end["event"], "task-end");
            assert_eq!(end["result"], "RETRY");
            assert_eq!(end["outcome"], "not-started");
            assert_eq!(end["why"], format!("its dependency `{need}` failed"));
        }
    }
    let report = ["runner-report", "-c", "runner.cfg"];
    let report = ran.again().run_with(report).status(0).stdout;
    let reason = "did not start: its dependency `1-b` failed";
    assert!(report.contains(reason), "{report}");
}

#[test]
fn optional_tasks_that_lack_a_dependency_have_failed_too() {
    Test::new()
        .task("1-a", "exit 1")
        .task("1-b", "")
        .task("2-c", "")
        .task("3-d", "")
        .config("required = no\n[b]\ndepends_on = a\n[c]\ndepends_on = b")
        .run()
        .status(4)
        .order("1-a 3-d")
        .says("with 3 failures of tasks that are not required");
}

#[test]
fn a_retry_from_what_failed_starts_the_failed_dependency_again() {
    let ran = Test::new()
        .task("1-a", &once(1))
        .task("1-b", "exit 1")
        .task("2-c", "")
        .task("3-d", "")
        .config(
            "retry_from = failed\n[a]\nrequired = no\n[b]\nrequired = no\n\
             [d]\ndepends_on = a",
        )
        .run();
    ran.status(4)
        .order("1-a 1-b 2-c 1-a 3-d")
        .says("its dependency `1-a` failed; trying again from the failed task");
}

#[test]
fn a_task_that_does_not_apply_is_skipped() {
    let test = || {
        Test::new()
            .task("1-a", "exit 77")
            .task("2-b", "echo $RUNNER_HOOK")
            .task("3-c", "")
            .config(
                "state_dir = state\nskip_codes = 7 77\n[a]\nfrequency = once\n\
                 [b]\ndepends_on = a",
            )
    };
    let ran = test()
        .run()
        .status(0)
        .order("1-a 2-b 3-c")
        .says("`1-a` is skipped (exited with 77) after ")
        .does_not_say("warning");
    assert!(!ran.test.path("state/done/1-a").exists(), "it has a mark");
    let drafts = fs::read_dir(ran.test.path("state/done")).unwrap();
    assert_eq!(drafts.count(), 0, "a draft is left");
    let journal = ran.read("state/journal.jsonl");
    assert!(
        journal.contains(r#""task":"1-a","try_num":1,"result":"SKIP","outcome":"exited:77""#),
        "{journal}"
    );
    // Its dependent starts, and no mark keeps the next run from starting it again.
    ran.again().run().status(0).order("1-a 2-b 3-c 1-a 2-b 3-c");
    test().args(["--only", "a"]).run().status(0).order("1-a");
    test().args(["-q"]).run().status(0).stderr("");
    let post = "[ $RUNNER_HOOK = pre ] || echo $RUNNER_TASK $RUNNER_RESULT $RUNNER_OUTCOME";
    let hook = format!("#!/bin/sh\n{post}\n");
    test()
        .file("hook", &hook, 0o755)
        .config("[runner]\ntask_hook = ./hook")
        .run()
        .stdout("1-a SKIP exited:77\n\n2-b OK exited:0\n3-c OK exited:0\n");
}

#[test]
fn a_skipped_task_that_runs_once_is_started_again_by_a_retry() {
    Test::new()
        .task("1-a", "exit 77")
        .task("1-b", "")
        .task("2-c", &once(1))
        .config(
            "state_dir = state\nskip_codes = 77\n[a]\nfrequency = once\n\
             [b]\nfrequency = once",
        )
        .run()
        .status(0)
        .order("1-a 1-b 2-c 1-a 2-c");
}

#[test]
fn a_code_is_in_one_list_only() {
    for (list, other) in [
        ("ok_codes", "skip_codes"),
        ("skip_codes", "halt_codes"),
        ("skip_codes", "stop_codes"),
    ] {
        Test::new()
            .task("1-a", "")
            .config(&format!("[a]\n{list} = 0 9\n{other} = 8 9"))
            .run()
            .status(78)
            .says(&format!("exit code 9 is in both `{list}` and `{other}`"));
    }
}

#[test]
fn reports_show_a_skipped_task_and_do_not_count_it_as_a_failure() {
    let ran = Test::new()
        .task("1-a", "exit 77")
        .task("2-b", "")
        .config("state_dir = state\nskip_codes = 77")
        .run()
        .status(0);
    let mut test = Some(ran.again());
    let mut report = |args: &[&str]| {
        let all = ["runner-report", "-c", "runner.cfg"].iter().chain(args);
        let ran = test.take().unwrap().run_with(all).status(0);
        let stdout = ran.stdout.clone();
        test = Some(ran.again());
        stdout
    };
    let has = |report: String, text: &str| assert!(report.contains(text), "{text} in {report}");
    has(report(&[]), "tasks         1 of 2 OK, 1 skipped, in ");
    has(report(&[]), "SKIP");
    has(report(&["--format", "json"]), r#""result": "SKIP""#);
    has(report(&["--format", "html"]), "skipped: exited with 77");
    has(report(&["--format", "svg"]), "skipped: exited with 77");
    let junit = report(&["--format", "junit"]);
    has(junit.clone(), r#"failures="0" errors="0""#);
    has(junit, r#"<skipped message="exited with 77"></skipped>"#);
    let tasks: Value = serde_json::from_str(&report(&["--tasks", "--format", "json"])).unwrap();
    assert_eq!(
        (&tasks[0]["task"], &tasks[0]["failures"]),
        (&"1-a".into(), &0.into())
    );
    let history = report(&["--history", "--format", "json"]);
    let history: Value = serde_json::from_str(&history).unwrap();
    assert_eq!(history[0]["not_ok"], Value::Array(Vec::new()));
}
