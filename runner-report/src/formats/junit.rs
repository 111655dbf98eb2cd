//! One run as a JUnit report, which CI systems show: a test case for each task.

use std::collections::HashMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use runner_exec::TaskResult;

use crate::{
    formats::html::xml_text,
    model::{
        now::Now,
        run_finder::FoundRun,
        timeline::{FullStart, Timeline},
    },
};

/// Returns the report, or `None` if no run was found.
pub fn run_junit(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let Timeline { run, starts, .. } = found.run.as_ref()?;
    let elapsed = run.header.elapsed(now);
    let mut suite = TestSuite::new("runner");
    suite.set_time(elapsed);
    for name in run.setup.iter().flat_map(|setup| &setup.done) {
        let mut status = TestCaseStatus::skipped();
        status.set_message("done by an earlier run");
        suite.add_test_case(TestCase::new(xml_text(name), status));
    }
    let mut by_task: HashMap<&str, Vec<&FullStart>> = HashMap::new();
    for start in starts.iter().filter(|start| start.started.is_some()) {
        by_task.entry(&start.task).or_default().push(start);
    }
    let starts = (run.tasks.iter()).filter_map(|task| by_task.get(&*task.name)?.split_last());
    suite.add_test_cases(starts.map(|(last, earlier)| test_case(last, earlier)));
    for case in suite.test_cases.iter_mut() {
        case.set_classname("runner");
    }
    let mut report = Report::new(format!("run {}", xml_text(&run.header.run)));
    report.set_time(elapsed);
    report.add_test_suite(suite);
    match report.to_string() {
        Ok(xml) => Some(xml),
        Err(error) => unreachable!("text is written to memory: {error}"),
    }
}

/// Converts the starts of a task: the last one decides, and earlier failures are its reruns.
/// They make the test flaky if the last start is OK.
fn test_case(last: &FullStart, earlier: &[&FullStart]) -> TestCase {
    let ended = last.ended.as_ref();
    let skipped = ended.filter(|ended| ended.result == Some(TaskResult::Skip));
    let mut status = match (Failure::of(last), skipped) {
        (None, None) => TestCaseStatus::success(),
        (None, Some(ended)) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(xml_text(&ended.outcome.description()));
            status
        }
        (Some(failure), _) => {
            let mut status = TestCaseStatus::non_success(failure.kind);
            status
                .set_message(failure.message)
                .set_type(failure.outcome);
            status
        }
    };
    status.add_reruns(earlier.iter().filter_map(|start| rerun(start)));
    let mut case = TestCase::new(xml_text(&last.task), status);
    if let Some(ended) = ended {
        case.set_time(ended.elapsed);
    }
    if let Some(lines) = output_lines(last) {
        case.set_system_out(lines);
    }
    case
}

fn rerun(start: &FullStart) -> Option<TestRerun> {
    let failure = Failure::of(start)?;
    let mut rerun = TestRerun::new(failure.kind);
    rerun.set_message(format!("try {}: {}", start.try_num, failure.message));
    rerun.set_type(failure.outcome);
    if let Some(ended) = &start.ended {
        rerun.set_time(ended.elapsed);
    }
    if let Some(lines) = output_lines(start) {
        rerun.set_system_out(lines);
    }
    Some(rerun)
}

fn output_lines(start: &FullStart) -> Option<String> {
    let lines = start.ended.iter().flat_map(|ended| &ended.lines);
    let lines: Vec<String> = lines.map(|line| xml_text(&line.plain())).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

struct Failure {
    /// A failure of the task, or an error of its environment.
    kind: NonSuccessKind,
    message: String,
    /// Outcome as in the journal, without its number.
    outcome: String,
}

impl Failure {
    /// Returns the failure of a start, or `None` if it was OK or skipped.
    fn of(start: &FullStart) -> Option<Failure> {
        let Some(ended) = &start.ended else {
            return Some(Failure {
                kind: NonSuccessKind::Error,
                message: "it has no end".to_owned(),
                outcome: "no-end".to_owned(),
            });
        };
        let outcome = &ended.outcome;
        let (kind, prefix) = match ended.result {
            Some(TaskResult::Ok | TaskResult::Skip) => return None,
            Some(TaskResult::Retry) if outcome.is_not_started() => (NonSuccessKind::Error, ""),
            Some(TaskResult::Retry) => (NonSuccessKind::Failure, ""),
            Some(TaskResult::Halt) => (NonSuccessKind::Failure, "requested a halt: "),
            Some(TaskResult::Exit) => (NonSuccessKind::Failure, "requested the end: "),
            Some(TaskResult::Interrupted) => (NonSuccessKind::Error, "interrupted: "),
            None => (NonSuccessKind::Error, ""),
        };
        let word = outcome.to_string();
        Some(Failure {
            kind,
            message: xml_text(&format!("{prefix}{}", outcome.description())),
            outcome: xml_text(word.split(':').next().unwrap_or_default()),
        })
    }
}
