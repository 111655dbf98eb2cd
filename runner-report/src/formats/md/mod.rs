//! One run as Markdown, for the summary page of a CI job. GitHub and GitLab show it alike.

mod markup;

use std::{collections::HashMap, time::Duration};

use runner_config::format_duration;
use runner_exec::TaskResult;

use self::markup::{code, fenced, folded, html_code, row, text};
use super::text::{because, end_words, names_as, optional_failures, output_note, run_facts};
use crate::model::{
    cause::{Cause, ChainTask},
    end::RunReason,
    now::Now,
    run_details::{HaltTask, RunDetails, TaskEnd, TaskHistory},
    run_finder::{FoundRun, Refusals},
    run_header::{RunEnd, RunState},
    timeline::{FullStart, Timeline},
};

/// Maximum number of tasks in a table without folded rows.
const MAX_OPEN_TASKS: usize = 60;

/// Minimum time of a task that is never folded.
const SLOW_TASK: Duration = Duration::from_secs(60);

/// Maximum number of causes with their output.
const MAX_CAUSES: usize = 3;

/// Maximum sizes in bytes: with the tables of tasks, and with the details after them. GitHub
/// refuses a summary of more than 1 MiB.
const MAX_TABLES: usize = 600_000;
const MAX_DETAILS: usize = 900_000;

const TASK_HEAD: &str =
    "| task | result | time | starts | outcome |\n| --- | --- | ---: | ---: | --- |\n";
const TRY_HEAD: &str = "| task | try | started | result | time | outcome |\n\
                        | --- | ---: | --- | --- | ---: | --- |\n";

/// Returns the report, or `None` if no run was found.
pub fn run_md(found: &FoundRun<Timeline>, now: &Now) -> Option<String> {
    let timeline = found.run.as_ref()?;
    let (run, state) = (&timeline.run, timeline.run.header.state(now));
    let report = Report { run, state, now };
    let causes = run.causes(now);
    let mut page = Page(format!("### {}\n\n", report.headline(&causes)));
    page.0 += &refused(&found.refused, now);
    page.0 += &report.explanation(&causes);
    page.0 += &report.facts();
    report.tasks(&mut page);
    report.details(&mut page, &timeline.starts, &causes);
    Some(page.0)
}

struct Report<'a> {
    run: &'a RunDetails,
    state: RunState<'a>,
    now: &'a Now,
}

/// Group of rows in the tables of a run with many tasks.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    Open,
    Ok,
    NotReached,
}

