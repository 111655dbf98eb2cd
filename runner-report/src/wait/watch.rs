//! What a wait waits for, by what the journal says.

use crate::{
    journal::record::{JournalEntry, Record, RunEntry},
    model::{
        history::History,
        now::Now,
        run_header::{RunHeader, RunState},
    },
};

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The run ended with this exit status.
    Ended(u8),
    /// The next run was refused, with this exit status and for this reason.
    Refused(u8, String),
    /// The runner of the run of this id is gone, and has not said how it ended.
    CutOff(String),
    /// The runner of the run of this id is gone, and its halt task had started.
    WentDown(String),
    /// The time is up.
    TimeUp,
}

/// The state of a wait, by what the journal says.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitState {
    /// The next run.
    NextRun,
    /// The end of this one.
    Run(RunHeader),
    /// Nothing any more.
    Done(WaitEnd),
}

impl WaitState {
    /// Begins to wait for the run that goes on, the last one when there are several, or for
    /// the next one.
    pub fn new(history: &History, now: &Now) -> WaitState {
        let is_running = |header: &&RunHeader| header.state(now) == RunState::Running;
        let last = history.open().filter(is_running).last().cloned();
        last.map_or(WaitState::NextRun, WaitState::Run)
    }

    /// Takes over a record that was written since.
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
