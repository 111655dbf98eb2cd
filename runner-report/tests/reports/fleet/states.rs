//! The state of a host.

use std::time::Duration;

use crate::fleet::{WEB1, answer, answer_within, assert_state, hosts};

#[test]
fn the_state_is_that_of_the_last_start() {
    let start = WEB1.start("06:00", "r1");
    let failed = WEB1.task("06:01", "r1", "1-a", 1, ["RETRY", "exited:7"]);
    let halt = WEB1.line(
        "06:01",
        "r1",
        r#""halt-start","task":"h","reason":"halted""#,
    );
    let end = |status, reason, task| WEB1.end("06:02", "r1", status, reason, task);
    for (rest, state) in [
        (end(0, "finished", None), "ready r1"),
        (
            end(4, "finished-with-failures", None),
            "ready-with-failures r1",
        ),
        (end(1, "gave-up", Some("1-a")), "not-ready r1"),
        (end(3, "stopped", Some("1-a")), "not-ready r1"),
        (end(143, "interrupted", Some("1-a")), "not-ready r1"),
        (end(1, "out-of-time", Some("1-a")), "not-ready r1"),
        (end(1, "halts-used-up", Some("1-a")), "not-ready r1"),
        (end(9, "a-later-word", None), "not-ready r1"),
        (end(2, "halted", Some("1-a")), "halted r1"),
        // The machine went down before the end.
        (halt.clone(), "halted r1"),
        // With `-H` the halt task runs after the end.
        (end(0, "finished", None) + &halt, "ready r1"),
        (failed, "unfinished r1"),
        (String::new(), "unfinished r1"),
        (WEB1.refused("06:03", "r2", 78), "not-ready r2"),
        (
            end(0, "finished", None) + &WEB1.refused("06:03", "r2", 75),
            "not-ready r2",
        ),
        // The run was active all the time, and has ended since.
        (
            WEB1.refused("06:01", "r2", 75) + &end(0, "finished", None),
            "ready r1",
        ),
        (
            end(0, "finished", None)
                + &WEB1.refused("06:03", "r2", 75)
                + &WEB1.gave_up("06:04", "r3"),
            "not-ready r3",
        ),
    ] {
        assert_state(&(start.clone() + &rest), state);
    }
}

#[test]
fn the_deciding_task_has_its_last_outcome() {
    let start = WEB1.start("06:00", "r1");
    let a = |try_num, result, outcome| WEB1.task("06:01", "r1", "1-a", try_num, [result, outcome]);
    let b = |try_num, result, outcome| WEB1.task("06:02", "r1", "2-b", try_num, [result, outcome]);
    let end = |reason, task| WEB1.end("06:03", "r1", 1, reason, task);
    let halt = WEB1.line(
        "06:03",
        "r1",
        r#""halt-start","task":"h","reason":"halted""#,
    );
    for (lines, task, outcome) in [
        (
            a(1, "RETRY", "exited:7") + &a(2, "RETRY", "timed-out") + &end("gave-up", Some("1-a")),
            Some("1-a"),
            Some("timed-out"),
        ),
        (
            a(1, "RETRY", "exited:7") + &a(2, "OK", "exited:0") + &end("finished", None),
            None,
            None,
        ),
        (
            a(1, "RETRY", "exited:7")
                + &b(1, "RETRY", "exited:8")
                + &a(2, "OK", "exited:0")
                + &b(2, "RETRY", "exited:9")
                + &end("finished-with-failures", None),
            Some("2-b"),
            Some("exited:9"),
        ),
        // The signal came before the task started again.
        (
            a(1, "RETRY", "exited:7") + &end("interrupted", Some("1-a")),
            Some("1-a"),
            None,
        ),
        // Version 0.1 did not name the task.
        (
            a(1, "RETRY", "exited:7") + &b(2, "RETRY", "exited:8") + &end("gave-up", None),
            Some("2-b"),
            Some("exited:8"),
        ),
        (
            a(1, "HALT", "exited:2") + &halt,
            Some("1-a"),
            Some("exited:2"),
        ),
        (end("gave-up", Some("1-a")), Some("1-a"), None),
    ] {
        let text = start.clone() + &lines;
        // The order of lines does not matter, nor how often they come.
        let mut reversed: Vec<&str> = text.split_inclusive('\n').collect();
        reversed.reverse();
        for text in [text.clone(), reversed.concat(), text.clone() + &text] {
            let fleet = answer(&[("web1", &text)]);
            let last = fleet.hosts[0].last.as_ref().unwrap();
            let found = last.outcome.as_ref().map(ToString::to_string);
            assert_eq!(
                (last.task.as_deref(), found.as_deref()),
                (task, outcome),
                "{text}"
            );
        }
    }
}

#[test]
fn a_host_is_silent_without_a_record_within_the_time() {
    let within = |text: &str, minutes: u64| {
        let within = Duration::from_secs(60 * minutes);
        let fleet = answer_within(&[("web1", text)], &[], Some(within));
        hosts(&fleet).concat()
    };
    let start = WEB1.start("06:00", "r1");
    let routine = WEB1.task("07:30", "r1", "1-a", 1, ["OK", "exited:0"]);
    for (text, minutes, state) in [
        (start.clone(), 120, "unfinished"),
        (start.clone(), 119, "silent"),
        (start.clone() + &routine, 30, "unfinished"),
        (start.clone() + &routine, 29, "silent"),
        (WEB1.finished("06:00", "r1"), 119, "silent"),
        // A clock that is ahead of ours by less than a day.
        (WEB1.finished("2026-11-25T07:59", "r1"), 0, "ready"),
        // Nobody knows when this was.
        (WEB1.finished("2037-01-01T00:00", "r1"), 60, "silent"),
        (WEB1.finished("1970-01-01T00:00", "r1"), 60, "silent"),
    ] {
        assert_eq!(
            within(&text, minutes),
            format!("web1 m1 {state} r1"),
            "{text}"
        );
    }
}
