//! The newest boot of a host, and its last start, with clocks that are wrong.

use crate::fleet::{Machine, WEB1, assert_state};

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
    assert_in_any_order([early.clone() + &late, again.clone()], "unfinished r3");
    // Without a boot id, the ticks can be those of different boots.
    let nowhere = |text: String| text.replace(r#""boot":"b1""#, r#""boot":"""#);
    assert_in_any_order([nowhere(early), nowhere(late)], "not-ready r1");
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
