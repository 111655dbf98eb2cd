//! Positions of bars in the picture, for random journals.

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

/// Checks that all bars are in the picture.
fn check_bars(journal: &Journal) -> Result<(), TestCaseError> {
    let svg = run_svg(&found(journal), &now(200.0, &[7])).unwrap();
    let svg = Document::parse(&svg).unwrap();
    let is_row = |node: &Node| node.tag_name().name() == "g";
    for row in svg.descendants().filter(is_row) {
        let is_bar = |node: &Node| {
            let class = node.attribute("class");
            class.is_some_and(|class| class.starts_with("bar "))
        };
        let bars: Vec<Range> = row.descendants().filter(is_bar).map(range).collect();
        for (from, to) in &bars {
            prop_assert!(
                *from >= 0.0 && from <= to && *to <= 100.0 + TOLERANCE,
                "{bars:?}"
            );
        }
    }
    Ok(())
}

/// The record of the end of the hook is missing.
#[test]
fn a_hook_without_an_end_moves_no_bar() {
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
    check_bars(&journal).unwrap();
}

proptest! {
    #[test]
    fn bars_are_in_the_picture(
        events in vec((0.0..3.0, 0..19_usize, 0..6_usize, 0.0..9.0), 1..60),
        faster in prop_oneof![Just(1.0), Just(0.001)],
    ) {
        let events: Vec<RandomEvent> = events
            .into_iter()
            .map(|(later, event, task, elapsed)| (later * faster, event, task, elapsed))
            .collect();
        check_bars(&journal(&events))?;
    }
}
