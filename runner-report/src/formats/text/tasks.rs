//! Statistics of tasks, one line for each.

use std::{iter, time::Duration};

use runner_config::format_duration;

use super::{
    printable,
    table::{
        Align::{Left, Right},
        table,
    },
};
use crate::model::task_statistics::TaskStatistics;

/// Returns a table of `tasks`.
pub fn tasks_text(tasks: &[TaskStatistics]) -> String {
    let head = [
        "task", "runs", "retried", "starts", "failures", "median", "p95", "max",
    ];
    let rows = iter::once(head.map(str::to_owned)).chain(tasks.iter().map(row));
    table(
        [Left, Right, Right, Right, Right, Right, Right, Right],
        rows,
    )
}

fn row(task: &TaskStatistics) -> [String; 8] {
    let time = |time: Option<Duration>| time.map(format_duration).unwrap_or_default();
    [
        printable(&task.task),
        task.runs.to_string(),
        task.retried.to_string(),
        task.starts.to_string(),
        task.failures.to_string(),
        time(task.median),
        time(task.p95),
        time(task.max),
    ]
}
