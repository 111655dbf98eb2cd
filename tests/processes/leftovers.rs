//! Processes that a task leaves behind.

use std::{fs, time::Duration};

use rustix::process::Signal;

use crate::support::{Test, is_missing, pause, quoted, runner, until};

use super::{IGNORE_SIGNALS, SOON, daemon};

#[test]
fn a_limit_ends_the_daemons_of_a_task_and_none_of_an_earlier_one() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::new()
        .waiting("1-a", &daemon("early"))
        .waiting("2-b", &format!("{}\nsleep 30", daemon("late")))
        .config("max_tries = 1\n[b]\nmax_time = 0.5")
        .run()
        .status(1)
        .within(SOON)
        .left("sleep");
    assert!(ran.read("late").is_empty() && ran.test.path("late").exists());
}

/// Command that starts a daemon that does `body` on SIGTERM.
fn polite_daemon(body: &str) -> String {
    format!("setsid sh -c 'trap \"{body}\" TERM; : >up; while :; do sleep 0.1; done' & wait_for up")
}

#[test]
fn a_daemon_can_use_the_grace_to_clean_up() {
    if is_missing("setsid") {
        return;
    }
    let task = format!(
        "{}\nsleep 30",
        polite_daemon("sleep 0.3; echo cleaned up; exit")
    );
    let test = || {
        Test::new()
            .waiting("1-a", &task)
            .config("kill_grace = 30\nmax_tries = 1")
    };
    test()
        .config("max_time = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("cleaned up\n")
        .nothing_left();
    let running = test().start();
    running.until("up", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .stdout("cleaned up\n")
        .nothing_left();
}

#[test]
fn a_daemon_that_ignores_sigterm_is_killed_after_the_grace() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::new()
        .waiting("1-a", &format!("{}\nsleep 30", polite_daemon("")))
        .config("max_time = 1\nkill_grace = 0.5\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .does_not_say("cannot be ended")
        .nothing_left();
    assert!(ran.elapsed >= Duration::from_millis(1500));
}

#[test]
fn a_daemon_has_its_grace_together_with_the_group() {
    if is_missing("setsid") {
        return;
    }
    let running = Test::new()
        .waiting("1-a", &format!("({})\n{IGNORE_SIGNALS}", polite_daemon("")))
        .config("kill_grace = 4")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(Duration::from_secs(7))
        .nothing_left();
}

#[test]
fn a_second_signal_kills_a_daemon_in_its_grace() {
    if is_missing("setsid") {
        return;
    }
    let running = Test::new()
        .waiting(
            "1-a",
            &format!("{}\nsleep 30", polite_daemon(": >signaled")),
        )
        .config("kill_grace = 60")
        .start();
    running.until("up", "");
    running.signal(Signal::TERM);
    running.until("signaled", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).nothing_left();
}

/// Script of a daemon that starts itself again and ends, all the time. Each process appends
/// a byte to the file `beats`. The daemon ends when its script is removed.
const RESPAWNING_DAEMON: &str = "#!/bin/sh\nprintf . >>beats\n\"$0\" &\n";

#[test]
fn a_limit_ends_a_daemon_that_forks_all_the_time() {
    if is_missing("setsid") {
        return;
    }
    for _ in 0..5 {
        let ran = Test::new()
            .file("restless", RESPAWNING_DAEMON, 0o755)
            .waiting("1-a", "setsid ./restless & wait_for beats; sleep 30")
            .config("max_tries = 1\n[a]\nmax_time = 0.6")
            .run()
            .status(1)
            .within(SOON)
            .does_not_say("gives up");
        let beats = ran.read("beats").len();
        pause(Duration::from_millis(100));
        assert_eq!(ran.read("beats").len(), beats);
        ran.nothing_left();
    }
}

#[test]
fn a_limit_leaves_a_daemon_of_an_earlier_task_that_forks_all_the_time() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::new()
        .file("restless", RESPAWNING_DAEMON, 0o755)
        .waiting("1-a", "setsid ./restless & wait_for beats")
        .waiting("2-b", "sleep 30")
        .config("max_tries = 1\n[b]\nmax_time = 0.6")
        .run()
        .status(1)
        .within(SOON);
    let beats = ran.read("beats").len();
    until(|| ran.read("beats").len() > beats);
    fs::remove_file(ran.test.path("restless")).unwrap();
}

/// Command that removes the variables that identify the task of a process.
const UNSET_IDENTITY: &str = "unset RUNNER_RUN_ID RUNNER_TASK RUNNER_TRY_NUM";

#[test]
fn a_limit_ends_a_daemon_that_forgot_its_environment() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting(
            "1-a",
            &format!("{UNSET_IDENTITY}\n{}\nsleep 30", daemon("late")),
        )
        .config("max_tries = 1\n[a]\nmax_time = 0.5")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

#[test]
fn a_possible_orphan_of_an_earlier_daemon_is_named_and_left_alone() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting("1-a", &daemon("early"))
        .waiting(
            "2-b",
            &format!("{UNSET_IDENTITY}\n{}\nsleep 30", daemon("late")),
        )
        .config("max_tries = 1\n[b]\nmax_time = 0.5")
        .run()
        .status(1)
        .within(SOON)
        .says("`2-b` may have left 1 process: ")
        .left("sleep sleep");
}

