//! Reports of a run that failed.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{Ran, Test, once, top};

/// Runs a chain of five tasks: the third one gives up, and the first one is optional and fails.
fn failed() -> Ran {
    Test::with_state()
        .config("log_dir = logs\nmax_tries = 2\nsleep_time = 0\n[cache]\nrequired = no")
        .task("05-cache", "exit 3")
        .task("10-fetch", "exit 0")
        .task(
            "20-build",
            "echo compiling; printf '\\033[31merror\\033[0m: no space left on device\\n'; exit 1",
        )
        .task("30-test", "exit 0")
        .task("40-deploy", "exit 0")
        .run()
        .status(1)
}

fn report(ran: Ran, args: &[&str]) -> Ran {
    let program = ["runner-report", "--state-dir", "state"];
    let args = program.iter().chain(args).copied();
    ran.again().run_with(args).status(0)
}

/// Checks that docs/reports.md has this text, with its names for the run and its directory.
#[track_caller]
fn assert_documented(ran: &Ran, id: &str, text: &str) {
    let directory = fs::canonicalize(ran.test.path("logs")).unwrap();
    let text = text
        .replace(&*directory.to_string_lossy(), "/var/log/runner")
        .replace(id, "20261124T060000.000Z-da2e7952");
    let page = fs::read_to_string(top().join("docs/reports.md")).unwrap();
    let indented: Vec<String> = text
        .lines()
        .map(|line| format!("    {line}").trim_end().to_owned())
        .collect();
    assert!(page.contains(&indented.join("\n")), "{text}");
}

#[test]
fn a_failed_run_is_explained_as_in_the_documentation() {
    let ran = report(failed(), &[]);
    let (explanation, _) = ran.stdout.split_once("\n\n  host ").unwrap();
    let id = explanation.split(' ').nth(1).unwrap();
    assert_documented(&ran, id, explanation);
}

#[test]
fn the_json_report_has_the_deciding_task_and_its_last_lines() {
    let ran = report(failed(), &["--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let run = &report["run"];
    assert_eq!(run["task"], "20-build");
    assert_eq!(run["tries"], 2);
    assert_eq!(
        run["not_reached"],
        Value::from(vec!["30-test", "40-deploy"])
    );
    assert_eq!(run["failed"], Value::from(vec!["05-cache", "20-build"]));
    assert_eq!(run["fingerprint"].as_str().unwrap().len(), 12);
    let tasks = run["tasks"].as_array().unwrap();
    let names: Vec<&str> = tasks
        .iter()
        .map(|task| task["task"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["05-cache", "10-fetch", "20-build"]);
    assert_eq!(tasks[0]["required"], false);
    assert_eq!(
        tasks[2]["last_lines"],
        Value::from(vec!["compiling", "error: no space left on device"])
    );
}

#[test]
fn the_junit_report_has_the_end_and_the_output_where_ci_systems_show_them() {
    let ran = report(failed(), &["--format", "junit"]);
    let end = "gave up: `20-build` exited with 1 (2 of 2 tries)";
    for part in [
        &format!("<properties><property name=\"end\" value=\"{end}\">"),
        r#"<skipped message="failed, but not required: exited with 3"></skipped>"#,
        &format!(
            "<failure message=\"exited with 1 (2 of 2 tries)\" type=\"exited\">{end}\n\
             not reached: 30-test, 40-deploy\ncompiling\nerror: no space left on device</failure>"
        ),
        &format!("<skipped message=\"not reached: {end}\"></skipped></testcase>\n</testsuite>"),
    ] {
        assert!(ran.stdout.contains(part), "no {part} in {}", ran.stdout);
    }
}

#[test]
fn a_markdown_report_begins_as_in_the_documentation() {
    let ran = report(failed(), &["--format", "md"]);
    let (begin, rest) = ran.stdout.split_once("\n- host: ").unwrap();
    let (_, id) = rest.split_once("- run: `").unwrap();
    assert_documented(&ran, id.split('`').next().unwrap(), begin);
    for line in [
        "| `05-cache` | ⚠️ failed, not required | ",
        "| `40-deploy` | not reached |  |  |  |\n",
        "<details><summary>all tries</summary>\n\n| task | try | ",
        "<details><summary>output of <code>20-build</code>, try 1</summary>\n\n```\ncompiling\n",
    ] {
        assert!(rest.contains(line), "no {line} in {rest}");
    }
    // The end of its last output is above the table.
    assert!(!rest.contains("<code>20-build</code>, try 2"), "{rest}");
}

#[test]
fn an_output_that_cannot_be_read_is_not_called_empty() {
    for (change, note) in [
        ("rm", "cannot be read: no such file or directory"),
        ("truncate -s 0", "is empty"),
        (
            "ln -sf /etc/passwd",
            "cannot be read: it is not a regular file",
        ),
    ] {
        let ran = failed();
        let command = format!("{change} logs/*/20-build.2.log");
        let done = Command::new("sh")
            .args(["-c", &command])
            .current_dir(ran.test.dir())
            .status()
            .unwrap();
        assert!(done.success());
        let ran = report(ran, &[]);
        assert!(ran.stdout.contains(note), "{change}: {}", ran.stdout);
        let page = report(ran, &["--format", "html"]);
        assert!(page.stdout.contains(note), "{change}: {}", page.stdout);
    }
}

#[test]
fn failures_of_one_task_are_counted_as_such() {
    let ran = Test::with_state()
        .config("sleep_time = 0\nretry_from = failed\n[b]\nmax_tries = 2")
        .task("1-a", &once(1))
        .task("2-b", "exit 1")
        .run()
        .status(1)
        .says("gave up: `2-b` exited with 1 (2 of 2 failures)");
    let ran = report(ran, &[]);
    assert!(
        ran.stdout
            .contains("`2-b` exited with 1 (2 of 2 failures)\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_task_whose_hook_was_interrupted_was_not_reached() {
    let ran = Test::with_state()
        .config("task_hook = ./hook.sh")
        .file("hook.sh", "#!/bin/sh\nkill -TERM $PPID\nsleep 9\n", 0o755)
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .run()
        .says("interrupted by SIGTERM after ");
    assert!(
        ran.stderr.contains("not reached: 1-a, 2-b"),
        "{}",
        ran.stderr
    );
    let ran = report(ran, &[]);
    assert!(
        ran.stdout.contains("\nnot reached: 1-a, 2-b\n"),
        "{}",
        ran.stdout
    );
}
