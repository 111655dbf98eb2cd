//! Reports as JSON, specified in docs/reports.md.

mod fleet;

use std::time::Duration;

use jiff::Timestamp;
use runner_config::escape_json;
use runner_exec::{ChainEnd, OutputLine};
use serde::{Serialize, Serializer};

pub use self::fleet::fleet_json;
use crate::{
    journal::record::{RunSetup, serialize_time},
    model::{
        history::{History, RunSummary, RunnerStart},
        now::{Now, serialize_seconds},
        run_details::{RetryWait, RunDetails, TaskHistory, TaskStart},
        run_finder::FoundRun,
        run_header::{RunHeader, RunState},
        task_statistics::TaskStatistics,
    },
};

/// Report of one run, and of the starts that were refused since.
pub fn run_json(found: &FoundRun, now: &Now) -> String {
    let refused = found.refused.last.as_ref().map(|last| RefusalsJson {
        count: found.refused.count,
        last: last.at,
        status: last.status,
        reason: &last.reason,
    });
    let run = found.run.as_ref().map(|run| RunJson::of(run, now));
    pretty(&ReportJson { refused, run })
}

/// Report of every start of the runner.
pub fn history_json(history: &History, now: &Now) -> String {
    let starts = history.starts();
    let rows = starts.iter().map(|start| RunnerStartJson::of(*start, now));
    pretty(&Rows(rows))
}

/// Statistics of each task.
pub fn tasks_json(tasks: &[TaskStatistics]) -> String {
    pretty(tasks)
}

#[derive(Serialize)]
struct ReportJson<'a> {
    refused: Option<RefusalsJson<'a>>,
    run: Option<RunJson<'a>>,
}

#[derive(Serialize)]
struct RefusalsJson<'a> {
    count: usize,
    #[serde(serialize_with = "serialize_time")]
    last: Timestamp,
    status: u8,
    reason: &'a str,
}

/// Members that a run and a line of the history have in common.
#[derive(Serialize)]
struct HeaderJson<'a> {
    run: &'a str,
    boot: Option<&'a str>,
    state: &'a str,
    status: Option<u8>,
    #[serde(serialize_with = "serialize_time")]
    started: Timestamp,
    #[serde(serialize_with = "serialize_time")]
    ended: Option<Timestamp>,
    #[serde(serialize_with = "serialize_seconds")]
    elapsed: Option<Duration>,
    try_num: Option<u32>,
}

impl HeaderJson<'_> {
    fn of<'a>(header: &'a RunHeader, now: &Now) -> HeaderJson<'a> {
        let (state, status) = match header.state(now) {
            RunState::Running => ("running", None),
            RunState::CutOff => ("cut-off", None),
            RunState::WentDown => ("halted", Some(ChainEnd::Halted.status(None))),
            RunState::Ended(end) => (end.reason.as_str(), Some(end.status)),
        };
        HeaderJson {
            run: &header.run,
            boot: Some(&*header.boot).filter(|boot| !boot.is_empty()),
            state,
            status,
            started: header.started,
            ended: header.end.as_ref().map(|end| end.at),
            elapsed: Some(header.elapsed(now)),
            try_num: Some(header.try_num),
        }
    }
}

/// An array of rows, each of which is dropped after it was written: a journal can have very many.
struct Rows<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Rows<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.clone())
    }
}

#[derive(Serialize)]
struct RunnerStartJson<'a> {
    #[serde(flatten)]
    header: HeaderJson<'a>,
    not_ok: &'a [String],
    reason: Option<&'a str>,
}

impl RunnerStartJson<'_> {
    fn of<'a>(start: RunnerStart<'a>, now: &Now) -> RunnerStartJson<'a> {
        match start {
            RunnerStart::Run(RunSummary { header, not_ok }) => RunnerStartJson {
                header: HeaderJson::of(header, now),
                not_ok,
                reason: None,
            },
            RunnerStart::Refused(refused) => RunnerStartJson {
                header: HeaderJson {
                    run: &refused.run,
                    boot: None,
                    state: "refused",
                    status: Some(refused.status),
                    started: refused.at,
                    ended: None,
                    elapsed: None,
                    try_num: None,
                },
                not_ok: &[],
                reason: Some(&refused.reason),
            },
        }
    }
}

