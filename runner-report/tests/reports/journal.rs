//! Builder of journals.

use std::{fs, io};

use jiff::{Timestamp, tz::TimeZone};
use runner_exec::StateDir;
use runner_report::{
    FoundRun, HaltEntry, History, JournalEntry, Now, Record, RunEntry, RunFinder, RunSelector,
    RunSetup, RunnerProcess, SCHEMA_VERSION, StatisticsBuilder, TaskEntry, TaskStatistics,
    TryEntry, read_journal, run_text,
};
use tempfile::TempDir;

/// 2026-11-24T06:00:00Z in Unix seconds: second 0 of every journal.
const ZERO: i64 = 1_795_500_000;

/// Current boot id of the machine, and an earlier one.
pub(crate) const THIS_BOOT: &str = "b2";
pub(crate) const EARLIER_BOOT: &str = "b1";

/// A journal. Times are seconds since [`ZERO`].
pub(crate) struct Journal {
    pub(crate) text: Vec<u8>,
    run: &'static str,
    boot: &'static str,
    try_num: u32,
    plan: &'static [&'static str],
    /// Offset of the clock of the machine, in seconds.
    clock_offset: f64,
}

pub(crate) fn at(second: f64) -> Timestamp {
    Timestamp::from_millisecond(ZERO * 1000 + (second * 1000.0) as i64).unwrap()
}

/// Returns the present at `second`, with these processes alive.
pub(crate) fn now(second: f64, alive: &[i32]) -> Now {
    Now {
        at: at(second).to_zoned_datetime(TimeZone::UTC),
        boot: THIS_BOOT.to_owned(),
        alive: alive.iter().map(|&pid| process(pid)).collect(),
    }
}

fn process(pid: i32) -> RunnerProcess {
    RunnerProcess {
        pid,
        start_time: Some(7),
    }
}

impl Journal {
    pub(crate) fn new() -> Journal {
        Journal {
            text: Vec::new(),
            run: "r1",
            boot: THIS_BOOT,
            try_num: 1,
            plan: &[],
            clock_offset: 0.0,
        }
    }

    /// Sets the clock of the machine.
    pub(crate) fn set_clock(mut self, by: f64) -> Journal {
        self.clock_offset += by;
        self
    }

