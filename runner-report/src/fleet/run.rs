//! A start of the runner, with only what an answer about many machines needs.
//!
//! Records are folded in any order, and a record that comes twice changes nothing: journals are
//! copied, rotated and joined before they are read.

use std::{cmp::Ordering, collections::HashMap};

use jiff::Timestamp;
use runner_exec::TaskResult;

use crate::{
    fleet::clock::Clock,
    journal::{
        glance::Glance,
        record::{HaltEntry, JournalEntry, Record, RunEntry, RunSetup, TaskEntry, TryEntry},
    },
    model::end::{AnyOutcome, RunReason},
};

/// A start of the runner: a run, or a refused start.
#[derive(Debug)]
pub(super) struct FleetRun {
    pub(super) id: String,
    pub(super) boot: String,
    /// Journal of its first known record.
    pub(super) source: usize,
    /// Numbers of the first and the last line that was read of it.
    pub(super) first_line: usize,
    pub(super) last_line: usize,
    /// Host that the run names, once it is known.
    pub(super) host: Option<usize>,
    /// Earliest and latest time of its records.
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Latest time that a right clock can have written.
    pub(super) credible: Option<Timestamp>,
    /// Start of its process in clock ticks since boot.
    ticks: Option<u64>,
    /// Its first record, or `None` if that was rotated away.
    pub(super) start: Option<FleetStart>,
    pub(super) refusal: Option<(u8, String)>,
    pub(super) has_halt_started: bool,
    pub(super) end: Option<FleetRunEnd>,
    /// Last ends of tasks. Successes in the first try are left out: they end no failure.
    ends: HashMap<String, FleetTaskEnd>,
}

#[derive(Debug)]
pub(super) struct FleetStart {
    pub(super) at: Timestamp,
    pub(super) fingerprint: String,
}

#[derive(Debug)]
pub(super) struct FleetRunEnd {
    pub(super) status: u8,
    pub(super) reason: RunReason,
    task: Option<String>,
}

#[derive(Debug)]
pub(super) struct FleetTaskEnd {
    pub(super) task: String,
    try_num: u32,
    at: Timestamp,
    result: Option<TaskResult>,
    pub(super) outcome: AnyOutcome,
}

impl FleetRun {
    /// Starts from the first known line, which has this number.
    pub(super) fn new(line: &Glance, source: usize, number: usize) -> FleetRun {
        FleetRun {
            id: line.run.to_owned(),
            boot: line.boot.to_owned(),
            source,
            first_line: number,
            last_line: number,
            host: None,
            first: line.ts,
            last: line.ts,
            credible: None,
            ticks: None,
            start: None,
            refusal: None,
            has_halt_started: false,
            end: None,
            ends: HashMap::new(),
        }
    }

    /// Adds time and number of any of its lines.
    pub(super) fn touch(&mut self, ts: Timestamp, number: usize, clock: Clock) {
        self.last_line = number;
        self.first = self.first.min(ts);
        self.last = self.last.max(ts);
        if clock.is_credible(ts) {
            self.credible = self.credible.max(Some(ts));
        }
    }

    /// Adds what a record says, except for its time.
    pub(super) fn apply(&mut self, record: &Record) {
        match &record.entry {
            JournalEntry::Run(RunEntry::Start(setup)) => self.add_start(record.ts, setup),
            JournalEntry::Run(RunEntry::End {
                status,
                reason,
                task,
                ..
            }) => {
                self.end = Some(FleetRunEnd {
                    status: *status,
                    reason: reason.clone(),
                    task: task.clone(),
                });
            }
            JournalEntry::Run(RunEntry::Refused { status, reason, .. }) => {
                self.refusal = Some((*status, reason.clone()));
            }
            JournalEntry::Task(TaskEntry::End {
                task,
                try_num,
                result,
                outcome,
                ..
            }) => self.add_end(FleetTaskEnd {
                task: task.clone(),
                try_num: *try_num,
                at: record.ts,
                result: TaskResult::parse(result),
                outcome: AnyOutcome::parse(outcome, None),
            }),
            JournalEntry::Halt(HaltEntry::Start { .. }) => self.has_halt_started = true,
            JournalEntry::Try(TryEntry::Start { start_time, .. }) => self.add_ticks(*start_time),
            JournalEntry::Run(_) | JournalEntry::Try(_) | JournalEntry::Hook(_) => {}
            JournalEntry::Task(_) | JournalEntry::Halt(_) | JournalEntry::Unknown => {}
        }
    }