impl Report<'_> {
    fn headline(&self, causes: &[Cause]) -> String {
        let sign = match self.state {
            RunState::Running => "⏳",
            RunState::CutOff | RunState::WentDown => "❌",
            RunState::Ended(RunEnd { reason, .. }) => match reason {
                RunReason::Finished => "✅",
                RunReason::FinishedWithFailures => "⚠️",
                RunReason::GaveUp | RunReason::OutOfTime => "❌",
                RunReason::Halted | RunReason::Stopped => "❌",
                RunReason::Interrupted | RunReason::HaltsUsedUp | RunReason::Other(_) => "❌",
            },
        };
        let words = text(&end_words(self.state));
        because(format!("{sign} {words}"), causes, sentence)
    }

    /// Returns the output of the causes, and the names of the tasks that were not reached.
    fn explanation(&self, causes: &[Cause]) -> String {
        let mut md = String::new();
        for cause in causes.iter().take(MAX_CAUSES) {
            if causes.len() > 1 {
                md += &format!("{}\n\n", sentence(cause));
            }
            if let Some((note, lines)) = output_note(cause) {
                md += &format!("{}\n\n{}", text(&note), fenced(lines));
            }
        }
        let optional = optional_failures(self.run, causes);
        if !optional.is_empty() {
            let names = names_as(&optional, optional.len(), code);
            md += &format!("failed, but not required: {names}\n\n");
        }
        let not_reached = self.run.not_reached();
        if !not_reached.is_empty() && self.state != RunState::Running {
            md += &format!(
                "not reached: {}\n\n",
                names_as(&not_reached, self.run.not_reached_count(), code)
            );
        }
        md
    }

    fn facts(&self) -> String {
        let setup = self.run.setup.as_ref();
        let host = setup.map(|setup| ("host", code(&setup.host)));
        let directory = setup.map(|setup| ("task directory", code(&setup.taskdir)));
        let run = Some(("run", code(&self.run.header.run)));
        let times = run_facts(self.run, self.now).into_iter();
        let times = times.filter(|(name, _)| ["started", "took"].contains(name));
        let facts = [host, directory, run].into_iter().flatten().chain(times);
        let facts = facts.filter(|(_, fact)| !fact.is_empty());
        facts
            .map(|(name, fact)| format!("- {name}: {fact}\n"))
            .chain(["\n".to_owned()])
            .collect()
    }

    /// Appends the table of all tasks. If they are many, those that need no attention are folded.
    fn tasks(&self, page: &mut Page) {
        let chain = self.run.chain().into_iter();
        let halt = self
            .run
            .halt
            .iter()
            .map(|halt| (Group::Open, self.halt(halt)));
        let rows: Vec<_> = chain.map(|task| self.task(task)).chain(halt).collect();
        if rows.len() <= MAX_OPEN_TASKS {
            return page.push_all("", TASK_HEAD, rows.iter().map(|(_, row)| row), MAX_TABLES);
        }
        for (group, what) in [
            (Group::Open, ""),
            (Group::Ok, "tasks without problems"),
            (Group::NotReached, "tasks that have not started"),
        ] {
            let rows: Vec<_> = rows.iter().filter(|(of, _)| *of == group).collect();
            let summary = match (what, rows.len()) {
                (_, 0) => continue,
                ("", _) => String::new(),
                (what, count) => format!("{count} {what}"),
            };
            let rows = rows.into_iter().map(|(_, row)| row);
            page.push_all(&summary, TASK_HEAD, rows, MAX_TABLES);
        }
    }

    fn task(&self, task: ChainTask) -> (Group, String) {
        match task {
            ChainTask::Done(name) => {
                let done = row([&code(name), "✅ done", "", "", "by an earlier run"]);
                (Group::Ok, done)
            }
            ChainTask::NotReached(name) => {
                let what = match self.state {
                    RunState::Running => "not started yet",
                    RunState::CutOff | RunState::WentDown | RunState::Ended(_) => "not reached",
                };
                (Group::NotReached, row([&code(name), what, "", "", ""]))
            }
            ChainTask::Started(task) => self.started(task),
        }
    }

    fn started(&self, task: &TaskHistory) -> (Group, String) {
        let end = task.end.as_ref().filter(|_| !task.is_unfinished());
        let (result, time, outcome) = self.end(end);
        let is_ok = matches!(task.result(), Some(TaskResult::Ok | TaskResult::Skip));
        let is_fast = end.is_some_and(|end| end.elapsed < SLOW_TASK);
        let group = if is_ok && is_fast && task.failures() == 0 {
            Group::Ok
        } else {
            Group::Open
        };
        let starts = task.starts.len().to_string();
        (
            group,
            row([&code(&task.name), result, &time, &starts, &outcome]),
        )
    }

    fn halt(&self, halt: &HaltTask) -> String {
        let name = format!("halt task {}", code(&halt.name));
        let (result, time, outcome) = match &halt.end {
            Some((end, time)) if end.is_exit_zero() => ("✅ OK", Some(*time), String::new()),
            Some((end, time)) => ("❌ failed", Some(*time), text(&end.description())),
            None if self.run.is_halt_task_running(self.now) => ("⏳ running", None, String::new()),
            None => ("end unknown", None, String::new()),
        };
        let time = time.map(format_duration).unwrap_or_default();
        row([&name, result, &time, "", &outcome])
    }

    /// Returns result, time and outcome of a start with this end.
    fn end(&self, end: Option<&TaskEnd>) -> (&'static str, String, String) {
        let Some(end) = end else {
            let what = match self.state {
                RunState::Running => "⏳ running",
                RunState::CutOff => "❌ cut off",
                RunState::WentDown | RunState::Ended(_) => "end unknown",
            };
            return (what, String::new(), String::new());
        };
        let result = match end.result {
            Some(TaskResult::Ok) => "✅ OK",
            Some(TaskResult::Skip) => "⏭️ skipped",
            Some(TaskResult::Retry) if !end.required => "⚠️ failed, not required",
            Some(TaskResult::Retry) => "❌ failed",
            Some(TaskResult::Halt) => "🛑 requested a halt",
            Some(TaskResult::Exit) => "🛑 requested the end",
            Some(TaskResult::Interrupted) => "❌ interrupted",
            None => "result unknown",
        };
        let is_plain_ok = end.result == Some(TaskResult::Ok) && end.outcome.is_exit_zero();
        let outcome = if is_plain_ok {
            String::new()
        } else {
            text(&end.outcome.description())
        };
        (result, format_duration(end.elapsed), outcome)
    }

    /// Appends the tries of tasks that were started more than once, and the output of failed
    /// starts that is not shown above.
    fn details(&self, page: &mut Page, starts: &[FullStart], causes: &[Cause]) {
        let mut by_task: HashMap<&str, Vec<&FullStart>> = HashMap::new();
        for start in starts.iter().filter(|start| start.started.is_some()) {
            by_task.entry(&start.task).or_default().push(start);
        }
        let tasks = self.run.started();
        let tasks: Vec<_> = tasks.filter_map(|task| by_task.get(&*task.name)).collect();
        let several = tasks.iter().filter(|starts| starts.len() > 1);
        let rows: Vec<String> = several
            .flat_map(|starts| *starts)
            .map(|it| self.start(it))
            .collect();
        if !rows.is_empty() {
            page.push_all("all tries", TRY_HEAD, rows.iter(), MAX_DETAILS);
        }
        let shown: Vec<&str> = causes
            .iter()
            .take(MAX_CAUSES)
            .map(|cause| cause.name)
            .collect();
        let last = |start: &FullStart| by_task[&*start.task].last().map(|last| last.from);
        let mut omitted = 0;
        for start in tasks.into_iter().flatten() {
            let is_shown = shown.contains(&&*start.task) && last(start) == Some(start.from);
            let Some(end) = start.ended.as_ref().filter(|end| {
                let is_ok = matches!(end.result, Some(TaskResult::Ok | TaskResult::Skip));
                !is_ok && !is_shown && !end.lines.is_empty()
            }) else {
                continue;
            };
            let (name, number) = (html_code(&start.task), start.try_num);
            let summary = format!("output of {name}, try {number}");
            let lines = end.lines.iter().map(|line| line.plain()).collect();
            if !page.push(&folded(&summary, &fenced(lines)), MAX_DETAILS) {
                omitted += 1;
            }
        }
        if omitted > 0 {
            page.0 += &format!("and {omitted} more outputs\n");
        }
    }

    fn start(&self, start: &FullStart) -> String {
        let (result, time, outcome) = self.end(start.ended.as_ref());
        let from = self.now.local(start.task_from(), "%H:%M:%S");
        let number = start.try_num.to_string();
        row([&code(&start.task), &number, &from, result, &time, &outcome])
    }
}

