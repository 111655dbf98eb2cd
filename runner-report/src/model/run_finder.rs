//! One run out of a journal.

use jiff::Timestamp;

use crate::{
    journal::record::{JournalEntry, Record, RunEntry},
    model::{
        run_details::RunDetails,
        runs_by_id::{FromRecords, RunsById},
    },
};

/// Which run is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunSelector {
    /// So many from the end; 1 is the last one.
    FromEnd(usize),
    /// The one of this id.
    Id(String),
}

/// A start that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedStart {
    /// The id that a run would have had.
    pub run: String,
    /// When.
    pub at: Timestamp,
    /// The exit status of the runner.
    pub status: u8,
    /// Why, as the runner said it.
    pub reason: String,
}

impl RefusedStart {
    /// What `record` says of one.
    pub(crate) fn from_record(record: &Record) -> Option<RefusedStart> {
        let JournalEntry::Run(RunEntry::Refused { status, reason }) = &record.entry else {
            return None;
        };
        Some(RefusedStart {
            run: record.run.clone(),
            at: record.ts,
            status: *status,
            reason: reason.clone(),
        })
    }
}

/// What is found of one run, in as much detail as a report wants.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRun<T = RunDetails> {
    /// The run.
    pub run: Option<T>,
    /// Which starts were refused since, when it is the last one: what it says is not the
    /// news then.
    pub refused: Refusals,
}

impl<T> FoundRun<T> {
    /// Whether nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.run.is_none() && self.refused.last.is_none()
    }
}

/// Starts that were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// How many.
    pub count: usize,
    /// The last one.
    pub last: Option<RefusedStart>,
}

/// Looks for a run while records come.
#[derive(Debug)]
pub struct RunFinder<T = RunDetails> {
    which: RunSelector,
    runs: RunsById<T>,
    refused: Refusals,
}

#[expect(
    private_bounds,
    reason = "a run is told in two ways, and both of them are here"
)]
impl<T: FromRecords> RunFinder<T> {
    /// Begins to look for a run.
    pub fn new(which: RunSelector) -> RunFinder<T> {
        let runs = match which {
            RunSelector::FromEnd(back) => RunsById::with_max(back),
            RunSelector::Id(_) => RunsById::default(),
        };
        RunFinder {
            which,
            runs,
            refused: Refusals::default(),
        }
    }

    /// Takes over a record of the journal.
    pub fn apply(&mut self, record: &Record) {
        if let Some(refused) = RefusedStart::from_record(record) {
            self.refused.count += 1;
            self.refused.last = Some(refused);
            return;
        }
        if !matches!(&self.which, RunSelector::Id(id) if *id != record.run) {
            self.refused = Refusals::default();
            self.runs.apply(record);
        }
    }

    /// What was found.
    pub fn finish(mut self) -> FoundRun<T> {
        let is_there = match self.which {
            RunSelector::FromEnd(back) => self.runs.retained.len() >= back,
            RunSelector::Id(_) => true,
        };
        if self.which != RunSelector::FromEnd(1) {
            self.refused = Refusals::default();
        }
        FoundRun {
            run: self.runs.retained.pop_front().filter(|_| is_there),
            refused: self.refused,
        }
    }
}