#[derive(Serialize)]
struct RunJson<'a> {
    #[serde(flatten)]
    header: HeaderJson<'a>,
    /// The deciding task.
    task: Option<&'a str>,
    tries: Option<u32>,
    failures: Option<u32>,
    failed: Vec<&'a str>,
    not_reached: Vec<&'a str>,
    not_reached_count: usize,
    this_boot: bool,
    host: Option<&'a str>,
    machine: Option<&'a str>,
    runner_version: Option<&'a str>,
    fingerprint: Option<&'a str>,
    pid: Option<i32>,
    taskdir: Option<&'a str>,
    task_count: Option<usize>,
    jobs: Option<usize>,
    max_tries: Option<u32>,
    done: &'a [String],
    tasks: Vec<TaskJson<'a>>,
    waits: &'a [RetryWait],
    halt: Option<HaltJson<'a>>,
}

impl RunJson<'_> {
    fn of<'a>(run: &'a RunDetails, now: &Now) -> RunJson<'a> {
        let setup = run.setup.as_ref();
        let text = |member: fn(&RunSetup) -> &String| {
            let text = setup.map(|setup| &**member(setup));
            text.filter(|text| !text.is_empty())
        };
        let deciding = run.deciding(now);
        let used = deciding.and_then(|cause| cause.tries);
        RunJson {
            header: HeaderJson::of(&run.header, now),
            task: deciding.map(|cause| cause.name),
            tries: used
                .filter(|used| !used.are_failures)
                .map(|used| used.count),
            failures: used.filter(|used| used.are_failures).map(|used| used.count),
            failed: run.failed().iter().map(|task| &*task.name).collect(),
            not_reached: run.not_reached(),
            not_reached_count: run.not_reached_count(),
            host: text(|setup| &setup.host),
            machine: text(|setup| &setup.machine),
            runner_version: text(|setup| &setup.runner_version),
            fingerprint: text(|setup| &setup.fingerprint),
            this_boot: run.header.is_of_this_boot(now),
            pid: setup.map(|setup| setup.pid),
            taskdir: setup.map(|setup| &*setup.taskdir),
            task_count: setup.map(|setup| setup.tasks),
            jobs: setup.map(|setup| setup.jobs),
            max_tries: setup.map(|setup| setup.max_tries),
            done: setup.map_or(&[], |RunSetup { done, .. }| done),
            tasks: run.started().map(task_json).collect(),
            waits: &run.waits,
            halt: run.halt.as_ref().map(|halt| HaltJson {
                task: &halt.name,
                reason: &halt.reason,
                started: halt.at,
                outcome: halt.end.as_ref().map(|(outcome, _)| outcome.to_string()),
                elapsed: halt.end.as_ref().map(|(_, elapsed)| *elapsed),
            }),
        }
    }
}

#[derive(Serialize)]
struct TaskJson<'a> {
    task: &'a str,
    failures: usize,
    outcome: Option<String>,
    #[serde(serialize_with = "serialize_seconds")]
    limit: Option<Duration>,
    limited_by: Option<&'static str>,
    why: Option<&'a str>,
    output: Option<&'a str>,
    last_lines: Vec<String>,
    required: bool,
    starts: &'a [TaskStart],
}

fn task_json(task: &TaskHistory) -> TaskJson<'_> {
    let end = task.end.as_ref();
    let limit = end.and_then(|end| end.limit);
    TaskJson {
        task: &task.name,
        failures: task.failures(),
        outcome: end.map(|end| end.outcome.to_string()),
        limit: limit.map(|limit| limit.time),
        limited_by: limit.map(|limit| limit.setting.as_str()),
        why: end.and_then(|end| end.why.as_deref()),
        output: end.and_then(|end| end.output.as_deref()),
        last_lines: end
            .iter()
            .flat_map(|end| &end.lines)
            .map(OutputLine::plain)
            .collect(),
        required: task.is_required(),
        starts: &task.starts,
    }
}

#[derive(Serialize)]
struct HaltJson<'a> {
    task: &'a str,
    reason: &'a str,
    #[serde(serialize_with = "serialize_time")]
    started: Timestamp,
    outcome: Option<String>,
    #[serde(serialize_with = "serialize_seconds")]
    elapsed: Option<Duration>,
}

fn pretty(value: &(impl Serialize + ?Sized)) -> String {
    match serde_json::to_string_pretty(value) {
        Ok(json) => escape_json(json) + "\n",
        Err(error) => unreachable!("strings and numbers are JSON: {error}"),
    }
}
