//! A JUnit report: the end of the run first, then each task in the order of the chain.

use roxmltree::{Document, Node};
use runner_report::run_junit;

use crate::{
    journal::{EARLIER_BOOT, Journal, now},
    page::{found, junit, parse},
};

/// Starts a run of four tasks, of which `0-optional` fails in both tries.
fn failing() -> Journal {
    Journal::new()
        .plan(&["0-optional", "1-a", "2-b", "3-c"])
        .run_starts(0.0, 7)
        .task(0.0, 1.0, "0-optional", "RETRY", "exited:3")
        .task(1.0, 2.0, "1-a", "RETRY", "exited:7")
        .try_starts(2.0, 2)
        .task(2.0, 3.0, "0-optional", "RETRY", "exited:3")
}

fn elements<'a>(document: &'a Document, name: &str) -> Vec<Node<'a, 'a>> {
    let nodes = document.descendants();
    nodes.filter(|node| node.has_tag_name(name)).collect()
}

/// Returns the properties of the suite and its cases, one for each line, and checks the counts.
fn lines(report: &str) -> Vec<String> {
    let document = parse(report);
    let properties = elements(&document, "property").into_iter();
    let properties = properties.map(|property| {
        let attribute = |name| property.attribute(name).unwrap();
        format!("{}={}", attribute("name"), attribute("value"))
    });
    let cases = elements(&document, "testcase");
    let suite = elements(&document, "testsuite")[0];
    for (attribute, name) in [
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
        ("tests", "testcase"),
    ] {
        let count = elements(&document, name).len().to_string();
        assert_eq!(suite.attribute(attribute), Some(&*count), "{report}");
    }
    let cases = cases.into_iter().map(|case| {
        let ends = ["failure", "error", "skipped"];
        let end = case
            .children()
            .find(|node| ends.contains(&node.tag_name().name()));
        let end = end.map(|end| {
            let (message, text) = (end.attribute("message").unwrap(), end.text());
            let text = text.map(|text| format!(" [{text}]")).unwrap_or_default();
            format!(" {}: {message}{text}", end.tag_name().name())
        });
        format!(
            "{}{}",
            case.attribute("name").unwrap(),
            end.unwrap_or_default()
        )
    });
    properties.chain(cases).collect()
}

