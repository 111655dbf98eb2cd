//! Lines of the journal, written and read back.

use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*};
use runner_exec::{Outcome, Signal, StartFailure};
use runner_report::{Entry, Record, Text};

fn text() -> impl Strategy<Value = Text<'static>> {
    r#"(\PC|\pC|["\\]){0,20}"#.prop_map(Text::from)
}

/// Seconds as the writer rounds them, to the microsecond, up to 30 years. More digits could
/// lose the last one: serde_json reads them fast rather than exactly.
fn seconds() -> impl Strategy<Value = f64> {
    let micros = prop_oneof![0..10_000_000_u64, 0..10_u64.pow(15)];
    micros.prop_map(|micros| (micros as f64).round() / 1e6)
}

fn entry() -> impl Strategy<Value = Entry<'static>> {
    let texts = || (text(), text(), text());
    let (number, flag) = (any::<u32>, any::<u8>);
    prop_oneof![
        (
            (number(), any::<i32>(), option::of(any::<u64>()), text()),
            (any::<usize>(), any::<usize>(), number(), vec(text(), 0..3)),
        )
            .prop_map(
                |((version, pid, start_time, taskdir), (tasks, jobs, max_tries, done))| {
                    Entry::RunStart {
                        version,
                        pid,
                        start_time,
                        taskdir,
                        tasks,
                        jobs,
                        max_tries,
                        done,
                    }
                }
            ),
        number().prop_map(|try_num| Entry::TryStart { try_num }),
        (text(), text()).prop_map(|(task, phase)| Entry::HookStart { task, phase }),
        (texts(), seconds()).prop_map(|((task, phase, outcome), elapsed)| Entry::HookEnd {
            task,
            phase,
            outcome,
            elapsed,
        }),
        (text(), number(), any::<i32>()).prop_map(|(task, try_num, pid)| Entry::TaskStart {
            task,
            try_num,
            pid,
        }),
        (
            (texts(), number(), seconds()),
            (
                option::of(seconds()),
                option::of(text()),
                option::of(text())
            ),
        )
            .prop_map(
                |(((task, result, outcome), try_num, elapsed), (limit, why, output))| {
                    Entry::TaskEnd {
                        task,
                        try_num,
                        result,
                        outcome,
                        elapsed,
                        limit,
                        why,
                        output,
                    }
                }
            ),
        (seconds(), text()).prop_map(|(seconds, before)| Entry::Wait { seconds, before }),
        (text(), text()).prop_map(|(task, reason)| Entry::HaltStart { task, reason }),
        (text(), text(), seconds()).prop_map(|(task, outcome, elapsed)| Entry::HaltEnd {
            task,
            outcome,
            elapsed,
        }),
        (flag(), text(), seconds()).prop_map(|(status, reason, elapsed)| Entry::RunEnd {
            status,
            reason,
            elapsed,
        }),
        (flag(), text()).prop_map(|(status, reason)| Entry::Refused { status, reason }),
    ]
}

proptest! {
    #[test]
    fn a_line_is_read_as_it_was_written(
        millis in 0..10_i64.pow(13),
        run in text(),
        boot in text(),
        entry in entry(),
    ) {
        // An event that is not here is not in `entry()` above either.
        match &entry {
            Entry::RunStart { .. }
            | Entry::TryStart { .. }
            | Entry::HookStart { .. }
            | Entry::HookEnd { .. }
            | Entry::TaskStart { .. }
            | Entry::TaskEnd { .. }
            | Entry::Wait { .. }
            | Entry::HaltStart { .. }
            | Entry::HaltEnd { .. }
            | Entry::RunEnd { .. }
            | Entry::Refused { .. } => {}
            Entry::Unknown => unreachable!("none is written"),
        }
        let ts = Timestamp::from_millisecond(millis).unwrap();
        let record = Record { ts, run, boot, entry };
        let line = record.line();
        prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
        prop_assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}

#[test]
fn an_outcome_is_read_as_it_was_written_and_nothing_else_is_one() {
    let failure = StartFailure {
        reason: "why".to_owned(),
        hint: None,
    };
    let exited = (0..=255).map(Outcome::Exited);
    let signaled = (0..=64).map(|signal| Outcome::Signaled(Signal(signal)));
    let others = [Outcome::TimedOut, Outcome::NotStarted(failure)];
    for outcome in exited.chain(signaled).chain(others) {
        assert_eq!(Outcome::parse(&outcome.to_string(), "why"), Some(outcome));
    }
    for later in [
        "",
        "exited",
        "exited:256",
        "exited:+1",
        "exited:007",
        "signaled:15",
        "signaled:SIG15",
        "signaled:SIGDREAM",
        "timed-out:1",
        "not-started: no",
        "dreamt:1",
    ] {
        assert_eq!(Outcome::parse(later, "why"), None, "{later}");
    }
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    let line = r#"{"ts":"2026-11-24T14:01:03.120Z","new":[1,{"a":null}],"run":"r","boot":"b","event":"try-start","try_num":2,"more":true}"#;
    let record: Record = serde_json::from_str(line).unwrap();
    assert_eq!(record.entry, Entry::TryStart { try_num: 2 });
    let known =
        r#"{"ts":"2026-11-24T14:01:03.120Z","run":"r","boot":"b","event":"try-start","try_num":2}"#;
    assert_eq!(record.line(), format!("{known}\n"));
    let line = r#"{"ts":"2026-11-24T14:01:03.120Z","run":"r","event":"task-dreamt","task":1}"#;
    let record: Record = serde_json::from_str(line).unwrap();
    assert_eq!((record.entry, &*record.boot), (Entry::Unknown, ""));
}
