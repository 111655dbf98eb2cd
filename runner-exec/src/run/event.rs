//! Everything that can be learned of a run while it goes on.

use std::{io, path::Path, time::Duration};

use crate::{
    chain::{ChainEnd, Consequence, TaskId, verdict::TaskResult},
    plan::{Plan, task_name::TaskName},
    process::{
        Limits, Process,
        outcome::{Outcome, Signal},
    },
    run::{environment::HaltReason, hook::Phase, run_id::RunId},
};

/// What happened. An event is said after it happened and before anything follows
/// from it.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A run starts.
    RunStart {
        /// Its id.
        run: &'a RunId,
        /// What is run.
        plan: &'a Plan,
        /// The tasks that are done by an earlier run, and not started.
        done: &'a [TaskId],
    },
    /// A try of the chain starts.
    TryStart {
        /// Its number, from 1.
        try_num: u32,
        /// How many tasks are not to be started in it, since they are done.
        done: usize,
    },
    /// A hook is started now.
    HookStart {
        /// The task it is run for.
        task: &'a TaskName,
        /// On which side of the task.
        phase: Phase,
        /// How long it may run.
        limits: &'a Limits,
    },
    /// A hook has ended.
    HookEnd {
        /// The task it was run for.
        task: &'a TaskName,
        /// On which side of the task.
        phase: Phase,
        /// What it did.
        outcome: &'a Outcome,
        /// How long it ran.
        elapsed: Duration,
        /// How long it may run.
        limit: Option<Duration>,
        /// `true` if some process of it could not be ended.
        survived: bool,
    },
    /// The process of a task is started now.
    TaskStart {
        /// The task.
        task: &'a TaskName,
        /// The number of the try.
        try_num: u32,
        /// How long it may run.
        limits: &'a Limits,
    },
    /// The process of a task has been started, and its limit counts: no sink may wait.
    Started {
        /// The task.
        task: &'a TaskName,
        /// The number of the try.
        try_num: u32,
        /// Its number, which is that of its group.
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
        /// What the process did.
        outcome: &'a Outcome,
        /// How long it ran.
        elapsed: Duration,
        /// How long it may run.
        limit: Option<Duration>,
        /// `true` if some process of it could not be ended.
        survived: bool,
        /// What the chain does about it.
        next: Next,
        /// The file that has its output, when it has one of its own.
        output: Option<&'a Path>,
    },
    /// The output of a task goes to the runner's stdout, since its log cannot be written.
    NoLog {
        /// The file or directory.
        path: &'a Path,
        /// Why.
        error: &'a io::Error,
    },
    /// A task is done, and will be started again although it should not: its mark cannot
    /// be put into its place.
    NoMark {
        /// The mark.
        path: &'a Path,
        /// Why.
        error: &'a io::Error,
    },
    /// A process that ended by itself left others in its group, or one that was
    /// ended left some that were not.
    Left {
        /// The task.
        task: &'a TaskName,
        /// On which side of the task, when it is a hook that left them.
        hook: Option<Phase>,
        /// The processes.
        processes: &'a [Process],
        /// What is done about them.
        fate: Fate,
    },
    /// Nothing is started for this long.
    Wait {
        /// How long.
        time: Duration,
        /// What for.
        before: Before,
    },
    /// The halt task starts.
    HaltStart {
        /// Its name.
        task: &'a TaskName,
        /// Why.
        reason: HaltReason,
        /// How long it may run.
        limits: &'a Limits,
    },
    /// The halt task has ended.
    HaltEnd {
        /// Its name.
        task: &'a TaskName,
        /// What it did.
        outcome: &'a Outcome,
        /// How long it ran.
        elapsed: Duration,
        /// How long it may run.
        limit: Option<Duration>,
        /// `true` if some process of it could not be ended.
        survived: bool,
        /// The file that has its output, when it has one of its own.
        output: Option<&'a Path>,
    },
    /// The halt task would have run now, and is not there.
    HaltMissing {
        /// Why it would have run.
        reason: HaltReason,
    },
    /// The halt task would have run now, and has run often enough.
    HaltWithheld {
        /// Why it would have run.
        reason: HaltReason,
        /// So often it may run within the period.
        most: u32,
        /// The period.
        period: Duration,
        /// The file to remove for the count to start anew.
        path: &'a Path,
    },
    /// It cannot be written down that the halt task runs, so it may run too often.
    NoHaltCount {
        /// The file.
        path: &'a Path,
        /// Why.
        error: &'a io::Error,
    },
    /// A run has ended.
    RunEnd {
        /// How.
        end: ChainEnd,
        /// Whether it would have run the halt task, which has run often enough.
        withheld: bool,
        /// The signal that asked the runner to end, when one did.
        signal: Option<Signal>,
        /// How long it took.
        elapsed: Duration,
        /// The task that decided it, unless the run finished or a signal ended it.
        decided_by: Option<Deciding<'a>>,
        /// The tasks that never started, in the order of the chain; empty for a run that finished.
        not_reached: &'a [&'a TaskName],
        /// The state directory, which has the journal.
        state_dir: Option<&'a Path>,
    },
}

/// The task that decided how a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Deciding<'a> {
    /// Its name.
    pub task: &'a TaskName,
    /// What its process did.
    pub outcome: &'a Outcome,
    /// Its time limit.
    pub limit: Option<Duration>,
    /// `true` if some process of it could not be ended.
    pub survived: bool,
    /// The number of its try, or of its failures.
    pub count: Count,
}

/// What follows from the end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The chain does this, and nothing has to be waited for.
    Chain(Consequence),
    /// The chain is tried again.
    Retry {
        /// How long this task wants to wait before.
        wait: Duration,
        /// Whether it starts with the failed task rather than with the first.
        from_failed: bool,
        /// Whether other tasks are still running, which are let end.
        others: bool,
        /// What is counted: the number of the next try or the failures so far.
        count: Count,
    },
    /// Nothing: the task was asked to end, so its end does not matter.
    Nothing,
}

/// How far the tries are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The number of a try, and the maximum; 0 for no maximum.
    Try(u32, u32),
    /// The number of failures of a task, and the maximum; 0 for no maximum.
    Failure(u32, u32),
}

/// What becomes of processes that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They were ended.
    Ended,
    /// They were left alone.
    LeftAlone,
    /// They may be others', and were left alone because that cannot be known.
    Unknown,
    /// They could not be ended, not even by SIGKILL.
    Undying,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// The next try.
    Try,
    /// The next run.
    Run,
}

impl Before {
    /// Reads the word of [`Before::as_str`].
    pub fn parse(word: &str) -> Option<Before> {
        let mut befores = [Before::Try, Before::Run].into_iter();
        befores.find(|before| before.as_str() == word)
    }

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Before::Try => "try",
            Before::Run => "run",
        }
    }
}
