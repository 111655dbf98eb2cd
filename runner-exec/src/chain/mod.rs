//! The chain: walks the tasks in their order, and decides what comes next.
//!
//! It knows no clock, no dice and no process. Whoever drives it asks
//! [`Chain::next_step`] what to do, and says what became of a task, first with
//! [`Chain::judge`] when its process has ended, then with [`Chain::ended`] when
//! its hook has. One worker and many drive it in the same way.
//!
//! A task is in one of these states:
//!
//! | state | meaning | leaves it for |
//! | --- | --- | --- |
//! | pending | waits for tasks before it | ready, when the last of them is done |
//! | ready | may start | running, when [`Chain::next_step`] hands it out |
//! | running | its process or a hook runs | done, failed or pending, by its verdict |
//! | done | succeeded | pending, by a retry from the start |
//! | failed | failed, and is not required | pending, by a retry from the start |
//!
//! The chain as a whole is in the state of its gravest consequence so far:
//!
//! | state | starts tasks | when nothing runs any more |
//! | --- | --- | --- |
//! | going on | yes | finished, when all tasks are done or failed |
//! | retry | no, running ones end by themselves | waits, then goes on with the next try |
//! | give up | no, running ones are ended | gave up |
//! | stop | no, running ones are ended | stopped |
//! | halt | no, running ones are ended | halted |
//! | interrupted | no, running ones are ended | interrupted |
//!
//! Tasks stand in levels: those with the same leading number. A level begins
//! when the one before it is done, so dependencies need to be counted within a
//! level only, and the edges stay as few as they were written.

pub(crate) mod backoff;
pub(crate) mod verdict;

use std::{collections::BTreeSet, sync::Arc};

use runner_config::{MaxTries, RetryFrom};

use crate::{chain::verdict::Verdict, process::outcome::Signal};

/// A task's place in the order, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub usize);

/// What the chain has to know of a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// How many levels come before; never less than that of the task before it.
    pub level: usize,
    /// The tasks of the same level that have to be done before.
    pub needs: Vec<TaskId>,
    /// Whether the chain has to wait for its success.
    pub required: bool,
    /// When to give up.
    pub max_tries: MaxTries,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start this task.
    Start(TaskId),
    /// Nothing, until something that is under way has ended.
    Busy,
    /// Wait as the failed tasks want, then call [`Chain::again`].
    Wait,
    /// The chain has ended.
    End(ChainEnd),
}

/// How the whole thing finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// Every required task succeeded.
    Finished {
        /// How many tasks that are not required failed.
        failed: usize,
    },
    /// The tries were used up.
    GaveUp,
    /// A task asked for the halt task.
    Halted,
    /// A task asked for the end.
    Stopped,
    /// The runner was asked to end.
    Interrupted,
}

impl ChainEnd {
    /// The exit status of the runner; `signal` is the one that asked it to end.
    pub fn status(self, signal: Option<Signal>) -> u8 {
        match (self, signal) {
            (ChainEnd::Finished { failed: 0 }, _) => 0,
            (ChainEnd::Finished { .. }, _) => 4,
            (ChainEnd::GaveUp, _) => 1,
            (ChainEnd::Halted, _) => 2,
            (ChainEnd::Stopped, _) => 3,
            (ChainEnd::Interrupted, Some(signal)) => 128 + signal.0 as u8,
            (ChainEnd::Interrupted, None) => unreachable!("only a signal interrupts"),
        }
    }
}

/// What a verdict leads to, in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consequence {
    /// The task is done, the chain goes on.
    GoOn,
    /// The task failed and is not required, the chain goes on.
    Pass,
    /// The chain is tried again.
    Retry,
    /// The chain ends: the tries are used up.
    GiveUp,
    /// The chain ends, because the task says so.
    Stop,
    /// The chain ends with the halt task, because the task says so.
    Halt,
    /// The chain ends, because the runner was asked to end.
    Interrupt,
}

impl Consequence {
    /// Whether running tasks are ended rather than waited for.
    pub fn cuts_short(self) -> bool {
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

/// For each task, those that need it.
fn needed_by(links: &[Link]) -> Vec<Vec<TaskId>> {
    let mut needed_by = vec![Vec::new(); links.len()];
    for (index, link) in links.iter().enumerate() {
        for need in &link.needs {
            needed_by[need.0].push(TaskId(index));
        }
    }
    needed_by
}

/// The state of a chain; see the tables above.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    links: Arc<[Link]>,
    retry_from: RetryFrom,
    /// For each task, the tasks of its level that need it.
    needed_by: Arc<[Vec<TaskId>]>,
    states: Vec<State>,
    /// For each task, how many tasks of its level have to be done before.
    missing: Vec<usize>,
    ready: BTreeSet<TaskId>,
    /// The tasks of the present level, from the first to behind the last.
    level: std::ops::Range<usize>,
    /// How many tasks of the present level are neither done nor failed.
    open: usize,
    running: usize,
    gravest: Consequence,
    /// Whether [`Step::Wait`] was handed out.
    waiting: bool,
    try_num: u32,
    /// How often each task failed in this run.
    failures: Vec<u32>,
    /// The tasks that are done for longer than a try.
    settled: BTreeSet<TaskId>,
}

impl Chain {
    /// A chain before its first try. The links stand in the order of their
    /// levels, and what they need makes no cycle.
    pub fn new(links: Arc<[Link]>, retry_from: RetryFrom) -> Chain {
        let tasks = links.len();
        let mut chain = Chain {
            retry_from,
            needed_by: needed_by(&links).into(),
            states: vec![State::Pending; tasks],
            missing: vec![0; tasks],
            ready: BTreeSet::new(),
            level: 0..0,
            open: 0,
            running: 0,
            gravest: Consequence::GoOn,
            waiting: false,
            try_num: 1,
            failures: vec![0; tasks],
            settled: BTreeSet::new(),
            links,
        };
        chain.enter_level(0);
        chain
    }

