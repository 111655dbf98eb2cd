//! The last runs up to a selected one, and how long their tasks took.

use std::{collections::HashMap, time::Duration};

use runner_exec::TaskResult;

use crate::{
    journal::record::{JournalEntry, Record, RunEntry, TaskEntry},
    model::{
        now::{nearest_rank, to_duration},
        run_header::RunHeader,
        run_selector::RunSelector,
        runs_by_id::{FromRecords, RunsById},
    },
};

/// Maximum number of runs, the selected one included.
const MAX_RUNS: usize = 40;

/// Minimum number of earlier runs that make a duration usual.
const MIN_SAMPLES: usize = 3;

/// Collects the last runs from the records of a journal.
#[derive(Debug)]
pub struct PastCollector {
    selector: RunSelector,
    runs: RunsById<PastRun>,
}

/// The last runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// The runs, the oldest first; the selected one is the last.
    pub runs: Vec<RunHeader>,
    usual: HashMap<String, UsualTime>,
}

/// Usual duration of a task: that of its successes in earlier runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct UsualTime {
    pub(crate) median: Duration,
    /// 95th percentile.
    pub(crate) p95: Duration,
}

/// A run, and the duration of the last success of each of its tasks.
#[derive(Debug, Default)]
struct PastRun {
    header: RunHeader,
    times: HashMap<String, Duration>,
}

impl PastCollector {
    /// Starts to collect the runs up to that of `selector`.
    pub fn new(selector: RunSelector) -> PastCollector {
        let later = match selector {
            RunSelector::FromEnd(position) => position.saturating_sub(1),
            RunSelector::Id(_) => 0,
        };
        PastCollector {
            selector,
            runs: RunsById::with_max(MAX_RUNS.saturating_add(later)),
        }
    }

    /// Adds a record of the journal.
    pub fn apply(&mut self, record: &Record) {
        if matches!(&record.entry, JournalEntry::Run(RunEntry::Refused { .. })) {
            return;
        }
        // Runs after the selected one do not count.
        let is_complete = match (&self.selector, self.runs.retained.back()) {
            (RunSelector::Id(id), Some(last)) => last.header.run == *id,
            _ => false,
        };
        if !is_complete || self.runs.is_known(&record.run) {
            self.runs.apply(record);
        }
    }

    /// Returns the runs up to the run `selected`.
    pub fn finish(self, selected: &str) -> Past {
        let mut runs = Vec::from(self.runs.retained);
        let position = runs.iter().position(|run| run.header.run == selected);
        runs.truncate(position.map_or(0, |position| position + 1));
        runs.drain(..runs.len().saturating_sub(MAX_RUNS));
        let mut samples: HashMap<&String, Vec<Duration>> = HashMap::new();
        let earlier = runs.split_last().map_or(&[][..], |(_, earlier)| earlier);
        for (task, time) in earlier.iter().flat_map(|run| &run.times) {
            samples.entry(task).or_default().push(*time);
        }
        let usual = samples.into_iter().filter_map(|(task, mut times)| {
            times.sort_unstable();
            let enough = times.len() >= MIN_SAMPLES;
            let usual = UsualTime {
                median: nearest_rank(&times, 50)?,
                p95: nearest_rank(&times, 95)?,
            };
            enough.then(|| (task.clone(), usual))
        });
        Past {
            usual: usual.collect(),
            runs: runs.into_iter().map(|run| run.header).collect(),
        }
    }
}

impl Past {
    /// Returns the usual duration of `task`, if enough earlier runs had it.
    pub(crate) fn usual(&self, task: &str) -> Option<UsualTime> {
        self.usual.get(task).copied()
    }
}

impl FromRecords for PastRun {
    fn new(record: &Record) -> PastRun {
        PastRun {
            header: RunHeader::new(record),
            times: HashMap::new(),
        }
    }

    fn apply(&mut self, record: &Record) {
        self.header.apply(record);
        if let JournalEntry::Task(TaskEntry::End {
            task,
            result,
            elapsed,
            ..
        }) = &record.entry
            && TaskResult::parse(result) == Some(TaskResult::Ok)
        {
            self.times.insert(task.clone(), to_duration(*elapsed));
        }
    }
}
