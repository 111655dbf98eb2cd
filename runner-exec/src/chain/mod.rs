//! The chain: walks the tasks in their order, and decides what comes next.
//!
//! It knows no clock, no random source and no process. Its driver calls
//! [`Chain::next_step`], and reports the end of a task twice: with [`Chain::apply`]
//! when its process has ended, then with [`Chain::ended`] when its hook has ended.
//! One worker and many workers drive it in the same way.
//!
//! A task is in one of these states:
//!
//! | state | meaning | leaves it for |
//! | --- | --- | --- |
//! | pending | waits for tasks before it | ready, when the last of them is done or failed |
//! | ready | its turn comes next | running, when [`Chain::next_step`] returns it |
//! | running | its process or a hook runs, or its failed dependency is reported | done, failed or pending, by its verdict |
//! | done | succeeded, or does not apply | pending, by a retry from the start |
//! | failed | failed, and is not required | pending, by a retry from the start, or when a task that needs it is not done |
//!
//! A ready task of which a dependency failed is not started: [`Step::Fail`] returns it
//! when its turn comes, and its verdict is [`Verdict::Retry`]. So the tasks that depend
//! on it fail in the same way, and what does not depend on it still runs.
//!
//! The chain as a whole is in the state of its most severe consequence so far:
//!
//! | state | starts tasks | when nothing runs any more |
//! | --- | --- | --- |
//! | continue | yes | finished, when all tasks are done or failed |
//! | retry | no, running ones end by themselves | waits, then the next try starts |
//! | give up | no, running ones are ended | gave up |
//! | out of time | no, running ones reach the same limit | out of time |
//! | stop | no, running ones are ended | stopped |
//! | halt | no, running ones are ended | halted |
//! | interrupted | no, running ones are ended | interrupted |
//!
//! A level is the tasks with the same leading number. It begins when the level
//! before it is done or failed. So the tasks before a task are counted within its
//! level only, and a chain has no more edges than `depends_on` has names.

pub(crate) mod backoff;
pub(crate) mod drill;
pub(crate) mod verdict;
pub(crate) mod worst_case;

use std::{collections::BTreeSet, sync::Arc};

use runner_config::{MaxTries, RetryFrom};

use crate::{chain::verdict::Verdict, process::outcome::Signal};

/// A task's place in the order, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub usize);

/// A task, as far as the chain needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Number of levels before its own; never less than that of the task before it.
    pub level: usize,
    /// The tasks of its level or a lower one that must have succeeded before it starts.
    pub needs: Vec<TaskId>,
    /// The chain does not continue before it has succeeded.
    pub required: bool,
    /// Maximum number of tries before giving up.
    pub max_tries: MaxTries,
}

/// The next action of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start this task.
    Start(TaskId),
    /// Do not start `task`, which needs `need`: that one failed. Its verdict is
    /// [`Verdict::Retry`].
    Fail {
        /// The task that fails.
        task: TaskId,
        /// The first of the tasks that it needs and that failed.
        need: TaskId,
    },
    /// Do nothing until a running task or the wait has ended.
    Busy,
    /// Wait as the settings of the failed tasks require, then call [`Chain::next_try`].
    Wait,
    /// The chain has ended.
    End(ChainEnd),
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// Every required task succeeded.
    Finished {
        /// Number of tasks that failed and are not required.
        failed: usize,
    },
    /// The tries were used up.
    GaveUp,
    /// The time limit of the run was reached.
    OutOfTime,
    /// A task requested the halt task.
    Halted,
    /// A task requested the end.
    Stopped,
    /// A signal requested the end.
    Interrupted,
}

impl ChainEnd {
    /// Returns the exit status of the runner; `signal` is the one that requested the end.
    pub fn status(self, signal: Option<Signal>) -> u8 {
        match (self, signal) {
            (ChainEnd::Finished { failed: 0 }, _) => 0,
            (ChainEnd::Finished { .. }, _) => 4,
            (ChainEnd::GaveUp | ChainEnd::OutOfTime, _) => 1,
            (ChainEnd::Halted, _) => 2,
            (ChainEnd::Stopped, _) => 3,
            (ChainEnd::Interrupted, Some(signal)) => 128 + signal.0 as u8,
            (ChainEnd::Interrupted, None) => unreachable!("only a signal interrupts"),
        }
    }

