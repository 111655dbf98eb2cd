//! The JSON that a hook gets.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Ran, Test, once, snapshots::snapshot};

use super::{SOON, written_anew};

/// Script of a task that does nothing. Unlike those of [`Test::task`] it does not contain
/// its name, which can therefore have any character.
const EMPTY_TASK: &str = "#!/bin/sh\n";

/// The lines that the hook received. Asserts that each line is the compact form of its
/// JSON, with the members in this order.
fn hook_json(ran: &Ran) -> String {
    let lines = ran.hooks();
    for line in &lines {
        assert_eq!(&written_anew(line), line);
    }
    lines.join("\n")
}

#[test]
fn the_json_comes_before_and_after_a_task() {
    let ran = Test::new()
        .task("3-clobber.sh", "")
        .hook()
        .run()
        .status(0)
        .order("3-clobber.sh");
    snapshot!("hook-ok", hook_json(&ran));
}

#[test]
fn the_json_reports_an_exit_code_and_the_second_try() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", &once(7))
        .hook()
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b");
    snapshot!("hook-retry-after-an-exit-code", hook_json(&ran));
}

#[test]
fn the_json_reports_a_task_ended_by_a_signal() {
    let ran = Test::new()
        .task("1-a", "[ $RUNNER_TRY_NUM -gt 1 ] || kill -KILL $$")
        .hook()
        .run()
        .status(0)
        .order("1-a 1-a");
    snapshot!("hook-retry-after-a-signal", hook_json(&ran));
}

#[test]
fn the_json_reports_a_task_ended_by_its_limit() {
    let ran = Test::new()
        .task("1-a", "sleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .hook()
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
    snapshot!("hook-retry-after-a-limit", hook_json(&ran));
}

#[test]
fn the_json_reports_a_failed_start() {
    let ran = Test::new()
        .file("tasks.d/1-a", "#!/nowhere/sh\n", 0o755)
        .config("max_tries = 2")
        .hook()
        .run()
        .status(1);
    snapshot!("hook-retry-of-what-did-not-start", hook_json(&ran));
}

#[test]
fn the_json_reports_a_task_that_does_not_apply() {
    let ran = Test::new()
        .task("1-a", "exit 77")
        .task("2-b", "")
        .hook()
        .config("[a]\nskip_codes = 77")
        .run()
        .status(0)
        .order("1-a 2-b");
    snapshot!("hook-skip", hook_json(&ran));
}

#[test]
fn the_json_reports_a_halt() {
    let ran = Test::new()
        .task("1-a", "exit 2")
        .task("halt.sh", "")
        .hook()
        .run()
        .status(2)
        .order("1-a halt.sh");
    snapshot!("hook-halt", hook_json(&ran));
}

#[test]
fn the_json_reports_a_stop() {
    let ran = Test::new()
        .task("1-a", "exit 3")
        .config("stop_codes = 3")
        .hook()
        .run()
        .status(3);
    snapshot!("hook-exit", hook_json(&ran));
}

#[test]
fn the_json_reports_an_interrupted_task() {
    let running = Test::new()
        .task("1-a", "sleep 30")
        .task("2-b", "")
        .hook()
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    let ran = running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .nothing_left();
    snapshot!("hook-interrupted", hook_json(&ran));
}

#[test]
fn the_json_reports_a_task_that_is_not_required() {
    let ran = Test::new()
        .task("1-a", "exit 1")
        .task("2-b", "")
        .hook()
        .config("[a]\nrequired = no")
        .run()
        .status(4);
    snapshot!("hook-not-required", hook_json(&ran));
}

#[test]
fn the_json_has_the_maximum_tries_of_the_task() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .task("3-c", "")
        .config("max_tries = 7")
        .hook()
        .config("[b]\nmax_tries = 2\n[c]\nmax_tries = 0")
        .run()
        .status(0);
    snapshot!("hook-max-tries-of-a-task", hook_json(&ran));
}

#[test]
fn the_json_reports_a_single_task() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", "exit 1")
        .hook()
        .args(["--only", "b"])
        .run()
        .status(1)
        .order("2-b");
    snapshot!("hook-only", hook_json(&ran));
}

#[test]
fn only_quotes_backslashes_and_control_characters_of_names_are_escaped() {
    let names = [
        "1 two words",
        "2 \"double\" and 'single'",
        "3 back\\slash \\n",
        "4 tab\tand\nline\u{1b}[0m\u{7f}",
        "5 größe ☃ 𝄞 \u{2028} \u{fffd}",
        "6 $HOME `id` $(id) *; & | > < ~ %s {} [] #",
    ];
    let mut test = Test::new();
    for name in names {
        test = test.file(&format!("tasks.d/{name}"), EMPTY_TASK, 0o755);
    }
    let ran = test.hook().run().status(0);
    let tasks = ran.hooks().into_iter().step_by(2).map(|line| {
        let read: Value = serde_json::from_str(&line).unwrap();
        read["task"].as_str().unwrap().to_owned()
    });
    assert_eq!(tasks.collect::<Vec<_>>(), names);
    snapshot!("hook-names", hook_json(&ran));
}

#[test]
fn a_name_that_is_not_utf_8_is_replaced_in_json_and_kept_in_the_environment() {
    let test = Test::new().task("0-a", "").hook();
    let name = OsStr::from_bytes(b"1-\xff\xc3-b");
    let script = test.script("1-b", "[ \"$RUNNER_TASK\" = \"${0##*/}\" ] || exit 1");
    let test = test.file("script", &script, 0o755);
    fs::rename(test.path("script"), test.path("tasks.d").join(name)).unwrap();
    let ran = test.run().status(0).order("0-a 1-b");
    snapshot!("hook-name-not-utf-8", hook_json(&ran));
}
