//! The halt task.

use crate::support::Test;

use super::{IGNORE_SIGNALS, SOON};

#[test]
fn the_halt_task_has_a_limit() {
    Test::new()
        .task("1-a", "exit 2")
        .task("halt.sh", IGNORE_SIGNALS)
        .config("max_time = 0.5\nkill_grace = 0.2")
        .run()
        .status(2)
        .within(SOON)
        .order("1-a halt.sh")
        .says("error: halt task `halt.sh` ran longer than `max_time` (500ms)")
        .nothing_left();
}

#[test]
fn the_halt_task_has_a_section_of_its_own() {
    for section in ["halt", "halt.sh"] {
        Test::new()
            .task("1-a", "exit 2")
            .task("halt.sh", "exec sleep 30")
            .config(&format!("max_time = 0\n[{section}]\nmax_time = 0.2"))
            .run()
            .status(2)
            .within(SOON)
            .order("1-a halt.sh")
            .says("halt task `halt.sh` ran longer than `max_time` (200ms)")
            .nothing_left();
    }
}

#[test]
fn the_halt_task_has_the_interpreter() {
    for place in ["", "[halt]\n"] {
        Test::new()
            .file("tasks.d/1-a", "#!/bin/sh\nexit 2\n", 0o755)
            .file("tasks.d/halt.sh", "echo \"$0\" $#\n", 0o644)
            .config(&format!("{place}interpreter = sh"))
            .run()
            .status(2)
            .stdout("tasks.d/halt.sh 0\n")
            .nothing_left();
    }
}

#[test]
fn the_status_of_the_halt_task_changes_nothing() {
    for body in ["exit 1", "exit 2", "exit 3", "kill -KILL $$", "kill 0"] {
        for (task, status) in [("exit 2", 2), ("exit 1", 1), ("", 0)] {
            Test::new()
                .task("1-a", task)
                .task("halt.sh", body)
                .config("max_tries = 1\nstop_codes = 3")
                .args(["-H"])
                .run()
                .status(status)
                .order("1-a halt.sh")
                .says("error: halt task `halt.sh` ")
                .nothing_left();
        }
    }
}

#[test]
fn a_halt_task_that_cannot_start_is_reported() {
    Test::new()
        .task("1-a", "exit 2")
        .file("tasks.d/halt.sh", "#!/nowhere/sh\n", 0o755)
        .run()
        .status(2)
        .says("error: halt task `halt.sh` did not start: its interpreter `/nowhere/sh` does not exist")
        .nothing_left();
}