    /// Returns the reason in the JSON of the run hook, which is that of the journal. With
    /// `withheld`, the halt task was due, but `max_halts` is used up.
    pub(crate) fn reason(self, withheld: bool) -> &'static str {
        match self {
            _ if withheld => "halts-used-up",
            ChainEnd::Finished { failed: 0 } => "finished",
            ChainEnd::Finished { .. } => "finished-with-failures",
            ChainEnd::GaveUp => "gave-up",
            ChainEnd::OutOfTime => "out-of-time",
            ChainEnd::Halted => "halted",
            ChainEnd::Stopped => "stopped",
            ChainEnd::Interrupted => "interrupted",
        }
    }
}

/// Effect of a verdict on the chain, in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consequence {
    /// The task is done, and the chain continues.
    Continue,
    /// The task failed and is not required, so the chain continues.
    Pass,
    /// The chain is tried again.
    Retry,
    /// The chain ends: the tries are used up.
    GiveUp,
    /// The chain ends: the time limit of the run is reached.
    OutOfTime,
    /// The chain ends, as the task requested.
    Stop,
    /// The chain ends with the halt task, as the task requested.
    Halt,
    /// The chain ends, as a signal requested.
    Interrupt,
}

impl Consequence {
    /// Returns `true` if running tasks are ended, `false` if they are waited for.
    pub fn ends_running_tasks(self) -> bool {
        self >= Consequence::GiveUp
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Pending,
    Running,
    Done,
    Failed,
}

/// Returns for each task the tasks that need it.
fn needed_by(nodes: &[Node]) -> Vec<Vec<TaskId>> {
    let mut needed_by = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for need in &node.needs {
            needed_by[need.0].push(TaskId(index));
        }
    }
    needed_by
}

/// Returns the tasks in the order in which one worker runs them. This walks the chain itself, with
/// every task succeeding, so a list always agrees with the run.
pub(crate) fn order(nodes: &Arc<[Node]>) -> Vec<TaskId> {
    let mut chain = Chain::new(nodes.clone(), RetryFrom::Start);
    let mut order = Vec::with_capacity(nodes.len());
    while let Step::Start(task) = chain.next_step() {
        order.push(task);
        chain.apply(task, Verdict::Proceed);
        chain.ended(task);
    }
    order
}

/// The state of a chain; see the tables above.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    nodes: Arc<[Node]>,
    retry_from: RetryFrom,
    /// For each task, the tasks that need it.
    needed_by: Arc<[Vec<TaskId>]>,
    states: Vec<State>,
    /// For each task of the current level, the number of tasks that it needs and that are
    /// neither done nor failed.
    missing: Vec<usize>,
    ready: BTreeSet<TaskId>,
    /// Indices of the tasks of the current level.
    level: std::ops::Range<usize>,
    /// Number of tasks of the current level that are neither done nor failed.
    open: usize,
    running: usize,
    worst: Consequence,
    /// [`Step::Wait`] was returned, and the wait is not over.
    waiting: bool,
    try_num: u32,
    /// Number of failures of each task in this run.
    failures: Vec<u32>,
    /// The tasks that stay done in further tries.
    settled: BTreeSet<TaskId>,
}

impl Chain {
    /// Creates a chain before its first try. The nodes are sorted by level, and their
    /// `needs` have no cycle.
    pub fn new(nodes: Arc<[Node]>, retry_from: RetryFrom) -> Chain {
        let tasks = nodes.len();
        let mut chain = Chain {
            retry_from,
            needed_by: needed_by(&nodes).into(),
            states: vec![State::Pending; tasks],
            missing: vec![0; tasks],
            ready: BTreeSet::new(),
            level: 0..0,
            open: 0,
            running: 0,
            worst: Consequence::Continue,
            waiting: false,
            try_num: 1,
            failures: vec![0; tasks],
            settled: BTreeSet::new(),
            nodes,
        };
        chain.enter_level(0);
        chain
    }