    fn add_start(&mut self, at: Timestamp, setup: &RunSetup) {
        self.add_ticks(setup.start_time);
        self.start.get_or_insert_with(|| FleetStart {
            at,
            fingerprint: setup.fingerprint.clone(),
        });
    }

    fn add_ticks(&mut self, ticks: Option<u64>) {
        // Without a boot id, ticks of different boots would be compared.
        if !self.boot.is_empty() {
            self.ticks = self.ticks.or(ticks);
        }
    }

    fn add_end(&mut self, end: FleetTaskEnd) {
        if end.is_ok() && end.try_num == 1 {
            return;
        }
        match self.ends.get_mut(&end.task) {
            Some(known) if known.try_num <= end.try_num => *known = end,
            Some(_) => {}
            None => _ = self.ends.insert(end.task.clone(), end),
        }
    }

    /// Returns `true` if the ticks of its process are known.
    pub(super) fn has_ticks(&self) -> bool {
        self.ticks.is_some()
    }

    /// Returns the order of two starts in one boot that both have ticks, or both have none. The
    /// clock can be set while a machine boots, so ticks come first. Runs of one process have the
    /// same; in one journal they are in the order in which they were written.
    pub(super) fn compare(&self, other: &FleetRun) -> Ordering {
        let by_ticks = self.ticks.cmp(&other.ticks);
        by_ticks.then_with(|| {
            if self.has_ticks() && self.source == other.source {
                self.first_line.cmp(&other.first_line)
            } else {
                self.compare_times(other)
            }
        })
    }

    /// Returns the order of two starts in one boot by the clock only.
    pub(super) fn compare_times(&self, other: &FleetRun) -> Ordering {
        // A clock that was set stays so.
        let time = |run: &FleetRun| match run.credible {
            Some(credible) => (true, credible),
            None => (false, run.last),
        };
        let by_time = time(self).cmp(&time(other));
        by_time.then_with(|| self.id.cmp(&other.id))
    }

    /// Returns `true` if this refused start came after all that `run` wrote: by the clock, or
    /// by the order of lines in their journal.
    pub(super) fn is_refused_after(&self, run: &FleetRun) -> bool {
        let is_later_line = self.source == run.source && run.last_line < self.first_line;
        run.last <= self.first || is_later_line
    }

    /// Returns the name of the task that decided the end, or that failed although it is not
    /// required, and its last end.
    pub(super) fn deciding(&self) -> (Option<&str>, Option<&FleetTaskEnd>) {
        let failed = self.ends.values().filter(|end| !end.is_ok());
        let found = match self.end.as_ref().map(|end| (&end.reason, &end.task)) {
            Some((RunReason::Finished, _)) => None,
            Some((RunReason::FinishedWithFailures, _)) => {
                failed.min_by_key(|end| (end.at, &end.task))
            }
            // Its last end can be that of an earlier try.
            Some((RunReason::Interrupted, task)) => return (task.as_deref(), None),
            Some((_, Some(task))) => {
                let end = self.ends.get(task);
                // It has succeeded in an earlier try, and did not start again in time.
                return (Some(task), end.filter(|end| !end.is_ok()));
            }
            // Version 0.1 did not write the task, and a halt can have cut off the end.
            Some((_, None)) | None => failed.max_by_key(|end| (end.try_num, end.at, &end.task)),
        };
        (found.map(|end| &*end.task), found)
    }
}

impl FleetTaskEnd {
    fn is_ok(&self) -> bool {
        matches!(self.result, Some(TaskResult::Ok | TaskResult::Skip))
    }
}