#[test]
fn a_report_has_the_end_of_the_run_and_each_task_in_the_order_of_the_chain() {
    const OPTIONAL: &str = "0-optional skipped: failed, but not required: exited with 3";
    let rest = &["2-b", "3-c"];
    for (journal, expected) in [
        (
            failing()
                .task(3.0, 4.0, "1-a", "RETRY", "exited:7")
                .run_ends_because(4.0, 1, "gave-up", Some(("1-a", 2, 2)), rest),
            &[
                "end=gave up: `1-a` exited with 7 (2 of 2 tries)",
                "not reached=2-b, 3-c",
                "run=r1",
                OPTIONAL,
                "1-a failure: exited with 7 (2 of 2 tries) \
                 [gave up: `1-a` exited with 7 (2 of 2 tries)\nnot reached: 2-b, 3-c]",
                "2-b skipped: not reached: gave up: `1-a` exited with 7 (2 of 2 tries)",
                "3-c skipped: not reached: gave up: `1-a` exited with 7 (2 of 2 tries)",
            ][..],
        ),
        (
            failing()
                .task(3.0, 4.0, "1-a", "HALT", "exited:2")
                .run_ends_because(4.0, 2, "halted", Some(("1-a", 2, 0)), rest),
            &[
                "end=halted: `1-a` exited with 2 (try 2)",
                "not reached=2-b, 3-c",
                "run=r1",
                OPTIONAL,
                "1-a failure: requested a halt: exited with 2 (try 2) \
                 [halted: `1-a` exited with 2 (try 2)\nnot reached: 2-b, 3-c]",
                "2-b skipped: not reached: halted: `1-a` exited with 2 (try 2)",
                "3-c skipped: not reached: halted: `1-a` exited with 2 (try 2)",
            ],
        ),
        // No task failed, so the one that was due is an error.
        (
            failing().run_ends_because(4.0, 1, "out-of-time", Some(("2-b", 2, 0)), rest),
            &[
                "end=out of time: `2-b` was not started (try 2)",
                "not reached=2-b, 3-c",
                "run=r1",
                OPTIONAL,
                "1-a failure: exited with 7",
                "2-b error: was not started: the run was out of time \
                 [out of time: `2-b` was not started (try 2)\nnot reached: 2-b, 3-c]",
                "3-c skipped: not reached: out of time: `2-b` was not started (try 2)",
            ],
        ),
        // The machine went down before the end.
        (
            Journal::new()
                .boot(EARLIER_BOOT)
                .plan(&["1-a", "2-b"])
                .run_starts(0.0, 7)
                .task(0.0, 1.0, "1-a", "HALT", "exited:2")
                .halt_starts(1.0, "halted"),
            &[
                "end=halted, and the machine went down: `1-a` exited with 2",
                "not reached=2-b",
                "run=r1",
                "1-a failure: requested a halt: exited with 2 \
                 [halted, and the machine went down: `1-a` exited with 2\nnot reached: 2-b]",
                "2-b skipped: not reached: halted, and the machine went down: `1-a` exited with 2",
            ],
        ),
        (
            failing()
                .ok(3.0, 4.0, "1-a")
                .task_ends(4.0, "2-b", 0.0, "RETRY", "not-started: no such file")
                .run_ends_because(4.0, 1, "gave-up", Some(("2-b", 1, 1)), &["3-c"]),
            &[
                "end=gave up: `2-b` did not start: no such file (1 of 1 try)",
                "not reached=3-c",
                "run=r1",
                OPTIONAL,
                "1-a",
                "2-b error: did not start: no such file (1 of 1 try) \
                 [gave up: `2-b` did not start: no such file (1 of 1 try)\nnot reached: 3-c]",
                "3-c skipped: not reached: gave up: `2-b` did not start: no such file (1 of 1 try)",
            ],
        ),
        // The signal came before the first task.
        (
            Journal::new()
                .plan(&["1-a"])
                .run_starts(0.0, 7)
                .run_ends(1.0, 143, "interrupted"),
            &[
                "end=interrupted",
                "not reached=1-a",
                "run=r1",
                "1-a skipped: not reached: interrupted",
            ],
        ),
        (
            Journal::new()
                .plan(&["1-a-optional", "2-b-optional"])
                .run_starts_with(0.0, 7, 1, &["0-done"])
                .task(0.0, 1.0, "2-b-optional", "RETRY", "exited:3")
                .task(0.0, 1.0, "1-a-optional", "RETRY", "timed-out")
                .run_ends(1.0, 4, "finished-with-failures"),
            &[
                "end=finished with failures: `1-a-optional` ran longer than `max_time` (10m) and 1 more",
                "run=r1",
                "1-a-optional skipped: failed, but not required: ran longer than `max_time` (10m)",
                "2-b-optional skipped: failed, but not required: exited with 3",
                "0-done skipped: done by an earlier run",
            ],
        ),
    ] {
        assert_eq!(lines(&junit(&journal)), expected);
    }
}

#[test]
fn a_task_that_has_not_started_yet_is_skipped_while_the_run_is_alive() {
    let journal = failing().task_starts(3.0, "1-a");
    let running = lines(&junit(&journal));
    assert_eq!(running[0], "end=running: `0-optional` exited with 3");
    assert_eq!(running[4], "2-b skipped: not started yet");
    let cut_off = run_junit(&found(&journal), &now(60.0, &[])).unwrap();
    let cut_off = lines(&cut_off);
    assert_eq!(cut_off[0], "end=cut off: `1-a` had not ended");
    assert!(
        cut_off[4].starts_with("1-a error: it has no end"),
        "{cut_off:?}"
    );
    assert_eq!(
        cut_off[5],
        "2-b skipped: not reached: cut off: `1-a` had not ended"
    );
}

#[test]
fn suite_and_class_are_the_task_directory_and_the_host() {
    let report = junit(&failing());
    let document = parse(&report);
    let suite = elements(&document, "testsuite")[0];
    assert_eq!(suite.attribute("name"), Some("/etc/tasks.d on build7"));
    assert_eq!(suite.attribute("hostname"), Some("build7"));
    assert_eq!(suite.attribute("timestamp"), Some("2026-11-24T06:00:00"));
    for case in elements(&document, "testcase") {
        assert_eq!(case.attribute("classname"), Some("/etc/tasks_d on build7"));
    }
    // The start of the run was rotated away.
    let report = junit(&Journal::new().try_starts(0.0, 2).ok(0.0, 1.0, "1-a"));
    let document = parse(&report);
    let suite = elements(&document, "testsuite")[0];
    assert_eq!(suite.attribute("name"), Some("runner"));
    assert_eq!(suite.attribute("hostname"), None);
}