    /// Marks tasks as done by an earlier run. No try starts them.
    pub fn with_done(mut self, done: impl IntoIterator<Item = TaskId>) -> Chain {
        for task in done {
            self.settle(task);
            self.states[task.0] = State::Done;
        }
        self.enter_level(0);
        self
    }

    /// Keeps `task` done in further tries, once it is done.
    pub fn settle(&mut self, task: TaskId) {
        self.settled.insert(task);
    }

    /// Returns the number of the current try, from 1.
    pub fn try_num(&self) -> u32 {
        self.try_num
    }

    /// Returns the number of failures of `task` in this run.
    pub fn failures(&self, task: TaskId) -> u32 {
        self.failures[task.0]
    }

    /// Returns the number of tasks that are done, or failed and not required.
    pub fn passed(&self) -> usize {
        let passed = |state: &&State| matches!(state, State::Done | State::Failed);
        self.states.iter().filter(passed).count()
    }

    /// Returns `true` if `task` has succeeded, and is not started again in this try.
    pub fn is_done(&self, task: TaskId) -> bool {
        self.states[task.0] == State::Done
    }

    /// Returns `true` if no further task starts in this try.
    pub fn is_ending(&self) -> bool {
        self.worst >= Consequence::Retry
    }

    /// Returns `true` if more than one task is running.
    pub fn others_running(&self) -> bool {
        self.running > 1
    }

    /// Returns the next action, and marks a task that it returns as running.
    pub fn next_step(&mut self) -> Step {
        if !self.is_ending()
            && let Some(task) = self.ready.pop_first()
        {
            self.states[task.0] = State::Running;
            self.running += 1;
            return match self.failed_need(task) {
                None => Step::Start(task),
                Some(need) => Step::Fail { task, need },
            };
        }
        if self.running > 0 || self.waiting {
            return Step::Busy;
        }
        match self.worst {
            Consequence::Continue | Consequence::Pass => {
                let failed = |state: &&State| **state == State::Failed;
                let failed = self.states.iter().filter(failed).count();
                Step::End(ChainEnd::Finished { failed })
            }
            Consequence::Retry => {
                self.waiting = true;
                Step::Wait
            }
            Consequence::GiveUp => Step::End(ChainEnd::GaveUp),
            Consequence::OutOfTime => Step::End(ChainEnd::OutOfTime),
            Consequence::Stop => Step::End(ChainEnd::Stopped),
            Consequence::Halt => Step::End(ChainEnd::Halted),
            Consequence::Interrupt => Step::End(ChainEnd::Interrupted),
        }
    }

    /// Returns the task whose turn comes next, if one is ready. Changes nothing.
    pub fn next_task(&self) -> Option<TaskId> {
        let next = self.ready.first().copied();
        next.filter(|_| !self.is_ending())
    }

    /// Returns the first task that `task` needs and that failed.
    fn failed_need(&self, task: TaskId) -> Option<TaskId> {
        let mut needs = self.nodes[task.0].needs.iter().copied();
        needs.find(|need| self.states[need.0] == State::Failed)
    }

    /// Applies the verdict about a task whose process has ended. From now on nothing starts
    /// that the verdict forbids; tasks that wait for this one start after [`Chain::ended`].
    pub fn apply(&mut self, task: TaskId, verdict: Verdict) -> Consequence {
        let node = &self.nodes[task.0];
        let consequence = match verdict {
            Verdict::Proceed | Verdict::Skip => Consequence::Continue,
            Verdict::Halt => Consequence::Halt,
            Verdict::Stop => Consequence::Stop,
            Verdict::Retry => {
                let failures = self.failures[task.0].saturating_add(1);
                self.failures[task.0] = failures;
                let is_used_up = match node.max_tries {
                    MaxTries::OfChain(max) => max != 0 && self.try_num >= max,
                    MaxTries::OfTask(max) => max != 0 && failures >= max,
                };
                match (node.required, is_used_up) {
                    (false, _) => Consequence::Pass,
                    (true, false) => Consequence::Retry,
                    (true, true) => Consequence::GiveUp,
                }
            }
        };
        self.states[task.0] = match consequence {
            Consequence::Continue => State::Done,
            Consequence::Pass => State::Failed,
            _ => State::Pending,
        };
        self.worst = self.worst.max(consequence);
        consequence
    }

