//! The run hook: its JSON, its environment, its time, and that it does not change the run.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Ran, Test, is_ignored, once, snapshots::snapshot};

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

#[test]
fn the_end_hook_runs_after_a_signal_during_a_wait() {
    if is_ignored(Signal::INT) {
        return;
    }
    let running = story()
        .config("sleep_time = 1h")
        .task("1-a", "")
        .task("2-b", "exit 1")
        .args(["-v"])
        .start();
    running.until("stderr", "next try in 1h");
    running.signal(Signal::INT);
    let ran = running.wait().status(130).within(SOON);
    let ran = ran.order("run-start 1-a 2-b run-end");
    let end = parsed(&ran).pop().unwrap();
    // The task that the chain waited for.
    assert_eq!(end["task"], "2-b");
    assert_eq!(end["failed"].as_array().unwrap().len(), 1);
    assert_eq!(end["status"], 130);
}

#[test]
fn a_signal_during_the_start_hook_ends_the_run_before_its_first_task() {
    let running = story()
        .task("1-a", "")
        .task("2-b", "")
        .file(
            "run-hook",
            "#!/bin/sh\necho \"$1\" >>run-hooks\n[ $RUNNER_HOOK = run-end ] || exec sleep 30\n",
            0o755,
        )
        .start();
    running.until("run-hooks", "start");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    let ran = ran.order("");
    let end = parsed(&ran).pop().unwrap();
    // The task that came next.
    assert_eq!(end["task"], "1-a");
    assert_eq!(end["not_reached"].as_array().unwrap().len(), 2);
}

#[test]
fn a_signal_during_the_end_hook_prevents_the_halt_task() {
    for (code, status) in [(2, 143), (0, 0)] {
        let running = Test::new()
            .task("1-a", &format!("exit {code}"))
            .task("halt.sh", "")
            .file(
                "run-hook",
                "#!/bin/sh\n[ $RUNNER_HOOK = run-start ] || { : >ending; exec sleep 30; }\n",
                0o755,
            )
            .config("run_hook = ./run-hook")
            .start();
        running.until("ending", "");
        running.signal(Signal::TERM);
        let ran = running.wait().status(status).within(SOON);
        ran.order("1-a").nothing_left();
    }
}

/// A hook that runs for 30 seconds after the task and at the end of the run.
const SLOW: &str =
    "#!/bin/sh\ncase $RUNNER_HOOK in post | run-end) : >\"$RUNNER_HOOK\"; sleep 30 ;; esac\n";

#[test]
fn after_a_signal_each_hook_has_at_most_kill_grace() {
    let running = Test::new()
        .task("1-a", ": >ready; sleep 30")
        .file("hook", SLOW, 0o755)
        .config("task_hook = ./hook\nrun_hook = ./hook\nkill_grace = 0.3\nhook_time = 0")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    ran.says("hook after `1-a` ran longer than `kill_grace` (300ms)")
        .says("run hook at the end ran longer than `kill_grace` (300ms)");
}

#[test]
fn a_second_signal_skips_the_hooks() {
    let running = Test::new()
        .task("1-a", "trap '' TERM; : >ready; while :; do sleep 1; done")
        .file("hook", SLOW, 0o755)
        .config("task_hook = ./hook\nrun_hook = ./hook\nkill_grace = 60")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.until("stderr", "got SIGTERM: ending");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    for hook in ["post", "run-end"] {
        assert!(!ran.test.path(hook).exists(), "{hook}");
    }
    let running = Test::new()
        .task("1-a", "")
        .file("hook", SLOW, 0o755)
        .config("run_hook = ./hook\nkill_grace = 60")
        .start();
    running.until("run-end", "");
    running.signal(Signal::TERM);
    running.until("stderr", "got SIGTERM: ending");
    running.signal(Signal::TERM);
    running.wait().status(0).within(SOON).nothing_left();
}

#[test]
fn the_run_hook_has_no_influence_on_the_chain() {
    for (hook, expected) in [
        ("exit 2", "run hook at the start exited with 2 after "),
        ("exit 2", "run hook at the end exited with 2 after "),
        (
            "kill -KILL $$",
            "run hook at the end was ended by SIGKILL after ",
        ),
        (
            "sleep 30",
            "run hook at the start ran longer than `hook_time` (200ms)",
        ),
        (
            "sleep 30 & exit 0",
            "the run hook at the end left 1 process: ",
        ),
    ] {
        Test::new()
            .task("1-a", &once(1))
            .file("run-hook", &format!("#!/bin/sh\n{hook}\n"), 0o755)
            .config("run_hook = ./run-hook\nhook_time = 0.2\nleftovers = kill")
            .run()
            .status(0)
            .within(SOON)
            .order("1-a 1-a")
            .nothing_left()
            .says(expected);
    }
}

