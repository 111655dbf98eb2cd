//! `--tasks`: statistics of each task over many runs.

use runner_report::tasks_text;

use crate::journal::Journal;

#[test]
fn runs_starts_failures_and_percentiles_are_shown() {
    let mut journal = Journal::new();
    for (run, elapsed) in [("r1", 1.0), ("r2", 2.0), ("r3", 90.0)] {
        journal = journal
            .run(run)
            .run_starts(0.0, 1)
            .task(0.0, elapsed, "1-a", "OK", "exited:0");
    }
    let text = journal
        .task(100.0, 100.5, "2-b", "RETRY", "exited:1")
        .try_starts(101.0, 2)
        .task(101.0, 101.5, "2-b", "RETRY", "exited:1")
        .try_starts(102.0, 3)
        .ok(102.0, 102.1, "2-b")
        .task_ends(103.0, "3-c", 0.0, "RETRY", "not-started: why ever")
        .run("r4")
        .run_starts(200.0, 1)
        .ok(200.0, 200.1, "2-b")
        // A run that is not the last one continues.
        .run("r3")
        .task_starts(300.0, "4-d")
        .tasks();
    snapshot!("report-tasks", tasks_text(&text));
}

#[test]
fn a_percentile_is_one_of_the_measured_times() {
    for (max, median, p95) in [(1, 1, 1), (2, 1, 2), (3, 2, 3), (20, 10, 19), (100, 50, 95)] {
        let journal = (1..=max).rev().fold(Journal::new(), |journal, seconds| {
            journal.task_ends(0.0, "1-a", f64::from(seconds), "OK", "exited:0")
        });
        let task = &journal.tasks()[0];
        let seconds = [task.median, task.p95, task.max].map(|time| time.unwrap().as_secs());
        assert_eq!(seconds, [median, p95, u64::try_from(max).unwrap()], "{max}");
    }
}