#[test]
fn a_limit_ends_the_processes_of_a_nested_runner() {
    Test::new()
        .task("1-a", &format!("exec {} inner", quoted(&runner())))
        .file(
            "inner/1-x",
            &format!("#!/bin/sh\n{IGNORE_SIGNALS}\n"),
            0o755,
        )
        .config("max_time = 0.5\nkill_grace = 0.3\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

/// Command that counts the children of the runner called `sleep`, zombies included.
const COUNT_ORPHANS: &str = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c \"(sleep) . $PPID \"";

#[test]
fn orphans_are_reaped() {
    Test::new()
        .task("1-a", "for n in 1 2 3 4 5; do (sleep 1 &); done")
        .task(
            "2-b",
            &format!(
                "for n in 1 2 3 4 5 6; do\n\
                 [ $({COUNT_ORPHANS}) = 0 ] && exit 0\nsleep 1\ndone\nexit 3"
            ),
        )
        .config("leftovers = allow\nstop_codes = 3")
        .run()
        .status(0)
        .within(SOON)
        .nothing_left();
}

#[test]
fn orphans_are_reaped_while_their_task_runs() {
    Test::new()
        .task(
            "1-a",
            &format!(
                "(sleep 0.1 &)\nsleep 0.2\n\
                 for n in 1 2 3 4 5; do\nsleep 1\n[ $({COUNT_ORPHANS}) = 0 ] && exit 0\ndone\nexit 3"
            ),
        )
        .config("stop_codes = 3")
        .run()
        .status(0)
        .nothing_left();
}

#[test]
fn orphans_are_reaped_during_the_grace_of_another_task() {
    let deaf = "(trap '' TERM; while [ ! -e over ]; do sleep 0.1; done) &";
    Test::new()
        // The leader of the group has ended, but is not reaped before the whole group has ended.
        .task(
            "1-b",
            &format!("trap ': >ended; exit' TERM\n{deaf}\nwait; wait"),
        )
        .waiting(
            "1-a",
            "wait_for ended\nfor n in 1 2 3 4 5; do (sleep 0.1 &); done",
        )
        .task(
            "1-c",
            &format!(
                "for n in 1 2 3 4 5 6 7 8; do\n\
                 [ $({COUNT_ORPHANS}) = 0 ] && break\nsleep 0.3\ndone\n\
                 [ $n -lt 8 ] || code=3\n: >over\nexit $code"
            ),
        )
        .config("leftovers = allow\nstop_codes = 3\nkill_grace = 60\nmax_tries = 1")
        .config("[b]\nmax_time = 0.1\nrequired = no")
        .args(["-j", "2"])
        .run()
        .status(4)
        .within(SOON)
        .says("`1-c` is done");
}

#[test]
fn leftovers_in_the_group_are_named_and_left_alone() {
    Test::new()
        .task("1-a", "sleep 30 &")
        .task("2-b", "")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .says("warning: `1-a` left 1 process: ")
        .says(" `sleep`; still running")
        .left("sleep");
}

#[test]
fn leftovers_in_the_group_can_be_killed() {
    Test::new()
        .task("1-a", &format!("({IGNORE_SIGNALS}) & sleep 30 &"))
        .task("2-b", "")
        .config("leftovers = kill\nkill_grace = 0.2")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .says("`1-a` left ")
        .says("; ended")
        .nothing_left();
}

#[test]
fn leftovers_in_the_group_can_be_allowed() {
    Test::new()
        .task("1-a", "sleep 30 &")
        .task("2-b", "")
        .config("leftovers = allow\nleak_time = 30")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .does_not_say("left")
        .left("sleep");
}

#[test]
fn a_process_that_ends_within_the_leak_time_is_not_a_leftover() {
    Test::new()
        .task("1-a", "(sleep 0.3 || sleep 1; echo last words) &")
        .task("2-b", "echo 2-b")
        .config("leftovers = kill\nleak_time = 30")
        .run()
        .status(0)
        .within(SOON)
        .stdout("last words\n2-b\n")
        .does_not_say("left")
        .nothing_left();
}

#[test]
fn a_daemon_that_left_the_group_is_left_alone() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting("1-a", &daemon("up"))
        .config("leftovers = kill")
        .run()
        .status(0)
        .within(SOON)
        .does_not_say("`1-a` left")
        .left("sleep");
}

#[test]
fn leftovers_left_alone_are_not_reported_as_ended() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting(
            "1-a",
            &format!("{UNSET_IDENTITY}\n{}\nsleep 30", daemon("up")),
        )
        .waiting("1-b", "wait_for go")
        .config("leftovers = kill\n[a]\nmax_time = 1\nmax_tries = 1")
        .args(["-j", "2"])
        .run()
        .status(1)
        .within(SOON)
        .says(" `sleep`; still running")
        .does_not_say("; ended\n")
        .left("sleep");
}

#[test]
fn a_child_that_holds_the_output_does_not_delay_the_status() {
    Test::new()
        .task("1-a", "sleep 30 &\nexit 3")
        .config("stop_codes = 3\nleftovers = allow")
        .run()
        .status(3)
        .within(SOON)
        .left("sleep");
}

#[test]
fn a_signal_cuts_the_leak_time_short() {
    let running = Test::new()
        .task("1-a", "(: >ready; exec sleep 30) &")
        .task("2-b", "")
        .config("leak_time = 60")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).order("1-a");
}

#[test]
fn leftovers_of_hooks_and_the_halt_task_are_ended_too() {
    Test::new()
        .task("1-a", "")
        .task("halt.sh", "sleep 30 &")
        .file("hook", "#!/bin/sh\nsleep 30 &\n", 0o755)
        .config("task_hook = ./hook\nleftovers = kill")
        .args(["-H"])
        .run()
        .status(0)
        .within(SOON)
        .nothing_left();
}
