//! The text report of one run.

use unicode_width::UnicodeWidthStr;

use crate::journal::{EARLIER_BOOT, Journal};

/// Builds a run with retries, waits, a time limit, and parallel tasks. It has no end.
fn eventful() -> Journal {
    let mut journal = Journal::new()
        .run("20261124T060000.000Z-da2e7952")
        .run_starts_with(0.0, 42, 2, &["0-provision"]);
    for (try_num, second) in [(1, 0.0), (2, 70.0), (3, 200.0)] {
        journal = journal.try_starts(second, try_num);
        journal = journal.ok(second, second + 0.012, "1-workdir.sh");
        journal = match try_num {
            1 => journal
                .task_starts(second + 0.1, "2-docs.sh")
                .task(second + 0.1, second + 20.0, "2-fetch", "RETRY", "exited:7")
                .task_ends(second + 60.0, "2-docs.sh", 59.9, "OK", "exited:0")
                .waits(second + 60.0, 10.0, "try"),
            2 => journal
                .task_starts(second + 0.1, "2-docs.sh")
                .ok(second + 0.1, second + 30.0, "2-fetch")
                .task_ends(second + 40.0, "2-docs.sh", 39.9, "OK", "exited:0")
                .task(
                    second + 40.0,
                    second + 100.0,
                    "3-build.sh",
                    "RETRY",
                    "timed-out",
                )
                .waits(second + 100.0, 30.0, "try"),
            _ => journal
                .task_starts(second + 0.1, "2-docs.sh")
                .ok(second + 0.1, second + 30.0, "2-fetch")
                .task_ends(second + 40.0, "2-docs.sh", 39.9, "OK", "exited:0")
                .task_starts(second + 40.0, "3-build.sh"),
        };
    }
    journal
}

/// Returns the report of that run after its end and its halt task.
fn finished() -> String {
    eventful()
        .task_ends(330.0, "3-build.sh", 90.0, "OK", "exited:0")
        .run_ends(330.0, 0, "finished")
        .halt_starts(330.1, "halt-after")
        .halt_ends(340.0, 9.9, "exited:0")
        .report(530.0, &[])
}

#[test]
fn a_run_that_finished_and_the_halt_task_after_it() {
    snapshot!("report-finished", finished());
}

#[test]
fn the_example_in_the_documentation_is_a_real_report() {
    let page = include_str!("../../../docs/reports.md");
    let lines: Vec<String> = finished()
        .lines()
        .map(|line| match line {
            "" => String::new(),
            line => format!("    {line}"),
        })
        .collect();
    assert!(
        page.contains(&lines.join("\n")),
        "docs/reports.md should have:\n{}",
        lines.join("\n")
    );
}

#[test]
fn a_running_run() {
    snapshot!("report-running", eventful().report(260.0, &[42]));
}

#[test]
fn a_run_that_was_cut_off_names_the_running_task() {
    let text = eventful()
        .run("20261124T070000.000Z-00000000")
        .refused(4000.0, 78, "configuration or plan is wrong")
        .run("20261124T080000.000Z-00000000")
        .refused(7600.0, 78, "no task in \u{1b}[31m`tasks.d`\n");
    snapshot!("report-cut-off", text.report(90_000.0, &[]));
}

#[test]
fn a_run_that_gave_up_in_an_earlier_boot() {
    let text = Journal::new()
        .boot(EARLIER_BOOT)
        .run_starts(0.0, 42)
        .ok(0.0, 0.5, "1-a")
        .task_ends(
            0.5,
            "2-b\u{1b}[31m",
            0.0,
            "RETRY",
            "not-started: its interpreter `/nowhere/sh` is not there",
        )
        .task(0.5, 3.0, "3-界界", "RETRY", "signaled:SIGSEGV")
        .task(0.5, 3.0, "4-d", "INTERRUPTED", "signaled:SIGTERM")
        .task(0.5, 3.0, "5-e", "OK", "exited:3")
        .halt_starts(3.0, "gave-up")
        .halt_ends(4.0, 1.0, "exited:1")
        .run_ends(4.0, 1, "gave-up")
        .report(4.2, &[]);
    snapshot!("report-gave-up", text);
}

#[test]
fn a_waiting_run_names_the_next_try() {
    let journal = Journal::new()
        .run_starts(0.0, 42)
        .task(0.0, 1.0, "1-a", "RETRY", "exited:7")
        .waits(1.0, 30.0, "try");
    let text = journal.report(10.0, &[42]);
    assert!(text.starts_with("run r1 is waiting for try 2\n"), "{text}");
    let text = journal.try_starts(31.0, 2).report(31.0, &[42]);
    assert!(text.starts_with("run r1 is running\n"), "{text}");
}

#[test]
fn the_bar_of_a_running_halt_task_ends_now() {
    let journal = Journal::new()
        .run_starts(0.0, 42)
        .ok(0.0, 30.0, "1-a")
        .run_ends(30.0, 0, "finished")
        .halt_starts(30.0, "halt-after");
    for (alive, whole, end) in [
        (
            &[42][..],
            "1m\n",
            "  30s  │               ███████████████│  running\n",
        ),
        (&[], "30s\n", " █│  cut off\n"),
    ] {
        let text = journal.report(60.0, alive);
        assert!(text.contains(whole) && text.ends_with(end), "{text}");
    }
}

#[test]
fn starts_that_were_all_refused() {
    let text = Journal::new()
        .refused(0.0, 78, "configuration or plan is wrong")
        .report(100.0, &[]);
    assert_eq!(
        text,
        "refused 1m 40s ago: configuration or plan is wrong\n\nno run is known\n"
    );
}

#[test]
fn a_long_name_shortens_the_bars_and_no_line_is_wider_than_the_terminal() {
    for length in [1, 20, 35, 36, 49] {
        let name = "n".repeat(length);
        let text = Journal::new()
            .run_starts(0.0, 42)
            .ok(0.0, 5.0, &name)
            .task(5.0, 9.0, "2-b", "RETRY", "exited:7")
            .run_ends(9.0, 1, "gave-up")
            .report(10.0, &[]);
        let widest = text.lines().map(|line| line.width()).max().unwrap();
        assert!(widest <= 80, "{length}: {widest}\n{text}");
        assert!(text.contains(&name), "{text}");
        assert_eq!(text.contains('│'), length <= 35, "{length}\n{text}");
    }
}

#[test]
fn each_reason_of_an_end_has_its_words() {
    for (reason, expected) in [
        ("finished", "run r1 finished 1s ago\n"),
        (
            "finished-with-failures",
            "run r1 finished, with failures, 1s ago\n",
        ),
        ("gave-up", "run r1 gave up 1s ago\n"),
        ("out-of-time", "run r1 was out of time 1s ago\n"),
        ("halted", "run r1 halted 1s ago\n"),
        ("stopped", "run r1 stopped 1s ago\n"),
        ("interrupted", "run r1 was interrupted 1s ago\n"),
        (
            "halts-used-up",
            "run r1 ended 1s ago, without the halt task: its halts are used up\n",
        ),
        (
            "of-a-later-version",
            "run r1 ended 1s ago: of-a-later-version\n",
        ),
    ] {
        let journal = Journal::new().run_starts(0.0, 1).run_ends(9.0, 0, reason);
        let text = journal.report(10.0, &[]);
        assert!(text.starts_with(expected), "{text}");
    }
}
