//! Records sorted by their runs, which are interleaved when nobody has the lock.

use std::collections::{HashMap, VecDeque};

use crate::journal::record::Record;

/// What is made of the records of one run.
pub(crate) trait Fold {
    /// Begins with the first record, which [`Fold::take`] gets as well.
    fn new(record: &Record) -> Self;

    /// Takes over what a record says.
    fn take(&mut self, record: &Record);
}

/// The last runs, in the order in which they started.
#[derive(Debug)]
pub(crate) struct Runs<T> {
    /// Maximum number of runs in `kept`.
    max_kept: usize,
    /// Number of each run, also of those that are not kept: a record of a forgotten run does
    /// not start another one.
    numbers: HashMap<String, usize>,
    pub(crate) kept: VecDeque<T>,
}

impl<T: Fold> Runs<T> {
    pub(crate) fn new(max_kept: usize) -> Runs<T> {
        Runs {
            max_kept,
            numbers: HashMap::new(),
            kept: VecDeque::new(),
        }
    }

    pub(crate) fn take(&mut self, record: &Record) {
        let next = self.count();
        let number = *self.numbers.entry(record.run.clone()).or_insert(next);
        if number == next {
            self.kept.push_back(T::new(record));
            if self.kept.len() > self.max_kept {
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
