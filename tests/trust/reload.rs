//! Every reload checks again, and an earlier plan is checked before it is used again.

use std::{
    fs::{self, File},
    process::Command,
};

use super::{is_not_root, shell};
use crate::support::{Ran, Test, quoted, runner};

/// A story of two runs. The first one does `change`, a mistake of root.
#[track_caller]
fn second_run(change: &str) -> Ran {
    let change = format!("cd '{{}}'; [ -e changed ] || {{ {change}; }}; : >changed");
    let test = Test::new()
        .task("2-b", "exit 0")
        .task("halt.sh", "exit 0")
        .hook()
        .file("include/more.cfg", "[a]\ninterpreter = ../shell\n", 0o644)
        .file("shell", "#!/bin/sh\nexec sh \"$@\"\n", 0o755)
        .file("var/keep", "", 0o644)
        .config("include_dir = include\nstate_dir = var/state\nlog_dir = var/logs");
    let change = change.replace("{}", test.dir().to_str().unwrap());
    let command = quoted(&test.path("command"));
    let test = test.task("1-a", &change);
    // All paths lead through links to directories that the two runs share.
    shell(
        &test,
        "mkdir -p way/rel1 way/rel2; mv tasks.d way/rel1/; mv include shell hook var way/",
    );
    shell(
        &test,
        "for it in include shell hook var; do ln -s way/$it; done; ln -s way/current/tasks.d tasks.d",
    );
    shell(
        &test,
        "ln -s rel1 way/current; cp -a way/rel1/tasks.d way/rel2/",
    );
    test.args(["-n", "2", "-H"])
        .args_after(["--", "sh", "-c", &format!(": >{command}")])
        .run()
}

/// Asserts that no further run, no halt task and no COMMAND follows.
#[track_caller]
fn ends(ran: Ran) -> Ran {
    let ran = ran.status(78).order("1-a 2-b").says("no more runs start");
    assert!(!ran.test.path("command").exists());
    ran
}

#[test]
fn an_unchanged_reload_runs_again() {
    if is_not_root() {
        return;
    }
    let ran = second_run("true").status(0);
    let ran = ran.order("1-a 2-b 1-a 2-b halt.sh");
    assert!(ran.test.path("command").exists());
}

#[test]
fn a_file_that_another_user_can_change_now_ends_the_runs() {
    if is_not_root() {
        return;
    }
    for (change, message) in [
        (
            "chown 65534 tasks.d/2-b",
            "refusing to run task `tasks.d/2-b`",
        ),
        ("chmod o+w tasks.d/2-b", "is world-writable"),
        (
            "chown 65534 tasks.d/halt.sh",
            "refusing to run task `tasks.d/halt.sh`",
        ),
        (
            "chmod 1777 way/rel1/tasks.d",
            "refusing to run tasks in `tasks.d`",
        ),
        ("chown 65534 way/rel1", "refusing to run tasks in `tasks.d`"),
        ("chown 65534 way/hook", "refusing to run hook `"),
        ("chown 65534 way/shell", "refusing to run interpreter `"),
        ("chown 65534 way/include", "refusing to read `include_dir`"),
        (
            "chmod o+w way/include/more.cfg",
            "read configuration file `include/more.cfg`",
        ),
        (
            "chmod 0666 runner.cfg",
            "read configuration file `runner.cfg`",
        ),
        ("chown 65534 way/var/state", "write to `state_dir`"),
        ("chown 65534 way/var/logs", "write to `log_dir`"),
        ("chown 65534 way", "way` belongs to user"),
        ("chown 65534 .", "belongs to user"),
        // A deployment that switches a link to a new directory.
        (
            "chown -R 65534 way/rel2; ln -sfn rel2 way/current",
            "rel2` belongs to user",
        ),
        (
            "chown -h 65534 way/rel2/tasks.d/2-b; ln -sfn rel2 way/current",
            "2-b` belongs to user",
        ),
        // A new `#!` line in a task that still belongs to root.
        (
            "cp /bin/sh sh; chown 65534 sh; sed -i \"1s|.*|#!$PWD/sh|\" tasks.d/2-b",
            "refusing to run interpreter `",
        ),
    ] {
        ends(second_run(change)).says(message);
    }
}

#[test]
fn the_earlier_plan_is_checked_again_if_the_configuration_is_wrong() {
    if is_not_root() {
        return;
    }
    let wrong = "echo max_tries = x >>runner.cfg";
    let ran = second_run(wrong).status(0);
    ran.order("1-a 2-b 1-a 2-b halt.sh").says("are now invalid");
    for wrong in [wrong, "echo '[' >>runner.cfg", "rm runner.cfg"] {
        for change in [
            "chown 65534 tasks.d/2-b",
            "chown 65534 tasks.d/halt.sh",
            "chown 65534 way/hook",
            "chown 65534 way/shell",
            "chown 65534 way/rel1",
            "chown 65534 way/var",
            "cp /bin/sh sh; chown 65534 sh; sed -i \"1s|.*|#!$PWD/sh|\" tasks.d/2-b",
        ] {
            ends(second_run(&format!("{wrong}; {change}")));
        }
    }
}

#[test]
fn a_refused_reload_is_in_the_journal() {
    if is_not_root() {
        return;
    }
    let ran = ends(second_run("chown 65534 tasks.d/2-b"));
    let journal = ran.read("var/state/journal.jsonl");
    assert!(
        journal.contains(r#""event":"refused","status":78"#),
        "{journal}"
    );
    // Nothing is written to a state directory that belongs to another user.
    let ran = ends(second_run("chown 65534 way/var/state"));
    let journal = ran.read("var/state/journal.jsonl");
    assert!(!journal.contains(r#""event":"refused""#), "{journal}");
}

#[test]
fn changes_during_a_wait_for_the_lock_are_checked() {
    if is_not_root() {
        return;
    }
    for change in [
        "chown 65534 tasks.d/1-a",
        "chmod o+w tasks.d",
        "chmod o+w runner.cfg",
    ] {
        let first = Test::new()
            .task("1-a", ": >ready; while [ ! -e go ]; do sleep 0.01; done")
            .start();
        first.until("ready", "");
        let mut waiting = Command::new(runner())
            .args(["-c", "runner.cfg", "--wait-lock", "tasks.d"])
            .current_dir(first.path(""))
            .stderr(File::create(first.path("waiting")).unwrap())
            .spawn()
            .unwrap();
        first.until("waiting", "waiting for it");
        let mut sh = Command::new("sh");
        let changed = sh
            .args(["-ec", change])
            .current_dir(first.path(""))
            .status();
        assert!(changed.unwrap().success(), "{change}");
        fs::write(first.path("go"), "").unwrap();
        let status = waiting.wait().unwrap();
        let ran = first.wait().status(0);
        assert_eq!(status.code(), Some(78), "{change}: {}", ran.read("waiting"));
        ran.order("1-a");
    }
}