#[test]
fn a_run_hook_that_cannot_start_is_reported_once_per_run() {
    for (hook, expected) in [
        (
            "./no-interpreter",
            "run hook at the start did not start: its interpreter `/nowhere/sh` does not exist",
        ),
        (
            "./missing",
            "the run hook cannot start: `./missing` does not exist\n  hint: fix `run_hook`\n",
        ),
        (
            "no-interpreter",
            "`no-interpreter` was not found in PATH\n  hint: write `./no-interpreter` ",
        ),
    ] {
        let ran = Test::new()
            .task("1-a", "")
            .file("no-interpreter", "#!/nowhere/sh\n", 0o755)
            .config(&format!("run_hook = {hook}"))
            .args(["-n", "2"])
            .run()
            .status(0)
            .order("1-a 1-a")
            .says(expected);
        assert_eq!(ran.stderr.matches("run hook").count(), 2, "{}", ran.stderr);
    }
}

#[test]
fn the_run_hook_sees_the_run_and_no_task() {
    let hook = "#!/bin/sh\n[ \"$#\" = 2 ] && [ \"$1\" = word ] || exit 1\n\
                $RUNNER_CONFIG_CMD -g mine.key >>seen\n\
                echo \"$COLOR $RUNNER_HOOK\" >>seen\n\
                case $2 in *\"$RUNNER_RUN_ID\"*) ;; *) exit 1 ;; esac\n\
                env | grep -E '^RUNNER_(TASK|TRY_NUM|MAX_TRIES|RESULT|OUTCOME|ELAPSED)=' >>seen\n\
                exit 0\n";
    let ran = Test::new()
        .task("1-a", "")
        .file("run-hook", hook, 0o755)
        .config("run_hook = ./run-hook word\n[env]\nCOLOR = red\n[mine]\nkey = value")
        .env("RUNNER_TASK", "outer")
        .env("RUNNER_TRY_NUM", "7")
        .env("RUNNER_RESULT", "OK")
        .run()
        .status(0)
        .does_not_say("run hook");
    assert_eq!(
        ran.lines("seen"),
        ["value", "red run-start", "value", "red run-end"]
    );
}

#[test]
fn the_run_hook_runs_for_each_run_and_not_for_other_starts() {
    let ran = story()
        .task("1-a", "")
        .task("halt.sh", "")
        .args(["-n", "2", "-H"])
        .run()
        .status(0)
        .order("run-start 1-a run-end run-start 1-a run-end halt.sh");
    let runs = parsed(&ran);
    assert_eq!(runs[0]["run"], runs[1]["run"]);
    assert_ne!(runs[1]["run"], runs[2]["run"]);
    for (args, status, order) in [
        (&["--only", "a"][..], 0, "1-a"),
        (&["--set", "jobs=0"], 78, ""),
        (&["--list"], 0, ""),
        (&["--dry-run"], 0, ""),
    ] {
        let test = story().task("1-a", "").args(args);
        test.run().status(status).order(order);
    }
}

#[test]
fn output_of_the_run_hook_has_a_prefix_when_tasks_run_at_the_same_time() {
    Test::new()
        .task("1-a", "echo task")
        .task("1-b", "")
        .file("run-hook", "#!/bin/sh\necho $RUNNER_HOOK\n", 0o755)
        .config("run_hook = ./run-hook\njobs = 2")
        .run()
        .status(0)
        .stdout("run hook | run-start\n1-a      | task\nrun hook | run-end\n");
}

#[test]
fn a_dry_run_shows_the_run_hook() {
    let dry_run = |args: &[&str]| {
        let test = Test::new().task("1-a", "").task("2-b", "").run_hook();
        test.args(["--dry-run"]).args(args).run().status(0)
    };
    let json = r#"{"run":"RUN_ID","phase":"start","tasks":2}"#;
    let shown = dry_run(&[]).stdout;
    assert!(
        shown.contains(&format!("  run hook       ./run-hook '{json}'\n")),
        "{shown}"
    );
    let answer: Value = serde_json::from_str(&dry_run(&["--json"]).stdout).unwrap();
    assert_eq!(answer["run_hook"][1], json);
}
