//! `--history`: every start of the runner.

use runner_report::{RunSummary, RunnerStart, history_text};

use crate::journal::{EARLIER_BOOT, Journal, now};

fn several() -> Journal {
    Journal::new()
        .run("x1")
        .boot(EARLIER_BOOT)
        .refused(0.0, 78, "configuration or plan is wrong")
        .run("r1")
        .run_starts(60.0, 42)
        .ok(61.0, 62.0, "1-a")
        .task_starts(62.0, "2-b")
        .run("r2")
        .boot(crate::journal::THIS_BOOT)
        .run_starts(300.0, 42)
        .task(301.0, 302.0, "1-a", "RETRY", "exited:7")
        .try_starts(310.0, 2)
        .ok(311.0, 312.0, "1-a")
        .task(312.0, 400.0, "2-b", "RETRY", "timed-out")
        .run_ends(400.0, 4, "finished-with-failures")
        .run("x2")
        .refused(350.0, 75, "already\nrunning")
        .run("r3")
        .run_starts(500.0, 43)
        .task_starts(501.0, "1-a")
}

#[test]
fn each_start_has_a_line_and_the_oldest_is_first() {
    let text = history_text(&several().history(), &now(530.0, &[43]));
    snapshot!("report-history", text);
}

#[test]
fn a_task_is_not_ok_until_it_ends_with_ok() {
    let not_ok: Vec<String> = several()
        .history()
        .starts()
        .into_iter()
        .map(|past| match past {
            RunnerStart::Run(RunSummary { not_ok, .. }) => not_ok.join(" "),
            RunnerStart::Refused(refused) => format!("refused {}", refused.run),
        })
        .collect();
    assert_eq!(not_ok, ["refused x1", "2-b", "2-b", "refused x2", "1-a"]);
}

#[test]
fn a_clock_that_is_set_back_does_not_change_the_order() {
    let journal = Journal::new()
        .run_starts(900.0, 1)
        .run_ends(910.0, 0, "finished")
        .run("r2")
        .run_starts(0.0, 2)
        .run("x1")
        .refused(1.0, 75, "already running");
    let order: Vec<String> = journal
        .history()
        .starts()
        .into_iter()
        .map(|past| match past {
            RunnerStart::Run(summary) => summary.header.run.clone(),
            RunnerStart::Refused(refused) => refused.run.clone(),
        })
        .collect();
    assert_eq!(order, ["r1", "r2", "x1"]);
}
