//! The tasks that explain the end of a run, in text and JSON.

use runner_report::{RunSelector, run_json};
use serde_json::Value;

use crate::journal::{EARLIER_BOOT, Journal, now};

/// Starts a run of four tasks, of which `0-optional` fails in each try. The second try of two
/// ends with a failure of `1-a`.
fn failing() -> Journal {
    Journal::new()
        .plan(&["0-optional", "1-a", "2-b", "3-c"])
        .run_starts(0.0, 42)
        .task(0.0, 1.0, "0-optional", "RETRY", "exited:3")
        .task(1.0, 2.0, "1-a", "RETRY", "exited:7")
        .waits(2.0, 1.0, "try")
        .try_starts(3.0, 2)
        .task(3.0, 4.0, "0-optional", "RETRY", "exited:3")
}

/// Returns the part of the text between the first line and the facts.
fn explanation(journal: &Journal, alive: &[i32]) -> String {
    let text = journal.report(60.0, alive);
    let (_, rest) = text.split_once("\n\n").unwrap();
    let explanation = rest.split("\n\n").next().unwrap();
    explanation
        .split("  host ")
        .next()
        .unwrap()
        .trim_end()
        .to_owned()
}

/// Returns `task`, `tries`, `failed` and `not_reached` of the JSON report.
fn members(journal: &Journal, alive: &[i32]) -> String {
    let found = journal.find(RunSelector::FromEnd(1));
    let report: Value = serde_json::from_str(&run_json(&found, &now(60.0, alive))).unwrap();
    ["task", "tries", "failed", "not_reached"]
        .map(|member| report["run"][member].to_string())
        .join(" ")
}

#[test]
fn a_report_begins_with_the_tasks_that_explain_the_end() {
    const NO_OUTPUT: &str = "\n  its output was not kept; `log_dir` keeps it\n";
    const SHORT: &str = "  its output was not kept; `log_dir` keeps it\n";
    const OPTIONAL: &str = "failed, but not required: 0-optional";
    let a = |journal: Journal| journal.task(4.0, 5.0, "1-a", "RETRY", "exited:7");
    let decided = Some(("1-a", 2, 2));
    let rest = &["2-b", "3-c"];
    for (journal, text, json) in [
        (
            a(failing()).run_ends_because(5.0, 1, "gave-up", decided, rest),
            format!(
                "`1-a` exited with 7 (2 of 2 tries){NO_OUTPUT}{OPTIONAL}\nnot reached: 2-b, 3-c"
            ),
            r#""1-a" 2 ["0-optional","1-a"] ["2-b","3-c"]"#,
        ),
        // Version 0.1 did not write the task, nor the plan.
        (
            Journal::new()
                .run_starts(0.0, 42)
                .ok(0.0, 1.0, "1-a")
                .task(1.0, 2.0, "2-b", "RETRY", "timed-out")
                .run_ends(2.0, 1, "gave-up"),
            format!("`2-b` ran longer than `max_time` (10m){NO_OUTPUT}")
                .trim_end()
                .to_owned(),
            r#""2-b" null ["2-b"] []"#,
        ),
        (
            failing()
                .task(4.0, 5.0, "1-a", "HALT", "exited:2")
                .run_ends_because(5.0, 2, "halted", Some(("1-a", 2, 0)), rest),
            format!("`1-a` exited with 2 (try 2){NO_OUTPUT}{OPTIONAL}\nnot reached: 2-b, 3-c"),
            r#""1-a" 2 ["0-optional"] ["2-b","3-c"]"#,
        ),
        // The machine went down before the end.
        (
            Journal::new()
                .boot(EARLIER_BOOT)
                .plan(&["1-a", "2-b"])
                .run_starts(0.0, 42)
                .task(0.0, 1.0, "1-a", "HALT", "exited:2")
                .halt_starts(1.0, "halted"),
            format!("`1-a` exited with 2{NO_OUTPUT}not reached: 2-b"),
            r#""1-a" null [] ["2-b"]"#,
        ),
        // The signal came in the hook before a task that had succeeded in the try before.
        (
            Journal::new()
                .plan(&["1-a", "2-b"])
                .run_starts(0.0, 42)
                .ok(0.0, 1.0, "1-a")
                .task(1.0, 2.0, "2-b", "RETRY", "exited:7")
                .try_starts(3.0, 2)
                .run_ends_because(5.0, 143, "interrupted", Some(("1-a", 2, 0)), &[]),
            "`1-a` was not started (try 2)".to_owned(),
            r#""1-a" 2 ["2-b"] []"#,
        ),
        // The time limit of the run came while the task ran, in a hook before it, and in a wait.
        (
            failing()
                .task(4.0, 5.0, "1-a", "RETRY", "timed-out by max_run_time")
                .run_ends_because(5.0, 1, "out-of-time", Some(("1-a", 2, 3)), rest),
            format!(
                "`1-a` was still running after `max_run_time` (10m) (2 of 3 tries)\
                 {NO_OUTPUT}{OPTIONAL}\nnot reached: 2-b, 3-c"
            ),
            r#""1-a" 2 ["0-optional","1-a"] ["2-b","3-c"]"#,
        ),
        (
            failing().run_ends_because(5.0, 1, "out-of-time", Some(("1-a", 2, 0)), rest),
            format!("`1-a` was not started (try 2)\n{OPTIONAL}\nnot reached: 2-b, 3-c"),
            r#""1-a" 2 ["0-optional","1-a"] ["2-b","3-c"]"#,
        ),
        (
            a(failing()).run_ends_because(5.0, 1, "out-of-time", Some(("1-a", 2, 3)), rest),
            format!(
                "`1-a` exited with 7 (2 of 3 tries){NO_OUTPUT}{OPTIONAL}\nnot reached: 2-b, 3-c"
            ),
            r#""1-a" 2 ["0-optional","1-a"] ["2-b","3-c"]"#,
        ),
        (
            Journal::new()
                .boot(EARLIER_BOOT)
                .plan(&["1-a", "2-b"])
                .run_starts(0.0, 42)
                .task(0.0, 1.0, "1-a", "RETRY", "exited:7")
                .halt_starts(1.0, "out-of-time"),
            format!("`1-a` exited with 7{NO_OUTPUT}not reached: 2-b"),
            r#""1-a" null ["1-a"] ["2-b"]"#,
        ),
        // Cut off in a wait, and in the halt task.
        (
            failing()
                .task(4.0, 5.0, "1-a", "RETRY", "exited:7")
                .waits(5.0, 9.0, "try"),
            format!(
                "`0-optional` exited with 3\n{SHORT}`1-a` exited with 7\n{SHORT}not reached: 2-b, 3-c"
            ),
            r#"null null ["0-optional","1-a"] ["2-b","3-c"]"#,
        ),
        (
            Journal::new()
                .plan(&["1-a", "2-b"])
                .run_starts(0.0, 42)
                .task(0.0, 1.0, "1-a", "RETRY", "exited:7")
                .halt_starts(1.0, "gave-up"),
            format!("`1-a` exited with 7{NO_OUTPUT}not reached: 2-b"),
            r#"null null ["1-a"] ["2-b"]"#,
        ),
        // The signal came while it waited for a task that had not started.
        (
            failing().run_ends_because(5.0, 143, "interrupted", Some(("2-b", 1, 0)), rest),
            format!("`2-b` was not started (try 1)\n{OPTIONAL}\nnot reached: 2-b, 3-c"),
            r#""2-b" 1 ["0-optional","1-a"] ["2-b","3-c"]"#,
        ),
        (
            a(failing()).task_starts(5.0, "2-b"),
            format!("`2-b` had not ended\n{OPTIONAL}\nnot reached: 3-c"),
            r#"null null ["0-optional","1-a"] ["3-c"]"#,
        ),
        (
            failing()
                .ok(4.0, 5.0, "1-a")
                .ok(5.0, 6.0, "2-b")
                .ok(6.0, 7.0, "3-c")
                .run_ends(7.0, 4, "finished-with-failures"),
            format!("`0-optional` exited with 3{NO_OUTPUT}")
                .trim_end()
                .to_owned(),
            r#"null null ["0-optional"] []"#,
        ),
        (
            Journal::new()
                .plan(&["1-a"])
                .run_starts(0.0, 42)
                .ok(0.0, 1.0, "1-a")
                .run_ends(1.0, 0, "finished"),
            String::new(),
            "null null [] []",
        ),
    ] {
        assert_eq!(explanation(&journal, &[]), text);
        assert_eq!(members(&journal, &[]), json);
    }
    // While the run is alive, what failed in this try counts.
    assert_eq!(
        explanation(&failing(), &[42]),
        format!("`0-optional` exited with 3{NO_OUTPUT}").trim_end()
    );
}

