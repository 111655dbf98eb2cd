//! `--list`, `--check` and `--only`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Test;

#[test]
fn the_list_runs_nothing_and_has_one_line_per_task() {
    let ran = Test::new()
        .task("2-b with blanks", "")
        .task("3-c\nd", "")
        .task("1-a", "")
        .args(["--list"])
        .run()
        .status(0)
        .order("")
        .stderr("");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("1-a              level 0  "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("2-b with blanks  level 1  "),
        "{lines:?}"
    );
}

#[test]
fn the_list_for_programs_is_an_array_in_order() {
    let ran = Test::new()
        .task("10-c", "")
        .task("2-b\"é.sh", "")
        .task("1-a", "")
        .config("max_time = 0\n[a]\nmax_time = 1m\nmax_tries = 3\nrequired = no")
        .args(["--list", "--json"])
        .run()
        .status(0)
        .order("")
        .stderr("");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let shown = |name: &str| -> Vec<Value> {
        let tasks = found.as_array().unwrap().iter();
        tasks.map(|task| task[name].clone()).collect()
    };
    assert_eq!(shown("task"), ["1-a", "2-b\"é.sh", "10-c"]);
    assert_eq!(
        shown("path"),
        ["tasks.d/1-a", "tasks.d/2-b\"é.sh", "tasks.d/10-c"]
    );
    assert_eq!(shown("max_time"), [json!(60.0), json!(null), json!(null)]);
    assert_eq!(shown("max_tries"), [3, 5, 5]);
    assert_eq!(shown("required"), [false, true, true]);
}

#[test]
fn a_wrong_plan_is_not_listed() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .config("[a]\ndepends_on = clone")
    };
    for args in [&["--list"][..], &["--list", "--json"]] {
        test()
            .args(args)
            .run()
            .status(78)
            .order("")
            .stdout("")
            .says("error: runner.cfg:5: task `1-a` depends on `clone`");
    }
}

#[test]
fn the_check_distinguishes_errors_from_warnings_and_runs_nothing() {
    let test = || Test::new().hook().task("1-a", "").task("halt.sh", "");
    let ran = test()
        .args(["--check"])
        .run()
        .status(0)
        .order("")
        .stdout("");
    assert!(ran.hooks().is_empty());
    test()
        .config("remote = u")
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stdout("");
    test()
        .config("jobs = 0")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stdout("");
    test()
        .config("halt_task = poweroff.sh")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .says("halt task `poweroff.sh` is not in `tasks.d`\n");
}

#[test]
fn problems_of_configuration_and_plan_are_reported_together() {
    Test::new()
        .only_config("[runner]\njobs = 0\n[a]\ndepends_on = clone\n")
        .task("1-a", "")
        .file("tasks.d/2-b", "", 0o644)
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .says("error: runner.cfg:2: `jobs` must be")
        .says("error: runner.cfg:4: task `1-a` depends on `clone`")
        .says("error: task `2-b` is not executable\n");
}

#[test]
fn nothing_runs_when_the_last_task_is_wrong() {
    Test::new()
        .hook()
        .task("1-a", "")
        .file("tasks.d/9-z", "", 0o644)
        .args(["-n", "3"])
        .run()
        .status(78)
        .order("")
        .stdout("")
        .says("error: task `9-z` is not executable\n");
}

#[test]
fn the_result_of_a_single_task_sets_the_exit_status() {
    for (body, limit, status) in [
        ("exit 0", "1m", 0),
        ("exit 7", "1m", 0),
        ("exit 1", "1m", 1),
        ("exit 4", "1m", 1),
        ("kill -9 $$", "1m", 1),
        ("sleep 30", "0.2", 1),
        ("exit 2", "1m", 2),
        ("exit 3", "1m", 3),
    ] {
        Test::new()
            .task("1-a", "")
            .task("2-b.sh", body)
            .task("3-c", "")
            .task("halt.sh", "")
            .config("[b]\nok_codes = 0 7\nhalt_codes = 2\nstop_codes = 3\nrequired = no")
            .config(&format!("max_time = {limit}"))
            .args(["--only", "b"])
            .run()
            .status(status)
            .stdout("")
            .within(Duration::from_secs(10))
            .does_not_say("`1-a`")
            .does_not_say("`3-c`")
            .does_not_say("halt.sh");
    }
}

