//! Exit codes and signals that end a task.

use rustix::process::Signal;

use crate::support::{Test, ignores, is_ignored, once, quoted, runner, skip};

#[test]
fn an_end_by_a_signal_is_a_failure_with_the_name_of_the_signal() {
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::KILL, "KILL"),
        (Signal::USR1, "USR1"),
        (Signal::ALARM, "ALRM"),
        (Signal::TERM, "TERM"),
        (Signal::PIPE, "PIPE"),
    ] {
        // A Rust program ignores SIGPIPE, but starts others with the default action.
        if signal != Signal::PIPE && is_ignored(signal) {
            continue;
        }
        Test::new()
            .task(
                "1-a",
                &format!("[ $RUNNER_TRY_NUM -gt 1 ] || kill -{name} $$"),
            )
            .config("ok_codes = 0 129 130 137 138 141 142 143")
            .run()
            .status(0)
            .order("1-a 1-a")
            .says(&format!("`1-a` was ended by SIG{name} after "))
            .nothing_left();
    }
}

#[test]
fn a_task_that_ends_its_own_group_ends_nothing_else() {
    for name in ["TERM", "KILL"] {
        Test::new()
            .task(
                "1-a",
                &format!("[ $RUNNER_TRY_NUM -gt 1 ] || kill -{name} 0"),
            )
            .run()
            .status(0)
            .order("1-a 1-a")
            .says(&format!("`1-a` was ended by SIG{name}"))
            .nothing_left();
    }
}

#[test]
fn every_exit_code_is_reported_unchanged() {
    for code in [0, 1, 2, 3, 64, 126, 127, 128, 143, 255] {
        Test::new()
            .task("1-a", &format!("exit {code}"))
            .config(&format!("ok_codes =\nhalt_codes =\nstop_codes = {code}"))
            .run()
            .status(3)
            .says(&format!("`1-a` exited with {code} after "));
    }
}

#[test]
fn a_status_is_known_although_sigchld_was_ignored() {
    // Not every shell can ignore SIGCHLD; `env` of the GNU coreutils can.
    let ignoring = format!(
        "ignoring='env --ignore-signal=CHLD'\n\
         $ignoring true 2>/dev/null || {{ ignoring=; trap '' CHLD; }}\n\
         $ignoring cat /proc/self/status >before\n\
         exec $ignoring {} \"$@\"",
        quoted(&runner())
    );
    for jobs in ["1", "2"] {
        let ran = Test::new()
            .task("1-a", &once(7))
            .task("2-b", "exit 3")
            .hook()
            .config("stop_codes = 3")
            .args(["-j", jobs])
            .through(&ignoring)
            .run()
            .status(3)
            .order("1-a 1-a 2-b")
            .says("`1-a` exited with 7 after ")
            .says("`2-b` exited with 3 after ")
            .does_not_say("hook before")
            .nothing_left();
        if !ignores(&ran.read("before"), Signal::CHILD) {
            skip("there is nothing to ignore SIGCHLD with");
        }
    }
}
