//! Lines that are read without parsing them.

use proptest::{
    collection::vec, prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner,
};
use runner_report::{Glance, JournalEntry, Record, TaskEntry, TryEntry};

use crate::record::record;

/// A change of a line: at this place, instead of this many bytes, this text.
pub(crate) fn change() -> impl Strategy<Value = (Index, usize, String)> {
    let text = prop_oneof![
        Just(String::new()),
        r#"["\\{}:,0-9eE.+\-a-z \n\u{7f}é]{1,2}"#,
        Just(r#","try_num":1"#.to_owned()),
        Just(r#""result":"OK""#.to_owned()),
        Just(r#""event":"task-start""#.to_owned()),
    ];
    (any::<Index>(), 0..4_usize, text)
}

pub(crate) fn changed(line: &str, changes: &[(Index, usize, String)]) -> String {
    let mut text: Vec<char> = line.chars().collect();
    for (at, removed, inserted) in changes {
        let at = at.index(text.len().max(1)).min(text.len());
        let to = (at + removed).min(text.len());
        text.splice(at..to, inserted.chars());
    }
    text.into_iter().collect()
}

/// Lines in the form that is read quickly, which random records seldom have.
fn routine() -> impl Strategy<Value = String> {
    let event = prop::sample::select(vec![
        r#""try-start","try_num":1"#,
        r#""try-start","try_num":2,"pid":7,"start_time":9"#,
        r#""task-start","task":"1-a","try_num":1,"pid":9"#,
        r#""task-end","task":"1-a","try_num":1,"result":"OK","outcome":"exited:0","elapsed":1.0"#,
        r#""task-end","task":"1-a","try_num":1,"result":"OK","outcome":"exited:0","elapsed":1.0,"limit":600.0,"output":"/o""#,
        r#""task-end","task":"1-a","try_num":1,"result":"RETRY","outcome":"exited:1","elapsed":1.0"#,
        r#""wait","seconds":2.5,"before":"run""#,
        r#""hook-start","task":"1-a","phase":"pre""#,
        r#""hook-end","task":"1-a","phase":"post","outcome":"exited:0","elapsed":0.25"#,
        r#""run-end","status":0,"reason":"finished","elapsed":0.5"#,
    ]);
    (event, 0..60).prop_map(|(event, minute)| {
        format!("{{\"ts\":\"2026-11-24T06:{minute:02}:00.000Z\",\"run\":\"r1\",\"boot\":\"b1\",\"event\":{event}}}\n")
    })
}

pub(crate) fn line() -> impl Strategy<Value = String> {
    let line = prop_oneof![2 => routine(), 1 => record().prop_map(|record| record.to_line())];
    (line, vec(change(), 0..3)).prop_map(|(line, changes)| changed(&line, &changes))
}

/// Returns `true` if the record shows only that the run was alive.
fn is_routine(entry: &JournalEntry) -> bool {
    match entry {
        // A later try names its process.
        JournalEntry::Try(TryEntry::Start { start_time, .. }) => start_time.is_none(),
        JournalEntry::Try(_) | JournalEntry::Hook(_) => true,
        JournalEntry::Task(TaskEntry::Start { .. }) => true,
        JournalEntry::Task(TaskEntry::End {
            result, try_num, ..
        }) => result == "OK" && *try_num == 1,
        JournalEntry::Run(_) | JournalEntry::Halt(_) | JournalEntry::Unknown => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_glance_finds_what_the_parser_finds(line in line()) {
        if let Some(glance) = Glance::of(&line) {
            let record = Record::parse(&line);
            prop_assert!(record.is_ok(), "{line}");
            let record = record.unwrap();
            let found = Glance { ts: record.ts, run: &record.run, boot: &record.boot };
            prop_assert_eq!(glance, found);
            prop_assert!(is_routine(&record.entry), "{line}");
        }
    }
}

#[test]
fn a_line_as_the_runner_writes_it_is_not_parsed() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let line = routine().new_tree(&mut runner).unwrap().current();
        let record = Record::parse(&line).unwrap();
        assert_eq!(record.to_line(), line);
        assert_eq!(
            Glance::of(&line).is_some(),
            is_routine(&record.entry),
            "{line}"
        );
    }
}