#[test]
fn a_single_task_has_its_hooks_and_its_environment() {
    let ran = Test::new()
        .hook()
        .task("1-a", "")
        .task(
            "2-b.sh",
            "echo $RUNNER_TASK $RUNNER_TRY_NUM $RUNNER_MAX_TRIES $FROM",
        )
        .config("[env]\nFROM = file\n[2-b.sh]\nmax_tries = 3\ndepends_on = a")
        .args(["--only", "2-b.sh"])
        .run()
        .status(0)
        .order("2-b.sh")
        .stdout("2-b.sh 1 3 file\n");
    assert_eq!(
        ran.hooks(),
        [
            r#"{"task":"2-b.sh","try_num":1,"max_retries":3}"#,
            r#"{"task":"2-b.sh","try_num":1,"max_retries":3,"result":"OK"}"#,
        ]
    );
}

#[test]
fn an_unknown_single_task_is_wrong_usage() {
    for name in ["clone", "1", "1-a.sh", ""] {
        Test::new()
            .task("1-a", "")
            .args(["--only", name])
            .run()
            .status(64)
            .order("")
            .stdout("");
    }
    // An error in the configuration is reported first.
    Test::new()
        .task("1-a", "")
        .config("jobs = 0")
        .args(["--only", "clone"])
        .run()
        .status(78);
}

#[test]
fn a_single_task_that_cannot_run_is_refused_with_the_reason() {
    for (name, expected) in [
        ("b", "task `2-b.sh` is disabled"),
        ("2-b.sh", "task `2-b.sh` is disabled"),
        (
            "3-c.bak",
            "`3-c.bak` is skipped; `runner --check` shows why",
        ),
        (
            "functions",
            "`functions` is skipped; `runner --check` shows why",
        ),
        (
            "halt",
            "`halt.sh` is the halt task, which never runs by itself",
        ),
        (
            "clobbre",
            "there is no task `clobbre`; did you mean `clobber`?",
        ),
        (
            "1_clobber.sh",
            "there is no task `1_clobber.sh`; did you mean `1-clobber.sh`?",
        ),
        (
            "upgrade",
            "there is no task `upgrade`; the task directory has `1-clobber.sh`",
        ),
    ] {
        Test::new()
            .task("1-clobber.sh", "")
            .task("2-b.sh", "")
            .task("3-c.bak", "")
            .file("tasks.d/functions", "", 0o644)
            .task("halt.sh", "")
            .config("[b]\nenabled = no")
            .args(["--only", name])
            .run()
            .status(64)
            .order("")
            .stdout("")
            .says(&format!("error: {expected}\n"));
    }
}

#[test]
fn a_task_that_is_missing_in_a_large_directory_is_answered_with_the_first_tasks() {
    let names: Vec<String> = (10..25)
        .map(|number| format!("{number}-a{number}"))
        .collect();
    let test = names
        .iter()
        .fold(Test::new(), |test, name| test.task(name, ""));
    let first = names[..8].join("`, `");
    let expected =
        format!("there is no task `zzzzzz`; the task directory has `{first}` and more\n");
    let ran = test.args(["--only", "zzzzzz"]).run().status(64);
    ran.says(&expected);
}

#[test]
fn a_single_task_is_found_by_its_file_name_in_any_case() {
    Test::new()
        .task("clobber", "")
        .task("3-clobber.sh", "")
        .args(["--only", "clobber"])
        .run()
        .status(0)
        .order("clobber");
}
