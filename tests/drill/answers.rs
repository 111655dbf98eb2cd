//! The answer of a drill, and the output of its tasks.

use serde_json::{Value, json};

use crate::support::Test;

use super::only_once;

#[test]
fn the_answer_in_json_has_stdout_for_itself() {
    let ran = Test::new()
        .task("1-a", "echo out; echo error >&2")
        .task("2-b", &only_once(1))
        .file("hook", "#!/bin/sh\necho hook\n", 0o755)
        .config("task_hook = ./hook")
        .drill()
        .args(["--json"])
        .run()
        .status(4);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        answer,
        json!({
            "status": 4,
            "ended_by": null,
            "tasks": [
                {
                    "task": "1-a", "required": true, "starts": 3, "result": "can",
                    "message": "can be started again", "outcome": null, "after": null,
                    "output": [],
                },
                {
                    "task": "2-b", "required": true, "starts": 2, "result": "cannot",
                    "message": "cannot: exited with 1 when started again after `2-b`",
                    "outcome": "exited:1", "after": "2-b", "output": ["again"],
                },
            ],
        })
    );
    ran.says("1-a | out\n")
        .says("1-a | error\n")
        .says("2-b | hook\n");
}

#[test]
fn a_drill_that_ended_early_names_the_task_in_json() {
    let answer = Test::new()
        .task("1-a", "")
        .task("2-b", "echo why; exit 2")
        .task("3-c", "")
        .drill_json(1);
    assert_eq!(answer["status"], 1);
    assert_eq!(answer["ended_by"], "2-b");
    assert_eq!(answer["tasks"][1]["result"], "failed");
    assert_eq!(answer["tasks"][1]["outcome"], "exited:2");
    assert_eq!(answer["tasks"][1]["output"], json!(["why"]));
    assert_eq!(answer["tasks"][2]["result"], "not-reached");
}

#[test]
fn the_last_lines_of_a_failure_are_shown() {
    let many = "[ ! -e ran ] || { seq 1000; echo end >&2; exit 1; }; echo first; : >ran";
    let ran = Test::new().task("1-a", many).drill().run().status(4);
    let (_, shown) = ran.stdout.split_once("after `1-a`\n").unwrap();
    let shown: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("  | "))
        .collect();
    assert_eq!(shown.len(), 20, "{}", ran.stdout);
    assert!(!shown.contains(&"  | first"));
    assert!(shown.contains(&"  | end") || shown.contains(&"  | 1000"));
}

#[test]
fn control_characters_of_a_task_are_not_in_the_answer() {
    let body = "[ ! -e ran ] || { printf '\\033[31mred\\033[0m \\007bell\\n'; exit 1; }; : >ran";
    let ran = Test::new().task("1-a", body).drill().run().status(4);
    assert!(ran.stdout.contains("\n  | red bell\n"), "{}", ran.stdout);
}

#[test]
fn ten_megabytes_of_output_neither_block_nor_fill_the_memory() {
    let body = format!("yes x | head -c 10000000\n{}", only_once(1));
    let ran = Test::new().task("1-a", &body).drill().run().status(4);
    assert!(ran.stdout.len() > 20_000_000);
    assert!(
        ran.stdout
            .contains("\n  | again\n1 task, 2 starts, 1 cannot")
    );
}

#[test]
fn quiet_leaves_findings_and_the_answer() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", &only_once(1))
        .drill()
        .args(["-q"])
        .run()
        .status(4);
    for line in ran.stderr.lines() {
        assert!(line.contains("warning: "), "{line}");
    }
    assert_eq!(ran.answer().lines().count(), 4);
}
