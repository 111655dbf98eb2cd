//! Signals, kills, the lock, and processes that tasks leave, in a drill.

use std::{fs, time::Duration};

use rustix::process::Signal;

use crate::{
    state::READY_UNTIL_GO,
    support::{Test, is_ignored, until},
};

use super::only_once;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_killed_drill_leaves_no_mark_and_no_journal_and_the_lock_is_free_after_its_task() {
    for state in ["state_dir = state", ""] {
        let running = Test::new()
            .config(state)
            .config("[b]\nfrequency = always\n[a]\nfrequency = always")
            .with_runtime_dir()
            .task("1-a", "")
            .task(
                "2-b",
                &format!("[ -e go ] || echo $$ >pid\n{READY_UNTIL_GO}"),
            )
            .drill()
            .start();
        running.until("ready", "");
        running.signal(Signal::KILL);
        let ran = running.wait();
        let pid = ran.read("pid");
        assert!(!ran.test.path("state/journal.jsonl").exists());
        assert!(!ran.test.path("state/done").exists());
        let ran = ran.again().drill().run().status(75);
        let ran = ran.says(&format!("`2-b` (pid {}) is still running", pid.trim()));
        fs::write(ran.test.path("go"), "").unwrap();
        until(|| fs::metadata(format!("/proc/{}", pid.trim())).is_err());
        ran.again().run().status(0);
    }
}

#[test]
fn a_drill_and_a_run_keep_each_other_out() {
    let running = Test::with_state()
        .with_runtime_dir()
        .task("1-a", READY_UNTIL_GO)
        .drill()
        .start();
    running.until("ready", "");
    let (status, stderr) = running.beside(&[]);
    assert_eq!(status, Some(75), "{stderr}");
    assert_eq!(running.beside(&["--drill", "--yes"]).0, Some(75));
    assert_eq!(running.beside(&["--list"]).0, Some(0));
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn a_signal_ends_the_task_and_there_is_no_answer() {
    for (signal, status, args) in [
        (Signal::TERM, 143, &[][..]),
        (Signal::INT, 130, &[]),
        (Signal::TERM, 143, &["--json"]),
    ] {
        if is_ignored(signal) {
            return;
        }
        let running = Test::new()
            .task("1-a", "")
            .task("2-b", "exec 2>&1; : >ready; exec sleep 60")
            .hook()
            .drill()
            .args(args)
            .start();
        running.until("ready", "");
        running.signal(signal);
        let ran = running.wait().status(status).within(SOON).nothing_left();
        let ran = ran.order("1-a 1-a 2-b").stdout("");
        let last = ran.hooks().pop().unwrap();
        assert!(last.ends_with(r#""result":"INTERRUPTED"}"#), "{last}");
        ran.says(": ending what runs")
            .says("drill interrupted by SIG");
    }
}

#[test]
fn the_third_signal_ends_a_drill_at_once() {
    if is_ignored(Signal::TERM) {
        return;
    }
    let running = Test::new()
        .task("1-a", "trap '' TERM; : >ready; while :; do sleep 1; done")
        .config("kill_grace = 60")
        .drill()
        .start();
    running.until("ready", "");
    running.three_signals();
    running.wait().status(143).within(SOON);
}

#[test]
fn a_reader_that_is_gone_ends_nothing() {
    let ran = Test::new()
        .task("1-a", "echo x >&2")
        .task("2-b", &only_once(1))
        .through("exec 3>&1; mkfifo pipe; exec 4<>pipe 1>pipe 4<&-")
        .drill()
        .run();
    ran.status(4).within(SOON);
}

#[test]
fn a_signal_ends_an_answer_that_nothing_reads() {
    if is_ignored(Signal::TERM) {
        return;
    }
    // More than the capacity of a pipe.
    let lines = "for n in $(seq 20); do printf '%01000d\\n' $n; done";
    let body = format!("[ ! -e $RUNNER_TASK ] || {{ {lines}; exit 1; }}; : >$RUNNER_TASK");
    let mut test = Test::new();
    for number in 0..6 {
        test = test.task(&format!("{number}-t"), &body);
    }
    let running = test
        .through("mkfifo pipe; exec 3<>pipe; exec >pipe")
        .drill()
        .args(["--json"])
        .start();
    running.until("stderr", "drill finished after ");
    // The answer is written by the main thread, which waits for the reader.
    let stat = format!("/proc/{}/wchan", running.pid());
    until(|| fs::read_to_string(&stat).is_ok_and(|wchan| wchan.contains("pipe")));
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON);
}

#[test]
fn processes_that_a_task_leaves_are_reported_and_do_not_block() {
    let ran = Test::new()
        .task("1-a", "sleep 300 & exit 0")
        .config("leak_time = 0\nleftovers = kill")
        .drill()
        .run()
        .status(0)
        .within(SOON);
    ran.says("`1-a` left 1 process: ").nothing_left();
    let ran = Test::new()
        .task("1-a", "setsid sleep 300 & exit 0")
        .drill()
        .run()
        .status(0)
        .within(SOON);
    ran.left("sleep sleep");
}

#[test]
fn a_task_that_hangs_when_it_is_started_again_is_found() {
    let body = "[ ! -e ran ] || sleep 300; : >ran";
    let ran = Test::new()
        .task("1-a", body)
        .task("2-b", "")
        .config("max_time = 0.3")
        .drill()
        .run()
        .status(4)
        .within(SOON)
        .nothing_left();
    ran.stdout(
        "1-a  2 starts  cannot: ran longer than `max_time` (300ms) when started again after `1-a`\n\
         2-b  2 starts  can be started again\n\
         2 tasks, 4 starts, 1 cannot be started again\n",
    );
}

#[test]
fn a_task_that_removes_itself_is_found() {
    let ran = Test::new()
        .task("1-a", "rm tasks.d/1-a")
        .task("2-b", "")
        .drill()
        .run()
        .status(4);
    assert!(
        ran.stdout.contains("cannot: did not start: "),
        "{}",
        ran.stdout
    );
}
