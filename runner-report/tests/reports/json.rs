//! JSON reports, read back with types that have every member of docs/reports.md.

use serde::Deserialize;

use crate::journal::{Journal, now};
use runner_report::{RunSelector, history_json, run_json, tasks_json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    refused: Option<Refused>,
    run: Option<Run>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Refused {
    count: usize,
    last: String,
    status: u8,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    run: String,
    boot: Option<String>,
    state: String,
    status: Option<u8>,
    started: String,
    ended: Option<String>,
    elapsed: Option<f64>,
    try_num: Option<u32>,
    task: Option<String>,
    tries: Option<u32>,
    failures: Option<u32>,
    failed: Vec<String>,
    not_reached: Vec<String>,
    not_reached_count: usize,
    this_boot: bool,
    host: Option<String>,
    machine: Option<String>,
    runner_version: Option<String>,
    fingerprint: Option<String>,
    pid: Option<i32>,
    taskdir: Option<String>,
    task_count: Option<usize>,
    jobs: Option<usize>,
    max_tries: Option<u32>,
    done: Vec<String>,
    tasks: Vec<Task>,
    waits: Vec<Wait>,
    halt: Option<Halt>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    task: String,
    failures: usize,
    outcome: Option<String>,
    limit: Option<f64>,
    limited_by: Option<String>,
    why: Option<String>,
    output: Option<String>,
    last_lines: Vec<String>,
    required: bool,
    starts: Vec<Start>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Start {
    try_num: u32,
    started: String,
    elapsed: Option<f64>,
    result: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Wait {
    started: String,
    seconds: f64,
    try_num: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Halt {
    task: String,
    reason: String,
    started: String,
    outcome: Option<String>,
    elapsed: Option<f64>,
}

fn report(journal: &Journal, alive: &[i32]) -> Report {
    let found = journal.find(RunSelector::FromEnd(1));
    serde_json::from_str(&run_json(&found, &now(100.0, alive))).unwrap()
}

#[test]
fn a_run_has_all_its_members() {
    let journal = Journal::new()
        .run_starts_with(0.0, 42, 2, &["0-x"])
        .task(1.0, 2.5, "1-a", "RETRY", "exited:7")
        .waits(2.5, 7.5, "try")
        .try_starts(10.0, 2)
        .ok(10.0, 11.0, "1-a")
        .task_ends(11.0, "2-b", 0.0, "HALT", "not-started: why ever")
        .halt_starts(12.0, "halted")
        .halt_ends(13.0, 1.0, "exited:0")
        .run_ends_because(13.0, 2, "halted", Some(("2-b", 1, 5)), &["3-c"])
        .waits(13.0, 5.0, "run");
    let report = report(&journal, &[]);
    assert_eq!(report.refused, None);
    let run = report.run.unwrap();
    assert_eq!((run.run, run.boot), ("r1".into(), Some("b2".into())));
    assert_eq!((run.state, run.status), ("halted".into(), Some(2)));
    assert_eq!(run.started, "2026-11-24T06:00:00.000Z");
    assert_eq!(run.ended.as_deref(), Some("2026-11-24T06:00:13.000Z"));
    assert_eq!((run.elapsed, run.try_num), (Some(13.0), Some(2)));
    assert_eq!((run.task, run.tries), (Some("2-b".into()), Some(1)));
    assert_eq!((run.failures, run.not_reached_count), (None, 2));
    assert_eq!((run.failed, run.not_reached), (vec![], vec!["3-c".into()]));
    assert_eq!(run.host.as_deref(), Some("build7"));
    assert_eq!(
        (run.machine, run.runner_version, run.fingerprint),
        (None, None, None)
    );
    assert_eq!((run.this_boot, run.pid), (true, Some(42)));
    assert_eq!(run.taskdir.as_deref(), Some("/etc/tasks.d"));
    assert_eq!((run.task_count, run.jobs), (Some(5), Some(2)));
    assert_eq!((run.max_tries, run.done), (Some(5), vec!["0-x".into()]));
    let [a, b] = &run.tasks[..] else {
        panic!("{:?}", run.tasks);
    };
    assert_eq!((&*a.task, a.failures), ("1-a", 1));
    assert_eq!(
        (a.outcome.as_deref(), a.limit, a.limited_by.as_deref()),
        (Some("exited:0"), Some(600.0), Some("max_time"))
    );
    assert_eq!((&a.why, &a.output), (&None, &None));
    assert_eq!((&a.last_lines, a.required), (&vec![], true));
    let start = |try_num, started: &str, elapsed, result: &str| Start {
        try_num,
        started: started.to_owned(),
        elapsed: Some(elapsed),
        result: Some(result.to_owned()),
    };
    assert_eq!(
        a.starts,
        [
            start(1, "2026-11-24T06:00:01.000Z", 1.5, "RETRY"),
            start(2, "2026-11-24T06:00:10.000Z", 1.0, "OK"),
        ]
    );
    assert_eq!((&*b.task, b.failures, b.starts.len()), ("2-b", 0, 1));
    assert_eq!(b.why.as_deref(), Some("why ever"));
    let wait = Wait {
        started: "2026-11-24T06:00:02.500Z".into(),
        seconds: 7.5,
        try_num: 2,
    };
    assert_eq!(run.waits, [wait]);
    let halt = Halt {
        task: "halt.sh".into(),
        reason: "halted".into(),
        started: "2026-11-24T06:00:12.000Z".into(),
        outcome: Some("exited:0".into()),
        elapsed: Some(1.0),
    };
    assert_eq!(run.halt, Some(halt));
}

#[test]
fn unknown_values_are_null() {
    let running = report(
        &Journal::new().run_starts(0.0, 42).task_starts(1.0, "1-a"),
        &[42],
    );
    let run = running.run.unwrap();
    assert_eq!(
        (&*run.state, run.status, run.ended),
        ("running", None, None)
    );
    assert_eq!(run.elapsed, Some(100.0));
    assert_eq!(
        (
            run.tasks[0].outcome.as_deref(),
            run.tasks[0].starts[0].elapsed
        ),
        (None, None)
    );
    assert_eq!(run.halt, None);
    let headless = report(&Journal::new().boot("").task_starts(1.0, "1-a"), &[42]);
    let run = headless.run.unwrap();
    assert_eq!((&*run.state, run.boot, run.pid), ("cut-off", None, None));
    assert_eq!((run.taskdir, run.max_tries), (None, None));
    let report = report(&Journal::new().refused(9.0, 78, "why\never"), &[]);
    assert!(report.run.is_none());
    let refused = Refused {
        count: 1,
        last: "2026-11-24T06:00:09.000Z".into(),
        status: 78,
        reason: "why\never".into(),
    };
    assert_eq!(report.refused, Some(refused));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Past {
    run: String,
    boot: Option<String>,
    state: String,
    status: Option<u8>,
    started: String,
    ended: Option<String>,
    elapsed: Option<f64>,
    try_num: Option<u32>,
    not_ok: Vec<String>,
    reason: Option<String>,
}

#[test]
fn the_history_has_every_start() {
    let journal = Journal::new()
        .run_starts(0.0, 42)
        .task(1.0, 2.0, "1-a", "RETRY", "exited:7")
        .run_ends(2.0, 1, "gave-up")
        .run("x1")
        .refused(9.0, 78, "why ever");
    let json = history_json(&journal.history(), &now(100.0, &[]));
    let past: Vec<Past> = serde_json::from_str(&json).unwrap();
    let run = Past {
        run: "r1".into(),
        boot: Some("b2".into()),
        state: "gave-up".into(),
        status: Some(1),
        started: "2026-11-24T06:00:00.000Z".into(),
        ended: Some("2026-11-24T06:00:02.000Z".into()),
        elapsed: Some(2.0),
        try_num: Some(1),
        not_ok: vec!["1-a".into()],
        reason: None,
    };
    let refused = Past {
        run: "x1".into(),
        boot: None,
        state: "refused".into(),
        status: Some(78),
        started: "2026-11-24T06:00:09.000Z".into(),
        ended: None,
        elapsed: None,
        try_num: None,
        not_ok: Vec::new(),
        reason: Some("why ever".into()),
    };
    assert_eq!(past, [run, refused]);
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Numbers {
    task: String,
    runs: usize,
    retried: usize,
    starts: usize,
    failures: usize,
    median: Option<f64>,
    p95: Option<f64>,
    max: Option<f64>,
}

#[test]
fn the_statistics_of_a_task() {
    let journal = Journal::new()
        .task(0.0, 4.0, "1-a", "RETRY", "exited:7")
        .ok(5.0, 6.0, "1-a")
        .task_starts(6.0, "2-b");
    let tasks: Vec<Numbers> = serde_json::from_str(&tasks_json(&journal.tasks())).unwrap();
    let a = Numbers {
        task: "1-a".into(),
        runs: 1,
        retried: 1,
        starts: 2,
        failures: 1,
        median: Some(1.0),
        p95: Some(4.0),
        max: Some(4.0),
    };
    let b = Numbers {
        task: "2-b".into(),
        runs: 1,
        retried: 0,
        starts: 1,
        failures: 0,
        median: None,
        p95: None,
        max: None,
    };
    assert_eq!(tasks, [a, b]);
}
