//! Limits: time, grace, and readers or debuggers that hold things up.

use std::{fs, time::Duration};

use rustix::process::Signal;

use crate::support::{Ran, Test, is_missing, pause, skip, until};

use super::{IGNORE_SIGNALS, SOON};

#[test]
fn a_limit_ends_the_whole_group() {
    Test::new()
        .task("1-a", "sleep 30 &\nsh -c 'sleep 30 & wait' &\nsleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .says("`1-a` ran longer than `max_time` (200ms); its process group was ended")
        .nothing_left();
}

#[test]
fn a_limit_is_not_shortened_by_rounding() {
    let ran = Test::new()
        .task("1-a", "sleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .run()
        .status(1);
    assert!(ran.elapsed >= Duration::from_millis(200));
}

#[test]
fn a_task_that_ignores_sigterm_is_killed_after_the_grace() {
    let ran = Test::new()
        .task("1-a", IGNORE_SIGNALS)
        .config("max_time = 0.5\nkill_grace = 0.3\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .says("`1-a` ran longer than `max_time` (500ms)")
        .nothing_left();
    assert!(ran.elapsed >= Duration::from_millis(800));
}

#[test]
fn a_task_ended_by_its_limit_is_timed_out_with_any_exit_code() {
    let exit = |code| format!("trap 'echo bye; exit {code}' TERM\nsleep 30 & wait");
    let ran = Test::new()
        .task("1-a", &exit(0))
        .task("1-b", &exit(2))
        .task("1-c", &exit(3))
        .task("halt.sh", "")
        .hook()
        .config("max_time = 1\nstop_codes = 3")
        .config("[a]\nrequired = no\n[b]\nrequired = no\n[c]\nrequired = no")
        .args(["-j", "3"])
        .run()
        .status(4)
        .within(SOON)
        .nothing_left();
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines.sort();
    assert_eq!(lines, ["1-a     | bye", "1-b     | bye", "1-c     | bye"]);
    let retry = |line: &&String| line.ends_with(r#""result":"RETRY"}"#);
    assert_eq!(ran.hooks().iter().filter(retry).count(), 3);
}

#[test]
fn the_group_can_use_the_grace_to_clean_up_after_its_leader_has_ended() {
    Test::new()
        .task(
            "1-a",
            "(trap 'sleep 0.3 || sleep 1; echo cleaned up; exit' TERM; sleep 30 & wait) &\nsleep 30",
        )
        .config("max_time = 0.5\nkill_grace = 30\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("cleaned up\n")
        .nothing_left();
}

#[test]
fn a_member_that_ignores_sigterm_is_killed_after_its_leader_has_ended() {
    Test::new()
        .task("1-a", &format!("({IGNORE_SIGNALS}) &\nsleep 30"))
        .config("max_time = 0.5\nkill_grace = 0.3\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

#[test]
fn a_stopped_task_is_ended_at_its_limit() {
    Test::new()
        .task("1-a", "kill -STOP $$\necho went on")
        .config("max_time = 0.2\nkill_grace = 30\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("")
        .nothing_left();
}

#[test]
fn a_stopped_task_that_ignores_sigterm_is_killed() {
    Test::new()
        .task("1-a", "trap '' TERM\nkill -STOP 0\nsleep 30")
        .config("max_time = 0.2\nkill_grace = 0.2\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

#[test]
fn without_a_grace_the_limit_kills_at_once() {
    Test::new()
        .task("1-a", IGNORE_SIGNALS)
        .config("max_time = 0.2\nkill_grace = 0\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

/// Command that makes stderr a full pipe without a reader. The process that fills it ends
/// when the pipe is closed.
const FULL_STDERR: &str = "\
mkfifo full
exec 2<>full
dd if=/dev/zero of=full bs=4096 count=1024 2>/dev/null &
sleep 1";

#[test]
fn a_limit_does_not_wait_for_a_reader_of_the_messages() {
    Test::new()
        .task("1-a", "sleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .through(FULL_STDERR)
        .run()
        .status(1)
        .within(SOON)
        .left("");
}

#[test]
fn a_signal_does_not_wait_for_a_reader_of_the_messages() {
    let running = Test::new()
        .task("1-a", "sleep 30")
        .through(FULL_STDERR)
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).left("");
}

#[test]
fn a_task_that_closes_its_output_is_still_waited_for() {
    Test::new()
        .task("1-a", "exec >&- 2>&-\nsleep 0.3 || sleep 1\nexit 3")
        .config("stop_codes = 3")
        .run()
        .status(3)
        .within(SOON)
        .nothing_left();
}

/// Script that traces the process whose number is in the file `pid` and does not reap it,
/// like a debugger that waits for its user. It detaches when the file `let_go` exists.
const TRACER_SCRIPT: &str = "\
import ctypes, os, time
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)
open('up', 'w').close()
wait_for('pid')
seized = ctypes.CDLL(None).ptrace(0x4206, int(open('pid').read()), 0, 0) == 0
open('traced' if seized else 'refused', 'w').close()
wait_for('let_go')
";

/// A story with a task that does `body` when it is traced. The task starts no other process:
/// while it is traced, the SIGCHLD at the end of a child would stop it.
fn traced(body: &str) -> Test {
    let wait = "echo $$ >new; mv new pid\n\
                while [ ! -e traced ] && [ ! -e refused ]; do :; done\n";
    Test::new()
        .file("tracer", TRACER_SCRIPT, 0o644)
        .file("tasks.d/1-a", &format!("#!/bin/sh\n{wait}{body}\n"), 0o755)
        .task("2-b", "")
        .through("python3 tracer &\nuntil [ -e up ]; do sleep 0.05 || sleep 1; done")
}

/// Returns `true` if this system does not permit tracing, and prints SKIPPED.
fn was_refused(ran: &Ran) -> bool {
    let refused = ran.test.path("refused").exists();
    if refused {
        skip("a process cannot be traced");
    }
    refused
}

#[test]
fn a_task_that_a_debugger_holds_is_named_and_the_run_gives_up() {
    if is_missing("python3") {
        return;
    }
    for body in ["exec sleep 30", "exit 0"] {
        for jobs in ["1", "2"] {
            let ran = traced(body)
                .config("max_time = 2\nkill_grace = 0.2\nmax_tries = 3")
                .args(["-j", jobs])
                .run();
            if was_refused(&ran) {
                return;
            }
            ran.status(1)
                .within(SOON)
                .order("")
                .says("`1-a` cannot be ended, not even by SIGKILL: 1 process: ")
                .says(" (state Z, traced by process ")
                .says("ran longer than `max_time` (2s); some of its processes survived; giving up")
                .does_not_say("was ended")
                .left("python3");
        }
    }
}

#[test]
fn a_signal_does_not_wait_for_a_debugger() {
    if is_missing("python3") {
        return;
    }
    for body in ["exec sleep 30", "exit 0"] {
        let running = traced(body).config("kill_grace = 0.2").start();
        until(|| ["traced", "refused"].map(|name| running.path(name).exists()) != [false; 2]);
        pause(Duration::from_millis(100));
        running.signal(Signal::TERM);
        let ran = running.wait();
        if was_refused(&ran) {
            return;
        }
        ran.status(143)
            .within(SOON)
            .says("`1-a` cannot be ended, not even by SIGKILL: 1 process: ")
            .says("`1-a` got SIGTERM, but some of its processes survived after ")
            .left("python3");
    }
}

#[test]
fn no_status_is_lost_when_a_debugger_detaches() {
    if is_missing("python3") {
        return;
    }
    let running = traced("exit 3").config("stop_codes = 3").start();
    until(|| ["traced", "refused"].map(|name| running.path(name).exists()) != [false; 2]);
    pause(Duration::from_millis(300));
    fs::write(running.path("let_go"), "").unwrap();
    running
        .wait()
        .status(3)
        .within(SOON)
        .says("`1-a` exited with 3 after ")
        .nothing_left();
}

#[test]
fn huge_times_mean_no_limit() {
    for time in ["0", "999999999999999999999", "400000000w"] {
        Test::new()
            .task("1-a", "exit 3")
            .config(&format!(
                "max_time = {time}\nkill_grace = {time}\nstop_codes = 3"
            ))
            .run()
            .status(3)
            .within(SOON)
            .nothing_left();
    }
}
