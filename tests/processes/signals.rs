//! Signals to the runner.

use std::fs;

use rustix::process::Signal;

use crate::support::{
    REPLACE_BY_TERMINAL, Ran, Test, cannot_block_signals, has_no_terminals, ignores, is_ignored,
    is_missing, quoted, runner,
};

use super::{IGNORE_SIGNALS, SOON, daemon};

/// Body of a task that creates the file `ready`, waits for a signal and prints its name.
const REPORT_SIGNAL: &str = "\
for name in TERM INT HUP QUIT; do trap \"echo got $name; exit 0\" $name; done
sleep 30 &
: >ready
wait";

/// Asserts that the runner passes its first signal on to the task, and ends.
#[track_caller]
fn is_passed_on(signal: Signal, name: &str) {
    if is_ignored(signal) {
        return;
    }
    let running = Test::new()
        .task("1-a", REPORT_SIGNAL)
        .task("2-b", "")
        .task("halt.sh", "")
        .hook()
        .config("kill_grace = 0.3")
        .args(["-n", "3", "-H"])
        .start();
    running.until("ready", "");
    running.signal(signal);
    let ran = running
        .wait()
        .status(128 + signal.as_raw())
        .within(SOON)
        .order("1-a")
        .stdout(&format!("got {name}\n"))
        .says(&format!(
            "got SIG{name}: ending what runs; a second signal kills the tasks"
        ))
        .nothing_left();
    assert!(ran.hooks()[1].ends_with(r#""result":"INTERRUPTED"}"#));
    assert_eq!(ran.hooks().len(), 2);
}

#[test]
fn sigterm_is_passed_on() {
    is_passed_on(Signal::TERM, "TERM");
}

#[test]
fn sigint_is_passed_on() {
    is_passed_on(Signal::INT, "INT");
}

#[test]
fn sighup_is_passed_on() {
    is_passed_on(Signal::HUP, "HUP");
}

#[test]
fn sigquit_is_passed_on() {
    is_passed_on(Signal::QUIT, "QUIT");
}

#[test]
fn a_signal_goes_to_the_whole_group_and_survivors_are_killed_after_the_grace() {
    let running = Test::new()
        .task("1-a", &format!("sleep 30 & ({IGNORE_SIGNALS}) & wait"))
        .config("kill_grace = 0.2")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).nothing_left();
}

#[test]
fn a_second_signal_kills() {
    let running = Test::new()
        .task("1-a", IGNORE_SIGNALS)
        .task("2-b", "")
        .hook()
        .config("kill_grace = 60")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.until("stderr", "got SIGTERM: ending what runs");
    running.signal(Signal::TERM);
    let ran = running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .says("got SIGTERM: killing what runs")
        .nothing_left();
    assert!(ran.hooks()[0].contains("1-a"));
}

/// A task that sends a signal to the runner can end before the runner receives the signal.
#[test]
fn a_signal_takes_effect_before_any_later_end() {
    for code in [0, 1, 2, 2, 2, 2, 2, 2] {
        Test::new()
            .task("1-a", &format!("kill -TERM $PPID\nexit {code}"))
            .task("halt.sh", "")
            .run()
            .status(143)
            .order("1-a");
    }
}

/// The runner blocks while it reads the configuration again, before the second run.
#[test]
fn a_third_signal_ends_the_runner_at_once() {
    if has_no_terminals() {
        return;
    }
    let running = Test::new()
        .task("1-a", &format!("{REPLACE_BY_TERMINAL} runner.cfg"))
        // Root refuses a configuration that is a device without `--insecure`.
        .args(["--insecure", "-n", "2"])
        .start();
    running.until_it_reads_the_terminal();
    running.three_signals();
    running
        .wait()
        .status(143)
        .within(SOON)
        .says("got SIGTERM: exiting at once");
}

#[test]
fn a_signal_ends_the_wait_before_a_retry() {
    let running = Test::new()
        .task("1-a", "exit 1")
        .task("halt.sh", "")
        .config("sleep_time = 60")
        .args(["-H"])
        .start();
    running.until("stderr", "trying again from the beginning in 1m");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .says("got SIGTERM: ending\n")
        .nothing_left();
}

#[test]
fn a_signal_ends_the_wait_between_two_runs() {
    let running = Test::new()
        .task("1-a", "")
        .task("halt.sh", "")
        .config("sleep_time = 60")
        .args(["-n", "0", "-H"])
        .start();
    running.until("stderr", "next run in ");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .says("got SIGTERM: ending\n")
        .nothing_left();
}

#[test]
fn an_end_requested_by_a_signal_does_not_count_for_the_chain() {
    for (code, more) in [
        (0, ""),
        (2, ""),
        (3, "stop_codes = 3"),
        (1, "max_tries = 1"),
    ] {
        let running = Test::new()
            .task(
                "1-a",
                &format!("trap 'exit {code}' TERM\n: >ready\nsleep 30 & wait"),
            )
            .task("2-b", "")
            .task("halt.sh", "")
            .hook()
            .config(more)
            .args(["-H"])
            .start();
        running.until("ready", "");
        running.signal(Signal::TERM);
        let ran = running
            .wait()
            .status(143)
            .within(SOON)
            .order("1-a")
            .nothing_left();
        assert!(ran.hooks()[1].ends_with(r#""result":"INTERRUPTED"}"#));
    }
}

#[test]
fn a_signal_to_a_single_task_is_passed_on() {
    let running = Test::new()
        .task("1-a", REPORT_SIGNAL)
        .args(["--only", "a"])
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .stdout("got TERM\n")
        .nothing_left();
}

#[test]
fn a_signal_ends_the_daemons_of_an_interrupted_task() {
    if is_missing("setsid") {
        return;
    }
    let running = Test::new()
        .waiting("1-a", &daemon("early"))
        .waiting("2-b", &format!("{}\n: >ready\nsleep 30", daemon("late")))
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).left("sleep");
}

#[test]
fn the_post_hook_of_an_interrupted_task_has_its_time() {
    let hook =
        "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { sleep 0.3; echo $RUNNER_RESULT >>hooked; }\n";
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 5")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    assert_eq!(ran.read("hooked"), "INTERRUPTED\n");
}

#[test]
fn after_a_signal_the_post_hook_has_at_most_kill_grace() {
    let hook = "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || sleep 30\n";
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 0.3\nhook_time = 0")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .nothing_left()
        .says("hook after `1-a` ran longer than `kill_grace` (300ms)");
}

#[test]
fn a_second_signal_kills_the_post_hook_of_an_interrupted_task() {
    let hook = "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { : >hooked; sleep 30; }\n";
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 30")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    running.until("hooked", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).nothing_left();
}

#[test]
fn a_signal_to_a_running_halt_task_does_not_change_the_exit_status() {
    for (code, max_tries, status) in [(2, 5, 2), (1, 1, 1), (0, 5, 0)] {
        let running = Test::new()
            .task("1-a", &format!("exit {code}"))
            .task("halt.sh", REPORT_SIGNAL)
            .config(&format!("max_tries = {max_tries}\nkill_grace = 0.3"))
            .args(["-H"])
            .start();
        running.until("ready", "");
        running.signal(Signal::TERM);
        running
            .wait()
            .status(status)
            .within(SOON)
            .order("1-a halt.sh")
            .stdout("got TERM\n")
            .nothing_left();
    }
}

/// Sends SIGTERM during the post hook of `1-a`, the only task that starts.
#[track_caller]
fn ended_in_the_post_hook(test: Test) -> Ran {
    let hook = "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { : >hooked; exec sleep 30; }\n";
    let running = test
        .file("hook", hook, 0o755)
        .args(["--set", "task_hook=./hook"])
        .start();
    running.until("hooked", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .nothing_left()
}

#[test]
fn a_signal_during_the_post_hook_of_a_halt_prevents_the_halt_task() {
    for (task, more) in [("exit 2", ""), ("exit 1", "max_tries = 1")] {
        let test = Test::new()
            .task("1-a", task)
            .task("halt.sh", "")
            .config(more)
            .args(["-H"]);
        ended_in_the_post_hook(test);
    }
}

#[test]
fn a_signal_ends_the_chain_before_a_task_whose_dependency_failed() {
    for jobs in ["1", "2"] {
        let test = Test::new()
            .task("1-a", "exit 1")
            .task("2-b", "")
            .config("[a]\nrequired = no\n[b]\ndepends_on = a")
            .args(["-j", jobs]);
        ended_in_the_post_hook(test).says("; not reached: 2-b\n");
    }
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let running = Test::new()
        .waiting("1-a", ": >ready\nwait_for go\nkill -HUP $$\necho went on")
        .through("trap '' HUP")
        .start();
    running.until("ready", "");
    running.signal(Signal::HUP);
    fs::write(running.path("go"), "").unwrap();
    running
        .wait()
        .status(0)
        .stdout("went on\n")
        .does_not_say("got SIGHUP")
        .nothing_left();
}

#[test]
fn a_stray_signal_ends_neither_the_runner_nor_its_tasks() {
    for name in ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XCPU"] {
        Test::new()
            .task("1-a", &format!("kill -{name} $PPID\nsleep 0.1 || sleep 1"))
            .task("2-b", "")
            .run()
            .status(0)
            .order("1-a 2-b")
            .does_not_say("got SIG")
            .nothing_left();
    }
}

/// The runner ignores these signals, but its tasks have their default action.
#[test]
fn tasks_do_not_ignore_stray_signals() {
    let before = fs::read_to_string("/proc/self/status").unwrap();
    let ran = Test::new()
        .task("1-a", "exec cat /proc/self/status")
        .run()
        .status(0);
    for signal in [Signal::USR1, Signal::USR2, Signal::ALARM, Signal::XCPU] {
        assert_eq!(ignores(&ran.stdout, signal), ignores(&before, signal));
    }
}

/// Starts the program with this signal blocked.
fn blocking(test: Test, name: &str) -> Test {
    let program = quoted(&runner());
    test.through(&format!("exec env --block-signal={name} {program} \"$@\""))
}

#[test]
fn a_blocked_signal_is_received() {
    if cannot_block_signals() {
        return;
    }
    for (signal, name) in [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::QUIT, "SIGQUIT"),
    ] {
        if is_ignored(signal) {
            continue;
        }
        let task = "grep SigBlk /proc/self/status\n: >ready\nexec sleep 30";
        let running = blocking(Test::new().task("1-a", task), name).start();
        running.until("ready", "");
        running.signal(signal);
        running
            .wait()
            .status(128 + signal.as_raw())
            .within(SOON)
            .stdout("SigBlk:\t0000000000000000\n")
            .says(&format!("got {name}: ending what runs"))
            .nothing_left();
    }
}

#[test]
fn a_command_inherits_blocked_signals() {
    if cannot_block_signals() {
        return;
    }
    blocking(Test::new().task("1-a", ""), "SIGTERM")
        .args_after(["--", "grep", "SigBlk", "/proc/self/status"])
        .run()
        .status(0)
        .stdout("SigBlk:\t0000000000004000\n");
}