/// The text of the report.
struct Page(String);

impl Page {
    /// Appends `part` unless the page would be longer than `max` bytes. Returns `true` if it did.
    fn push(&mut self, part: &str, max: usize) -> bool {
        let fits = self.0.len() + part.len() <= max;
        if fits {
            self.0 += part;
        }
        fits
    }

    /// Appends a table, folded if it has a summary, and the number of rows that do not fit.
    fn push_all<'a>(
        &mut self,
        summary: &str,
        head: &str,
        rows: impl Iterator<Item = &'a String>,
        max: usize,
    ) {
        let mut table = Page(head.to_owned());
        let free = max.saturating_sub(self.0.len());
        let omitted = rows.filter(|row| !table.push(row, free)).count();
        if omitted > 0 {
            table.0 += &format!("\nand {omitted} more\n");
        }
        self.0 += &match summary {
            "" => table.0 + "\n",
            summary => folded(summary, &(table.0 + "\n")),
        };
    }
}

fn refused(refusals: &Refusals, now: &Now) -> String {
    let Some(last) = &refusals.last else {
        return String::new();
    };
    let (ago, reason) = (now.ago(last.at), text(&last.reason));
    format!("⚠️ a later start was refused {ago}: {reason}\n\n")
}

fn sentence(cause: &Cause) -> String {
    format!("{} {}", code(cause.name), text(&cause.predicate()))
}
