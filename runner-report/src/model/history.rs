//! All runs of a journal, each of them in a few words.

use std::{collections::VecDeque, iter};

use runner_exec::TaskResult;

use crate::{
    journal::record::{Entry, Record},
    model::{
        by_run::{Fold, Runs},
        run_header::Head,
        select::Refused,
    },
};

/// A start of the runner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Past<'a> {
    /// It became a run.
    Run(&'a Summary),
    /// It was refused, under this id.
    Refused(&'a str, &'a Refused),
}

/// A run, and what went wrong in it. There may be very many of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Which one it is, and what became of it.
    pub head: Head,
    /// The tasks whose last start has not ended with OK.
    pub not_ok: Vec<String>,
}

/// Collects the runs while records come.
#[derive(Debug)]
pub struct Gather {
    runs: Runs<Summary>,
    refused: Vec<RefusedStart>,
}

/// Every start of the runner, in the order of the journal: the clock may be set while a
/// machine starts.
#[derive(Clone, Debug)]
pub struct History {
    runs: VecDeque<Summary>,
    refused: Vec<RefusedStart>,
}

#[derive(Clone, Debug)]
struct RefusedStart {
    run: String,
    refused: Refused,
    /// How many runs had started before.
    runs: usize,
}

impl Default for Gather {
    fn default() -> Gather {
        Gather {
            runs: Runs::new(usize::MAX),
            refused: Vec::new(),
        }
    }
}

impl Gather {
    /// Takes over a record of the journal.
    pub fn take(&mut self, record: &Record) {
        match Refused::of(record) {
            Some(refused) => self.refused.push(RefusedStart {
                run: record.run.clone().into_owned(),
                refused,
                runs: self.runs.count(),
            }),
            None => self.runs.take(record),
        }
    }

    /// What was collected.
    pub fn history(self) -> History {
        History {
            runs: self.runs.into_kept(),
            refused: self.refused,
        }
    }
}

impl History {
    /// Every start, the oldest one first.
    pub fn starts(&self) -> impl Iterator<Item = Past<'_>> + Clone {
        let runs = self.runs.iter().map(Past::Run);
        let mut runs = runs.enumerate().peekable();
        let mut refused = self.refused.iter().peekable();
        iter::from_fn(move || {
            let next = runs.peek().map_or(usize::MAX, |(number, _)| *number);
            match refused.next_if(|start| start.runs <= next) {
                Some(start) => Some(Past::Refused(&start.run, &start.refused)),
                None => runs.next().map(|(_, run)| run),
            }
        })
    }

    /// The runs that have no end.
    pub fn open(&self) -> impl Iterator<Item = &Head> {
        let heads = self.runs.iter().map(|summary| &summary.head);
        heads.filter(|head| head.end.is_none())
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.refused.is_empty()
    }
}

impl Fold for Summary {
    fn new(record: &Record) -> Summary {
        Summary {
            head: Head::new(record),
            not_ok: Vec::new(),
        }
    }

    fn take(&mut self, record: &Record) {
        self.head.take(record);
        match &record.entry {
            Entry::TaskStart { task, .. } => self.not_ok(task),
            Entry::TaskEnd { task, result, .. }
                if TaskResult::parse(result) == Some(TaskResult::Ok) =>
            {
                self.not_ok.retain(|name| name != task);
            }
            Entry::TaskEnd { task, .. } => self.not_ok(task),
            // Nothing more comes, and there may be many runs.
            Entry::RunEnd { .. } => self.not_ok.shrink_to_fit(),
            Entry::RunStart { .. }
            | Entry::TryStart { .. }
            | Entry::HookStart { .. }
            | Entry::HookEnd { .. }
            | Entry::Wait { .. }
            | Entry::HaltStart { .. }
            | Entry::HaltEnd { .. }
            | Entry::Refused { .. }
            | Entry::Unknown => {}
        }
    }
}

impl Summary {
    fn not_ok(&mut self, task: &str) {
        if !self.not_ok.iter().any(|name| name == task) {
            self.not_ok.push(task.to_owned());
        }
    }
}
