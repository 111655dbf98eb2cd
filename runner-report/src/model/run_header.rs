//! The part of a run that every report shows: identity, times and state.

use std::{mem, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    journal::record::{HaltEntry, HookEntry, JournalEntry, Record, RunEntry, TaskEntry, TryEntry},
    model::{
        end::RunReason,
        now::{Now, RunnerProcess, between, plus, shifted, to_duration},
    },
};

/// Records of parallel tasks can be out of order. A record that is older by more than this
/// means that the clock was set back.
const MAX_DISORDER: Duration = Duration::from_secs(5);

/// Longest unexplained gap between two records. A longer one means that the clock was set.
const MAX_GAP: Duration = Duration::from_secs(3600);

/// A run without its tasks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunHeader {
    /// Run id.
    pub run: String,
    /// Boot id of the machine.
    pub boot: String,
    /// Time of the first known record.
    pub started: Timestamp,
    /// Latest time of any record, by the clock of the run.
    pub latest: Timestamp,
    /// Time of the last record, by the clock of the run.
    pub(crate) last_record: Timestamp,
    /// Clock of the run minus the machine's clock, which can be set during the run.
    pub(crate) clock_offset: SignedDuration,
    /// Announced wait before the next record.
    pending_wait: Duration,
    /// The runner, or `None` if the start of the run was rotated away.
    pub process: Option<RunnerProcess>,
    /// Number of the last try.
    pub try_num: u32,
    /// `true` once the halt task has started.
    pub(crate) has_halt_started: bool,
    /// End of the run, if it has one.
    pub end: Option<RunEnd>,
}

/// End of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// Time of the end.
    pub at: Timestamp,
    /// Exit status of the runner.
    pub status: u8,
    /// Reason of the end.
    pub reason: RunReason,
    /// Duration of the run.
    pub elapsed: Duration,
}

/// State of a run at a given time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RunState<'a> {
    /// The runner is alive.
    Running,
    /// The run has no end, and its runner is gone.
    CutOff,
    /// The halt task started, and the machine went down.
    WentDown,
    /// The run has ended.
    Ended(&'a RunEnd),
}

impl RunHeader {
    /// Starts from the first record of a run.
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

    /// Adds a record of the run, the first one included.
    pub(crate) fn apply(&mut self, record: &Record) {
        // Events of later versions need not be in the order of time.
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
                ..
            }) => {
                self.end = Some(RunEnd {
                    at: record.ts,
                    status: *status,
                    reason: reason.clone(),
                    elapsed: to_duration(*elapsed),
                });
            }
            JournalEntry::Try(TryEntry::Start {
                try_num,
                pid,
                start_time,
            }) => {
                self.try_num = *try_num;
                let start_time = *start_time;
                let process = pid.map(|pid| RunnerProcess { pid, start_time });
                self.process = self.process.or(process);
            }
            JournalEntry::Task(task) => (_, self.try_num) = task.task_and_try(),
            JournalEntry::Halt(HaltEntry::Start { .. }) => self.has_halt_started = true,
            JournalEntry::Run(_) | JournalEntry::Try(_) | JournalEntry::Hook(_) => {}
            JournalEntry::Halt(_) | JournalEntry::Unknown => {}
        }
    }

    /// Returns the time of `record` by the clock of the run, and advances that clock. It starts
    /// as the machine's clock. When that was set, it advances by the time known to have passed.
    fn advance_clock(&mut self, record: &Record) -> Timestamp {
        let wait = mem::take(&mut self.pending_wait);
        let passed = match &record.entry {
            JournalEntry::Task(TaskEntry::End { elapsed, .. })
            | JournalEntry::Hook(HookEntry::End { elapsed, .. })
            | JournalEntry::Run(RunEntry::HookEnd { elapsed, .. })
            | JournalEntry::Halt(HaltEntry::End { elapsed, .. }) => to_duration(*elapsed),
            JournalEntry::Try(TryEntry::Wait { seconds: time, .. }) => {
                self.pending_wait = to_duration(*time);
                wait
            }
            _ => wait,
        };
        let at = shifted(record.ts, self.clock_offset);
        let expected = plus(self.latest, passed);
        let was_set = between(at, self.latest) > MAX_DISORDER || between(expected, at) > MAX_GAP;
        if was_set {
            self.clock_offset += expected.duration_since(at);
            return expected;
        }
        at
    }

    /// Returns the current time by the clock of the run.
    pub(crate) fn present(&self, now: &Now) -> Timestamp {
        shifted(now.at.timestamp(), self.clock_offset).max(self.latest)
    }

    /// Returns the time of the last record by the clock of the machine.
    pub(crate) fn last_machine_time(&self) -> Timestamp {
        shifted(self.last_record, -self.clock_offset)
    }

    /// Returns the state at the time of `now`.
    pub fn state(&self, now: &Now) -> RunState<'_> {
        match &self.end {
            Some(end) => RunState::Ended(end),
            None if self.is_runner_alive(now) => RunState::Running,
            None if self.has_halt_started && !self.is_of_this_boot(now) => RunState::WentDown,
            None => RunState::CutOff,
        }
    }

    /// Returns `true` while the runner is alive.
    pub(crate) fn is_runner_alive(&self, now: &Now) -> bool {
        let is_alive = |process: RunnerProcess| now.alive.contains(&process);
        self.is_of_this_boot(now) && self.process.is_some_and(is_alive)
    }

    pub(crate) fn is_of_this_boot(&self, now: &Now) -> bool {
        self.boot == now.boot
    }

    /// Returns the duration: up to the end, to now while it runs, or to its last record.
    pub(crate) fn elapsed(&self, now: &Now) -> Duration {
        match self.state(now) {
            RunState::Running => between(self.started, self.present(now)),
            RunState::CutOff | RunState::WentDown => between(self.started, self.latest),
            RunState::Ended(end) => end.elapsed,
        }
    }
}
