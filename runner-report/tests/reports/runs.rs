//! States of runs, and the choice of a run.

use std::time::Duration;

use runner_report::{RunDetails, RunSelector, RunState};

use crate::journal::{EARLIER_BOOT, Journal, now};

fn last(journal: &Journal) -> RunDetails {
    journal.find(RunSelector::FromEnd(1)).run.unwrap()
}

#[test]
fn a_run_without_an_end_is_running_while_its_runner_is_alive() {
    let start = || Journal::new().run_starts(0.0, 42);
    let early = || Journal::new().boot(EARLIER_BOOT).run_starts(0.0, 42);
    let headless = || Journal::new().task_starts(0.0, "1-a");
    for (journal, alive, expected) in [
        (start(), &[42][..], "running"),
        (start(), &[], "cut off"),
        (start(), &[43], "cut off"),
        // The process number is in use by another process.
        (early(), &[42], "cut off"),
        (headless(), &[42], "cut off"),
        (early().halt_starts(9.0, "halted"), &[42], "went down"),
        (
            early()
                .halt_starts(9.0, "gave-up")
                .halt_ends(9.0, 0.0, "exited:0"),
            &[],
            "went down",
        ),
        (start().halt_starts(9.0, "halted"), &[42], "running"),
        (start().halt_starts(9.0, "halted"), &[], "cut off"),
        (
            early()
                .run_ends(9.0, 0, "finished")
                .halt_starts(9.0, "halt-after"),
            &[],
            "finished",
        ),
        (start().run_ends(9.0, 0, "finished"), &[42], "finished"),
        (start().run_ends(9.0, 1, "gave-up"), &[], "gave-up"),
        (start().run_ends(9.0, 1, "out-of-time"), &[], "out-of-time"),
        (
            early().run_ends(9.0, 130, "interrupted"),
            &[],
            "interrupted",
        ),
        (
            start().run_ends(9.0, 9, "of-a-later-version"),
            &[],
            "of-a-later-version",
        ),
    ] {
        let run = last(&journal);
        let found = match run.header.state(&now(10.0, alive)) {
            RunState::Running => "running",
            RunState::CutOff => "cut off",
            RunState::WentDown => "went down",
            RunState::Ended(end) => end.reason.as_str(),
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn a_process_with_another_start_time_is_not_the_runner() {
    let journal = Journal::new().run_starts(0.0, 42);
    let mut now = now(10.0, &[42]);
    now.alive[0].start_time = Some(8);
    assert_eq!(last(&journal).header.state(&now), RunState::CutOff);
}

/// Returns the id of a run, and its tasks.
fn tasks(journal: &Journal, selector: RunSelector) -> String {
    let Some(run) = journal.find(selector).run else {
        return "none".to_owned();
    };
    let tasks = run.tasks.iter().map(|task| task.name.as_str());
    format!(
        "{}: {}",
        run.header.run,
        tasks.collect::<Vec<_>>().join(" ")
    )
}

#[test]
fn a_run_is_found_by_its_position_or_its_id() {
    let journal = Journal::new()
        .run_starts(0.0, 1)
        .ok(1.0, 2.0, "1-a")
        .run("r2")
        .run_starts(3.0, 2)
        .run("r1")
        .ok(4.0, 5.0, "2-b")
        .run("r2")
        .ok(4.0, 5.0, "1-a")
        .run("r3")
        .run_starts(6.0, 3)
        .run("r1")
        .ok(7.0, 8.0, "3-c")
        .run_ends(8.0, 0, "finished");
    for (selector, expected) in [
        (RunSelector::FromEnd(1), "r3: "),
        (RunSelector::FromEnd(2), "r2: 1-a"),
        (RunSelector::FromEnd(3), "r1: 1-a 2-b 3-c"),
        (RunSelector::FromEnd(4), "none"),
        (RunSelector::FromEnd(usize::MAX), "none"),
        (RunSelector::Id("r1".to_owned()), "r1: 1-a 2-b 3-c"),
        (RunSelector::Id("r2".to_owned()), "r2: 1-a"),
        (RunSelector::Id("r".to_owned()), "none"),
    ] {
        assert_eq!(tasks(&journal, selector.clone()), expected, "{selector:?}");
    }
}

#[test]
fn a_run_whose_start_was_rotated_away_is_a_run() {
    let journal = Journal::new()
        .ok(1.0, 2.0, "7-x")
        .run_ends(2.0, 0, "finished");
    assert_eq!(tasks(&journal, RunSelector::FromEnd(1)), "r1: 7-x");
    assert_eq!(last(&journal).setup, None);
}

#[test]
fn every_start_of_a_task_is_in_the_details() {
    let journal = Journal::new()
        .run_starts(0.0, 1)
        .task(1.0, 2.5, "1-a", "RETRY", "exited:7")
        .try_starts(10.0, 2)
        .ok(11.0, 12.0, "1-a")
        .task_ends(13.0, "2-b", 0.25, "RETRY", "not-started: it is a directory")
        .try_starts(20.0, 3)
        .task_starts(21.0, "1-a");
    let run = last(&journal);
    let starts = |task: usize| {
        let starts = run.tasks[task].starts.iter().map(|start| {
            let result = start.result.map_or("none", |result| result.as_str());
            let elapsed = start.elapsed.map_or(0, |elapsed| elapsed.as_millis());
            let second = start.at.as_millisecond() % 100_000;
            format!("{} {second} {elapsed} {result}", start.try_num)
        });
        starts.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        starts(0),
        "1 1000 1500 RETRY, 2 11000 1000 OK, 3 21000 0 none"
    );
    assert_eq!(starts(1), "2 12750 250 RETRY");
    let end = run.tasks[1].end.clone().unwrap();
    assert_eq!(end.outcome.to_string(), "not-started");
    assert_eq!(end.why.as_deref(), Some("it is a directory"));
    assert_eq!(
        end.limit.map(|limit| limit.time),
        Some(Duration::from_secs(600))
    );
}

#[test]
fn a_refused_start_counts_when_it_is_later_than_the_last_run() {
    let refused = |journal: &Journal, selector| journal.find(selector).refused.count;
    let journal = Journal::new()
        .run("x1")
        .refused(0.0, 78, "wrong")
        .run("r1")
        .run_starts(1.0, 1)
        .run("x2")
        .refused(2.0, 75, "already running")
        .run("r1")
        .run_ends(3.0, 0, "finished");
    assert_eq!(refused(&journal, RunSelector::FromEnd(1)), 0);
    let journal = journal
        .run("x3")
        .refused(4.0, 78, "wrong")
        .run("x4")
        .refused(5.0, 78, "still wrong");
    assert_eq!(refused(&journal, RunSelector::FromEnd(1)), 2);
    assert_eq!(refused(&journal, RunSelector::Id("r1".to_owned())), 0);
    assert_eq!(refused(&journal, RunSelector::FromEnd(2)), 0);
    let found = journal.find(RunSelector::FromEnd(1));
    assert_eq!(found.refused.last.unwrap().reason, "still wrong");
    assert_eq!(found.run.unwrap().header.run, "r1");
}
