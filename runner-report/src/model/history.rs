//! All runs of a journal, in short form.

use runner_exec::TaskResult;

use crate::{
    journal::record::{JournalEntry, Record, RunEntry, TaskEntry},
    model::{
        run_finder::RefusedStart,
        run_header::RunHeader,
        runs_by_id::{FromRecords, RunsById},
    },
};

/// Every start of the runner, in the order of the journal. Times would not do: the clock can
/// be set back while a machine boots.
#[derive(Debug, Default)]
pub struct History {
    runs: RunsById<RunSummary>,
    /// Refused starts, each with the number of runs that started before it.
    refused: Vec<(usize, RefusedStart)>,
}

/// A start of the runner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunnerStart<'a> {
    /// The start became a run.
    Run(&'a RunSummary),
    /// The start was refused.
    Refused(&'a RefusedStart),
}

/// A run in short form. A journal can have very many of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunSummary {
    /// Identity, times and end of the run.
    pub header: RunHeader,
    /// Tasks whose last start did not end with OK or SKIP, or has no end.
    pub not_ok: Vec<String>,
}

impl History {
    /// Adds a record of the journal.
    pub fn apply(&mut self, record: &Record) {
        match RefusedStart::from_record(record) {
            Some(refused) => self.refused.push((self.runs.count(), refused)),
            None => self.runs.apply(record),
        }
    }

    /// Returns every start, the oldest first.
    pub fn starts(&self) -> Vec<RunnerStart<'_>> {
        let refusals = self.refused.iter();
        let refused = refusals.map(|(runs, refused)| (*runs, RunnerStart::Refused(refused)));
        let runs = self.runs.retained.iter().map(RunnerStart::Run).enumerate();
        let mut starts: Vec<_> = refused.chain(runs).collect();
        // Stable, so a refused start stays before the run that came next.
        starts.sort_by_key(|(runs, _)| *runs);
        starts.into_iter().map(|(_, start)| start).collect()
    }

    /// Returns the headers of all runs, the oldest first.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = &RunHeader> {
        self.runs.retained.iter().map(|summary| &summary.header)
    }

    /// Returns the headers of the runs without an end.
    pub fn open(&self) -> impl Iterator<Item = &RunHeader> {
        self.headers().filter(|header| header.end.is_none())
    }

    /// Returns the number of runs.
    pub fn runs(&self) -> usize {
        self.runs.count()
    }

    /// Returns `true` if the journal has no start of the runner.
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
                if matches!(
                    TaskResult::parse(result),
                    Some(TaskResult::Ok | TaskResult::Skip)
                ) =>
            {
                self.not_ok.retain(|name| name != task);
            }
            JournalEntry::Task(task) => {
                let (name, _) = task.task_and_try();
                if !self.not_ok.contains(name) {
                    self.not_ok.push(name.clone());
                }
            }
            // The list is final now. With many runs, unused capacity adds up.
            JournalEntry::Run(RunEntry::End { .. }) => self.not_ok.shrink_to_fit(),
            JournalEntry::Run(_) | JournalEntry::Try(_) | JournalEntry::Hook(_) => {}
            JournalEntry::Halt(_) | JournalEntry::Unknown => {}
        }
    }
}
