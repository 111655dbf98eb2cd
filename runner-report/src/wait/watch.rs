//! What a wait waits for, by what the journal says.

use crate::{
    journal::record::{Entry, Record, RunEntry},
    model::{
        history::History,
        now::Now,
        run_header::{RunHeader, RunState},
    },
};

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
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
pub enum Watch {
    /// The next run.
    Next,
    /// The end of this one.
    Run(RunHeader),
    /// Nothing any more.
    Over(Waited),
}

impl Watch {
    /// Begins to wait for the run that goes on, the last one when there are several, or for
    /// the next one.
    pub fn new(history: &History, now: &Now) -> Watch {
        let running = history
            .open()
            .filter(|header| header.state(now) == RunState::Running);
        running.last().cloned().map_or(Watch::Next, Watch::Run)
    }

    /// Takes over a record that was written since.
    pub fn apply(&mut self, record: &Record) {
        match self {
            Watch::Next => match &record.entry {
                Entry::Run(RunEntry::Start(_)) => {
                    let mut header = RunHeader::new(record);
                    header.apply(record);
                    *self = Watch::Run(header);
                }
                Entry::Run(RunEntry::Refused { status, reason }) => {
                    *self = Watch::Over(Waited::Refused(*status, reason.clone()));
                }
                _ => {}
            },
            Watch::Run(header) if header.run == record.run => {
                header.apply(record);
                if let Some(end) = &header.end {
                    *self = Watch::Over(Waited::Ended(end.status));
                }
            }
            Watch::Run(_) | Watch::Over(_) => {}
        }
    }
}
