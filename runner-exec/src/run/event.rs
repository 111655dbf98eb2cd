//! The events of a run.

use std::{io, path::Path, time::Duration};

use crate::{
    chain::{ChainEnd, Consequence, TaskId, drill::Reaction, verdict::TaskResult},
    plan::{Plan, task_name::TaskName},
    process::{
        Limits, Process, TimeLimit,
        outcome::{Outcome, Signal},
    },
    run::{environment::HaltReason, hook::HookOf, run_id::RunId},
};

/// An event of a run. It is sent to the sink after it happened, and before anything that follows
/// from it. Durations of limits are `None` without a limit.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A run starts.
    RunStart {
        /// Its id.
        run: &'a RunId,
        /// Its plan.
        plan: &'a Plan,
        /// The tasks that an earlier run has done, and that are not started.
        done: &'a [TaskId],
    },
    /// A drill starts.
    DrillStart {
        /// Its id.
        run: &'a RunId,
        /// Its plan.
        plan: &'a Plan,
    },
    /// A drill has ended.
    DrillEnd {
        /// Its end, with the number of findings.
        end: ChainEnd,
        /// The signal that requested the end, if one did.
        signal: Option<Signal>,
        /// Its duration.
        elapsed: Duration,
        /// The task that ended it early.
        ended_by: Option<&'a TaskName>,
    },
    /// A try of the chain starts.
    TryStart {
        /// Its number, from 1.
        try_num: u32,
        /// Number of tasks that it does not start, because they are done.
        done: usize,
    },
    /// A hook is about to start.
    HookStart {
        /// The hook.
        hook: HookOf<'a>,
        /// Its limits.
        limits: &'a Limits,
    },
    /// A hook has ended.
    HookEnd {
        /// The hook.
        hook: HookOf<'a>,
        /// Its outcome.
        outcome: &'a Outcome,
        /// Its duration.
        elapsed: Duration,
        /// Its time limit.
        limit: Option<TimeLimit>,
        /// Some process of it survived SIGKILL.
        survived: bool,
    },
    /// The process of a task is about to start.
    TaskStart {
        /// The task.
        task: &'a TaskName,
        /// The number of the try.
        try_num: u32,
        /// Its limits.
        limits: &'a Limits,
    },
    /// The process of a task has started. Its limit counts already, so a sink must not block.
    Started {
        /// The task.
        task: &'a TaskName,
        /// The number of the try.
        try_num: u32,
        /// Its process id, which is also the id of its group.
        pid: i32,
    },
    /// A task has ended.
    TaskEnd {
        /// The task.
        task: &'a TaskName,
        /// The number of the try.
        try_num: u32,
        /// The `result` in the JSON of the hook.
        result: TaskResult,
        /// Its outcome.
        outcome: &'a Outcome,
        /// Its duration.
        elapsed: Duration,
        /// Its time limit.
        limit: Option<TimeLimit>,
        /// Some process of it survived SIGKILL.
        survived: bool,
        /// The reaction of the chain.
        next: Next,
        /// The file with its output, if `log_dir` is set.
        output: Option<&'a Path>,
        /// The names of its outputs.
        outputs: &'a [&'a str],
    },
    /// Tasks cannot have outputs, because no directory for their files can be created.
    NoOutputs {
        /// The cause.
        error: &'a io::Error,
    },
    /// The outputs of a task that an earlier run has done cannot be used.
    NoStoredOutputs {
        /// Their file.
        path: &'a Path,
        /// The reason.
        why: &'a str,
    },
    /// The output of a task goes to the runner's stdout, because its log cannot be written.
    NoLog {
        /// The file or directory.
        path: &'a Path,
        /// The cause.
        error: &'a io::Error,
    },
    /// A task is done, but a later run will start it again: its mark cannot be committed.
    NoMark {
        /// The mark.
        path: &'a Path,
        /// The cause.
        error: &'a io::Error,
    },
    /// A process that ended left others behind.
    LeftBehind {
        /// The process.
        by: Leaver<'a>,
        /// The processes.
        processes: &'a [Process],
        /// Their treatment.
        fate: Fate,
    },
    /// A wait begins.
    Wait {
        /// Its duration.
        time: Duration,
        /// Its purpose.
        before: Before,
    },
    /// The halt task is about to start.
    HaltStart {
        /// Its name.
        task: &'a TaskName,
        /// The reason.
        reason: HaltReason,
        /// Its limits.
        limits: &'a Limits,
    },
    /// The halt task has ended.
    HaltEnd {
        /// Its name.
        task: &'a TaskName,
        /// Its outcome.
        outcome: &'a Outcome,
        /// Its duration.
        elapsed: Duration,
        /// Its time limit.
        limit: Option<TimeLimit>,
        /// Some process of it survived SIGKILL.
        survived: bool,
        /// The file with its output, if `log_dir` is set.
        output: Option<&'a Path>,
    },
    /// The halt task is due, but does not exist.
    HaltMissing {
        /// The reason to run it.
        reason: HaltReason,
    },
    /// The halt task is due, but `max_halts` is used up.
    HaltWithheld {
        /// The reason to run it.
        reason: HaltReason,
        /// Maximum number of halts within the period.
        most: u32,
        /// The period.
        period: Duration,
        /// The file that has the count. Removing it resets the count.
        path: &'a Path,
    },
    /// A halt cannot be counted, so the halt task could run too often.
    NoHaltCount {
        /// The file.
        path: &'a Path,
        /// The cause.
        error: &'a io::Error,
    },
    /// A run has ended.
    RunEnd {
        /// The end of its chain.
        end: ChainEnd,
        /// The halt task was due, but `max_halts` is used up.
        withheld: bool,
        /// The signal that requested the end, if one did.
        signal: Option<Signal>,
        /// Its duration.
        elapsed: Duration,
        /// The task that decided it, unless the run finished or a signal ended it.
        decided_by: Option<Deciding<'a>>,
        /// The task that ran, was waited for or came next when a signal ended the run, or that came
        /// next at its time limit.
        interrupted_at: Option<&'a TaskName>,
        /// The tasks that never started, in the order of the chain; empty for a run that finished.
        not_reached: &'a [&'a TaskName],
        /// The state directory, which has the journal.
        state_dir: Option<&'a Path>,
    },
}

