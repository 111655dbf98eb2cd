//! A run as Markdown.

use std::iter;

use proptest::prelude::*;
use runner_exec::last_lines;
use runner_report::run_md;

use crate::{
    journal::{EARLIER_BOOT, Journal, now},
    page::found,
};

fn md(journal: &Journal) -> String {
    run_md(&found(journal), &now(1000.0, &[])).unwrap()
}

/// Starts a run of five tasks that gives up in its second try.
fn failing() -> Journal {
    Journal::new()
        .plan(&["1-optional", "2-flaky", "3-a|b", "4-c", "5-d"])
        .run_starts(0.0, 7)
        .task(0.0, 1.0, "1-optional", "RETRY", "exited:3")
        .task(1.0, 2.0, "2-flaky", "RETRY", "signaled:SIGSEGV")
        .try_starts(3.0, 2)
        .task(3.0, 4.0, "1-optional", "RETRY", "exited:3")
        .ok(4.0, 6.0, "2-flaky")
        .task(6.0, 606.0, "3-a|b", "RETRY", "timed-out")
        .run_ends_because(606.0, 1, "gave-up", Some(("3-a|b", 2, 2)), &["4-c", "5-d"])
        .halt_starts(606.0, "gave-up")
        .halt_ends(607.0, 1.0, "exited:1")
}

#[test]
fn the_markdown_report_of_a_run() {
    snapshot!("report-md", md(&failing().refused(700.0, 75, "`x` @all")));
}

#[test]
fn a_report_begins_with_the_end_of_the_run() {
    let start = || Journal::new().plan(&["1-a", "2-b"]).run_starts(0.0, 7);
    let failed = |outcome: &str| start().task(0.0, 1.0, "1-a", "RETRY", outcome);
    let gave_up = |journal: Journal| {
        journal.run_ends_because(1.0, 1, "gave-up", Some(("1-a", 1, 1)), &["2-b"])
    };
    for (journal, expected) in [
        (start().run_ends(1.0, 0, "finished"), "✅ finished"),
        (
            start()
                .task(0.0, 1.0, "1-optional", "RETRY", "exited:3")
                .task(0.0, 1.0, "2-optional", "RETRY", "exited:4")
                .run_ends(1.0, 4, "finished-with-failures"),
            "⚠️ finished with failures: `1-optional` exited with 3 and 1 more",
        ),
        (
            gave_up(failed("timed-out")),
            "❌ gave up: `1-a` ran longer than `max_time` (10m) (1 of 1 try)",
        ),
        (
            gave_up(failed("not-started: its interpreter `/no/sh` is missing")),
            "❌ gave up: `1-a` did not start: its interpreter `/no/sh` is missing (1 of 1 try)",
        ),
        (
            gave_up(failed("not-started: see www.example.com")),
            "❌ gave up: `1-a` `did not start: see www.example.com (1 of 1 try)`",
        ),
        (
            gave_up(failed("not-started: `a``b`")),
            "❌ gave up: `1-a` ```did not start: `a``b` (1 of 1 try)```",
        ),
        (start().run_ends(1.0, 143, "interrupted"), "❌ interrupted"),
        (start().run_ends(1.0, 9, "woke-@up"), "❌ `woke @up`"),
        (
            start().task_starts(1.0, "1-a"),
            "❌ cut off: `1-a` had not ended",
        ),
        (
            Journal::new()
                .boot(EARLIER_BOOT)
                .run_starts(0.0, 7)
                .task(0.0, 1.0, "1-a", "HALT", "exited:2")
                .halt_starts(1.0, "halted"),
            "❌ halted, and the machine went down: `1-a` exited with 2",
        ),
    ] {
        let report = md(&journal);
        assert_eq!(report.lines().next(), Some(&*format!("### {expected}")));
    }
    let running = run_md(&found(&failed("exited:3")), &now(10.0, &[7])).unwrap();
    assert!(running.starts_with("### ⏳ running: `1-a` exited with 3\n"));
    assert!(
        running.contains("| `2-b` | not started yet |  |  |  |"),
        "{running}"
    );
    assert!(!running.contains("not reached"), "{running}");
}

#[test]
fn tasks_that_need_no_attention_are_folded_if_there_are_many() {
    let report = |count: u32| {
        let mut journal = Journal::new().run_starts(0.0, 7);
        for number in 0..count {
            journal = journal.ok(0.0, 1.0, &format!("{number}-x"));
        }
        let journal = journal
            .ok(0.0, 100.0, "1000-slow")
            .task(0.0, 1.0, "1001-bad", "RETRY", "exited:3");
        let end = Some(("1001-bad", 1, 1));
        md(&journal.run_ends_because(100.0, 1, "gave-up", end, &["1002-y", "1003-z"]))
    };
    let few = report(56);
    assert!(
        !few.contains("<details>") && few.contains("| `55-x` | ✅ OK "),
        "{few}"
    );
    let many = report(57);
    let (open, folded) = many.split_once("<details>").unwrap();
    let names = |text: &str| text.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(names(open), 2, "{open}");
    assert!(
        open.contains("`1000-slow`") && open.contains("`1001-bad`"),
        "{open}"
    );
    let (without_problems, not_started) = folded.split_once("<details>").unwrap();
    assert!(without_problems.starts_with("<summary>57 tasks without problems</summary>\n\n"));
    assert_eq!(names(without_problems), 57);
    assert!(not_started.starts_with("<summary>2 tasks that have not started</summary>\n\n"));
    assert_eq!(names(not_started), 2);
}

