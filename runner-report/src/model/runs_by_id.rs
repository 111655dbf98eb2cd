//! Records grouped by run. Runs without a lock are interleaved in the journal.

use std::collections::{HashMap, VecDeque};

use crate::journal::record::Record;

/// A value that is built from the records of one run.
pub(crate) trait FromRecords: Default {
    /// Starts from the first record, which is passed to [`FromRecords::apply`] as well.
    fn new(record: &Record) -> Self;

    /// Updates the value with a record.
    fn apply(&mut self, record: &Record);
}

/// The runs of a journal, in the order of their first records.
#[derive(Debug, Default)]
pub(crate) struct RunsById<T> {
    /// Maximum number of runs in `retained`, if there is one.
    max_retained: Option<usize>,
    /// Sequence number of each run. Dropped runs stay: their late records start no new run.
    numbers: HashMap<String, usize>,
    pub(crate) retained: VecDeque<T>,
}

impl<T: FromRecords> RunsById<T> {
    /// Keeps only the last `max_retained` runs.
    pub(crate) fn with_max(max_retained: usize) -> RunsById<T> {
        RunsById {
            max_retained: Some(max_retained),
            ..RunsById::default()
        }
    }

    pub(crate) fn apply(&mut self, record: &Record) {
        let next = self.count();
        // Not `entry`, which needs a copy of the id for each record.
        let number = self.numbers.get(&record.run).copied().unwrap_or(next);
        if number == next {
            self.numbers.insert(record.run.clone(), number);
            self.retained.push_back(T::new(record));
            if self
                .max_retained
                .is_some_and(|max| self.retained.len() > max)
            {
                self.retained.pop_front();
            }
        }
        let dropped = self.count() - self.retained.len();
        if let Some(index) = number.checked_sub(dropped) {
            self.retained[index].apply(record);
        }
    }

    pub(crate) fn is_known(&self, run: &str) -> bool {
        self.numbers.contains_key(run)
    }

    /// Number of all runs, dropped ones included.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }
}
