//! Reports for programs, as docs/reports.md says.

use std::time::Duration;

use jiff::Timestamp;
use runner_config::escape_json;
use runner_exec::{ChainEnd, TaskResult};
use serde::{Serialize, Serializer};

use crate::model::{
    history::{History, Past, Summary},
    now::Now,
    run::{Halt, Run, Setup, Start, Task, Wait},
    run_header::{Head, State},
    select::{Found, Refusals},
    task_stats::{TaskNumbers, Times},
};

/// One run, and what was refused since.
pub fn run_json(found: &Found, now: &Now) -> String {
    pretty(&RunReport {
        refused: RefusedSince::of(&found.refused),
        run: found.run.as_ref().map(|run| OneRun::of(run, now)),
    })
}

/// Every start of the runner.
pub fn history_json(history: &History, now: &Now) -> String {
    pretty(&OneHistory { history, now })
}

/// How each task does.
pub fn tasks_json(tasks: &[TaskNumbers]) -> String {
    let tasks = tasks.iter().map(|task| OneTaskNumbers {
        task: &task.name,
        runs: task.runs,
        retried: task.retried,
        starts: task.starts,
        failures: task.failures,
        median: task.times.map(|Times { median, .. }| median.as_secs_f64()),
        p95: task.times.map(|Times { p95, .. }| p95.as_secs_f64()),
        max: task.times.map(|Times { max, .. }| max.as_secs_f64()),
    });
    pretty(&tasks.collect::<Vec<_>>())
}

#[derive(Serialize)]
struct RunReport<'a> {
    refused: Option<RefusedSince<'a>>,
    run: Option<OneRun<'a>>,
}

#[derive(Serialize)]
struct RefusedSince<'a> {
    count: usize,
    last: Time,
    status: u8,
    reason: &'a str,
}

impl RefusedSince<'_> {
    fn of(refusals: &Refusals) -> Option<RefusedSince<'_>> {
        let last = refusals.last.as_ref()?;
        Some(RefusedSince {
            count: refusals.count,
            last: Time(last.at),
            status: last.status,
            reason: &last.reason,
        })
    }
}

/// What a run and a line of the history have in common.
#[derive(Serialize)]
struct OneHead<'a> {
    run: &'a str,
    boot: Option<&'a str>,
    state: &'a str,
    status: Option<u8>,
    started: Time,
    ended: Option<Time>,
    elapsed: Option<f64>,
    try_num: Option<u32>,
}

impl OneHead<'_> {
    fn of<'a>(head: &'a Head, now: &Now) -> OneHead<'a> {
        let state = match head.state(now) {
            State::Running => "running",
            State::CutOff => "cut-off",
            State::WentDown => "halted",
            State::Ended(end) => end.reason.as_str(),
        };
        OneHead {
            run: &head.run,
            boot: Some(&*head.boot).filter(|boot| !boot.is_empty()),
            state,
            status: match head.state(now) {
                State::Running | State::CutOff => None,
                State::WentDown => Some(ChainEnd::Halted.status(None)),
                State::Ended(end) => Some(end.status),
            },
            started: Time(head.started),
            ended: head.end.as_ref().map(|end| Time(end.at)),
            elapsed: Some(head.elapsed(now).as_secs_f64()),
            try_num: Some(head.try_num),
        }
    }
}

struct OneHistory<'a> {
    history: &'a History,
    now: &'a Now,
}

impl Serialize for OneHistory<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let starts = self.history.starts();
        to.collect_seq(starts.map(|past| OneStart::of(past, self.now)))
    }
}

#[derive(Serialize)]
struct OneStart<'a> {
    #[serde(flatten)]
    head: OneHead<'a>,
    not_ok: &'a [String],
    reason: Option<&'a str>,
}