#[test]
fn a_report_of_any_length_fits_into_a_summary() {
    // The longest name in its longest form.
    let pad = "|".repeat(250);
    let mut journal = Journal::new().run_starts(0.0, 7);
    for try_num in 1..=2 {
        journal = journal.try_starts(1.0, try_num);
        for number in 0..3000 {
            let name = format!("{number}{pad}");
            journal = journal.task(0.0, 1.0, &name, "RETRY", "exited:3");
        }
    }
    let report = md(&journal.run_ends(2.0, 1, "gave-up"));
    assert!(report.len() < 1_000_000, "{}", report.len());
    assert!(report.contains("\nand 2") && report.ends_with("</details>\n\n"));
    let mut journal = Journal::new().run_starts(0.0, 7);
    for number in 0..3000 {
        let name = format!("{number}-install-the-packages");
        journal = journal
            .task(0.0, 1.0, &name, "RETRY", "exited:3")
            .ok(1.0, 2.0, &name);
    }
    let report = md(&journal.run_ends(2.0, 0, "finished"));
    assert!(report.len() < 1_000_000, "{}", report.len());
    assert!(!report.contains("\nand "), "all tasks are listed");
}

/// Returns a line without its code.
fn without_code(line: &str) -> String {
    let (mut rest, mut words) = (line, String::new());
    while let Some(start) = rest.find('`') {
        words += &rest[..start];
        let span = rest[start..].trim_start_matches('`');
        let length = rest.len() - start - span.len();
        let runs = span.match_indices('`').map(|(at, _)| at);
        let is_delimiter = |at: &usize| {
            let after = span[*at..].trim_start_matches('`');
            !span[..*at].ends_with('`') && span.len() - at - after.len() == length
        };
        let end = runs
            .clone()
            .find(is_delimiter)
            .expect("code without an end");
        rest = &span[end + length..];
    }
    words += rest;
    words.replace("&#124;", "")
}

/// Checks that each line has the structure that the report gives it.
fn assert_structure(report: &str, output: &[String]) {
    let mut lines = report.lines();
    let mut shown = None;
    while let Some(line) = lines.next() {
        if line.starts_with("```") && line.trim_matches('`').is_empty() {
            let block: Vec<&str> = lines.by_ref().take_while(|end| *end != line).collect();
            shown = Some(block);
            continue;
        }
        if line == "</details>" {
            continue;
        }
        if let Some(summary) = line.strip_prefix("<details><summary>") {
            let summary = summary.strip_suffix("</summary>").unwrap();
            let code = summary.strip_prefix("output of <code>");
            let code = code.map(|code| code.split_once("</code>, try ").unwrap().0);
            assert!(!code.unwrap_or(summary).contains(['<', '>']), "{line}");
            continue;
        }
        let words = without_code(line);
        let words = words.trim_start_matches("### ");
        let is_safe = |c: char| c.is_alphanumeric() || " |-:;,.()+⏳❌✅⚠\u{fe0f}⏭🛑".contains(c);
        assert!(words.chars().all(is_safe), "{words:?} of {line:?}");
        if words.starts_with('|') {
            let cells = words.matches('|').count() - 1;
            assert!(cells == 5 || cells == 6, "{line}");
            assert!(line.matches('|').count() == cells + 1, "{line}");
        } else {
            assert!(!words.contains('|'), "{line}");
        }
    }
    if !output.is_empty() {
        assert_eq!(shown.unwrap(), output, "{report}");
    }
}

proptest! {
    #[test]
    fn no_name_reason_or_output_changes_the_structure(
        name in r"([^/]|[|`<>\\\[\]@*_~#: \n]|www.|https://){1,12}",
        reason in r"([^/]|[|`<>\\\[\]@*_~#: \n]|www.|https://|`a`){0,12}",
        output in r"([^\u{fe0f}]|[|`<>~ \n]|```|~~~|</details>|\n){0,40}",
    ) {
        let journal = Journal::new()
            .run_starts(0.0, 7)
            .task(0.0, 1.0, &name, "RETRY", &format!("not-started: {reason}"))
            .try_starts(1.0, 2)
            .task(1.0, 2.0, &name, "RETRY", &reason)
            .halt_starts(2.0, &reason)
            .halt_ends(3.0, 1.0, &reason)
            .run_ends_because(3.0, 1, &reason, Some((&name, 2, 2)), &[&reason])
            .refused(4.0, 75, &reason);
        let mut found = found(&journal);
        let end = found.run.as_mut().unwrap().run.tasks[0].end.as_mut().unwrap();
        end.output = Some(reason);
        end.lines = last_lines(output.as_bytes());
        let lines: Vec<String> = end.lines.iter().map(|line| line.plain()).collect();
        assert_structure(&run_md(&found, &now(1000.0, &[])).unwrap(), &lines);
    }
}

#[test]
fn a_line_of_an_output_cannot_end_its_block() {
    let lines: Vec<String> = iter::once("```".to_owned())
        .chain(["`````".to_owned()])
        .collect();
    let mut found = found(&failing());
    let task = &mut found.run.as_mut().unwrap().run.tasks[2];
    let end = task.end.as_mut().unwrap();
    end.output = Some("/log".to_owned());
    end.lines = last_lines(lines.join("\n").as_bytes());
    let report = run_md(&found, &now(1000.0, &[])).unwrap();
    assert!(
        report.contains("\n``````\n```\n`````\n``````\n\n"),
        "{report}"
    );
}
