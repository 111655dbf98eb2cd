//! One run as a JUnit report, which CI systems show: a test case for each task.
//!
//! The elements and attributes are those of `junit-10.xsd`, to which the xUnit plugin of Jenkins
//! holds a report. `ci/junit_schema.py` compares.

use std::{collections::HashMap, time::Duration};

use maud::{Markup, PreEscaped, html};
use runner_exec::TaskResult;

use crate::{
    formats::html::xml_text,
    model::{
        now::Now,
        run_finder::FoundRun,
        timeline::{FullStart, Timeline},
    },
};

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// Returns the report, or `None` if no run was found.
pub fn run_junit(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let Timeline { run, starts, .. } = found.run.as_ref()?;
    let mut by_task: HashMap<&str, Vec<&FullStart>> = HashMap::new();
    for start in starts.iter().filter(|start| start.started.is_some()) {
        by_task.entry(&start.task).or_default().push(start);
    }
    let done = run.setup.iter().flat_map(|setup| &setup.done);
    let starts = (run.tasks.iter()).filter_map(|task| by_task.get(&*task.name)?.split_last());
    let cases: Vec<TestCase> = done
        .map(|name| TestCase::done(name))
        .chain(starts.map(|(last, earlier)| TestCase::new(last, earlier)))
        .collect();

    let count = |is_counted: fn(&Status) -> bool| {
        let counted = cases.iter().filter(|case| is_counted(&case.status));
        counted.count()
    };
    let skipped = count(|status| matches!(status, Status::Skipped(_)));
    let failures = count(|status| matches!(status, Status::Failed(failure) if !failure.is_error));
    let errors = count(|status| matches!(status, Status::Failed(failure) if failure.is_error));
    let time = seconds(run.header.elapsed(now));
    let report = html! {
        (PreEscaped(DECLARATION)) "\n"
        testsuites name={ "run " (xml_text(&run.header.run)) } tests=(cases.len())
            failures=(failures) errors=(errors) time=(time) { "\n"
            testsuite name="runner" tests=(cases.len()) failures=(failures)
                errors=(errors) skipped=(skipped) time=(time) { "\n"
                @for case in &cases { (case.xml()) "\n" }
            } "\n"
        } "\n"
    };
    Some(report.into_string())
}

/// A task of the run.
struct TestCase<'a> {
    name: &'a str,
    status: Status,
    /// The start that decides, or `None` if an earlier run has done the task.
    last: Option<&'a FullStart>,
    earlier: &'a [&'a FullStart],
}

enum Status {
    Passed,
    /// Skipped, with the reason.
    Skipped(String),
    Failed(Failure),
}

impl<'a> TestCase<'a> {
    fn done(name: &'a str) -> TestCase<'a> {
        TestCase {
            name,
            status: Status::Skipped("done by an earlier run".to_owned()),
            last: None,
            earlier: &[],
        }
    }

    fn new(last: &'a FullStart, earlier: &'a [&'a FullStart]) -> TestCase<'a> {
        let ended = last.ended.as_ref();
        let skipped = ended.filter(|ended| ended.result == Some(TaskResult::Skip));
        let status = match (Failure::of(last), skipped) {
            (Some(failure), _) => Status::Failed(failure),
            (None, Some(ended)) => Status::Skipped(ended.outcome.description()),
            (None, None) => Status::Passed,
        };
        TestCase {
            name: &last.task,
            status,
            last: Some(last),
            earlier,
        }
    }

    /// Earlier failures are flaky if the last start is OK, and reruns if it failed.
    fn xml(&self) -> Markup {
        let ended = self.last.and_then(|last| last.ended.as_ref());
        let time = ended.map(|ended| seconds(ended.elapsed));
        html! {
            testcase name=(xml_text(self.name)) classname="runner"
                time=[time] {
                @match &self.status {
                    Status::Passed => (self.reruns(true)),
                    Status::Skipped(message) => skipped message=(xml_text(message)) {},
                    Status::Failed(failure) => {
                        @let (message, kind) = (xml_text(&failure.message), xml_text(&failure.kind));
                        @if failure.is_error { error message=(message) type=(kind) {} }
                        @else { failure message=(message) type=(kind) {} }
                        (self.reruns(false))
                    }
                }
                @if let Some(last) = self.last { (output(last)) }
            }
        }
    }

    fn reruns(&self, is_flaky: bool) -> Markup {
        let failures = (self.earlier.iter()).filter_map(|start| Some((start, Failure::of(start)?)));
        html! {
            @for (start, failure) in failures {
                @let message = xml_text(&format!("try {}: {}", start.try_num, failure.message));
                @let (kind, output) = (xml_text(&failure.kind), output(start));
                @match (is_flaky, failure.is_error) {
                    (true, false) => flakyFailure message=(message) type=(kind) { (output) },
                    (true, true) => flakyError message=(message) type=(kind) { (output) },
                    (false, false) => rerunFailure message=(message) type=(kind) { (output) },
                    (false, true) => rerunError message=(message) type=(kind) { (output) },
                }
            }
        }
    }
}

/// Last lines of the output, without escape sequences.
fn output(start: &FullStart) -> Markup {
    let lines = start.ended.iter().flat_map(|ended| &ended.lines);
    let lines: Vec<String> = lines.map(|line| xml_text(&line.plain())).collect();
    html! {
        @if !lines.is_empty() { system-out { (lines.join("\n")) } }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

struct Failure {
    /// An error of the environment, or of the runner; otherwise a failure of the task.
    is_error: bool,
    message: String,
    /// Outcome as in the journal, without its number.
    kind: String,
}

impl Failure {
    /// Returns the failure of a start, or `None` if it was OK or skipped.
    fn of(start: &FullStart) -> Option<Failure> {
        let Some(ended) = &start.ended else {
            return Some(Failure {
                is_error: true,
                message: "it has no end".to_owned(),
                kind: "no-end".to_owned(),
            });
        };
        let outcome = &ended.outcome;
        let (is_error, prefix) = match ended.result {
            Some(TaskResult::Ok | TaskResult::Skip) => return None,
            Some(TaskResult::Retry) => (outcome.is_not_started(), ""),
            Some(TaskResult::Halt) => (false, "requested a halt: "),
            Some(TaskResult::Exit) => (false, "requested the end: "),
            Some(TaskResult::Interrupted) => (true, "interrupted: "),
            None => (true, ""),
        };
        let word = outcome.to_string();
        Some(Failure {
            is_error,
            message: format!("{prefix}{}", outcome.description()),
            kind: word.split(':').next().unwrap_or_default().to_owned(),
        })
    }
}