/// The task that determined the end of a run.
#[derive(Clone, Copy, Debug)]
pub struct Deciding<'a> {
    /// Its name.
    pub task: &'a TaskName,
    /// Its outcome.
    pub outcome: &'a Outcome,
    /// Its time limit.
    pub limit: Option<TimeLimit>,
    /// Some process of it survived SIGKILL.
    pub survived: bool,
    /// The number of its try, or of its failures.
    pub count: Count,
}

/// Reaction of the chain to the end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The chain does this, without a wait.
    Chain(Consequence),
    /// The chain is tried again.
    Retry {
        /// The wait of this task; the longest wait of all failed tasks counts.
        wait: Duration,
        /// The next try starts with the failed task, and not with the first.
        from_failed: bool,
        /// Other tasks are still running, and the wait begins at their ends.
        others: bool,
        /// The number of the next try, or of the failures so far.
        count: Count,
    },
    /// A drill reacts like this.
    Drill(Reaction),
    /// None: a signal or the end of the chain ended the task.
    Nothing,
}

/// Number of used tries or failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The number of a try, and the maximum; 0 for no maximum.
    Try(u32, u32),
    /// The number of failures of a task, and the maximum; 0 for no maximum.
    Failure(u32, u32),
}

/// A process that leaves others behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaver<'a> {
    /// A task.
    Task(&'a TaskName),
    /// A hook.
    Hook(HookOf<'a>),
}

/// Treatment of processes that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They were ended.
    Ended,
    /// They were left alone.
    LeftAlone,
    /// They were left alone, because their origin is unknown.
    Unknown,
    /// They survived SIGKILL.
    Unkillable,
}

/// Purpose of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// The next try.
    Try,
    /// The next run.
    Run,
}

impl Before {
    /// Parses the word of [`Before::as_str`].
    pub fn parse(word: &str) -> Option<Before> {
        let mut befores = [Before::Try, Before::Run].into_iter();
        befores.find(|before| before.as_str() == word)
    }

    /// Returns the word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Before::Try => "try",
            Before::Run => "run",
        }
    }
}
