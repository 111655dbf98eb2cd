//! Records sorted by their runs, which are interleaved when nobody has the lock.

use std::collections::{HashMap, VecDeque};

use crate::journal::record::Record;

/// What is made of the records of one run.
pub(crate) trait FromRecords: Default {
    /// Begins with the first record, which [`FromRecords::take`] gets as well.
    fn new(record: &Record) -> Self;

    /// Takes over what a record says.
    fn take(&mut self, record: &Record);
}

/// The last runs, in the order in which they started.
#[derive(Debug, Default)]
pub(crate) struct RunsById<T> {
    /// Maximum number of runs in `kept`, if there is one.
    max_kept: Option<usize>,
    /// Number of each run, also of those that are not kept: a record of a forgotten run does
    /// not start another one.
    numbers: HashMap<String, usize>,
    pub(crate) kept: VecDeque<T>,
}

impl<T: FromRecords> RunsById<T> {
    /// Keeps only the last `max_kept` runs.
    pub(crate) fn last(max_kept: usize) -> RunsById<T> {
        RunsById {
            max_kept: Some(max_kept),
            ..RunsById::default()
        }
    }

    pub(crate) fn take(&mut self, record: &Record) {
        let next = self.count();
        let number = *self.numbers.entry(record.run.clone()).or_insert(next);
        if number == next {
            self.kept.push_back(T::new(record));
            if self
                .max_kept
                .is_some_and(|max_kept| self.kept.len() > max_kept)
            {
                self.kept.pop_front();
            }
        }
        let forgotten = self.count() - self.kept.len();
        if let Some(index) = number.checked_sub(forgotten) {
            self.kept[index].take(record);
        }
    }

    /// Number of all runs, also of those that are not kept.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }
}
