//! What every report says of a run: which one it is, and what became of it.

use std::{mem, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    journal::record::{HaltEntry, HookEntry, JournalEntry, Record, RunEntry, TaskEntry, TryEntry},
    model::{
        end::RunReason,
        now::{Now, RunnerProcess, between, plus, shifted, to_duration},
    },
};

/// Tasks that run at the same time may be written down in another order than that of their
/// times, by less than this.
const MAX_DISORDER: Duration = Duration::from_secs(5);

/// Longest gap between two records that is not taken for a change of the clock.
const MAX_CLOCK_GAP: Duration = Duration::from_secs(3600);

/// A run without its tasks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunHeader {
    /// Its id.
    pub run: String,
    /// Which time the machine was running for.
    pub boot: String,
    /// When it started, or the first that is known of it.
    pub started: Timestamp,
    /// The last that is known of it, by the clock of the run.
    pub latest: Timestamp,
    /// The last record, by the clock of the run.
    pub(crate) last_record: Timestamp,
    /// How far the clock of the run is ahead of that of the machine, which was set
    /// meanwhile.
    pub(crate) clock_offset: SignedDuration,
    /// The time that is to pass before the next record.
    pending_wait: Duration,
    /// The runner, when the journal still holds the start of the run.
    pub process: Option<RunnerProcess>,
    /// The number of the last try.
    pub try_num: u32,
    /// `true` once its halt task has started.
    pub(crate) has_halt_started: bool,
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
    /// How.
    pub reason: RunReason,
    /// How long the run took.
    pub elapsed: Duration,
}

/// What is to be thought of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunState<'a> {
    /// It goes on.
    Running,
    /// It has no end, and its runner is gone.
    CutOff,
    /// Its halt task has started, and the machine has gone down.
    WentDown,
    /// It has ended.
    Ended(&'a RunEnd),
}

impl RunHeader {
    /// What the first record of a run says.
    pub(crate) fn new(record: &Record) -> RunHeader {
        RunHeader {
            run: record.run.clone(),
            boot: record.boot.clone(),
            started: record.ts,
            latest: record.ts,
            last_record: record.ts,
            try_num: 1,
            ..RunHeader::default()
        }
    }

    /// Takes over what a record of the run says, the first one included.
    pub(crate) fn apply(&mut self, record: &Record) {
        // An event of a later version can have any time.
        if record.entry != JournalEntry::Unknown {
            self.last_record = self.advance_clock(record);
            self.latest = self.latest.max(self.last_record);
        }
        match &record.entry {
            JournalEntry::Run(RunEntry::Start(setup)) => {
                let (pid, start_time) = (setup.pid, setup.start_time);
                self.process = Some(RunnerProcess { pid, start_time });
            }
            JournalEntry::Run(RunEntry::End {
                status,
                reason,
                elapsed,
            }) => {
                self.end = Some(RunEnd {
                    at: record.ts,
                    status: *status,
                    reason: reason.clone(),
                    elapsed: to_duration(*elapsed),
                });
            }
            JournalEntry::Try(TryEntry::Start { try_num }) => self.try_num = *try_num,
            JournalEntry::Task(task) => (_, self.try_num) = task.task_and_try(),
            JournalEntry::Halt(HaltEntry::Start { .. }) => self.has_halt_started = true,
            JournalEntry::Run(_)
            | JournalEntry::Try(_)
            | JournalEntry::Hook(_)
            | JournalEntry::Halt(_)
            | JournalEntry::Unknown => {}
        }
    }

    /// The time of `record` by the clock of the run. It is as the machine's at the start, and
    /// is not set: with each record it advances by what is known to have passed, and no more.
    fn advance_clock(&mut self, record: &Record) -> Timestamp {
        let wait = mem::take(&mut self.pending_wait);
        let passed = match &record.entry {
            JournalEntry::Task(TaskEntry::End { elapsed, .. })
            | JournalEntry::Hook(HookEntry::End { elapsed, .. })
            | JournalEntry::Halt(HaltEntry::End { elapsed, .. }) => to_duration(*elapsed),
            JournalEntry::Try(TryEntry::Wait { seconds: time, .. }) => {
                self.pending_wait = to_duration(*time);
                wait
            }
            _ => wait,
        };
        let at = shifted(record.ts, self.clock_offset);
        let expected = plus(self.latest, passed);
        let was_set =
            between(at, self.latest) > MAX_DISORDER || between(expected, at) > MAX_CLOCK_GAP;
        if was_set {
            self.clock_offset += expected.duration_since(at);
            return expected;
        }
        at
    }

    /// The present, by the clock of the run.
    pub(crate) fn present(&self, now: &Now) -> Timestamp {
        shifted(now.at.timestamp(), self.clock_offset).max(self.latest)
    }

    /// The time of the last record, by the clock of the machine.
    pub(crate) fn last_machine_time(&self) -> Timestamp {
        shifted(self.last_record, -self.clock_offset)
    }

    /// What is to be thought of it now.
    pub fn state(&self, now: &Now) -> RunState<'_> {
        match &self.end {
            Some(end) => RunState::Ended(end),
            None if self.is_runner_alive(now) => RunState::Running,
            None if self.has_halt_started && !self.is_of_this_boot(now) => RunState::WentDown,
            None => RunState::CutOff,
        }
    }

    /// Whether the runner is still there.
    pub(crate) fn is_runner_alive(&self, now: &Now) -> bool {
        let lives = |process: RunnerProcess| now.alive.contains(&process);
        self.is_of_this_boot(now) && self.process.is_some_and(lives)
    }

    pub(crate) fn is_of_this_boot(&self, now: &Now) -> bool {
        self.boot == now.boot
    }

    /// How long it took, or has taken by now, or at least until it was cut off.
    pub(crate) fn elapsed(&self, now: &Now) -> Duration {
        match self.state(now) {
            RunState::Running => between(self.started, self.present(now)),
            RunState::CutOff | RunState::WentDown => between(self.started, self.latest),
            RunState::Ended(end) => end.elapsed,
        }
    }
}
