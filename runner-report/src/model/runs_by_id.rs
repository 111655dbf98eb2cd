//! Records sorted by their runs, which are interleaved when nobody has the lock.

use std::collections::{HashMap, VecDeque};

use crate::journal::record::Record;

/// What is made of the records of one run.
pub(crate) trait FromRecords: Default {
    /// Begins with the first record, which [`FromRecords::apply`] gets as well.
    fn new(record: &Record) -> Self;

    /// Takes over what a record says.
    fn apply(&mut self, record: &Record);
}

/// The last runs, in the order in which they started.
#[derive(Debug, Default)]
pub(crate) struct RunsById<T> {
    /// Maximum number of runs in `retained`, if there is one.
    max_retained: Option<usize>,
    /// Number of each run, also of those that are not retained: a record of a dropped run does
    /// not start another one.
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
        let number = *self.numbers.entry(record.run.clone()).or_insert(next);
        if number == next {
            self.retained.push_back(T::new(record));
            if self
                .max_retained
                .is_some_and(|max_retained| self.retained.len() > max_retained)
            {
                self.retained.pop_front();
            }
        }
        let dropped = self.count() - self.retained.len();
        if let Some(index) = number.checked_sub(dropped) {
            self.retained[index].apply(record);
        }
    }

    /// Number of all runs, also of those that are not retained.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }
}
