//! One run: its state, facts about it, and the chart of its tasks.

use std::cmp::Reverse;

use runner_config::format_duration;
use runner_exec::TaskResult;

use super::{chart::chart, explanation::explanation, printable};
use crate::model::{
    end::RunReason,
    now::Now,
    run_details::{RunDetails, TaskHistory},
    run_finder::{FoundRun, Refusals},
    run_header::RunState,
};

/// Returns the report of the run and of the starts that were refused since.
pub fn run_text(found: &FoundRun, now: &Now) -> String {
    let mut text = refusal_line(&found.refused, now);
    match &found.run {
        Some(run) => {
            text += &headline(run, now);
            text += &explanation(run, now);
            for (name, fact) in run_facts(run, now) {
                text += &format!("  {name:<12}  {fact}\n");
            }
            text += &chart(run, now);
        }
        None => text += "no run is known\n",
    }
    text
}

fn refusal_line(refusals: &Refusals, now: &Now) -> String {
    let Some(last) = &refusals.last else {
        return String::new();
    };
    let before = match refusals.count - 1 {
        0 => String::new(),
        1 => ", and once before".to_owned(),
        count => format!(", and {count} times before"),
    };
    let (ago, reason) = (now.ago(last.at), printable(&last.reason));
    format!("refused {ago}{before}: {reason}\n\n")
}

fn headline(run: &RunDetails, now: &Now) -> String {
    let header = &run.header;
    // A run that waits writes no records, so the wait is its last one.
    let wait = run.waits.last().filter(|it| it.at == header.last_record);
    let last_record = now.ago(header.last_machine_time());
    let what = match header.state(now) {
        RunState::Running => match wait {
            Some(wait) => format!("is waiting for try {}", wait.try_num),
            None => "is running".to_owned(),
        },
        RunState::CutOff => format!("was cut off, last event {last_record}"),
        RunState::WentDown => format!("halted {last_record}: the machine went down"),
        RunState::Ended(end) => {
            let ago = now.ago(end.at);
            match &end.reason {
                RunReason::Finished => format!("finished {ago}"),
                RunReason::FinishedWithFailures => format!("finished, with failures, {ago}"),
                RunReason::GaveUp => format!("gave up {ago}"),
                RunReason::OutOfTime => format!("was out of time {ago}"),
                RunReason::Halted => format!("halted {ago}"),
                RunReason::Stopped => format!("stopped {ago}"),
                RunReason::Interrupted => format!("was interrupted {ago}"),
                RunReason::HaltsUsedUp => {
                    format!("ended {ago}, without the halt task: its halts are used up")
                }
                RunReason::Other(later) => format!("ended {ago}: {}", printable(later)),
            }
        }
    };
    format!("run {} {what}\n\n", printable(&header.run))
}

/// Name and text of a fact.
type Fact = (&'static str, String);

/// Returns the facts about the run as a whole.
pub(crate) fn run_facts(run: &RunDetails, now: &Now) -> Vec<Fact> {
    let RunDetails { header, setup, .. } = run;
    let started = now.local(header.started, "%Y-%m-%d %H:%M:%S %:z");
    let which = if header.is_of_this_boot(now) {
        "this"
    } else {
        "an earlier"
    };
    let state = header.state(now);
    let mut time = format_duration(header.elapsed(now));
    match state {
        RunState::Running => time += " so far",
        RunState::CutOff | RunState::WentDown => time = format!("at least {time}"),
        RunState::Ended(_) => {}
    }
    let of = match setup.as_ref().map(|setup| setup.max_tries) {
        None | Some(0) => String::new(),
        Some(max) => format!(" of {max}"),
    };
    let mut facts = Vec::new();
    if let Some(host) = setup
        .as_ref()
        .map(|setup| &setup.host)
        .filter(|host| !host.is_empty())
    {
        facts.push(("host", printable(host)));
    }
    facts.extend([
        ("started", format!("{started}, in {which} boot")),
        ("took", format!("{time}, try {}{of}", header.try_num)),
    ]);
    if let Some(setup) = setup {
        let count = |result| {
            let is_it = |task: &&TaskHistory| task.result() == Some(result);
            run.tasks.iter().filter(is_it).count()
        };
        let ok = count(TaskResult::Ok) + setup.done.len();
        let skipped = match count(TaskResult::Skip) {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        let jobs = match setup.jobs {
            1 => String::new(),
            jobs => format!(", {jobs} jobs"),
        };
        let (tasks, taskdir) = (setup.tasks, printable(&setup.taskdir));
        facts.push((
            "tasks",
            format!("{ok} of {tasks} OK{skipped}{jobs}, in {taskdir}"),
        ));
    }
    facts.extend(highlights(run));
    if state == RunState::CutOff {
        facts.push(("cut off", "by a kill or a power cut".to_owned()));
    }
    facts
}

/// Returns facts about the slowest task, the most retried task and the longest wait.
fn highlights(run: &RunDetails) -> Vec<Fact> {
    let mut facts = Vec::new();
    let max_time = |task: &TaskHistory| task.starts.iter().filter_map(|start| start.elapsed).max();
    let tasks = run.tasks.iter();
    let slowest = tasks.filter_map(|task| Some((max_time(task)?, task)));
    if let Some((time, task)) = slowest.min_by_key(|(time, _)| Reverse(*time))
        && run.tasks.len() > 1
    {
        let (name, time) = (printable(&task.name), format_duration(time));
        facts.push(("slowest", format!("{name}, {time}")));
    }
    let tasks = run.tasks.iter();
    let retried = tasks.filter(|task| task.failures() > 0 && task.is_required());
    // Among equals `min_by_key` takes the first; `max_by_key` would take the last.
    if let Some(task) = retried.min_by_key(|task| Reverse(task.failures())) {
        let name = printable(&task.name);
        let times = match task.failures() {
            1 => "failed once".to_owned(),
            2 => "failed twice".to_owned(),
            failures => format!("failed {failures} times"),
        };
        facts.push(("most retried", format!("{name}, {times}")));
    }
    let waits = run.waits.iter().filter(|wait| !wait.time.is_zero());
    if let Some(wait) = waits.min_by_key(|wait| Reverse(wait.duration())) {
        let (time, try_num) = (format_duration(wait.duration()), wait.try_num);
        facts.push(("longest wait", format!("{time}, before try {try_num}")));
    }
    facts
}
