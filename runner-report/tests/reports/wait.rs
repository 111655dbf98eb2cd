//! The run that a wait waits for, depending on the journal.

use runner_report::{Record, RefusedStart, WaitEnd, WaitState};

use crate::journal::{Journal, at, now};

/// Builds records of runs. A word is a run id and `<` for its start, `!` for a refused start, or
/// `>` for its end. The index of the word is the exit status.
fn records(text: &'static str) -> Journal {
    let mut journal = Journal::new();
    for (status, record) in text.split_whitespace().enumerate() {
        let (run, kind) = record.split_at(record.len() - 1);
        journal = journal.run(run);
        journal = match kind {
            "<" => journal.run_starts(0.0, run.parse().unwrap()),
            "!" => journal.refused(0.0, status as u8, "why"),
            _ => journal.run_ends(0.0, status as u8, "finished"),
        };
    }
    journal
}

/// Returns the result of a wait after these records.
fn waited(mut state: WaitState, after: &'static str) -> Option<WaitEnd> {
    let each = |record: &Record| state.apply(record);
    records(after).read(each).unwrap();
    match state {
        WaitState::Done(end) => Some(end),
        WaitState::Start(_) | WaitState::Run(_) => None,
    }
}

fn ended(status: u8) -> Option<WaitEnd> {
    Some(WaitEnd::Ended(status))
}

fn refused(run: &str, status: u8) -> Option<WaitEnd> {
    let (run, reason, at) = (run.to_owned(), "why".to_owned(), at(0.0));
    Some(WaitEnd::Refused(RefusedStart {
        run,
        at,
        status,
        reason,
    }))
}

#[test]
fn a_wait_is_for_the_current_run_or_for_the_next_one() {
    for (before, alive, after, expected) in [
        ("1<", &[1][..], "1>", ended(0)),
        ("1<", &[1], "2< 2! 2> 1>", ended(3)),
        ("1<", &[1], "1> 2< 2>", ended(0)),
        ("1<", &[1], "2< 2>", None),
        ("1< 2<", &[1, 2], "1> 2>", ended(1)),
        ("1< 2<", &[1], "2> 1>", ended(1)),
        ("1< 2< 1>", &[1, 2], "2>", ended(0)),
        ("", &[], "1< 1>", ended(1)),
        ("", &[], "1> 2<", None),
        ("1<", &[], "1> 2< 2>", ended(2)),
        ("1< 1>", &[1], "2< 2>", ended(1)),
        ("1!", &[], "", None),
        ("1!", &[], "2!", refused("2", 0)),
        ("", &[], "2< 3!", None),
    ] {
        let state = WaitState::new(&records(before).history(), &now(0.0, alive));
        let found = waited(state, after);
        assert_eq!(found, expected, "{before} {alive:?} {after}");
    }
}

#[test]
fn a_wait_for_an_id_is_for_that_run_whenever_it_starts() {
    for (journal, expected) in [
        ("", None),
        ("1< 1> 3! 3<", None),
        ("2<", None),
        ("2< 2>", ended(1)),
        ("1< 2< 1> 2> 3< 3>", ended(3)),
        // Its start was rotated away.
        ("1> 2>", ended(1)),
        ("1! 2!", refused("2", 1)),
        ("2< 1! 2>", ended(2)),
    ] {
        let state = WaitState::Start(Some("2".to_owned()));
        assert_eq!(waited(state, journal), expected, "{journal}");
    }
}

#[test]
fn a_wait_for_a_position_is_for_the_run_that_has_it_at_the_start() {
    for (position, before, after, expected) in [
        (1, "1< 1> 2< 2>", "", Some(ended(3))),
        (2, "1< 1> 2< 2>", "", Some(ended(1))),
        (1, "1< 1> 2<", "3< 3> 2>", Some(ended(2))),
        (1, "1<", "", Some(None)),
        (2, "1< 2<", "2> 1>", Some(ended(1))),
        // A refused start is not a run.
        (1, "1< 1> 2!", "", Some(ended(1))),
        (2, "1< 1> 2!", "", None),
        (3, "1< 1> 2< 2>", "", None),
        (1, "", "", None),
        (0, "1< 1>", "", None),
    ] {
        let state = WaitState::from_end(position, &records(before).history());
        let found = state.map(|state| waited(state, after));
        assert_eq!(found, expected, "{position} {before}");
    }
}