#[test]
fn tasks_are_in_the_order_of_the_chain() {
    let text = Journal::new()
        .plan(&["10-keys", "20-format", "30-mount", "40-app", "50-end"])
        .run_starts_with(0.0, 42, 2, &["10-keys", "30-mount"])
        // Two workers: the order of starts is another one.
        .task_starts(0.0, "40-app")
        .task(0.1, 1.0, "20-format", "RETRY", "exited:7")
        .report(60.0, &[]);
    let (_, table) = text.split_once("  task ").unwrap();
    let names: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["10-keys", "20-format", "30-mount", "40-app", "50-end"]
    );
    let last = table.lines().last().unwrap();
    assert!(
        last.starts_with("  50-end ") && last.ends_with("  not reached"),
        "{last}"
    );
}

#[test]
fn many_causes_and_many_names_are_counted() {
    let mut journal = Journal::new().run_starts(0.0, 42);
    let names: Vec<String> = (1..=5).map(|number| format!("{number}-optional")).collect();
    for name in &names {
        journal = journal.task(0.0, 1.0, name, "RETRY", "exited:3");
    }
    let finished = journal.run_ends(1.0, 4, "finished-with-failures");
    let text = explanation(&finished, &[]);
    assert_eq!(text.matches("exited with 3").count(), 3, "{text}");
    assert!(text.ends_with("\nand 2 more, in the table below"), "{text}");
    let missed: Vec<String> = (1..=12).map(|number| format!("{number}-x")).collect();
    let missed: Vec<&str> = missed.iter().map(|name| &**name).collect();
    let text = explanation(
        &failing().run_ends_because(5.0, 1, "gave-up", None, &missed),
        &[],
    );
    // Those of the plan come first.
    assert!(
        text.ends_with(
            "not reached: 2-b, 3-c, 1-x, 2-x, 3-x, 4-x, 5-x, 6-x, 7-x, 8-x and 4 others"
        ),
        "{text}"
    );
}
