//! The command line of a drill.

use crate::support::Test;

#[test]
fn without_yes_a_drill_says_what_it_does() {
    Test::new()
        .task("1-a", "")
        .args(["--drill"])
        .run()
        .status(64)
        .order("")
        .stdout("")
        .stderr(
            "error: a drill runs every task in `tasks.d` for real, and most of them many times: \
             what they install, change or remove stays\n  \
             hint: add `--yes` on a machine or in a container that can be thrown away\n",
        );
}

#[test]
fn options_that_a_drill_cannot_use_are_wrong_usage() {
    for args in [
        &["-n", "2"][..],
        &["-n", "1"],
        &["-n", "0"],
        &["-H"],
        &["-j", "2"],
        &["--only", "1-a"],
        &["--list"],
        &["--check"],
        &["--forget-all"],
        &["--ready", "finished"],
    ] {
        let test = Test::new().task("1-a", "").drill().args(args);
        test.run().status(64).order("").stdout("");
    }
    let command = Test::new().task("1-a", "").drill();
    command
        .args_after(["--", "true"])
        .run()
        .status(64)
        .order("");
    for args in [
        &["--yes"][..],
        &["--yes", "--list"],
        &["--drill"],
        &["--drill", "--json"],
    ] {
        Test::new()
            .task("1-a", "")
            .args(args)
            .run()
            .status(64)
            .order("");
    }
}

#[test]
fn there_must_be_a_task_directory() {
    let test = Test::new().no_config();
    test.run_with(["--drill", "--yes", "missing.d"]).status(66);
    Test::new()
        .drill()
        .run()
        .status(0)
        .stdout("0 tasks, 0 starts, nothing found\n")
        .says("warning: there is no task in `tasks.d`");
}

#[test]
fn names_that_are_not_utf_8_are_escaped() {
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};
    let test = Test::new().task("1-a", "[ ! -e ran ] || exit 1; : >ran");
    let from = test.path("tasks.d/1-a");
    let to = test.path("tasks.d").join(OsStr::from_bytes(b"1-\xff\n"));
    fs::rename(from, to).unwrap();
    let ran = test.drill().run().status(4);
    let expected =
        "1-\\xff\\n  2 starts  cannot: exited with 1 when started again after `1-\\xff\\n`\n";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
}
