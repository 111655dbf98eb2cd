//! Statistics of each task over many runs.

use std::{collections::HashMap, time::Duration};

use runner_exec::TaskResult;
use serde::Serialize;

use crate::{
    journal::record::{JournalEntry, Record, TaskEntry},
    model::{
        end::AnyOutcome,
        now::{nearest_rank, serialize_seconds, to_duration},
    },
};

/// Statistics of a task, in the form of `--tasks --format json`. Times are nearest-rank
/// percentiles, or `None` if the task never ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskStatistics {
    /// File name.
    pub task: String,
    /// Number of runs with at least one start.
    pub runs: usize,
    /// Number of runs in which it failed at least once.
    pub retried: usize,
    /// Number of starts, including those that failed to start.
    pub starts: usize,
    /// Number of failures.
    pub failures: usize,
    /// Median run time.
    #[serde(serialize_with = "serialize_seconds")]
    pub median: Option<Duration>,
    /// 95th percentile of the run times.
    #[serde(serialize_with = "serialize_seconds")]
    pub p95: Option<Duration>,
    /// Longest run time.
    #[serde(serialize_with = "serialize_seconds")]
    pub max: Option<Duration>,
}

/// Collects statistics from the records of a journal.
#[derive(Debug, Default)]
pub struct StatisticsBuilder {
    /// Sequence number of each run.
    runs: HashMap<String, usize>,
    tasks: HashMap<String, Samples>,
}

#[derive(Debug, Default)]
struct Samples {
    /// Position in the order of first starts.
    position: usize,
    starts: usize,
    elapsed: Vec<Duration>,
    failures: usize,
    /// Runs with a start of the task; `true` if it failed there.
    failed_in: HashMap<usize, bool>,
}

impl StatisticsBuilder {
    /// Adds a record of the journal.
    pub fn apply(&mut self, record: &Record) {
        let JournalEntry::Task(entry) = &record.entry else {
            return;
        };
        let (task, _) = entry.task_and_try();
        let next = self.runs.len();
        let run = *self.runs.entry(record.run.clone()).or_insert(next);
        let position = self.tasks.len();
        let samples = self.tasks.entry(task.clone()).or_insert_with(|| Samples {
            position,
            ..Samples::default()
        });
        let failed_in_run = samples.failed_in.entry(run).or_default();
        match entry {
            TaskEntry::Start { .. } => samples.starts += 1,
            TaskEntry::End {
                result,
                outcome,
                elapsed,
                ..
            } => {
                let has_failed = TaskResult::parse(result) == Some(TaskResult::Retry);
                // A task that failed to start has no record of its start.
                samples.starts += usize::from(AnyOutcome::parse(outcome, None).is_not_started());
                samples.elapsed.push(to_duration(*elapsed));
                samples.failures += usize::from(has_failed);
                *failed_in_run |= has_failed;
            }
        }
    }

    /// Returns the statistics of each task, in the order of first starts.
    pub fn finish(self) -> Vec<TaskStatistics> {
        let mut tasks: Vec<_> = self.tasks.into_iter().collect();
        tasks.sort_unstable_by_key(|(_, samples)| samples.position);
        let sorted = tasks.into_iter();
        let statistics = sorted.map(|(task, samples)| samples.into_statistics(task));
        statistics.collect()
    }
}

impl Samples {
    fn into_statistics(mut self, task: String) -> TaskStatistics {
        self.elapsed.sort_unstable();
        TaskStatistics {
            task,
            runs: self.failed_in.len(),
            retried: self.failed_in.values().filter(|&&failed| failed).count(),
            starts: self.starts,
            failures: self.failures,
            median: nearest_rank(&self.elapsed, 50),
            p95: nearest_rank(&self.elapsed, 95),
            max: nearest_rank(&self.elapsed, 100),
        }
    }
}
