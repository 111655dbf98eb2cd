//! Marks of `once` tasks.

use std::fs;

use crate::support::{Test, once};

#[test]
fn a_once_task_that_is_done_is_not_started_again() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", &once(1))
        .config("[a]\nfrequency = once")
        .run()
        .status(0)
        // It is not started in a later try either.
        .order("1-a 2-b 2-b");
    let ran = ran.again().run().status(0).order("1-a 2-b 2-b 2-b 2-b");
    assert!(
        ran.stderr.contains("2 tasks, 1 of them already done"),
        "{}",
        ran.stderr
    );
    // Without its mark the task runs again.
    fs::remove_file(ran.test.path("state/done/1-a")).unwrap();
    fs::remove_file(ran.test.path("state/journal.jsonl")).unwrap();
    ran.again()
        .run()
        .status(0)
        .order("1-a 2-b 2-b 2-b 2-b 1-a 2-b 2-b");
}

#[test]
fn a_task_with_a_mark_counts_as_done_for_its_dependents() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("1-b", "exit 0")
        .config("jobs = 2\n[b]\nfrequency = once\n[a]\ndepends_on = b")
        .run()
        .status(0)
        .order("1-b 1-a");
    ran.again().run().status(0).order("1-b 1-a 1-a");
}

#[test]
fn a_chain_whose_tasks_are_all_done_finishes() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once")
        .run()
        .status(0);
    ran.again().run().status(0).order("1-a");
}

#[test]
fn a_mark_is_set_only_by_success_and_halt() {
    for (code, status, marked) in [(0, 0, true), (2, 2, true), (3, 3, false), (1, 1, false)] {
        let ran = Test::with_state()
            .task("1-a", &format!("exit {code}"))
            .config("max_tries = 2\nstop_codes = 3\n[a]\nfrequency = once")
            .run()
            .status(status);
        let done = ran.test.path("state/done");
        let names = fs::read_dir(done)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names: Vec<_> = names.collect();
        assert_eq!(names, if marked { vec!["1-a"] } else { vec![] }, "{code}");
    }
}

#[test]
fn once_per_boot_is_once_for_each_boot() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once-per-boot")
        .run()
        .status(0)
        .again()
        .run()
        .status(0)
        .order("1-a");
    let mark = ran.read("state/done/1-a");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(mark.contains(boot.trim()), "{mark}");
    fs::write(
        ran.test.path("state/done/1-a"),
        mark.replace(boot.trim(), "another"),
    )
    .unwrap();
    let ran = ran.again().run().status(0).order("1-a 1-a");
    assert!(ran.read("state/done/1-a").contains(boot.trim()));
}

#[test]
fn a_task_whose_mark_cannot_be_written_is_not_started() {
    let ran = Test::with_state()
        .file("state/done", "", 0o644)
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .config("max_tries = 2\n[a]\nfrequency = once")
        .run()
        .status(1)
        .order("")
        .says("`1-a` did not start: cannot write its mark `state/done/1-a`: not a directory");
    assert_eq!(
        ran.events(&["task", "outcome"])[2..4],
        ["task-end 1-a not-started", "wait"]
    );
}

#[test]
fn only_ignores_marks() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once")
        .args(["--only", "a"])
        .run()
        .status(0);
    assert!(!ran.test.path("state/done").exists());
    let ran = ran.again().run().status(0);
    ran.again()
        .args(["--only", "a"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a");
}
