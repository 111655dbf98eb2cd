//! Positions of bars and labels in the picture, for random journals.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use roxmltree::{Document, Node};
use runner_report::{HookEntry, JournalEntry, run_svg};

use crate::{
    journal::{Journal, now},
    page::found,
};

/// Tolerance in percent: positions are rounded to three digits.
const TOLERANCE: f64 = 0.003;

/// Seconds since the last event, kind of the event, number of a task, and run time.
type RandomEvent = (f64, usize, usize, f64);

fn journal(events: &[RandomEvent]) -> Journal {
    let mut journal = Journal::new().run_starts_with(0.0, 7, 3, &[]);
    let mut at = 0.0;
    let mut try_num = 1;
    for &(later, event, task, elapsed) in events {
        at += later;
        let name = [
            "1-a",
            "1-b",
            "2-a-name-that-is-longer",
            "3-c",
            "4-d",
            "5-\u{202e}e",
        ][task];
        let (task, outcome) = (name.into(), "exited:0".into());
        let phase = if elapsed < 5.0 { "pre" } else { "post" }.into();
        journal = match event {
            0..6 => journal.task_starts(at, name),
            6..10 => journal.task_ends(at, name, elapsed, "OK", "exited:0"),
            10 => journal.task_ends(at, name, elapsed, "RETRY", "timed-out"),
            11..13 => journal.add(at, JournalEntry::Hook(HookEntry::Start { task, phase })),
            13..15 => {
                let end = HookEntry::End {
                    task,
                    phase,
                    outcome,
                    elapsed,
                };
                journal.add(at, JournalEntry::Hook(end))
            }
            15 => journal.waits(at, elapsed, "try"),
            16 => {
                try_num += 1;
                journal.try_starts(at, try_num)
            }
            17 => journal.halt_starts(at, "halted"),
            _ => journal.halt_ends(at, elapsed, "exited:1"),
        };
    }
    journal
}

/// Horizontal range, in percent of the width.
type Range = (f64, f64);

fn range(node: Node) -> Range {
    let share = |name| {
        let text = node.attribute(name).unwrap();
        text.strip_suffix('%').unwrap().parse::<f64>().unwrap()
    };
    (share("x"), share("x") + share("width"))
}

fn are_disjoint(one: Range, other: Range) -> bool {
    one.1 <= other.0 + TOLERANCE || other.1 <= one.0 + TOLERANCE
}

/// Returns, by row, the range of each bar with its hooks, and of its label if it has one.
fn rows(svg: &Document) -> HashMap<String, Vec<(Range, Option<Range>)>> {
    let mut rows: HashMap<_, Vec<_>> = HashMap::new();
    let parts = |group: Node<'_, '_>, name: &str| {
        let parts = group
            .children()
            .filter(|node| node.tag_name().name() == name);
        parts.map(range).collect::<Vec<_>>()
    };
    for group in svg
        .descendants()
        .filter(|node| node.tag_name().name() == "g")
    {
        let bars = parts(group, "rect");
        let from = bars.iter().map(|bar| bar.0).fold(100.0, f64::min);
        let to = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
        let mut nodes = group.children();
        let bar = nodes.find(|node| {
            node.attribute("class")
                .is_some_and(|it| it.starts_with("bar"))
        });
        let row = bar.unwrap().attribute("y").unwrap().to_owned();
        let name = parts(group, "svg").first().copied();
        rows.entry(row).or_default().push(((from, to), name));
    }
    rows
}

/// Checks that no bars or labels of a row overlap, and that all are within the picture.
fn check_no_overlap(journal: &Journal) -> Result<(), TestCaseError> {
    let svg = run_svg(&found(journal), &now(200.0, &[7])).unwrap();
    let svg = Document::parse(&svg).unwrap();
    for (y, row) in rows(&svg) {
        for (index, (bar, name)) in row.iter().enumerate() {
            prop_assert!(bar.0 >= 0.0 && bar.1 <= 100.0 + TOLERANCE, "{bar:?}");
            if let Some(name) = name {
                prop_assert!(name.0 >= 0.0 && name.1 <= 100.0 + TOLERANCE, "{name:?}");
            }
            for (other, other_name) in &row[index + 1..] {
                let pair = format!("{y}: {bar:?} {name:?}, {other:?} {other_name:?}");
                prop_assert!(are_disjoint(*bar, *other), "{pair}");
                prop_assert!(name.is_none_or(|name| are_disjoint(name, *other)), "{pair}");
                prop_assert!(other_name.is_none_or(|it| are_disjoint(it, *bar)), "{pair}");
                let names = name.zip(*other_name);
                prop_assert!(
                    names.is_none_or(|(one, two)| are_disjoint(one, two)),
                    "{pair}"
                );
            }
        }
    }
    Ok(())
}

/// The record of the end of the hook is missing.
#[test]
fn a_hook_without_an_end_is_drawn_until_its_task_starts() {
    let hook = HookEntry::Start {
        task: "1-a".into(),
        phase: "pre".into(),
    };
    let journal = Journal::new()
        .run_starts_with(0.0, 7, 2, &[])
        .add(0.0, JournalEntry::Hook(hook))
        .task_starts(1.0, "1-a")
        .task_ends(2.0, "1-a", 1.0, "OK", "exited:0")
        .task_starts(20.0, "1-b")
        .task_ends(40.0, "1-b", 20.0, "OK", "exited:0");
    check_no_overlap(&journal).unwrap();
}

proptest! {
    #[test]
    fn bars_and_labels_of_a_row_do_not_overlap(
        events in vec((0.0..3.0, 0..19_usize, 0..6_usize, 0.0..9.0), 1..60),
        faster in prop_oneof![Just(1.0), Just(0.001)],
    ) {
        let events: Vec<RandomEvent> = events
            .into_iter()
            .map(|(later, event, task, elapsed)| (later * faster, event, task, elapsed))
            .collect();
        check_no_overlap(&journal(&events))?;
    }
}