    /// The same chain where these tasks are done already. No try starts them.
    pub fn with_done(mut self, done: impl IntoIterator<Item = TaskId>) -> Chain {
        for task in done {
            self.settle(task);
            self.states[task.0] = State::Done;
        }
        self.enter_level(0);
        self
    }

    /// Once it is done, `task` stays so, also when the chain is tried again.
    pub fn settle(&mut self, task: TaskId) {
        self.settled.insert(task);
    }

    /// The number of the present try, from 1.
    pub fn try_num(&self) -> u32 {
        self.try_num
    }

    /// How often `task` failed in this run.
    pub fn failures(&self, task: TaskId) -> u32 {
        self.failures[task.0]
    }

    /// How many tasks are passed in this try.
    pub fn passed(&self) -> usize {
        let passed = |state: &&State| matches!(state, State::Done | State::Failed);
        self.states.iter().filter(passed).count()
    }

    /// Whether nothing may start any more in this try.
    pub fn is_ending(&self) -> bool {
        self.gravest >= Consequence::Retry
    }

    /// Whether other tasks are under way beside the one that asks.
    pub fn others_running(&self) -> bool {
        self.running > 1
    }

    /// What to do next.
    pub fn next_step(&mut self) -> Step {
        if !self.is_ending()
            && let Some(task) = self.ready.pop_first()
        {
            self.states[task.0] = State::Running;
            self.running += 1;
            return Step::Start(task);
        }
        if self.running > 0 || self.waiting {
            return Step::Busy;
        }
        match self.gravest {
            Consequence::GoOn | Consequence::Pass => {
                let failed = |state: &&State| **state == State::Failed;
                let failed = self.states.iter().filter(failed).count();
                Step::End(ChainEnd::Finished { failed })
            }
            Consequence::Retry => {
                self.waiting = true;
                Step::Wait
            }
            Consequence::GiveUp => Step::End(ChainEnd::GaveUp),
            Consequence::Stop => Step::End(ChainEnd::Stopped),
            Consequence::Halt => Step::End(ChainEnd::Halted),
            Consequence::Interrupt => Step::End(ChainEnd::Interrupted),
        }
    }

    /// The process of a running task has ended. From now on nothing starts that
    /// the verdict forbids; what the task held back waits for [`Chain::ended`].
    pub fn judge(&mut self, task: TaskId, verdict: Verdict) -> Consequence {
        let link = &self.links[task.0];
        let consequence = match verdict {
            Verdict::Proceed => Consequence::GoOn,
            Verdict::Halt => Consequence::Halt,
            Verdict::Stop => Consequence::Stop,
            Verdict::Retry => {
                let failures = self.failures[task.0].saturating_add(1);
                self.failures[task.0] = failures;
                let is_used_up = match link.max_tries {
                    MaxTries::OfChain(max) => max != 0 && self.try_num >= max,
                    MaxTries::OfTask(max) => max != 0 && failures >= max,
                };
                match (link.required, is_used_up) {
                    (false, _) => Consequence::Pass,
                    (true, false) => Consequence::Retry,
                    (true, true) => Consequence::GiveUp,
                }
            }
        };
        self.states[task.0] = match consequence {
            Consequence::GoOn => State::Done,
            Consequence::Pass => State::Failed,
            _ => State::Pending,
        };
        self.gravest = self.gravest.max(consequence);
        consequence
    }

    /// A running task has ended without a verdict: it was asked to, or its
    /// start was called off.
    pub fn cut(&mut self, task: TaskId) {
        self.states[task.0] = State::Pending;
    }

    /// Everything about a running task is over, its hook too.
    pub fn ended(&mut self, task: TaskId) {
        self.running -= 1;
        if !matches!(self.states[task.0], State::Done | State::Failed) {
            return;
        }
        for &dependent in &self.needed_by[task.0] {
            self.missing[dependent.0] -= 1;
            if self.missing[dependent.0] == 0 && self.states[dependent.0] == State::Pending {
                self.ready.insert(dependent);
            }
        }
        self.open -= 1;
        if self.open == 0 {
            self.enter_level(self.level.end);
        }
    }

    /// The chain cannot go on, whatever the tasks say: give up.
    pub fn give_up(&mut self) {
        self.gravest = self.gravest.max(Consequence::GiveUp);
    }

    /// The runner was asked to end.
    pub fn interrupt(&mut self) {
        self.gravest = Consequence::Interrupt;
        self.waiting = false;
    }

    /// The wait is over: the next try.
    pub fn again(&mut self) {
        self.try_num = self.try_num.saturating_add(1);
        self.waiting = false;
        if self.gravest == Consequence::Retry {
            self.gravest = Consequence::GoOn;
        }
        if self.retry_from == RetryFrom::Start {
            for (index, state) in self.states.iter_mut().enumerate() {
                if *state != State::Done || !self.settled.contains(&TaskId(index)) {
                    *state = State::Pending;
                }
            }
        }
        self.enter_level(0);
    }

    /// Makes ready what may start first in the level that begins with the task
    /// at `first`, or in the next one that is not done already.
    fn enter_level(&mut self, mut first: usize) {
        self.ready.clear();
        self.open = 0;
        while self.open == 0 && first < self.links.len() {
            let level = self.links[first].level;
            let same = self.links[first..]
                .iter()
                .take_while(|link| link.level == level);
            self.level = first..first + same.count();
            first = self.level.end;
            for index in self.level.clone() {
                let pending = |state| !matches!(state, State::Done | State::Failed);
                let needs = self.links[index].needs.iter();
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
