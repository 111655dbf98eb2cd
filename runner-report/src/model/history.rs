//! All runs of a journal, each of them in a few words.

use runner_exec::TaskResult;

use crate::{
    journal::record::{JournalEntry, Record, RunEntry, TaskEntry},
    model::{
        run_finder::RefusedStart,
        run_header::RunHeader,
        runs_by_id::{FromRecords, RunsById},
    },
};

/// Every start of the runner, in the order of the journal: the clock may be set while a
/// machine starts.
#[derive(Debug, Default)]
pub struct History {
    runs: RunsById<RunSummary>,
    /// Each with the number of runs that had started before.
    refused: Vec<(usize, RefusedStart)>,
}

/// A start of the runner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunnerStart<'a> {
    /// It became a run.
    Run(&'a RunSummary),
    /// It was refused.
    Refused(&'a RefusedStart),
}

/// A run, and what went wrong in it. There may be very many of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSummary {
    /// Which one it is, and what became of it.
    pub header: RunHeader,
    /// The tasks whose last start has not ended with OK.
    pub not_ok: Vec<String>,
}

impl History {
    /// Takes over a record of the journal.
    pub fn apply(&mut self, record: &Record) {
        match RefusedStart::from_record(record) {
            Some(refused) => self.refused.push((self.runs.count(), refused)),
            None => self.runs.apply(record),
        }
    }

    /// Every start, the oldest one first.
    pub fn starts(&self) -> Vec<RunnerStart<'_>> {
        let refused = self.refused.iter();
        let refused = refused.map(|(runs, refused)| (*runs, RunnerStart::Refused(refused)));
        let runs = self.runs.retained.iter().map(RunnerStart::Run).enumerate();
        let mut starts: Vec<_> = refused.chain(runs).collect();
        // Stable, so a refused start stays before the run that came next.
        starts.sort_by_key(|(runs, _)| *runs);
        starts.into_iter().map(|(_, past)| past).collect()
    }

    /// The runs that have no end.
    pub fn open(&self) -> impl Iterator<Item = &RunHeader> {
        let headers = self.runs.retained.iter().map(|summary| &summary.header);
        headers.filter(|header| header.end.is_none())
    }

    /// Returns `true` if the runner was never started.
    pub fn is_empty(&self) -> bool {
        self.runs.retained.is_empty() && self.refused.is_empty()
    }
}

impl FromRecords for RunSummary {
    fn new(record: &Record) -> RunSummary {
        RunSummary {
            header: RunHeader::new(record),
            not_ok: Vec::new(),
        }
    }

    fn apply(&mut self, record: &Record) {
        self.header.apply(record);
        match &record.entry {
            JournalEntry::Task(TaskEntry::End { task, result, .. })
                if TaskResult::parse(result) == Some(TaskResult::Ok) =>
            {
                self.not_ok.retain(|name| name != task);
            }
            JournalEntry::Task(task) => {
                let (name, _) = task.task_and_try();
                if !self.not_ok.contains(name) {
                    self.not_ok.push(name.clone());
                }
            }
            // Nothing more comes, and there may be many runs.
            JournalEntry::Run(RunEntry::End { .. }) => self.not_ok.shrink_to_fit(),
            JournalEntry::Run(_)
            | JournalEntry::Try(_)
            | JournalEntry::Hook(_)
            | JournalEntry::Halt(_)
            | JournalEntry::Unknown => {}
        }
    }
}
