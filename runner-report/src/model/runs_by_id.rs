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
    /// Id and number of the run of the last record.
    last: Option<(String, usize)>,
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
        let number = self.number(record);
        let dropped = self.count() - self.retained.len();
        if let Some(index) = number.checked_sub(dropped) {
            self.retained[index].apply(record);
        }
    }

    /// Returns the number of the run of `record`, which is added if it is new.
    fn number(&mut self, record: &Record) -> usize {
        // Nearly always that of the record before, which saves a search.
        if let Some((run, number)) = &self.last
            && *run == record.run
        {
            return *number;
        }
        let next = self.count();
        let number = *self.numbers.entry(record.run.clone()).or_insert(next);
        self.last = Some((record.run.clone(), number));
        if number == next {
            self.retained.push_back(T::new(record));
            if self
                .max_retained
                .is_some_and(|max| self.retained.len() > max)
            {
                self.retained.pop_front();
            }
        }
        number
    }

    pub(crate) fn is_known(&self, run: &str) -> bool {
        self.numbers.contains_key(run)
    }

    /// Number of all runs, dropped ones included.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }
}
