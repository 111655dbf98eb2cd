//! Any bytes as a journal: every report in every format, without a panic or a hang, well-formed,
//! and safe for a terminal. The quick ways to read a journal find the same as the thorough ones.
//!
//! After a line `--output--` the input continues with the output of tasks.
#![no_main]

use std::{fs, sync::LazyLock, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;
use roxmltree::{Document, ParsingOptions};
use runner_config::is_hidden;
use runner_exec::{OutputLine, last_lines};
use runner_report::{
    Author, FORMATS, FleetCollector, Format, Glance, History, JournalEntry, Now, PastCollector,
    Record, RunDetails, RunFinder, RunSelector, RunnerProcess, StatisticsBuilder, Timeline,
    read_journal,
};
use serde_json::Value;
use tempfile::TempDir;

const OUTPUT: &[u8] = b"\n--output--\n";

/// Host that is expected and may have no journal.
const EXPECTED_HOST: &str = "web9";

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(OUTPUT.len()).position(|it| it == OUTPUT);
    let (journal, output) = bytes.split_at(end.unwrap_or(bytes.len()));
    let output = last_lines(output.strip_prefix(OUTPUT).unwrap_or_default());
    let now = now();

    let records = read(journal);
    for (index, (name, format)) in FORMATS.iter().enumerate() {
        let selector = selector(index, &records);
        run_report(name, *format, selector, &records, &output, &now);
        let Format::Any {
            history: show_history,
            tasks: show_tasks,
            fleet: show_fleet,
            ..
        } = format
        else {
            continue;
        };
        let mut history = History::default();
        let mut tasks = StatisticsBuilder::default();
        let mut fleet = FleetCollector::new(now.at.timestamp());
        let mut glanced = FleetCollector::new(now.at.timestamp());
        for record in &records {
            history.apply(record);
            tasks.apply(record);
            fleet.apply(record);
        }
        lines(journal).for_each(|line| _ = glanced.add_line(line));
        let within = Some(Duration::from_secs(3600));
        let fleet = fleet.finish(&[EXPECTED_HOST], within);
        assert_eq!(glanced.finish(&[EXPECTED_HOST], within), fleet);
        check(name, &show_history(&history, &now));
        check(name, &show_tasks(&tasks.finish()));
        check(name, &show_fleet(&fleet));
    }
});

fn now() -> Now {
    let at: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let runner = RunnerProcess {
        pid: 7,
        start_time: Some(7),
    };
    Now {
        at: at.to_zoned_datetime(TimeZone::UTC),
        boot: "b1".to_owned(),
        alive: vec![runner],
    }
}

/// Returns the lines that are text.
fn lines(journal: &[u8]) -> impl Iterator<Item = &str> {
    let lines = journal.split_inclusive(|&byte| byte == b'\n');
    lines.filter_map(|line| str::from_utf8(line).ok())
}

/// Reads the records of a journal, and compares them with those of its lines.
fn read(journal: &[u8]) -> Vec<Record> {
    static STATE_DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
    fs::write(STATE_DIR.path().join("journal.jsonl"), journal).unwrap();
    let mut records = Vec::new();
    read_journal(STATE_DIR.path(), |record| records.push(record.clone())).unwrap();

    let mut parsed = Vec::new();
    for line in lines(journal) {
        let record = Record::parse(line);
        if let Some(glance) = Glance::of(line) {
            let record = record.as_ref().expect("a line that a glance accepts");
            assert_eq!(
                (glance.ts, glance.run, glance.boot),
                (record.ts, &*record.run, &*record.boot)
            );
        }
        parsed.extend(record);
    }
    assert_eq!(records, parsed);
    let known = records
        .iter()
        .filter(|it| it.entry != JournalEntry::Unknown);
    known.for_each(|record| _ = Record::parse(&record.to_line()).expect("a written line"));
    records
}

/// Returns the last run, the one before or the first one. Each format gets another one, which
/// depends on the number of records: reports of all of them would be three times as slow.
fn selector(index: usize, records: &[Record]) -> RunSelector {
    match (records, (index + records.len()) % 3) {
        ([first, ..], 1) => RunSelector::Id(first.run.clone()),
        (_, 2) => RunSelector::FromEnd(2),
        (_, _) => RunSelector::FromEnd(1),
    }
}

fn run_report(
    name: &str,
    format: Format,
    selector: RunSelector,
    records: &[Record],
    output: &[OutputLine],
    now: &Now,
) {
    match format {
        Format::Any { run: show, .. } => {
            let mut finder = RunFinder::<RunDetails>::new(selector);
            records.iter().for_each(|record| finder.apply(record));
            let mut found = finder.finish();
            if let Some(run) = &mut found.run {
                add_output(run, output);
            }
            check(name, &show(&found, now));
        }
        Format::OneRun(show) => {
            let mut finder = RunFinder::<Timeline>::new(selector.clone());
            let mut past = PastCollector::new(selector);
            for record in records {
                finder.apply(record);
                past.apply(record);
            }
            let mut found = finder.finish();
            if let Some(timeline) = &mut found.run {
                add_output(&mut timeline.run, output);
                found.past = past.finish(&timeline.run.header.run);
            }
            if let Some(text) = show(&found, now) {
                check(name, &text);
            }
        }
    }
}

/// Replaces the output of the tasks that have a file. The journal could name any file, so none is
/// read.
fn add_output(run: &mut RunDetails, output: &[OutputLine]) {
    if output.is_empty() {
        return run.read_outputs(Author(None));
    }
    let ends = run.tasks.iter_mut().filter_map(|task| task.end.as_mut());
    for end in ends.filter(|end| end.output.is_some()) {
        end.lines = output.to_vec();
    }
}

/// Panics if a report is not well-formed or could control a terminal.
fn check(format: &str, report: &str) {
    let hidden = report.chars().find(|&c| {
        // Output can contain tabs and emoji with their variation selector.
        is_hidden(c) && c != '\n' && (format == "json" || !matches!(c, '\t' | '\u{fe0f}'))
    });
    assert_eq!(hidden, None, "{format}: {report}");
    match format {
        "json" => _ = serde_json::from_str::<Value>(report).expect(report),
        "html" | "svg" | "junit" => {
            let options = ParsingOptions {
                allow_dtd: true,
                ..ParsingOptions::default()
            };
            Document::parse_with_options(report, options).expect(report);
        }
        _ => {}
    }
}
