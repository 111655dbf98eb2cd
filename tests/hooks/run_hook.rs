//! The run hook: its JSON, its environment, its time, and that it does not change the run.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Ran, Test, once, snapshots::snapshot};

use super::SOON;

fn parsed(ran: &Ran) -> Vec<Value> {
    let lines = ran.lines("run-hooks").into_iter();
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

/// The lines that the hook received, without the id of the run and the duration. Asserts that the
/// last one agrees with the end in the journal.
fn run_hook_json(ran: &Ran) -> String {
    let lines = ran.lines("run-hooks");
    let journal = ran.lines("state/journal.jsonl");
    let end: Value = serde_json::from_str(journal.last().unwrap()).unwrap();
    let last = parsed(ran).pop().unwrap();
    for member in ["run", "status", "reason"] {
        assert_eq!(last[member], end[member]);
    }
    let lines = lines.iter().zip(parsed(ran)).map(|(line, read)| {
        let elapsed = format!("\"elapsed\":{}", read["elapsed"]);
        line.replace(read["run"].as_str().unwrap(), "RUN_ID")
            .replace(&elapsed, "\"elapsed\":SECONDS")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn story() -> Test {
    Test::new().config("state_dir = state").run_hook()
}

#[test]
fn the_json_reports_a_run_that_finished() {
    let ran = story()
        .task("1-a", "")
        .task("2-b", &once(1))
        .run()
        .status(0)
        .order("run-start 1-a 2-b 1-a 2-b run-end");
    snapshot!("run-hook-finished", run_hook_json(&ran));
}

#[test]
fn the_json_reports_failures_of_tasks_that_are_not_required() {
    let ran = story()
        .task("1-größe", "exit 1")
        .task("2-\"b\"", "exit 1")
        .task("3-c", &once(1))
        .config("[1-größe]\nrequired = no\n[2-\"b\"]\nrequired = no")
        .run()
        .status(4);
    snapshot!("run-hook-finished-with-failures", run_hook_json(&ran));
}

#[test]
fn the_json_reports_the_deciding_task_and_those_that_were_not_reached() {
    let ran = story()
        .config("max_tries = 2")
        .task("05-crash", "exit 1")
        .task("10-once", &once(1))
        .task("20-build", "exit 1")
        .task("30-test", "")
        .task("40-deploy", "")
        .task("halt.sh", "")
        .config("[crash]\nrequired = no")
        .run()
        .status(1)
        .order("run-start 05-crash 10-once 05-crash 10-once 20-build run-end halt.sh");
    snapshot!("run-hook-gave-up", run_hook_json(&ran));
}

#[test]
fn the_json_reports_a_halt_before_the_halt_task_starts() {
    let ran = story()
        .task("1-a", "exit 2")
        .task("halt.sh", "")
        .run()
        .status(2)
        .order("run-start 1-a run-end halt.sh");
    snapshot!("run-hook-halted", run_hook_json(&ran));
    let test = story().config("max_halts = 1").task("1-a", "exit 2");
    let ran = test.task("halt.sh", "").run().status(2);
    let ran = ran
        .again()
        .run()
        .status(1)
        .order("run-start 1-a run-end halt.sh run-start 1-a run-end");
    snapshot!("run-hook-halts-used-up", run_hook_json(&ran));
}

#[test]
fn the_json_reports_a_stop() {
    let ran = story()
        .task("1-a", "exit 3")
        .config("stop_codes = 3")
        .run()
        .status(3);
    snapshot!("run-hook-stopped", run_hook_json(&ran));
}

#[test]
fn a_list_has_the_first_hundred_names_and_then_their_number() {
    let mut test = story().task("0-a", "exit 3").config("stop_codes = 3");
    for number in 1..=101 {
        test = test.file(&format!("tasks.d/{number}-b"), "#!/bin/sh\n", 0o755);
    }
    let ran = test.run().status(3);
    snapshot!("run-hook-many-names", run_hook_json(&ran));
}

#[test]
fn the_end_hook_runs_after_a_signal_to_a_task() {
    let running = story()
        .task("1-a", "")
        .task("2-b", ": >ready; sleep 30")
        .task("3-c", "")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON);
    let ran = ran.order("run-start 1-a 2-b run-end").nothing_left();
    snapshot!("run-hook-interrupted", run_hook_json(&ran));
}
