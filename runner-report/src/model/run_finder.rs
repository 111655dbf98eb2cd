//! Finds one run in a journal.

use jiff::Timestamp;

use crate::{
    journal::record::{JournalEntry, Record, RunEntry},
    model::{
        past::Past,
        run_details::RunDetails,
        run_selector::RunSelector,
        runs_by_id::{FromRecords, RunsById},
    },
};

/// A start of the runner that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedStart {
    /// Id that the run would have had.
    pub run: String,
    /// Time of the refusal.
    pub at: Timestamp,
    /// Exit status of the runner.
    pub status: u8,
    /// Reason that the runner logged.
    pub reason: String,
}

impl RefusedStart {
    /// Returns the refused start that `record` is, if it is one.
    pub(crate) fn from_record(record: &Record) -> Option<RefusedStart> {
        let JournalEntry::Run(RunEntry::Refused { status, reason, .. }) = &record.entry else {
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

/// The result of a search: a [`RunDetails`] or a [`Timeline`](crate::Timeline).
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRun<T = RunDetails> {
    /// The run, if the journal has it.
    pub run: Option<T>,
    /// Starts that were refused after the last run; empty if another run was searched for.
    pub refused: Refusals,
    /// The last runs up to this one, if they were collected.
    pub past: Past,
}

impl<T> FoundRun<T> {
    /// Returns `true` if neither a run nor a refused start was found.
    pub fn is_empty(&self) -> bool {
        self.run.is_none() && self.refused.last.is_none()
    }
}

/// Refused starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Number of them.
    pub count: usize,
    /// The last of them.
    pub last: Option<RefusedStart>,
}

/// Searches the records of a journal for a run.
#[derive(Debug)]
pub struct RunFinder<T = RunDetails> {
    selector: RunSelector,
    runs: RunsById<T>,
    refused: Refusals,
}

#[expect(
    private_bounds,
    reason = "only types of this crate are built from records"
)]
impl<T: FromRecords> RunFinder<T> {
    /// Starts a search.
    pub fn new(selector: RunSelector) -> RunFinder<T> {
        let runs = match selector {
            RunSelector::FromEnd(position) => RunsById::with_max(position),
            RunSelector::Id(_) => RunsById::default(),
        };
        RunFinder {
            selector,
            runs,
            refused: Refusals::default(),
        }
    }

    /// Adds a record of the journal.
    pub fn apply(&mut self, record: &Record) {
        if let Some(refused) = RefusedStart::from_record(record) {
            self.refused.count += 1;
            self.refused.last = Some(refused);
            return;
        }
        if !matches!(&self.selector, RunSelector::Id(id) if *id != record.run) {
            self.refused = Refusals::default();
            self.runs.apply(record);
        }
    }

    /// Returns the result.
    pub fn finish(mut self) -> FoundRun<T> {
        let exists = match self.selector {
            RunSelector::FromEnd(position) => self.runs.retained.len() >= position,
            RunSelector::Id(_) => true,
        };
        if self.selector != RunSelector::FromEnd(1) {
            self.refused = Refusals::default();
        }
        FoundRun {
            run: self.runs.retained.pop_front().filter(|_| exists),
            refused: self.refused,
            past: Past::default(),
        }
    }
}
