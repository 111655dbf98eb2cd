//! Limits on memory, on the size of files, and full disks.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Ran, Test, ignores, is_ignored, once, runner};

impl Test {
    /// Adds a task that does not write to the list of [`Ran::order`]: a limit would prevent it.
    #[track_caller]
    fn plain_task(self, name: &str, body: &str) -> Test {
        self.file(
            &format!("tasks.d/{name}"),
            &format!("#!/bin/sh\n{body}\n"),
            0o755,
        )
    }
}

impl Ran {
    /// The names of the events of the last run in the journal. Skips lines that are not JSON.
    fn last_run(&self) -> Vec<String> {
        let lines = self.lines("state/journal.jsonl");
        let lines: Vec<Value> = (lines.iter())
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let run = lines.last().map(|line| line["run"].clone());
        let last = lines
            .iter()
            .filter(|line| Some(&line["run"]) == run.as_ref());
        last.map(|line| line["event"].as_str().unwrap().to_owned())
            .collect()
    }
}

const RUN_OF_TWO: [&str; 7] = [
    "run-start",
    "try-start",
    "task-start",
    "task-end",
    "task-start",
    "task-end",
    "run-end",
];

// The limit on the address space. `ulimit -v` counts in KiB.

#[test]
fn a_run_in_a_small_address_space_is_not_aborted() {
    for megabytes in [100, 130, 150, 160, 170, 190] {
        let first = format!("ulimit -v {}", megabytes * 1024);
        let mut test = Test::new().args(["-q", "-j", "8"]).through(&first);
        for number in 0..24 {
            test = test.plain_task(&format!("1-{number}"), &once(1));
        }
        test.run().status(0).nothing_left();
    }
}

#[test]
fn a_run_that_does_not_fit_into_its_address_space_is_refused() {
    let mut test = Test::new().args(["-j", "100"]).through("ulimit -v 100000");
    for number in 0..100 {
        test = test.task(&format!("1-{number}"), "");
    }
    test.run()
        .status(71)
        .order("")
        .says("the address space is limited to 100000 KiB");
}

#[test]
fn no_child_inherits_the_environment_for_a_small_address_space() {
    let show = "echo $MALLOC_ARENA_MAX $RUST_MIN_STACK $RUNNER_SMALL_ADDRESS_SPACE;";
    for (first, expected) in [
        ("", "\n\n"),
        ("MALLOC_ARENA_MAX=3; export MALLOC_ARENA_MAX", "3\n3\n"),
    ] {
        Test::new()
            .plain_task("1-a", show)
            .args_after(["--", "sh", "-c", show])
            .through(&format!("{first}\nulimit -v 1000000"))
            .run()
            .status(0)
            .stdout(expected);
    }
    let set = "[env]\nMALLOC_ARENA_MAX = 5";
    let test = Test::new().config(set).plain_task("1-a", show);
    test.through("ulimit -v 1000000")
        .run()
        .status(0)
        .stdout("5\n");
}

// The limit on the size of files. `ulimit -f` counts in blocks of 512 bytes.

#[test]
fn a_journal_at_the_file_size_limit_is_reported_once_and_stops_nothing() {
    let filler = format!("{{\"filler\":\"{}\"}}\n", "x".repeat(8 * 512 - 100));
    for jobs in ["1", "2"] {
        let ran = Test::new()
            .config("state_dir = state")
            .file("state/journal.jsonl", &filler, 0o644)
            .task("1-a", "")
            .task("2-b", "")
            .args(["-j", jobs])
            .through("ulimit -f 8")
            .run()
            .status(0)
            .order("1-a 2-b")
            .nothing_left();
        let count = ran.stderr.matches("cannot write the journal").count();
        assert_eq!(count, 1, "{}", ran.stderr);
        let journal = ran.read("state/journal.jsonl");
        assert_eq!(journal.len(), 8 * 512, "the last line is torn: {journal}");
        // A newline ends the torn line before the next one is written.
        let ran = ran.again().program(runner()).run().status(0);
        assert_eq!(ran.last_run(), RUN_OF_TWO);
    }
}

