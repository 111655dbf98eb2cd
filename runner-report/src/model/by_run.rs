//! Records sorted by their runs, which stand among each other when nobody has the lock.

use std::collections::{HashMap, VecDeque};

use crate::journal::record::Record;

/// What is made of the records of one run.
pub(crate) trait Fold {
    /// Begins with the first one, which [`Fold::take`] gets as well.
    fn new(record: &Record) -> Self;

    /// Takes over what a record says.
    fn take(&mut self, record: &Record);
}

/// The last runs, in the order in which they started.
#[derive(Debug)]
pub(crate) struct Runs<T> {
    /// How many of them are kept.
    most: usize,
    /// Which one each of them was, those that are not kept included: what a run says
    /// that was forgotten is not the start of another one.
    numbers: HashMap<String, usize>,
    kept: VecDeque<T>,
}

impl<T: Fold> Runs<T> {
    pub(crate) fn new(most: usize) -> Runs<T> {
        Runs {
            most,
            numbers: HashMap::new(),
            kept: VecDeque::new(),
        }
    }

    pub(crate) fn take(&mut self, record: &Record) {
        let number = match self.numbers.get(&*record.run) {
            Some(&number) => number,
            None => self.begin(record),
        };
        let forgotten = self.count() - self.kept.len();
        if let Some(index) = number.checked_sub(forgotten) {
            self.kept[index].take(record);
        }
    }

    fn begin(&mut self, record: &Record) -> usize {
        let number = self.count();
        self.numbers.insert(record.run.clone().into_owned(), number);
        self.kept.push_back(T::new(record));
        if self.kept.len() > self.most {
            self.kept.pop_front();
        }
        number
    }

    /// How many there were, those that are not kept included.
    pub(crate) fn count(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn into_kept(self) -> VecDeque<T> {
        self.kept
    }
}
