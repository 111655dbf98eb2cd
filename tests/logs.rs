//! `log_dir`: log files that tasks have replaced, and logs in reports.

use std::time::Duration;

use crate::support::{Ran, Test};

const SOON: Duration = Duration::from_secs(30);

/// Path of the log of a task, as an expression of the shell of that task.
fn log(name: &str) -> String {
    format!("logs/$RUNNER_RUN_ID/{name}.1.log")
}

fn test() -> Test {
    Test::new()
        .config("max_tries = 1\nlog_dir = logs")
        .file("secret", "hunter2\n", 0o600)
}

/// Runs a task that replaces its log by `make` and fails. Asserts that the end of the log is
/// not shown.
fn replaced(make: &str) {
    let path = log("1-a");
    test()
        .task(
            "1-a",
            &format!("echo here; rm {path}\n{make} {path}\nexit 7"),
        )
        .run()
        .status(1)
        .within(SOON)
        .says("`1-a` exited with 7")
        .says("/1-a.1.log`: it is not a regular file")
        .does_not_say("hunter2");
}

#[test]
fn a_log_replaced_by_a_pipe_does_not_block() {
    replaced("mkfifo");
}

#[test]
fn a_log_replaced_by_a_link_is_not_followed() {
    replaced("ln -s ../../secret");
    replaced("ln -s /dev/zero");
    replaced("mkdir");
}

/// The report of the last run in `format`, made in another directory than the run.
fn report_from_elsewhere(ran: Ran, format: &str) -> String {
    let state = ran.test.path("state");
    let test = ran.again().through("cd /");
    let args = ["--state-dir", state.to_str().unwrap(), "--format", format];
    test.run_with(["runner-report"].iter().chain(&args))
        .status(0)
        .stdout
}

#[test]
fn a_report_from_another_directory_has_the_output_of_the_run() {
    for format in ["junit", "html"] {
        let ran = test()
            .config("state_dir = state")
            .task("1-a", "echo from the task")
            .run()
            .status(0);
        let report = report_from_elsewhere(ran, format);
        assert!(report.contains("from the task"), "{format}: {report}");
    }
}

#[test]
fn a_task_with_the_longest_name_has_a_log_that_reports_find() {
    let [a, b] = ["a", "b"].map(|last| format!("1-{}{last}", "x".repeat(252)));
    let ran = test()
        .config("state_dir = state")
        .task(&a, "echo from a")
        .task(&b, "echo from b; exit 7")
        .run()
        .status(1)
        .does_not_say("cannot")
        .says("from b")
        .stdout("");
    let report = report_from_elsewhere(ran, "junit");
    assert!(report.contains("from a"), "{report}");
    assert!(report.contains("from b"), "{report}");
}

/// Runs a task after `make` has created something else at the path of its log.
fn taken(make: &str) -> Ran {
    test()
        .task("1-a", &format!("{make} {}", log("2-b")))
        .task("2-b", "echo text")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .says("2-b.1.log`: file exists")
        .stdout("text\n")
}

#[test]
fn a_task_starts_although_its_log_cannot_be_created() {
    taken("mkfifo");
    let ran = taken("ln -s ../../secret");
    assert_eq!(ran.read("secret"), "hunter2\n");
    taken("ln -s ../../missing");
    taken("echo forged >");
}
