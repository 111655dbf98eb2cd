//! One run as a JUnit report, which CI systems show: a test case for each task.
//!
//! The elements and attributes are those of `junit-10.xsd`, to which the xUnit plugin of Jenkins
//! holds a report. `ci/junit_schema.py` compares.

use std::{collections::HashMap, time::Duration};

use jiff::tz::TimeZone;
use maud::{Markup, PreEscaped, html};
use runner_exec::TaskResult;

use crate::{
    formats::{
        html::xml_text,
        text::{because, cause_sentence, end_words, first_names, printable},
    },
    model::{
        cause::{Cause, ChainTask},
        end::RunReason,
        now::Now,
        run_details::RunDetails,
        run_finder::FoundRun,
        run_header::{RunEnd, RunState},
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
    let suite = Suite::new(run, now);
    let chain = run.chain().into_iter();
    let cases: Vec<TestCase> = chain
        .filter_map(|task| {
            Some(match task {
                ChainTask::Done(name) => TestCase::skipped(name, "done by an earlier run"),
                ChainTask::NotReached(name) if suite.is_out_of_time_at(name) => {
                    TestCase::out_of_time(name, &suite)
                }
                ChainTask::Started(task) if suite.is_out_of_time_at(&task.name) => {
                    TestCase::out_of_time(&task.name, &suite)
                }
                ChainTask::NotReached(name) => TestCase::skipped(name, &suite.not_reached),
                ChainTask::Started(task) => {
                    let (last, earlier) = by_task.get(&*task.name)?.split_last()?;
                    TestCase::started(last, earlier, &suite)
                }
            })
        })
        .collect();

    let count = |is_counted: fn(&Status) -> bool| {
        let counted = cases.iter().filter(|case| is_counted(&case.status));
        counted.count()
    };
    let skipped = count(|status| matches!(status, Status::Skipped(_)));
    let failures = count(|status| matches!(status, Status::Failed(failure) if !failure.is_error));
    let errors = count(|status| matches!(status, Status::Failed(failure) if failure.is_error));
    let time = seconds(run.header.elapsed(now));
    let started = run.header.started.to_zoned_datetime(TimeZone::UTC);
    let report = html! {
        (PreEscaped(DECLARATION)) "\n"
        testsuites name={ "run " (xml_text(&run.header.run)) } tests=(cases.len())
            failures=(failures) errors=(errors) time=(time) { "\n"
            testsuite name=(suite.name) tests=(cases.len()) failures=(failures)
                errors=(errors) skipped=(skipped) time=(time)
                timestamp=(started.strftime("%Y-%m-%dT%H:%M:%S"))
                hostname=[suite.host.as_deref()] { "\n"
                (suite.properties()) "\n"
                @for case in &cases { (case.xml(&suite.class)) "\n" }
            } "\n"
        } "\n"
    };
    Some(report.into_string())
}

/// The run as a whole.
struct Suite<'a> {
    name: String,
    /// The name without dots: Jenkins takes the part before the last dot as a package.
    class: String,
    host: Option<String>,
    run: &'a RunDetails,
    causes: Vec<Cause<'a>>,
    is_out_of_time: bool,
    /// State of the run, and the first task that explains it.
    end: String,
    /// Names of the tasks that the run did not reach, or `None` if there are none.
    missed: Option<String>,
    /// Message of each of these tasks.
    not_reached: String,
}

impl Suite<'_> {
    fn new<'a>(run: &'a RunDetails, now: &Now) -> Suite<'a> {
        let (state, causes) = (run.header.state(now), run.causes(now));
        let end = because(end_words(state), &causes, cause_sentence);
        let is_running = state == RunState::Running;
        let missed = run.not_reached();
        let setup = run.setup.as_ref();
        let host = setup.map(|setup| xml_text(&setup.host));
        let host = host.filter(|host| !host.is_empty());
        let name = match (setup.map(|setup| xml_text(&setup.taskdir)), &host) {
            (Some(taskdir), Some(host)) => format!("{taskdir} on {host}"),
            (Some(taskdir), None) => taskdir,
            // The record of the start was rotated away.
            (None, _) => "runner".to_owned(),
        };
        Suite {
            class: name.replace('.', "_"),
            name,
            host,
            run,
            causes,
            is_out_of_time: matches!(
                state,
                RunState::Ended(RunEnd {
                    reason: RunReason::OutOfTime,
                    ..
                })
            ),
            missed: (!is_running && !missed.is_empty())
                .then(|| first_names(&missed, run.not_reached_count())),
            not_reached: if is_running {
                "not started yet".to_owned()
            } else {
                format!("not reached: {end}")
            },
            end,
        }
    }

    /// Returns `true` for the task that was due when the run was out of time. Without a failure
    /// there, no test would fail.
    fn is_out_of_time_at(&self, task: &str) -> bool {
        let unstarted = self.causes.iter().filter(|cause| cause.task.is_none());
        self.is_out_of_time && unstarted.map(|cause| cause.name).any(|name| name == task)
    }

    /// Returns the end of the run. Output of the suite would be the place for it too, but Jenkins
    /// shows that as the output of each test that has none.
    fn properties(&self) -> Markup {
        html! {
            properties {
                property name="end" value=(xml_text(&self.end)) {}
                @if let Some(missed) = &self.missed {
                    property name="not reached" value=(xml_text(missed)) {}
                }
                property name="run" value=(xml_text(&self.run.header.run)) {}
            }
        }
    }

    /// Returns the end of the run as lines, if `task` explains it.
    fn lines(&self, task: &str) -> Vec<String> {
        let is_cause = self.causes.iter().any(|cause| cause.name == task);
        let missed = self
            .missed
            .as_ref()
            .map(|names| format!("not reached: {names}"));
        let lines = [Some(self.end.clone()), missed];
        let lines = lines.into_iter().flatten().filter(|_| is_cause);
        lines.map(|line| xml_text(&line)).collect()
    }
}