#[test]
fn the_file_size_limit_ends_neither_a_single_task_nor_an_answer() {
    let test = || Test::new().plain_task("1-a", "exit 0");
    for args in [&["--only", "1-a"][..], &["--no-lock"], &["--list"]] {
        let status = if args == ["--list"] { 71 } else { 0 };
        test()
            .args(args)
            .through("ulimit -f 0")
            .run()
            .status(status);
    }
    let ran = test().config("state_dir = state").run().status(0);
    let test = ran.again().through("ulimit -f 0");
    test.run_with(["runner-report", "-c", "runner.cfg"])
        .status(71);
}

#[test]
fn a_mark_beyond_the_file_size_limit_is_not_written_and_its_task_fails() {
    let ran = Test::new()
        .config("state_dir = state\nmax_tries = 1\n[1-a]\nfrequency = once")
        .plain_task("1-a", "exit 0")
        .through("ulimit -f 0")
        .run()
        .status(1);
    assert_eq!(
        fs::read_dir(ran.test.path("state/done")).unwrap().count(),
        0
    );
}

#[test]
fn a_failed_write_leaves_no_draft() {
    let ran = Test::new()
        .config("state_dir = state\nmax_halts = 1\n[1-a]\nfrequency = once")
        .plain_task("1-a", "exit 0")
        .plain_task("halt.sh", "exit 0")
        .args(["--set", "max_tries=1"])
        .through("ulimit -f 0")
        .run()
        .status(1);
    let is_there = |name| ran.test.path(name).exists();
    assert!(!["state/taskdir", "state/halts"].into_iter().any(is_there));
    assert_eq!(drafts(&ran), [""; 0]);
}

/// The hidden files in the state directory and in the directory of marks.
fn drafts(ran: &Ran) -> Vec<String> {
    let directories =
        ["state", "state/done"].map(|name| fs::read_dir(ran.test.path(name)).unwrap());
    let entries = directories.into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut drafts: Vec<String> = names.filter(|name| name.starts_with('.')).collect();
    drafts.sort();
    drafts
}

#[test]
fn drafts_of_a_killed_runner_are_removed_by_the_next_one_that_has_the_lock() {
    let mut test = Test::new().config("state_dir = state").task("1-a", "");
    // The first number belongs to no process, the second one to this test.
    let (gone, there) = (1 << 23, std::process::id());
    for name in [".taskdir.", ".halts.", "done/.new.", ".other."] {
        for pid in [gone, there] {
            let end = if name.contains("new") { ".7" } else { "" };
            test = test.file(&format!("state/{name}{pid}{end}"), "", 0o644);
        }
    }
    let all = 8;
    let ran = test.args(["--no-lock"]).run().status(0);
    assert_eq!(drafts(&ran).len(), all);
    let ran = ran.again().run().status(0);
    let left = [
        format!(".halts.{there}"),
        format!(".new.{there}.7"),
        format!(".other.{gone}"),
        format!(".other.{there}"),
        format!(".taskdir.{there}"),
    ];
    let mut left = left.to_vec();
    left.sort();
    assert_eq!(drafts(&ran), left);
}

#[test]
fn tasks_and_command_inherit_the_handling_of_sigxfsz() {
    if is_ignored(Signal::XFSZ) {
        return;
    }
    for (first, ignored) in [(":", false), ("trap '' XFSZ", true)] {
        let ran = Test::new()
            .plain_task("1-a", "grep SigIgn /proc/self/status")
            .args_after(["--", "grep", "SigIgn", "/proc/self/status"])
            .through(first)
            .run()
            .status(0);
        let [task, command] = ran.stdout.lines().collect::<Vec<_>>()[..] else {
            panic!("{}", ran.stdout);
        };
        for status in [task, command] {
            assert_eq!(ignores(status, Signal::XFSZ), ignored, "{status}");
        }
    }
}

#[test]
fn a_full_disk_behind_stdout_ends_no_task_that_runs_beside_others() {
    for jobs in ["1", "2"] {
        Test::new()
            .task(
                "1-a",
                "trap 'exit 9' PIPE; for i in 1 2 3 4 5; do echo a line; sleep 0.05; done; exit 0",
            )
            .task("1-b", "exit 0")
            .args(["-j", jobs])
            .through("exec >/dev/full")
            .run()
            .status(0);
    }
}
