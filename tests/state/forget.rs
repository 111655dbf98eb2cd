//! `--forget` and `--forget-all`, which remove marks.

use std::fs;

use super::{
    READY_UNTIL_GO,
    marks::{has_one_machine, on_machine},
};
use crate::support::{Ran, Test};

/// A chain that has run, of two tasks with marks and one without.
#[track_caller]
fn done() -> Ran {
    let test = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .task("3-c", "exit 0")
        .config("[a]\nfrequency = once\n[b]\nfrequency = once-per-boot");
    test.run().status(0).order("1-a 2-b 3-c")
}

#[test]
fn a_task_whose_mark_is_forgotten_runs_again() {
    let forgetting = done().again().args_after(["--forget", "a"]).run();
    let forgotten = forgetting.status(0).stdout("").stderr("forgot `1-a`\n");
    let ran = forgotten.again().args_after(["--forget", "1-a"]).run();
    let ran = ran.status(0).stderr("`1-a` has no mark\n");
    assert!(ran.test.path("state/done/2-b").exists());
    assert!(!ran.test.path("state/lock").exists());
    // It is not a run, so the journal has the first run only.
    assert_eq!(ran.read("state/journal.jsonl").matches("run-").count(), 2);
    ran.again().run().status(0).order("1-a 2-b 3-c 1-a 3-c");
}

#[test]
fn all_marks_are_forgotten_also_those_of_tasks_that_are_gone() {
    let done = done();
    fs::remove_file(done.test.path("tasks.d/1-a")).unwrap();
    let test = done.again().only_config("[runner]\nstate_dir = state\n");
    // A draft is not a mark.
    let test = test.file("state/done/.new.1.0", "", 0o644);
    let ran = test.args(["--forget-all"]).run().status(0);
    let ran = ran.stdout("").stderr("forgot `1-a`\nforgot `2-b`\n");
    let again = ran.again().args(["--forget-all"]).run();
    again.status(0).stderr("there are no marks\n");
    // A state directory that does not exist has none either.
    let test = Test::with_state().task("1-a", "exit 0");
    let ran = test.args(["--forget-all", "-q"]).run();
    ran.status(0).stderr("").order("");
}

#[test]
fn an_unknown_task_and_a_missing_state_directory_are_errors() {
    let ran = done().again().args(["--forget", "aa"]).run().status(64);
    ran.says("error: there is no task `aa`; the task directory has `1-a`");
    for args in [&["--forget", "a"][..], &["--forget-all"]] {
        let test = Test::new().task("1-a", "exit 0");
        test.args(args).run().status(78).order("").stderr(
            "error: without `state_dir` there are no marks\n  hint: name the configuration that \
             sets `state_dir` with `-c`\n",
        );
    }
}

#[test]
fn a_mark_that_cannot_be_removed_is_an_error() {
    for args in [&["--forget", "a"][..], &["--forget-all"]] {
        let test = Test::with_state().task("1-a", "exit 0");
        let test = test.file("state/done/1-a/file", "", 0o644);
        let ran = test.args(args).run().status(71);
        ran.stderr("error: cannot remove `state/done/1-a`: it is a directory\n");
    }
}

#[test]
fn a_mark_is_not_forgotten_while_the_tasks_run() {
    let test = Test::with_state().task("1-a", READY_UNTIL_GO);
    let running = test.config("[a]\nfrequency = once").start();
    running.until("ready", "");
    for args in [&["--forget", "a"][..], &["--forget-all"]] {
        let (status, stderr) = running.beside(args);
        assert_eq!(status, Some(75), "{stderr}");
        assert!(
            stderr.contains("is running the tasks in `tasks.d`"),
            "{stderr}"
        );
    }
    fs::write(running.path("go"), "").unwrap();
    let ran = running.wait().status(0);
    assert!(ran.test.path("state/done/1-a").exists());
}

#[test]
fn marks_are_forgotten_on_a_machine_without_an_id() {
    if has_one_machine() {
        return;
    }
    let test = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once-per-machine");
    let ran = on_machine(test, Some("one")).run().status(0).order("1-a");
    let test = ran.again().args(["--forget-all"]);
    let ran = on_machine(test, Some("uninitialized")).run().status(0);
    let ran = ran.stderr("forgot `1-a`\n");
    // Everything else needs the id.
    let test = ran.again().args(["--list"]);
    on_machine(test, Some("uninitialized")).run().status(78);
}
