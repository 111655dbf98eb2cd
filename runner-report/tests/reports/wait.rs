//! What is waited for, by what the journal says.

use runner_report::{Record, WaitEnd, WaitState};

use crate::journal::{Journal, now};

/// Records of runs: the id of one and `<` for its start, `!` for a refused one, or `>` for its
/// end, with its place in the list as the status.
fn records(text: &'static str) -> Journal {
    let mut journal = Journal::new();
    for (status, record) in text.split_whitespace().enumerate() {
        let (run, what) = record.split_at(record.len() - 1);
        journal = journal.run(run);
        journal = match what {
            "<" => journal.run_starts(0.0, run.parse().unwrap()),
            "!" => journal.refused(0.0, status as u8, "why"),
            _ => journal.run_ends(0.0, status as u8, "finished"),
        };
    }
    journal
}

/// Reads `before`, finds the processes of the runs `alive` alive, and reads `after`.
fn waited(before: &'static str, alive: &[i32], after: &'static str) -> Option<WaitEnd> {
    let mut watch = WaitState::new(&records(before).history(), &now(0.0, alive));
    let each = |record: &Record| watch.apply(record);
    records(after).read(each).unwrap();
    match watch {
        WaitState::Done(waited) => Some(waited),
        WaitState::NextRun | WaitState::Run(_) => None,
    }
}

#[test]
fn the_present_run_is_waited_for_or_else_the_next_one() {
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