/// A task of the run.
struct TestCase<'a> {
    name: &'a str,
    status: Status,
    /// The start that decides, or `None` if this run has not started the task.
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
    fn skipped(name: &'a str, reason: &str) -> TestCase<'a> {
        TestCase {
            name,
            status: Status::Skipped(reason.to_owned()),
            last: None,
            earlier: &[],
        }
    }

    fn out_of_time(name: &'a str, suite: &Suite) -> TestCase<'a> {
        TestCase {
            status: Status::Failed(Failure {
                is_error: true,
                message: "was not started: the run was out of time".to_owned(),
                kind: "out-of-time".to_owned(),
                text: suite.lines(name),
            }),
            ..TestCase::skipped(name, "")
        }
    }

    fn started(last: &'a FullStart, earlier: &'a [&'a FullStart], suite: &Suite) -> TestCase<'a> {
        let ended = last.ended.as_ref();
        let cause = suite.causes.iter().find(|cause| cause.name == last.task);
        let status = match (Failure::of(last, cause), ended) {
            (Some(failure), Some(ended)) if !ended.required => {
                Status::Skipped(format!("failed, but not required: {}", failure.message))
            }
            (Some(mut failure), _) => {
                failure.text = suite.lines(&last.task);
                failure.text.extend(output_lines(last));
                Status::Failed(failure)
            }
            (None, Some(ended)) if ended.result == Some(TaskResult::Skip) => {
                Status::Skipped(ended.outcome.description())
            }
            (None, _) => Status::Passed,
        };
        TestCase {
            name: &last.task,
            status,
            last: Some(last),
            earlier,
        }
    }

    /// Earlier failures are flaky if the last start is OK, and reruns if it failed.
    fn xml(&self, class: &str) -> Markup {
        let ended = self.last.and_then(|last| last.ended.as_ref());
        let time = ended.map(|ended| seconds(ended.elapsed));
        html! {
            testcase name=(xml_text(self.name)) classname=(class)
                time=[time] {
                @match &self.status {
                    Status::Passed => (self.reruns(true)),
                    Status::Skipped(message) => skipped message=(xml_text(message)) {},
                    Status::Failed(failure) => {
                        @let (message, kind) = (xml_text(&failure.message), xml_text(&failure.kind));
                        @let text = failure.text.join("\n");
                        @if failure.is_error { error message=(message) type=(kind) { (text) } }
                        @else { failure message=(message) type=(kind) { (text) } }
                        (self.reruns(false))
                    }
                }
                @if let Some(last) = self.last { (output(last)) }
            }
        }
    }

    fn reruns(&self, is_flaky: bool) -> Markup {
        let failures =
            (self.earlier.iter()).filter_map(|start| Some((start, Failure::of(start, None)?)));
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
fn output_lines(start: &FullStart) -> impl Iterator<Item = String> {
    let lines = start.ended.iter().flat_map(|ended| &ended.lines);
    lines.map(|line| xml_text(&line.plain()))
}

fn output(start: &FullStart) -> Markup {
    let lines: Vec<String> = output_lines(start).collect();
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
    /// Lines of the element. GitLab shows them, and neither the message nor the output.
    text: Vec<String>,
}

impl Failure {
    /// Returns the failure of a start, or `None` if it was OK or skipped. The message of a `cause`
    /// has its tries.
    fn of(start: &FullStart, cause: Option<&Cause>) -> Option<Failure> {
        let Some(ended) = &start.ended else {
            return Some(Failure {
                is_error: true,
                message: "it has no end".to_owned(),
                kind: "no-end".to_owned(),
                text: Vec::new(),
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
        let message = cause.map(|cause| printable(&cause.predicate()));
        let message = message.unwrap_or_else(|| outcome.description());
        Some(Failure {
            is_error,
            message: format!("{prefix}{message}"),
            kind: word.split(':').next().unwrap_or_default().to_owned(),
            text: Vec::new(),
        })
    }
}