    /// Sets the plan of the runs that start then.
    pub(crate) fn plan(mut self, names: &'static [&'static str]) -> Journal {
        self.plan = names;
        self
    }

    /// Sets the run of the following lines.
    pub(crate) fn run(mut self, run: &'static str) -> Journal {
        self.run = run;
        self
    }

    /// Sets the boot of the following lines.
    pub(crate) fn boot(mut self, boot: &'static str) -> Journal {
        self.boot = boot;
        self
    }

    /// Appends any bytes.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Journal {
        self.text.extend_from_slice(bytes);
        self
    }

    pub(crate) fn add(self, second: f64, entry: JournalEntry) -> Journal {
        let record = Record {
            ts: at(second + self.clock_offset),
            run: self.run.into(),
            boot: self.boot.into(),
            entry,
        };
        let line = record.to_line();
        self.raw(line.as_bytes())
    }

    /// Starts the run, and its first try, in a process with this number.
    pub(crate) fn run_starts(self, second: f64, pid: i32) -> Journal {
        self.run_starts_with(second, pid, 1, &[])
    }

    pub(crate) fn run_starts_with(
        self,
        second: f64,
        pid: i32,
        jobs: usize,
        done: &[&'static str],
    ) -> Journal {
        let start = RunSetup {
            version: SCHEMA_VERSION,
            pid,
            start_time: process(pid).start_time,
            taskdir: "/etc/tasks.d".into(),
            tasks: match self.plan.len() {
                0 => 4 + done.len(),
                planned => planned,
            },
            jobs,
            max_tries: 5,
            done: done.iter().map(|&name| name.into()).collect(),
            host: "build7".into(),
            plan: self.plan.iter().map(|&name| name.into()).collect(),
            ..RunSetup::default()
        };
        self.add(second, JournalEntry::Run(RunEntry::Start(start)))
            .try_starts(second, 1)
    }

    pub(crate) fn try_starts(mut self, second: f64, try_num: u32) -> Journal {
        self.try_num = try_num;
        let start = TryEntry::Start {
            try_num,
            pid: None,
            start_time: None,
        };
        self.add(second, JournalEntry::Try(start))
    }

    pub(crate) fn task_starts(self, second: f64, task: &str) -> Journal {
        let try_num = self.try_num;
        let start = TaskEntry::Start {
            task: task.into(),
            try_num,
            pid: 99,
        };
        self.add(second, JournalEntry::Task(start))
    }

    /// Ends a task after a run time of `elapsed`.
    pub(crate) fn task_ends(
        self,
        second: f64,
        task: &str,
        elapsed: f64,
        result: &str,
        outcome: &str,
    ) -> Journal {
        // The chain continues after the failure of an optional task.
        let is_optional = task.ends_with("-optional") && result == "RETRY";
        let (outcome, why) = match outcome.split_once("not-started: ") {
            Some((_, why)) => ("not-started", Some(why.into())),
            None => (outcome, None),
        };
        let (outcome, limited_by) = match outcome.split_once(" by ") {
            Some((outcome, setting)) => (outcome, Some(setting.into())),
            None => (outcome, None),
        };
        let end = TaskEntry::End {
            task: task.into(),
            try_num: self.try_num,
            result: result.into(),
            outcome: outcome.into(),
            elapsed,
            limit: Some(600.0),
            limited_by,
            why,
            output: None,
            outputs: Vec::new(),
            required: is_optional.then_some(false),
        };
        self.add(second, JournalEntry::Task(end))
    }

    /// Adds a task that runs from `from` to `to`.
    pub(crate) fn task(
        self,
        from: f64,
        to: f64,
        task: &str,
        result: &str,
        outcome: &str,
    ) -> Journal {
        self.task_starts(from, task)
            .task_ends(to, task, to - from, result, outcome)
    }

    pub(crate) fn ok(self, from: f64, to: f64, task: &str) -> Journal {
        self.task(from, to, task, "OK", "exited:0")
    }

    pub(crate) fn waits(self, second: f64, seconds: f64, before: &str) -> Journal {
        let before = before.into();
        self.add(
            second,
            JournalEntry::Try(TryEntry::Wait { seconds, before }),
        )
    }

    pub(crate) fn halt_starts(self, second: f64, reason: &str) -> Journal {
        let (task, reason) = ("halt.sh".into(), reason.into());
        self.add(
            second,
            JournalEntry::Halt(HaltEntry::Start { task, reason }),
        )
    }

    pub(crate) fn halt_ends(self, second: f64, elapsed: f64, outcome: &str) -> Journal {
        let end = HaltEntry::End {
            task: "halt.sh".into(),
            outcome: outcome.into(),
            elapsed,
        };
        self.add(second, JournalEntry::Halt(end))
    }

    pub(crate) fn run_ends(self, second: f64, status: u8, reason: &str) -> Journal {
        self.run_ends_because(second, status, reason, None, &[])
    }

    /// Ends the run because of a task, after that many of its tries.
    pub(crate) fn run_ends_because(
        self,
        second: f64,
        status: u8,
        reason: &str,
        task: Option<(&str, u32, u32)>,
        not_reached: &[&str],
    ) -> Journal {
        let end = RunEntry::End {
            status,
            reason: serde_json::from_value(reason.into()).unwrap(),
            elapsed: second,
            task: task.map(|(task, ..)| task.into()),
            tries: task.map(|(_, tries, _)| tries),
            failures: None,
            max_tries: task.map(|(.., max_tries)| max_tries),
            not_reached: not_reached.iter().map(|&name| name.into()).collect(),
        };
        self.add(second, JournalEntry::Run(end))
    }

    pub(crate) fn refused(self, second: f64, status: u8, reason: &str) -> Journal {
        let refused = RunEntry::Refused {
            status,
            reason: reason.into(),
            host: "build7".into(),
            machine: "0123456789ab".into(),
        };
        self.add(second, JournalEntry::Run(refused))
    }

    pub(crate) fn read(&self, each: impl FnMut(&Record)) -> io::Result<()> {
        let state_dir = TempDir::new()?;
        fs::write(StateDir(state_dir.path()).journal(), &self.text)?;
        read_journal(state_dir.path(), each).map(|_| ())
    }

    pub(crate) fn find(&self, selector: RunSelector) -> FoundRun {
        let mut finder = RunFinder::new(selector);
        self.read(|record| finder.apply(record)).unwrap();
        finder.finish()
    }

    /// Returns the report of the last run at `second`, with these processes alive.
    pub(crate) fn report(&self, second: f64, alive: &[i32]) -> String {
        run_text(&self.find(RunSelector::FromEnd(1)), &now(second, alive))
    }

    pub(crate) fn history(&self) -> History {
        let mut history = History::default();
        self.read(|record| history.apply(record)).unwrap();
        history
    }

    pub(crate) fn tasks(&self) -> Vec<TaskStatistics> {
        let mut tasks = StatisticsBuilder::default();
        self.read(|record| tasks.apply(record)).unwrap();
        tasks.finish()
    }
}
