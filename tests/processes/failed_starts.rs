//! Starts that fail.

use std::{fs, os::unix::fs::symlink, time::Duration};

use crate::support::{Ran, Test, pause};

use super::SOON;

/// Runs a first task that changes the second one with `make`. Asserts that the second one
/// does not start, with `expected` as the reason.
#[track_caller]
fn does_not_start(make: &str, expected: &str) -> Ran {
    Test::new()
        .task("1-a", make)
        .task("2-b", "")
        .task("3-c", "")
        .config("max_tries = 1")
        .run()
        .status(1)
        .order("1-a")
        .says(&format!(
            "error: `2-b` did not start: {expected}; giving up\n"
        ))
        .nothing_left()
}

#[test]
fn a_failed_start_is_reported_in_a_sentence() {
    for (make, expected) in [
        ("chmod 644 tasks.d/2-b", "permission denied"),
        ("rm tasks.d/2-b", "the file no longer exists"),
        ("rm tasks.d/2-b; mkdir tasks.d/2-b", "it is a directory"),
        (
            "rm tasks.d/2-b; ln -s nowhere tasks.d/2-b",
            "it is a dangling symlink",
        ),
        (
            "echo true >tasks.d/2-b",
            "exec format error: it has no `#!` line and is not a program",
        ),
        (
            ": >tasks.d/2-b",
            "exec format error: it has no `#!` line and is not a program",
        ),
        (
            "echo '#!/nowhere/sh -e' >tasks.d/2-b",
            "its interpreter `/nowhere/sh` does not exist",
        ),
        (
            "printf '#!/bin/sh\\r\\n' >tasks.d/2-b",
            "its `#!` line ends in CRLF (Windows line ending)",
        ),
        (
            "printf '\\177ELF\\002\\001\\001' >tasks.d/2-b",
            "it is a program for another kind of machine",
        ),
    ] {
        does_not_start(make, expected);
    }
}

#[test]
fn a_failed_start_has_a_hint() {
    for (make, expected) in [
        (
            "chmod 644 tasks.d/2-b",
            "make it and its interpreter executable, on a file system without `noexec`",
        ),
        (
            "echo true >tasks.d/2-b",
            "add a `#!` line, or set `interpreter`",
        ),
        ("echo '#!/nowhere/sh' >tasks.d/2-b", "fix its `#!` line"),
    ] {
        Test::new()
            .task("1-a", make)
            .task("2-b", "")
            .config("max_tries = 1")
            .run()
            .status(1)
            .says(&format!("; giving up\n  hint: {expected}\n"));
    }
}

#[test]
fn a_failed_start_is_retried_like_any_failure() {
    Test::new()
        .task(
            "1-a",
            "case $RUNNER_TRY_NUM in 1) mv tasks.d/2-b away ;; *) mv away tasks.d/2-b ;; esac",
        )
        .task("2-b", "")
        .run()
        .status(0)
        .order("1-a 1-a 2-b")
        .nothing_left();
}

#[test]
fn a_link_that_leads_to_itself_does_not_start() {
    let test = Test::new().task("1-a", "");
    symlink("2-b", test.path("tasks.d/2-b")).unwrap();
    test.config("max_tries = 1")
        .run()
        .status(1)
        .order("1-a")
        .says("`2-b` did not start: ")
        .nothing_left();
}

#[test]
fn an_interpreter_that_is_missing_is_named() {
    for (interpreter, expected) in [
        ("missing-sh", "`missing-sh` was not found in PATH"),
        ("/nowhere/sh", "the file no longer exists"),
    ] {
        Test::new()
            .task("1-a", "")
            .config(&format!("interpreter = {interpreter}\nmax_tries = 1"))
            .run()
            .status(1)
            .order("")
            .says(&format!("`1-a` did not start: {expected}"));
    }
}

#[test]
fn a_start_waits_briefly_for_a_file_that_is_being_written() {
    let test = Test::new().task("1-a", "").task("2-b", "");
    let open = fs::OpenOptions::new()
        .append(true)
        .open(test.path("tasks.d/2-b"))
        .unwrap();
    let running = test.start();
    running.until("order", "1-a");
    pause(Duration::from_millis(30));
    drop(open);
    running.wait().status(0).order("1-a 2-b").nothing_left();
}

#[test]
fn a_file_that_stays_open_for_writing_does_not_start() {
    let test = Test::new().task("1-a", "").task("2-b", "");
    let _open = fs::OpenOptions::new()
        .append(true)
        .open(test.path("tasks.d/2-b"))
        .unwrap();
    test.config("max_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .order("1-a")
        .says("`2-b` did not start: text file busy: another process has it open for writing; giving up\n")
        .nothing_left();
}

#[test]
fn an_environment_that_is_too_long_is_reported() {
    Test::new()
        .task("1-a", "")
        .config(&format!(
            "max_tries = 1\n[env]\nLONG = {}",
            "x".repeat(200_000)
        ))
        .run()
        .status(1)
        .order("")
        .says("`1-a` did not start: its arguments and environment are too long; giving up\n")
        .says("  hint: shorten the values in `[env]` and of outputs\n");
}
