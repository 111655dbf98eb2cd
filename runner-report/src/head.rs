//! What every report says of a run: which one it is, and what became of it.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    Entry, Now, Process, Record,
    now::{seconds, span},
};

/// A run without its tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Its id.
    pub run: String,
    /// Which time the machine was running for.
    pub boot: String,
    /// When it started, or the first that is known of it.
    pub started: Timestamp,
    /// The last that is known of it.
    pub last: Timestamp,
    /// The runner, when the journal still holds the start of the run.
    pub process: Option<Process>,
    /// The number of the last try.
    pub try_num: u32,
    /// How it ended, when it did.
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// The exit status of the runner.
    pub status: u8,
    /// How, as the journal says it.
    pub reason: String,
    /// How long the run took.
    pub elapsed: Duration,
}

/// What is to be thought of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State<'a> {
    /// It goes on.
    Running,
    /// It has no end, and its runner is gone.
    CutOff,
    /// It has ended.
    Ended(&'a RunEnd),
}

impl Head {
    /// What the first record of a run says.
    pub(crate) fn new(record: &Record) -> Head {
        Head {
            run: record.run.clone().into_owned(),
            boot: record.boot.clone().into_owned(),
            started: record.ts,
            last: record.ts,
            process: None,
            try_num: 1,
            end: None,
        }
    }

    /// Takes over what a record of the run says, the first one included.
    pub(crate) fn take(&mut self, record: &Record) {
        self.last = record.ts;
        match &record.entry {
            Entry::RunStart {
                pid, start_time, ..
            } => {
                self.process = Some(Process {
                    pid: *pid,
                    start_time: *start_time,
                });
            }
            Entry::TryStart { try_num }
            | Entry::TaskStart { try_num, .. }
            | Entry::TaskEnd { try_num, .. } => self.try_num = *try_num,
            Entry::RunEnd {
                status,
                reason,
                elapsed,
            } => {
                self.end = Some(RunEnd {
                    at: record.ts,
                    status: *status,
                    reason: reason.clone().into_owned(),
                    elapsed: seconds(*elapsed),
                });
            }
            Entry::HookStart { .. }
            | Entry::HookEnd { .. }
            | Entry::Wait { .. }
            | Entry::HaltStart { .. }
            | Entry::HaltEnd { .. }
            | Entry::Refused { .. }
            | Entry::Unknown => {}
        }
    }

    /// What is to be thought of it now.
    pub fn state(&self, now: &Now) -> State<'_> {
        match &self.end {
            Some(end) => State::Ended(end),
            None if self.has_runner(now) => State::Running,
            None => State::CutOff,
        }
    }

    /// Whether the runner is still there.
    pub(crate) fn has_runner(&self, now: &Now) -> bool {
        let lives = |process: Process| now.alive.contains(&process);
        self.is_of_this_boot(now) && self.process.is_some_and(lives)
    }

    pub(crate) fn is_of_this_boot(&self, now: &Now) -> bool {
        self.boot == now.boot
    }

    /// How long it took, or has taken by now, or at least until it was cut off.
    pub(crate) fn elapsed(&self, now: &Now) -> Duration {
        match self.state(now) {
            State::Running => now.since(self.started),
            State::CutOff => span(self.started, self.last),
            State::Ended(end) => end.elapsed,
        }
    }
}
