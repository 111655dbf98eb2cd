//! A table of the tasks of a run, with a bar that shows when each ran.

use std::{iter, ops::RangeInclusive, time::Duration};

use jiff::Timestamp;
use runner_config::format_duration;
use runner_exec::TaskResult;
use unicode_width::UnicodeWidthStr;

use super::{
    MAX_COLUMNS, printable,
    table::{
        Align::{Left, Right},
        aligned_lines,
    },
    time_bar::{Interval, time_bar},
};
use crate::model::{
    cause::ChainTask,
    now::{Now, between, plus},
    run_details::{HaltTask, RunDetails, TaskHistory, TaskStart},
    run_header::RunState,
};

/// Width of bars in columns. Long names make them narrower. Below the minimum there are no bars.
const BAR_WIDTHS: RangeInclusive<usize> = 10..=30;

/// Maximum width of the outcome column. Longer outcomes are ignored for the layout.
const MAX_OUTCOME_WIDTH: usize = 20;

/// Returns an empty line and a line for each task, or nothing without tasks.
pub(super) fn chart(run: &RunDetails, now: &Now) -> String {
    let chart = Chart {
        run,
        now,
        state: run.header.state(now),
        until: run.picture_end(now),
    };
    let tasks = run.chain().into_iter().map(|task| match task {
        ChainTask::Done(name) => Row::without_start(name, "done", "by an earlier run"),
        ChainTask::Started(task) => chart.task(task),
        ChainTask::NotReached(name) if chart.state == RunState::Running => {
            Row::without_start(name, "", "not started yet")
        }
        ChainTask::NotReached(name) => Row::without_start(name, "", "not reached"),
    });
    let halt = run.halt.iter().map(|halt| chart.halt(halt));
    let rows: Vec<Row> = tasks.chain(halt).collect();
    if rows.is_empty() {
        return String::new();
    }
    chart.draw(&rows)
}

struct Chart<'a> {
    run: &'a RunDetails,
    now: &'a Now,
    state: RunState<'a>,
    /// Time at the right end of the bars.
    until: Timestamp,
}

struct Row {
    cells: [String; 4],
    intervals: Vec<Interval>,
    outcome: String,
}

impl Row {
    fn without_start(name: &str, result: &str, outcome: &str) -> Row {
        Row {
            cells: cells(printable(name), result, None, 0),
            intervals: Vec::new(),
            outcome: outcome.to_owned(),
        }
    }
}

fn cells(name: String, result: &str, time: Option<Duration>, starts: usize) -> [String; 4] {
    let time = time.map(format_duration).unwrap_or_default();
    let starts = match starts {
        0 | 1 => String::new(),
        starts => format!("{starts}x"),
    };
    [name, result.to_owned(), time, starts]
}

impl Chart<'_> {
    fn task(&self, task: &TaskHistory) -> Row {
        let result = task.result();
        let time = match task.last() {
            Some(start) if start.elapsed.is_some() => start.elapsed,
            Some(start) if self.state == RunState::Running => Some(between(start.at, self.until)),
            Some(_) | None => None,
        };
        let outcome = match &task.end {
            _ if task.is_unfinished() => match self.state {
                RunState::Running => "running".to_owned(),
                RunState::CutOff => "cut off".to_owned(),
                RunState::Ended(_) | RunState::WentDown => "end unknown".to_owned(),
            },
            Some(end) if result == Some(TaskResult::Ok) && end.outcome.is_exit_zero() => {
                String::new()
            }
            Some(end) if !end.required => end.outcome.description() + ", not required",
            Some(end) => end.outcome.description(),
            None => String::new(),
        };
        let word = result.map_or("", TaskResult::as_str);
        Row {
            cells: cells(printable(&task.name), word, time, task.starts.len()),
            intervals: task.starts.iter().map(|it| self.interval(it)).collect(),
            outcome,
        }
    }

    fn interval(&self, start: &TaskStart) -> Interval {
        Interval {
            from: start.at,
            to: start
                .elapsed
                .map_or(self.until, |time| plus(start.at, time)),
            is_failed: match start.result {
                Some(TaskResult::Retry | TaskResult::Interrupted) => true,
                Some(TaskResult::Ok | TaskResult::Skip) => false,
                Some(TaskResult::Halt | TaskResult::Exit) => false,
                None => self.state != RunState::Running,
            },
        }
    }

    fn halt(&self, halt: &HaltTask) -> Row {
        let is_running = self.run.is_halt_task_running(self.now);
        let (time, outcome) = match &halt.end {
            Some((end, time)) if end.is_exit_zero() => (Some(*time), String::new()),
            Some((end, time)) => (Some(*time), end.description()),
            None if is_running => (Some(between(halt.at, self.until)), "running".to_owned()),
            None if self.state == RunState::WentDown => (None, "machine went down".to_owned()),
            None => (None, "cut off".to_owned()),
        };
        Row {
            cells: cells(format!("halt task {}", printable(&halt.name)), "", time, 1),
            intervals: vec![Interval {
                from: halt.at,
                to: time.map_or(self.until, |time| plus(halt.at, time)),
                is_failed: false,
            }],
            outcome,
        }
    }

    fn draw(&self, rows: &[Row]) -> String {
        let has_starts = rows.iter().any(|row| !row.cells[3].is_empty());
        let starts = if has_starts { "starts" } else { "" };
        let head = iter::once(["task", "result", "time", starts].map(str::to_owned));
        let cells = head.chain(rows.iter().map(|row| row.cells.clone()));
        let lines: Vec<String> = aligned_lines([Left, Left, Right, Right], cells).collect();
        let drawn = rows.iter().filter(|row| !row.intervals.is_empty());
        let widths = drawn.map(|row| row.outcome.width());
        let outcome_width = widths.filter(|width| *width <= MAX_OUTCOME_WIDTH).max();
        // Two spaces before each column, and both ends of the bar.
        let taken = 2 + lines[0].width() + 2 + 2 + outcome_width.map_or(0, |width| width + 2);
        let free = MAX_COLUMNS.saturating_sub(taken).min(*BAR_WIDTHS.end());
        let width = Some(free).filter(|width| BAR_WIDTHS.contains(width));
        let whole = format_duration(between(self.run.header.started, self.until));
        // Header of the bars: start and end of the axis.
        let scale = width.map(|width| format!("   0s{whole:>rest$}", rest = width - 2));
        let mut text = format!("\n  {}{}\n", lines[0], scale.unwrap_or_default());
        for (line, row) in lines[1..].iter().zip(rows) {
            let axis = (self.run.header.started, self.until);
            let bar = match width {
                Some(width) if !row.intervals.is_empty() => {
                    format!("  │{}│", time_bar(&row.intervals, axis, width))
                }
                Some(_) | None => String::new(),
            };
            let line = format!("  {line}{bar}  {}", row.outcome);
            text += line.trim_end();
            text += "\n";
        }
        text
    }
}
