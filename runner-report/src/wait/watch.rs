//! The state of a wait, updated by records of the journal.

use std::mem;

use crate::{
    journal::record::{JournalEntry, Record, RunEntry},
    model::{
        history::History,
        now::Now,
        run_finder::RefusedStart,
        run_header::{RunHeader, RunState},
    },
};

/// Result of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The run ended with this exit status.
    Ended(u8),
    /// The start of the run was refused.
    Refused(RefusedStart),
    /// The runner of the run with this id is gone without a record of the end.
    CutOff(String),
    /// The runner of the run with this id is gone after its halt task started.
    WentDown(String),
    /// The timeout expired.
    TimeUp,
}

/// State of a wait.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitState {
    /// Waits for the start of the run with this id, or of the next run.
    Start(Option<String>),
    /// Waits for the end of this run.
    Run(RunHeader),
    /// The wait is over.
    Done(WaitEnd),
}

impl WaitState {
    /// Starts a wait for the run whose runner is alive, the last one if there are several, or
    /// for the next run.
    pub fn new(history: &History, now: &Now) -> WaitState {
        let is_running = |header: &&RunHeader| header.state(now) == RunState::Running;
        let last = history.open().filter(is_running).last().cloned();
        last.map_or(WaitState::Start(None), WaitState::Run)
    }

    /// Starts a wait for the run at this position from the end, if it exists; 1 is the last run.
    pub fn from_end(position: usize, history: &History) -> Option<WaitState> {
        let header = history.headers().nth_back(position.checked_sub(1)?)?;
        Some(WaitState::of(header.clone()))
    }

    fn of(header: RunHeader) -> WaitState {
        match &header.end {
            Some(end) => WaitState::Done(WaitEnd::Ended(end.status)),
            None => WaitState::Run(header),
        }
    }

    /// Updates the state with a new record.
    pub fn apply(&mut self, record: &Record) {
        match self {
            WaitState::Start(Some(id)) if *id != record.run => {}
            WaitState::Start(id) => {
                let is_start = matches!(record.entry, JournalEntry::Run(RunEntry::Start(_)));
                if let Some(refused) = RefusedStart::from_record(record) {
                    *self = WaitState::Done(WaitEnd::Refused(refused));
                } else if is_start || id.is_some() {
                    // The start of the run with the id can be rotated away.
                    *self = WaitState::Run(RunHeader::new(record));
                    self.apply(record);
                }
            }
            WaitState::Run(header) if header.run == record.run => {
                header.apply(record);
                *self = WaitState::of(mem::take(header));
            }
            WaitState::Run(_) | WaitState::Done(_) => {}
        }
    }
}
