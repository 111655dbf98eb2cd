//! One run out of a journal.

use jiff::Timestamp;

use crate::{
    journal::record::{Entry, Record},
    model::{
        by_run::{Fold, Runs},
        run::Run,
    },
};

/// Which run is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// So many from the end; 1 is the last one.
    FromEnd(usize),
    /// The one of this id.
    Id(String),
}

/// A start that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// The exit status of the runner.
    pub status: u8,
    /// Why, as the runner said it.
    pub reason: String,
}

impl Refused {
    /// What `record` says of one.
    pub(crate) fn of(record: &Record) -> Option<Refused> {
        let Entry::Refused { status, reason } = &record.entry else {
            return None;
        };
        Some(Refused {
            at: record.ts,
            status: *status,
            reason: reason.clone().into_owned(),
        })
    }
}

/// What is found of one run, in as much detail as a report wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T = Run> {
    /// The run.
    pub run: Option<T>,
    /// Which starts were refused since, when it is the last one: what it says is not the
    /// news then.
    pub refused: Refusals,
}

impl<T> Found<T> {
    /// Whether nothing was found at all.
    pub fn is_nothing(&self) -> bool {
        self.run.is_none() && self.refused.last.is_none()
    }
}

/// Starts that were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// How many.
    pub count: usize,
    /// The last one.
    pub last: Option<Refused>,
}

/// Looks for a run while records come.
#[derive(Debug)]
pub struct Select<T = Run> {
    which: Which,
    runs: Runs<T>,
    refused: Refusals,
}

#[expect(
    private_bounds,
    reason = "a run is told in two ways, and both of them are here"
)]
impl<T: Fold> Select<T> {
    /// Begins to look for a run.
    pub fn new(which: Which) -> Select<T> {
        let most = match which {
            Which::FromEnd(back) => back,
            Which::Id(_) => 1,
        };
        Select {
            which,
            runs: Runs::new(most),
            refused: Refusals::default(),
        }
    }

    /// Takes over a record of the journal.
    pub fn take(&mut self, record: &Record) {
        if let Some(refused) = Refused::of(record) {
            self.refused.count += 1;
            self.refused.last = Some(refused);
            return;
        }
        match &self.which {
            Which::Id(id) if record.run != id.as_str() => {}
            Which::Id(_) | Which::FromEnd(_) => {
                self.refused = Refusals::default();
                self.runs.take(record);
            }
        }
    }

    /// What was found.
    pub fn found(self) -> Found<T> {
        let mut runs = self.runs.into_kept();
        match self.which {
            Which::FromEnd(1) => Found {
                run: runs.pop_front(),
                refused: self.refused,
            },
            Which::FromEnd(back) if runs.len() < back => Found {
                run: None,
                refused: Refusals::default(),
            },
            Which::FromEnd(_) | Which::Id(_) => Found {
                run: runs.pop_front(),
                refused: Refusals::default(),
            },
        }
    }
}
