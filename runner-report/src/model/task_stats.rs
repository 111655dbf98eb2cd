//! How each task does, over many runs.

use std::{collections::HashMap, time::Duration};

use runner_exec::TaskResult;

use crate::{
    journal::record::{Entry, Record},
    model::{end::Ending, now::seconds},
};

/// What is known of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskNumbers {
    /// Its name.
    pub name: String,
    /// How many runs it had a part in.
    pub runs: usize,
    /// In how many of them it failed, so that it needed a retry.
    pub retried: usize,
    /// How often it was started, or was to be.
    pub starts: usize,
    /// How often it failed.
    pub failures: usize,
    /// How long it ran, when it ever ended.
    pub times: Option<Times>,
}

/// Times that were taken, by nearest rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Half of them are no longer.
    pub median: Duration,
    /// 95 of 100 are no longer.
    pub p95: Duration,
    /// The longest one.
    pub max: Duration,
}

/// Counts while records come.
#[derive(Debug, Default)]
pub struct Tasks {
    /// The number of each run.
    runs: HashMap<String, u32>,
    /// Where the task of a name stands.
    places: HashMap<String, usize>,
    tasks: Vec<Samples>,
}

#[derive(Debug, Default)]
struct Samples {
    name: String,
    starts: usize,
    elapsed: Vec<Duration>,
    failures: usize,
    /// The runs it had a part in, and whether it failed there.
    failed_in: HashMap<u32, bool>,
}

impl Tasks {
    /// Takes over a record of the journal.
    pub fn take(&mut self, record: &Record) {
        match &record.entry {
            Entry::TaskStart { task, .. } => {
                let run = self.run(&record.run);
                let task = self.task(task);
                task.starts += 1;
                task.failed_in.entry(run).or_default();
            }
            Entry::TaskEnd {
                task,
                result,
                outcome,
                elapsed,
                ..
            } => {
                let run = self.run(&record.run);
                let task = self.task(task);
                let failed = TaskResult::parse(result) == Some(TaskResult::Retry);
                // There is no record of the start of what did not start.
                task.starts += usize::from(Ending::parse(outcome, None).is_not_started());
                task.elapsed.push(seconds(*elapsed));
                task.failures += usize::from(failed);
                *task.failed_in.entry(run).or_default() |= failed;
            }
            Entry::RunStart { .. }
            | Entry::TryStart { .. }
            | Entry::HookStart { .. }
            | Entry::HookEnd { .. }
            | Entry::Wait { .. }
            | Entry::HaltStart { .. }
            | Entry::HaltEnd { .. }
            | Entry::RunEnd { .. }
            | Entry::Refused { .. }
            | Entry::Unknown => {}
        }
    }

    /// The numbers of each task, in the order in which they were started first.
    pub fn numbers(self) -> Vec<TaskNumbers> {
        self.tasks.into_iter().map(Samples::numbers).collect()
    }

    fn run(&mut self, id: &str) -> u32 {
        if let Some(&number) = self.runs.get(id) {
            return number;
        }
        let number = self.runs.len() as u32;
        self.runs.insert(id.to_owned(), number);
        number
    }

    fn task(&mut self, name: &str) -> &mut Samples {
        if let Some(&place) = self.places.get(name) {
            return &mut self.tasks[place];
        }
        let place = self.tasks.len();
        self.places.insert(name.to_owned(), place);
        self.tasks.push(Samples {
            name: name.to_owned(),
            ..Samples::default()
        });
        &mut self.tasks[place]
    }
}

impl Samples {
    fn numbers(mut self) -> TaskNumbers {
        self.elapsed.sort_unstable();
        TaskNumbers {
            runs: self.failed_in.len(),
            retried: self.failed_in.values().filter(|&&failed| failed).count(),
            starts: self.starts,
            failures: self.failures,
            times: (!self.elapsed.is_empty()).then(|| Times {
                median: nearest_rank(&self.elapsed, 50),
                p95: nearest_rank(&self.elapsed, 95),
                max: nearest_rank(&self.elapsed, 100),
            }),
            name: self.name,
        }
    }
}

/// The least of `sorted`, of which there is one, that `percent` of them do not exceed.
fn nearest_rank(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank - 1]
}