    /// Takes back a running task that has no verdict: a signal or the end of the chain ended
    /// it, or its start was called off.
    pub fn withdraw(&mut self, task: TaskId) {
        self.states[task.0] = State::Pending;
    }

    /// Records that a task and its hook have ended, and makes ready what waited for it.
    pub fn ended(&mut self, task: TaskId) {
        self.running -= 1;
        if !matches!(self.states[task.0], State::Done | State::Failed) {
            return;
        }
        for &dependent in &self.needed_by[task.0] {
            // Those of later levels are counted when their level begins.
            if self.level.contains(&dependent.0) {
                self.missing[dependent.0] -= 1;
                if self.missing[dependent.0] == 0 && self.states[dependent.0] == State::Pending {
                    self.ready.insert(dependent);
                }
            }
        }
        self.open -= 1;
        if self.open == 0 {
            self.enter_level(self.level.end);
        }
    }

    /// Starts the chain again, although a task succeeded.
    pub(crate) fn start_again(&mut self) {
        self.worst = self.worst.max(Consequence::Retry);
    }

    /// Gives up, whatever the verdicts are: the runner cannot continue.
    pub fn give_up(&mut self) {
        self.worst = self.worst.max(Consequence::GiveUp);
    }

    /// Ends the chain: the time limit of the run is reached.
    pub fn out_of_time(&mut self) {
        self.worst = self.worst.max(Consequence::OutOfTime);
        self.waiting = false;
    }

    /// Ends the chain, as a signal requested.
    pub fn interrupt(&mut self) {
        self.worst = Consequence::Interrupt;
        self.waiting = false;
    }

    /// Begins the next try, after the wait.
    pub fn next_try(&mut self) {
        self.try_num = self.try_num.saturating_add(1);
        self.waiting = false;
        if self.worst == Consequence::Retry {
            self.worst = Consequence::Continue;
        }
        let tasks = (0..self.nodes.len()).map(TaskId);
        let again: Vec<TaskId> = tasks.filter(|&task| self.starts_again(task)).collect();
        for task in again {
            self.states[task.0] = State::Pending;
        }
        self.enter_level(0);
    }

    /// Returns `true` if the next try starts `task`, whatever became of it.
    fn starts_again(&self, task: TaskId) -> bool {
        let is_done = |task: &TaskId| self.states[task.0] == State::Done;
        match (self.states[task.0], self.retry_from) {
            (State::Done, RetryFrom::Start) => !self.settled.contains(&task),
            (State::Done, RetryFrom::Failed) => false,
            (State::Failed, RetryFrom::Failed) => {
                // Without its dependency it has not run, and a task that needs it cannot.
                self.failed_need(task).is_some() || !self.needed_by[task.0].iter().all(is_done)
            }
            (State::Failed, RetryFrom::Start) => true,
            (State::Pending | State::Running, _) => true,
        }
    }

    /// Enters the level that begins with the task at `first`, or the next level that is not
    /// done already, and makes its first tasks ready.
    fn enter_level(&mut self, mut first: usize) {
        self.ready.clear();
        self.open = 0;
        while self.open == 0 && first < self.nodes.len() {
            let level = self.nodes[first].level;
            let same = self.nodes[first..]
                .iter()
                .take_while(|node| node.level == level);
            self.level = first..first + same.count();
            first = self.level.end;
            for index in self.level.clone() {
                let pending = |state| !matches!(state, State::Done | State::Failed);
                let needs = self.nodes[index].needs.iter();
                let missing = needs.filter(|need| pending(self.states[need.0])).count();
                self.missing[index] = missing;
                if pending(self.states[index]) {
                    self.open += 1;
                    if missing == 0 {
                        self.ready.insert(TaskId(index));
                    }
                }
            }
        }
    }
}
