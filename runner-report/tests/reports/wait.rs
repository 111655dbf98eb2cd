//! The run that a wait waits for, depending on the journal.

use runner_report::{Record, WaitEnd, WaitState};

use crate::journal::{Journal, now};

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

/// Returns the result of a wait that starts after `before`, with the runners `alive`, and then
/// reads `after`.
fn waited(before: &'static str, alive: &[i32], after: &'static str) -> Option<WaitEnd> {
    let mut state = WaitState::new(&records(before).history(), &now(0.0, alive));
    let each = |record: &Record| state.apply(record);
    records(after).read(each).unwrap();
    match state {
        WaitState::Done(end) => Some(end),
        WaitState::NextRun | WaitState::Run(_) => None,
    }
}

#[test]
fn a_wait_is_for_the_current_run_or_for_the_next_one() {
    let ended = |status| Some(WaitEnd::Ended(status));
    let refused = |status| Some(WaitEnd::Refused(status, "why".to_owned()));
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
        ("1!", &[], "2!", refused(0)),
        ("", &[], "2< 3!", None),
    ] {
        let found = waited(before, alive, after);
        assert_eq!(found, expected, "{before} {alive:?} {after}");
    }
}
