//! The newest boot of a host, and its last start, with clocks that are wrong.

use crate::fleet::{Machine, WEB1, answer, assert_state, hosts};

/// Both orders of two parts of a journal.
#[track_caller]
fn assert_in_any_order(parts: [String; 2], expected: &str) {
    let [first, second] = parts;
    assert_state(&(first.clone() + &second), expected);
    assert_state(&(second + &first), expected);
}

#[test]
fn the_boot_with_the_latest_time_is_the_newest() {
    let (old, new) = (WEB1.boot("old"), WEB1.boot("new"));
    assert_in_any_order(
        [old.finished("06:00", "r1"), new.gave_up("07:00", "r2")],
        "not-ready r2",
    );
    // A later line of the same run can tell the time of a boot.
    assert_in_any_order(
        [
            old.finished("06:00", "r1"),
            new.start("1970-01-01T00:00", "r2") + &new.end("07:00", "r2", 1, "gave-up", None),
        ],
        "not-ready r2",
    );
    // An early run without a clock does not hide a later one of its boot.
    assert_in_any_order(
        [
            old.finished("06:00", "r1"),
            new.finished("1970-01-01T00:00", "r2") + &new.gave_up("07:00", "r3"),
        ],
        "not-ready r3",
    );
}

#[test]
fn within_a_boot_the_later_process_is_the_later_start() {
    // The clock was two hours ahead, until the network set it.
    let early =
        WEB1.start_at_tick("08:00", "r1", 1000) + &WEB1.end("08:01", "r1", 1, "gave-up", None);
    let late =
        WEB1.start_at_tick("06:05", "r2", 2000) + &WEB1.end("06:06", "r2", 0, "finished", None);
    assert_in_any_order([early.clone(), late.clone()], "ready r2");
    // Runs of one runner have its tick.
    let again = WEB1.start_at_tick("06:09", "r3", 2000);
    assert_state(&(early.clone() + &late + &again), "unfinished r3");
    // Without a boot id, the ticks can be those of different boots.
    let nowhere = |text: String| text.replace(r#""boot":"b1""#, r#""boot":"""#);
    assert_in_any_order([nowhere(early), nowhere(late)], "not-ready r1");
}

#[test]
fn a_run_without_ticks_is_compared_by_the_clock() {
    let end = |at: &str, run: &str, status, reason| WEB1.end(at, run, status, reason, Some("1-a"));
    let ready =
        WEB1.start_at_tick("06:00", "r1", 100) + &WEB1.end("06:01", "r1", 0, "finished", None);
    // Its start was rotated away, or could not be written, or has no ticks.
    assert_in_any_order(
        [ready.clone(), end("07:00", "r2", 1, "gave-up")],
        "not-ready r2",
    );
    assert_in_any_order([ready.clone(), WEB1.gave_up("07:00", "r2")], "not-ready r2");
    assert_in_any_order([ready.clone(), WEB1.gave_up("05:00", "r2")], "ready r1");
    // A later try has the ticks of the process, here after the clock was set back.
    let try_start = r#""try-start","try_num":2,"pid":9,"start_time":900"#;
    let retry = WEB1.line("05:00", "r2", try_start) + &end("05:01", "r2", 1, "gave-up");
    assert_in_any_order([ready.clone(), retry], "not-ready r2");
    // The order of the three does not matter, although ticks and clock make a circle.
    let parts = [
        WEB1.start_at_tick("06:30", "r1", 100),
        WEB1.start("06:20", "r2"),
        WEB1.start_at_tick("06:10", "r3", 200),
    ];
    for offset in 0..3 {
        let mut order = parts.clone();
        order.rotate_left(offset);
        assert_state(&order.concat(), "unfinished r2");
        order.reverse();
        assert_state(&order.concat(), "unfinished r2");
    }
}

#[test]
fn runs_of_one_process_are_in_the_order_of_their_journal() {
    // The clock was set back between the two.
    let first =
        WEB1.start_at_tick("06:10", "r1", 100) + &WEB1.end("06:11", "r1", 0, "finished", None);
    let second = WEB1.start_at_tick("06:00", "r2", 100)
        + &WEB1.end("06:01", "r2", 1, "gave-up", Some("1-a"));
    let text = first.clone() + &second;
    assert_state(&text, "not-ready r2");
    assert_state(&(text.clone() + &text), "not-ready r2");
    // Two journals have no order.
    let fleet = answer(&[("x", &first), ("x", &second)]);
    assert_eq!(hosts(&fleet), ["web1 m1 ready r1"]);
}

#[test]
fn a_start_is_refused_after_a_run_whose_lines_came_before() {
    // The clock was set back before the start was refused.
    let run = WEB1.start("06:00", "r1") + &WEB1.end("06:10", "r1", 0, "finished", None);
    let refused = WEB1.refused("06:05", "r2", 78);
    assert_state(&(run.clone() + &refused), "not-ready r2");
    // Refused while the run was active, in another journal too.
    assert_state(&(refused.clone() + &run), "ready r1");
    let fleet = answer(&[("x", &run), ("x", &refused)]);
    assert_eq!(hosts(&fleet), ["web1 m1 ready r1"]);
}

#[test]
fn a_boot_without_a_right_time_stays_where_it_was_read() {
    let wrong = WEB1.boot("wrong");
    let at = "1970-01-01T00:10";
    let ready = wrong.finished(at, "r1");
    let headless = wrong.end(at, "r1", 0, "finished", None);
    let new = WEB1.gave_up("07:00", "r2");
    for early in [
        headless,
        ready.replace(r#""machine":"m1""#, r#""machine":"""#),
    ] {
        let fleet = answer(&[("web1", &(early.clone() + &new))]);
        assert_eq!(hosts(&fleet), ["web1 m1 not-ready r2"], "{early}");
        let fleet = answer(&[("web1", &(new.clone() + &early))]);
        assert_eq!(hosts(&fleet), ["web1 m1 ready r1"], "{early}");
    }
}

#[test]
fn a_time_that_cannot_be_true_is_not_the_newest() {
    let wrong = WEB1.boot("wrong");
    for never in [
        "2037-01-01T00:00",
        "2026-11-25T08:01",
        "1970-01-01T00:00",
        "2025-12-31T23:59",
    ] {
        let parts = [wrong.finished(never, "r1"), WEB1.gave_up("06:00", "r2")];
        assert_state(&parts.concat(), "not-ready r2");
        // A journal only grows, so this boot came later.
        let parts = [WEB1.gave_up("06:00", "r2"), wrong.finished(never, "r1")];
        assert_state(&parts.concat(), "ready r1");
        // Until the next one.
        let later = WEB1.boot("later").start("06:01", "r3");
        assert_state(&(parts.concat() + &later), "unfinished r3");
        // A line that is read again changes nothing.
        assert_state(
            &(parts.concat() + &later + &parts.concat()),
            "unfinished r3",
        );
    }
    // All clocks are wrong.
    let parts = [
        wrong.finished("2037-01-01T00:00", "r1"),
        WEB1.gave_up("1970-01-01T00:00", "r2"),
    ];
    assert_state(&parts.concat(), "not-ready r2");
}

#[test]
fn many_boots_are_read_in_any_order() {
    let boot = |number: usize| -> Machine {
        let ids: Vec<&str> = "c0 c1 c2 c3 c4 c5 c6 c7 c8 c9".split(' ').collect();
        WEB1.boot(ids[number])
    };
    let runs: Vec<String> = (0..10)
        .map(|number| boot(number).finished(&format!("06:0{number}"), &format!("r{number}")))
        .collect();
    for offset in 0..10 {
        let mut order = runs.clone();
        order.rotate_left(offset);
        assert_state(&order.concat(), "ready r9");
        order.reverse();
        assert_state(&order.concat(), "ready r9");
    }
}