impl OneStart<'_> {
    fn of<'a>(past: Past<'a>, now: &Now) -> OneStart<'a> {
        match past {
            Past::Run(Summary { head, not_ok }) => OneStart {
                head: OneHead::of(head, now),
                not_ok,
                reason: None,
            },
            Past::Refused(run, refused) => OneStart {
                head: OneHead {
                    run,
                    boot: None,
                    state: "refused",
                    status: Some(refused.status),
                    started: Time(refused.at),
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
struct OneRun<'a> {
    #[serde(flatten)]
    head: OneHead<'a>,
    this_boot: bool,
    pid: Option<i32>,
    taskdir: Option<&'a str>,
    task_count: Option<usize>,
    jobs: Option<usize>,
    max_tries: Option<u32>,
    done: &'a [String],
    tasks: Vec<OneTask<'a>>,
    waits: Vec<OneWait>,
    halt: Option<OneHalt<'a>>,
}

impl OneRun<'_> {
    fn of<'a>(run: &'a Run, now: &Now) -> OneRun<'a> {
        let setup = run.setup.as_ref();
        OneRun {
            head: OneHead::of(&run.head, now),
            this_boot: run.head.is_of_this_boot(now),
            pid: run.head.process.map(|process| process.pid),
            taskdir: setup.map(|setup| &*setup.taskdir),
            task_count: setup.map(|setup| setup.tasks),
            jobs: setup.map(|setup| setup.jobs),
            max_tries: setup.map(|setup| setup.max_tries),
            done: setup.map_or(&[], |Setup { done, .. }| done),
            tasks: run.tasks.iter().map(OneTask::of).collect(),
            waits: run.waits.iter().map(OneWait::of).collect(),
            halt: run.halt.as_ref().map(OneHalt::of),
        }
    }
}

#[derive(Serialize)]
struct OneTask<'a> {
    task: &'a str,
    failures: usize,
    outcome: Option<String>,
    limit: Option<f64>,
    why: Option<&'a str>,
    output: Option<&'a str>,
    starts: Vec<OneTaskStart>,
}

impl OneTask<'_> {
    fn of(task: &Task) -> OneTask<'_> {
        let end = task.end.as_ref();
        OneTask {
            task: &task.name,
            failures: task.failures(),
            outcome: end.map(|end| end.outcome.to_string()),
            limit: end
                .and_then(|end| end.limit)
                .map(|limit| limit.as_secs_f64()),
            why: end.and_then(|end| end.why.as_deref()),
            output: end.and_then(|end| end.output.as_deref()),
            starts: task.starts.iter().map(OneTaskStart::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct OneTaskStart {
    try_num: u32,
    started: Time,
    elapsed: Option<f64>,
    result: Option<TaskResult>,
}

impl OneTaskStart {
    fn of(start: &Start) -> OneTaskStart {
        OneTaskStart {
            try_num: start.try_num,
            started: Time(start.at),
            elapsed: start.elapsed.map(|elapsed| elapsed.as_secs_f64()),
            result: start.result,
        }
    }
}

#[derive(Serialize)]
struct OneWait {
    started: Time,
    seconds: f64,
    try_num: u32,
}

impl OneWait {
    fn of(wait: &Wait) -> OneWait {
        OneWait {
            started: Time(wait.at),
            seconds: wait.time.as_secs_f64(),
            try_num: wait.try_num,
        }
    }
}

#[derive(Serialize)]
struct OneHalt<'a> {
    task: &'a str,
    reason: &'a str,
    started: Time,
    outcome: Option<String>,
    elapsed: Option<f64>,
}

impl OneHalt<'_> {
    fn of(halt: &Halt) -> OneHalt<'_> {
        let end = halt.end.as_ref();
        OneHalt {
            task: &halt.name,
            reason: &halt.reason,
            started: Time(halt.at),
            outcome: end.map(|(outcome, _)| outcome.to_string()),
            elapsed: end.map(|(_, elapsed)| Duration::as_secs_f64(elapsed)),
        }
    }
}

#[derive(Serialize)]
struct OneTaskNumbers<'a> {
    task: &'a str,
    runs: usize,
    retried: usize,
    starts: usize,
    failures: usize,
    median: Option<f64>,
    p95: Option<f64>,
    max: Option<f64>,
}

/// As in the journal.
struct Time(Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:.3}", self.0))
    }
}

fn pretty(value: &impl Serialize) -> String {
    match serde_json::to_string_pretty(value) {
        Ok(json) => escape_json(json) + "\n",
        Err(error) => unreachable!("strings and numbers are JSON: {error}"),
    }
}
