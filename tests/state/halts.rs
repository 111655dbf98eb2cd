//! `max_halts` and `halt_period`, which limit the runs of the halt task.

use std::fs;

use crate::support::Test;

#[test]
fn the_halt_task_runs_at_most_max_halts_times() {
    let mut ran = Test::with_state()
        .task("1-a", "exit 2")
        .task("halt.sh", "exit 0")
        .config("max_halts = 2\nhalt_period = 1h")
        .run()
        .status(2)
        .again()
        .run()
        .status(2);
    for _ in 0..2 {
        // Halts are counted in a file of their own, so a rotated journal changes nothing.
        fs::rename(
            ran.test.path("state/journal.jsonl"),
            ran.test.path("state/old"),
        )
        .unwrap();
        ran = ran
            .again()
            .run()
            .status(1)
            .says("error: the halt task would run now, because a task requested it, but the limit `max_halts` is reached: 2 halts within 1h")
            .says("remove `state/halts` to reset the count");
        assert_eq!(
            ran.events(&["reason", "status"]).last().unwrap(),
            "run-end halts-used-up 1"
        );
        assert_eq!(
            ran.lines("order")
                .iter()
                .filter(|name| *name == "halt.sh")
                .count(),
            2
        );
    }
    fs::remove_file(ran.test.path("state/halts")).unwrap();
    ran.again().run().status(2);
}

#[test]
fn giving_up_and_halt_after_count_as_halts_too() {
    let ran = Test::with_state()
        .task("1-a", "[ ! -e fail ]")
        .task("halt.sh", "exit 0")
        .config("max_halts = 2\nmax_tries = 1")
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh");
    let ran = ran.again().file("fail", "", 0o644).run().status(1);
    let ran = ran.order("1-a halt.sh 1-a halt.sh");
    fs::remove_file(ran.test.path("fail")).unwrap();
    ran.again()
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh 1-a halt.sh 1-a")
        .says("because the last run has finished, but the limit `max_halts` is reached");
}
