//! One run as a report of tests, which CI systems show: a test case for each task.

use std::collections::HashMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use runner_exec::TaskResult;

use crate::{
    formats::html::plain,
    model::{
        now::Now,
        select::Found,
        timeline::{Ended, Timeline, Visit},
    },
};

/// The report of the run that was found, if one was.
pub fn run_junit(found: &Found<Timeline>, now: &Now) -> Option<String> {
    let timeline = found.run.as_ref()?;
    let head = &timeline.run.head;
    let elapsed = head.elapsed(now);
    let mut suite = TestSuite::new("runner");
    suite.set_time(elapsed);
    let done = timeline.run.setup.iter().flat_map(|setup| &setup.done);
    for name in done {
        let mut status = TestCaseStatus::skipped();
        status.set_message("done by an earlier run");
        suite.add_test_case(TestCase::new(plain(name), status));
    }
    let mut by_task: HashMap<&str, Vec<&Visit>> = HashMap::new();
    let started = timeline
        .visits
        .iter()
        .filter(|visit| visit.started.is_some());
    for visit in started {
        by_task.entry(&visit.task).or_default().push(visit);
    }
    for task in &timeline.run.tasks {
        let visits = by_task.get(&*task.name).map_or(&[][..], Vec::as_slice);
        if let Some((last, earlier)) = visits.split_last() {
            suite.add_test_case(case(last, earlier));
        }
    }
    for case in suite.test_cases.iter_mut() {
        case.set_classname("runner");
    }
    let mut report = Report::new(format!("run {}", plain(&head.run)));
    report.set_time(elapsed);
    report.add_test_suite(suite);
    match report.to_string() {
        Ok(xml) => Some(xml),
        Err(error) => unreachable!("text is written to memory: {error}"),
    }
}

/// The last start is the test, and what failed before is told with it: that it was flaky
/// when it is OK now, and else that it was tried again.
fn case(last: &Visit, earlier: &[&Visit]) -> TestCase {
    let mut status = match kind(last) {
        None => TestCaseStatus::success(),
        Some(kind) => {
            let mut status = TestCaseStatus::non_success(kind);
            status
                .set_message(plain(&message(last)))
                .set_type(plain(&type_of(last)));
            status
        }
    };
    status.add_reruns(earlier.iter().filter_map(|visit| rerun(visit)));
    let mut case = TestCase::new(plain(&last.task), status);
    if let Some(ended) = &last.ended {
        case.set_time(ended.elapsed);
        if !ended.lines.is_empty() {
            case.set_system_out(lines(ended));
        }
    }
    case
}

fn rerun(visit: &Visit) -> Option<TestRerun> {
    let mut rerun = TestRerun::new(kind(visit)?);
    rerun.set_message(format!("try {}: {}", visit.try_num, plain(&message(visit))));
    rerun.set_type(plain(&type_of(visit)));
    if let Some(ended) = &visit.ended {
        rerun.set_time(ended.elapsed);
        if !ended.lines.is_empty() {
            rerun.set_system_out(lines(ended));
        }
    }
    Some(rerun)
}

/// A failure is the task's, an error that of what is around it; none when it was OK.
fn kind(visit: &Visit) -> Option<NonSuccessKind> {
    match visit.result() {
        Some(TaskResult::Ok) => None,
        Some(TaskResult::Retry) if is_not_started(visit) => Some(NonSuccessKind::Error),
        Some(TaskResult::Retry | TaskResult::Halt | TaskResult::Exit) => {
            Some(NonSuccessKind::Failure)
        }
        Some(TaskResult::Interrupted) | None => Some(NonSuccessKind::Error),
    }
}

/// What `outcome` of the journal says, without the number.
fn type_of(visit: &Visit) -> String {
    let Some(ended) = &visit.ended else {
        return "no-end".to_owned();
    };
    let mut outcome = ended.how.outcome.to_string();
    outcome.truncate(outcome.find(':').unwrap_or(outcome.len()));
    outcome
}

fn is_not_started(visit: &Visit) -> bool {
    let ended = visit.ended.as_ref();
    ended.is_some_and(|ended| ended.how.outcome.is_not_started())
}

fn message(visit: &Visit) -> String {
    let Some(ended) = &visit.ended else {
        return "it has no end".to_owned();
    };
    let how = ended.how.outcome.words();
    match visit.result() {
        Some(TaskResult::Halt) => format!("asked to halt: {how}"),
        Some(TaskResult::Exit) => format!("asked to stop: {how}"),
        Some(TaskResult::Interrupted) => format!("interrupted: {how}"),
        Some(TaskResult::Ok | TaskResult::Retry) | None => how,
    }
}

fn lines(ended: &Ended) -> String {
    let lines = ended.lines.iter().map(|line| plain(line));
    lines.collect::<Vec<_>>().join("\n")
}
