//! The state of a wait, updated by records of the journal.

use crate::{
    journal::record::{JournalEntry, Record, RunEntry},
    model::{
        history::History,
        now::Now,
        run_header::{RunHeader, RunState},
    },
};

/// Result of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The run ended with this exit status.
    Ended(u8),
    /// The next run was refused, with this exit status and for this reason.
    Refused(u8, String),
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
    /// Waits for the start of the next run.
    NextRun,
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
        last.map_or(WaitState::NextRun, WaitState::Run)
    }

    /// Updates the state with a new record.
    pub fn apply(&mut self, record: &Record) {
        match self {
            WaitState::NextRun => match &record.entry {
                JournalEntry::Run(RunEntry::Start(_)) => {
                    let mut header = RunHeader::new(record);
                    header.apply(record);
                    *self = WaitState::Run(header);
                }
                JournalEntry::Run(RunEntry::Refused { status, reason }) => {
                    *self = WaitState::Done(WaitEnd::Refused(*status, reason.clone()));
                }
                _ => {}
            },
            WaitState::Run(header) if header.run == record.run => {
                header.apply(record);
                if let Some(end) = &header.end {
                    *self = WaitState::Done(WaitEnd::Ended(end.status));
                }
            }
            WaitState::Run(_) | WaitState::Done(_) => {}
        }
    }
}
