//! Reports do not change when the clock of the machine is set during a run.

use runner_report::{RunFinder, RunSelector, Timeline, run_html, run_svg, run_text};

use crate::journal::{Journal, at, now};

const HOUR: f64 = 3600.0;
const YEAR: f64 = 365.0 * 24.0 * HOUR;

type Step = fn(Journal) -> Journal;

/// A run with two tries, a wait, and the halt task. No time passes between the steps.
const STEPS: [Step; 10] = [
    |journal| journal.task_starts(0.0, "1-a"),
    |journal| journal.task_ends(10.0, "1-a", 10.0, "OK", "exited:0"),
    |journal| journal.task_starts(10.0, "2-b"),
    |journal| journal.task_ends(40.0, "2-b", 30.0, "RETRY", "exited:7"),
    |journal| journal.waits(40.0, 20.0, "try"),
    |journal| journal.try_starts(60.0, 2),
    |journal| journal.task_starts(60.0, "2-b"),
    |journal| journal.task_ends(100.0, "2-b", 40.0, "RETRY", "exited:7"),
    |journal| journal.halt_starts(100.0, "gave-up"),
    |journal| journal.halt_ends(110.0, 10.0, "exited:0"),
];

/// Builds the first `steps` of the run, and applies `before` before the step `place`.
fn run(steps: usize, place: usize, before: impl Fn(Journal) -> Journal) -> Journal {
    let mut journal = Journal::new().run_starts(0.0, 42);
    for (index, step) in STEPS.iter().take(steps).enumerate() {
        if index == place {
            journal = before(journal);
        }
        journal = step(journal);
    }
    if steps == STEPS.len() {
        journal.run_ends(110.0, 1, "gave-up")
    } else {
        journal
    }
}

/// Returns the reports ten seconds after the last step, by a clock that is `ahead`.
fn reports(journal: &Journal, ahead: f64) -> [String; 3] {
    let mut finder = RunFinder::<Timeline>::new(RunSelector::FromEnd(1));
    journal.read(|record| finder.apply(record)).unwrap();
    let found = finder.finish();
    let now = now(120.0 + ahead, &[42]);
    [
        run_text(&journal.find(RunSelector::FromEnd(1)), &now),
        run_svg(&found, &now).unwrap(),
        run_html(&found, &now).unwrap(),
    ]
}

#[test]
fn a_clock_that_is_set_does_not_change_what_reports_show() {
    // The run is still running, or has ended.
    for steps in [1, 5, 7, 9, 10] {
        let expected = reports(&run(steps, 0, |journal| journal), 0.0);
        for by in [-HOUR, -YEAR, 2.0 * HOUR, 30.0 * YEAR] {
            for place in 0..steps {
                let journal = run(steps, place, |journal| journal.set_clock(by));
                let found = reports(&journal, by);
                assert_eq!(found, expected, "{by} before step {place} of {steps}");
            }
        }
    }
}

#[test]
fn a_clock_that_was_set_back_after_the_last_record_does_not_shorten_a_run() {
    let [text, ..] = reports(&run(7, 0, |journal| journal), -YEAR);
    assert!(text.contains("1m so far"), "{text}");
}

#[test]
fn an_unknown_event_of_any_time_does_not_change_what_reports_show() {
    let expected = reports(&run(10, 0, |journal| journal), 0.0);
    for time in [-YEAR, 0.0, YEAR] {
        let line = format!(
            "{{\"ts\":\"{}\",\"run\":\"r1\",\"boot\":\"b2\",\"event\":\"task-dreamt\"}}\n",
            at(time)
        );
        for place in 0..10 {
            let journal = run(10, place, |journal| journal.raw(line.as_bytes()));
            assert_eq!(
                reports(&journal, 0.0),
                expected,
                "{time} before step {place}"
            );
        }
    }
}

#[test]
fn records_of_parallel_tasks_keep_their_times() {
    let journal = Journal::new()
        .run_starts(0.0, 42)
        .task_starts(0.0, "1-a")
        .task_starts(0.004, "1-b")
        .task_ends(20.003, "1-b", 19.999, "OK", "exited:0")
        .task_ends(20.001, "1-a", 20.001, "OK", "exited:0");
    let run = journal.find(RunSelector::FromEnd(1)).run.unwrap();
    assert_eq!(run.header.latest, at(20.003));
    assert_eq!(run.tasks[0].starts[0].at, at(0.0));
}
