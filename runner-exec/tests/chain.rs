//! The chain, checked against a model: every outcome of every small plan, and random
//! outcomes of large plans.
//!
//! The model does not know how the chain works. It records the started tasks and their
//! verdicts, and computes from the rules what is allowed next.

mod small_plans;

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use proptest::prelude::*;
use runner_config::{MaxTries, RetryFrom};
use runner_exec::{Chain, ChainEnd, Node, Step, TaskId, Verdict};
use small_plans::{levels, needs};

/// The verdicts that differ for the chain: [`Verdict::Skip`] is [`Verdict::Proceed`] to it.
const VERDICTS: [Verdict; 4] = [
    Verdict::Proceed,
    Verdict::Retry,
    Verdict::Stop,
    Verdict::Halt,
];

/// The events so far, as an observer sees them.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Model {
    running: BTreeSet<TaskId>,
    /// Tasks that succeeded, and tasks that failed but are not required.
    passed: Vec<bool>,
    /// Tasks that failed but are not required.
    failed: Vec<bool>,
    /// Those of them that were not started, because a task that they need failed.
    not_started: Vec<bool>,
    failures: Vec<u32>,
    try_num: u32,
    retry: bool,
    gave_up: bool,
    stopped: bool,
    halted: bool,
}

struct World {
    nodes: Arc<[Node]>,
    retry_from: RetryFrom,
    workers: usize,
    /// For each task the tasks that must have passed before it can start.
    before: Vec<Vec<TaskId>>,
    /// Tasks that were done before the run, which are not started.
    done: BTreeSet<TaskId>,
    /// Tasks that are not started again after they have succeeded.
    once: BTreeSet<TaskId>,
}

impl World {
    fn new(nodes: Vec<Node>, retry_from: RetryFrom, workers: usize) -> World {
        let before = nodes.iter().map(|node| {
            let lower = nodes
                .iter()
                .enumerate()
                .filter(|(_, other)| other.level < node.level);
            let lower = lower.map(|(index, _)| TaskId(index));
            lower.chain(node.needs.iter().copied()).collect()
        });
        World {
            before: before.collect(),
            nodes: nodes.into(),
            retry_from,
            workers,
            done: BTreeSet::new(),
            once: BTreeSet::new(),
        }
    }

    fn start(&self) -> (Chain, Model) {
        let tasks = self.nodes.len();
        let model = Model {
            running: BTreeSet::new(),
            passed: (0..tasks)
                .map(|task| self.done.contains(&TaskId(task)))
                .collect(),
            failed: vec![false; tasks],
            not_started: vec![false; tasks],
            failures: vec![0; tasks],
            try_num: 1,
            retry: false,
            gave_up: false,
            stopped: false,
            halted: false,
        };
        let chain = Chain::new(self.nodes.clone(), self.retry_from);
        (chain.with_done(self.done.iter().copied()), model)
    }

    /// Takes steps from the chain until all workers are busy, and checks each step against
    /// the model. Returns `true` if the chain has ended.
    fn pull(&self, chain: &mut Chain, model: &mut Model) -> bool {
        while model.running.len() < self.workers {
            let may_start = self.may_start(model);
            match chain.next_step() {
                Step::Start(task) => {
                    // No required task that failed is passed, the order is kept, and of
                    // several tasks the first by name starts.
                    assert_eq!(may_start.first(), Some(&task), "started {task:?}");
                    // Nothing starts without the success of all that it needs.
                    assert_eq!(self.failed_need(model, task), None, "started {task:?}");
                    model.running.insert(task);
                }
                Step::Fail { task, need } => {
                    // Everything that can run does run.
                    assert_eq!(may_start.first(), Some(&task), "failed {task:?}");
                    assert_eq!(self.failed_need(model, task), Some(need), "failed {task:?}");
                    model.running.insert(task);
                    self.end_task(chain, model, task, Verdict::Retry);
                    model.not_started[task.0] = model.failed[task.0];
                }
                Step::Busy => {
                    assert!(may_start.is_empty(), "{may_start:?} could be started");
                    assert!(!model.running.is_empty(), "busy with nothing");
                    return false;
                }
                Step::Wait => {
                    assert!(model.running.is_empty() && model.retry && !model.is_over());
                    assert_eq!(chain.next_step(), Step::Busy, "one waits for all");
                    chain.next_try();
                    self.again(model);
                }
                Step::End(end) => {
                    assert!(model.running.is_empty());
                    assert_eq!(end, self.end(model), "the end");
                    return true;
                }
            }
        }
        false
    }

    /// The first task that `task` needs and that failed in this try.
    fn failed_need(&self, model: &Model, task: TaskId) -> Option<TaskId> {
        let mut needs = self.nodes[task.0].needs.iter().copied();
        needs.find(|need| model.failed[need.0])
    }

    /// The tasks whose turn it is.
    fn may_start(&self, model: &Model) -> BTreeSet<TaskId> {
        if model.retry || model.is_over() {
            return BTreeSet::new();
        }
        let passed = |task: &TaskId| model.passed[task.0];
        let open = |task: &TaskId| !passed(task) && !model.running.contains(task);
        let tasks = (0..self.nodes.len()).map(TaskId);
        tasks
            .filter(open)
            .filter(|task| self.before[task.0].iter().all(passed))
            .collect()
    }

    fn again(&self, model: &mut Model) {
        model.try_num += 1;
        model.retry = false;
        if self.retry_from == RetryFrom::Start {
            for (index, passed) in model.passed.iter_mut().enumerate() {
                let task = TaskId(index);
                let stays = self.once.contains(&task) && !model.failed[index];
                *passed &= stays || self.done.contains(&task);
            }
            model.failed.fill(false);
        } else {
            // A task that failed starts again if one that needs it has not succeeded, and so
            // does each task that was not started because of such a failure.
            let succeeded = |task: usize| model.passed[task] && !model.failed[task];
            let is_needed = |task: usize| {
                let mut nodes = self.nodes.iter().enumerate();
                nodes.any(|(other, node)| node.needs.contains(&TaskId(task)) && !succeeded(other))
            };
            let again: Vec<usize> = (0..self.nodes.len())
                .filter(|&task| model.failed[task] && (is_needed(task) || model.not_started[task]))
                .collect();
            for task in again {
                model.passed[task] = false;
                model.failed[task] = false;
            }
        }
        model.not_started.fill(false);
    }

    /// Ends a running task with this verdict.
    fn end_task(&self, chain: &mut Chain, model: &mut Model, task: TaskId, verdict: Verdict) {
        model.running.remove(&task);
        let node = &self.nodes[task.0];
        match verdict {
            Verdict::Proceed | Verdict::Skip => model.passed[task.0] = true,
            Verdict::Stop => model.stopped = true,
            Verdict::Halt => model.halted = true,
            Verdict::Retry => {
                model.failures[task.0] += 1;
                let used_up = match node.max_tries {
                    MaxTries::OfChain(most) => most != 0 && model.try_num >= most,
                    MaxTries::OfTask(most) => most != 0 && model.failures[task.0] >= most,
                };
                if !node.required {
                    model.passed[task.0] = true;
                    model.failed[task.0] = true;
                } else if used_up {
                    model.gave_up = true;
                } else {
                    model.retry = true;
                }
            }
        }
        if self.once.contains(&task) {
            chain.settle(task);
        }
        chain.apply(task, verdict);
        chain.ended(task);
    }

    fn end(&self, model: &Model) -> ChainEnd {
        if model.halted {
            ChainEnd::Halted
        } else if model.stopped {
            ChainEnd::Stopped
        } else if model.gave_up {
            ChainEnd::GaveUp
        } else {
            assert!(
                model.passed.iter().all(|passed| *passed),
                "finished too early"
            );
            let failed = model.failed.iter().filter(|failed| **failed).count();
            ChainEnd::Finished { failed }
        }
    }

    /// Walks every state that is reachable by any outcomes in any interleaving.
    /// Returns the number of states.
    fn walk(&self) -> usize {
        let mut seen = HashSet::new();
        let mut todo = vec![self.start()];
        while let Some((mut chain, mut model)) = todo.pop() {
            if self.pull(&mut chain, &mut model) || !seen.insert((chain.clone(), model.clone())) {
                continue;
            }
            for &task in &model.running {
                for verdict in VERDICTS {
                    let (mut chain, mut model) = (chain.clone(), model.clone());
                    self.end_task(&mut chain, &mut model, task, verdict);
                    todo.push((chain, model));
                }
            }
        }
        seen.len()
    }
}

impl Model {
    fn is_over(&self) -> bool {
        self.gave_up || self.stopped || self.halted
    }
}

fn nodes(
    levels: &[usize],
    needs: &[Vec<TaskId>],
    optional: usize,
    own_tries: Option<usize>,
) -> Vec<Node> {
    let nodes = levels.iter().zip(needs).enumerate();
    let node = |(index, (&level, needs)): (usize, (&usize, &Vec<TaskId>))| Node {
        level,
        needs: needs.clone(),
        required: optional >> index & 1 == 0,
        max_tries: if own_tries == Some(index) {
            MaxTries::OfTask(1)
        } else {
            MaxTries::OfChain(2)
        },
    };
    nodes.map(node).collect()
}

/// Walks all plans of four tasks: every level, every dependency, every choice of optional
/// tasks, two tries, one and two workers. One of the tasks can have its own number of tries,
/// was done before, or runs once.
fn walk_every_small_plan(retry_from: RetryFrom) {
    let mut plans = 0;
    let mut states = 0;
    for levels in levels(4) {
        for needs in needs(&levels) {
            let own_tries = (0..4).map(|task| (0, Some(task)));
            for (optional, own_tries) in (0..16).map(|optional| (optional, None)).chain(own_tries) {
                for workers in [1, 2] {
                    let nodes = nodes(&levels, &needs, optional, own_tries);
                    states += World::new(nodes, retry_from, workers).walk();
                    plans += 1;
                }
            }
            for task in (0..4).map(TaskId) {
                let nodes = nodes(&levels, &needs, 0b1011, None);
                let mut world = World::new(nodes, retry_from, 2);
                world.once.insert(task);
                states += world.walk();
                world.once.clear();
                world.done.insert(task);
                states += world.walk();
                plans += 2;
            }
        }
    }
    // The number of acyclic graphs of four tasks in levels, times the variants.
    let graphs = 543 + 2 * 25 * 8 + 3 * 3 * 16 + 3 * 3 * 32 + 64;
    assert_eq!(plans, graphs * (20 * 2 + 8));
    assert!(states > 500_000, "{states}");
}

#[test]
fn every_outcome_of_every_small_plan_tried_again_from_the_start() {
    walk_every_small_plan(RetryFrom::Start);
}

#[test]
fn every_outcome_of_every_small_plan_tried_again_from_what_failed() {
    walk_every_small_plan(RetryFrom::Failed);
}

fn large_plan() -> impl Strategy<Value = Vec<Node>> {
    let task = (
        any::<bool>(),
        0..3_u8,
        0..4_u32,
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    );
    prop::collection::vec(task, 1..40).prop_map(|tasks| {
        let mut nodes: Vec<Node> = Vec::new();
        for (next_level, optional, own, needs) in tasks {
            let level = nodes
                .last()
                .map_or(0, |last: &Node| last.level + usize::from(next_level));
            let index = nodes.len();
            let mut needs: Vec<TaskId> = (needs.iter().filter(|_| index > 0))
                .map(|need| need.index(index))
                .map(TaskId)
                .collect();
            needs.sort();
            needs.dedup();
            nodes.push(Node {
                level,
                needs,
                required: optional > 0,
                max_tries: match own {
                    0 => MaxTries::OfTask(2),
                    _ => MaxTries::OfChain(own + 1),
                },
            });
        }
        nodes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_outcomes_of_large_plans(
        nodes in large_plan(),
        from_failed in any::<bool>(),
        workers in 1..9_usize,
        done in prop::collection::btree_set(0..40_usize, 0..6),
        once in prop::collection::btree_set(0..40_usize, 0..20),
        script in prop::collection::vec((any::<prop::sample::Index>(), 0..40_u8), 0..400),
    ) {
        let retry_from = if from_failed { RetryFrom::Failed } else { RetryFrom::Start };
        let tasks = |tasks: BTreeSet<usize>| {
            let there = tasks.into_iter().filter(|&task| task < nodes.len());
            there.map(TaskId).collect()
        };
        let (done, once) = (tasks(done), tasks(once));
        let world = World { done, once, ..World::new(nodes, retry_from, workers) };
        let (mut chain, mut model) = world.start();
        let mut script = script.into_iter();
        while !world.pull(&mut chain, &mut model) {
            let running: Vec<TaskId> = model.running.iter().copied().collect();
            // After the end of the script every task succeeds.
            let (which, verdict) = match script.next() {
                Some((which, verdict)) => (which.index(running.len()), verdict),
                None => (0, u8::MAX),
            };
            let verdict = match verdict {
                0..4 => Verdict::Retry,
                4 => Verdict::Halt,
                5 => Verdict::Stop,
                6..10 => Verdict::Skip,
                _ => Verdict::Proceed,
            };
            world.end_task(&mut chain, &mut model, running[which], verdict);
        }
    }

    #[test]
    fn an_interrupted_chain_starts_nothing_more(nodes in large_plan(), after in 0..20_usize) {
        let world = World::new(nodes, RetryFrom::Start, 3);
        let (mut chain, mut model) = world.start();
        for _ in 0..after {
            if world.pull(&mut chain, &mut model) {
                return Ok(());
            }
            let task = *model.running.first().unwrap();
            world.end_task(&mut chain, &mut model, task, Verdict::Proceed);
        }
        chain.interrupt();
        while let Some(task) = model.running.pop_first() {
            prop_assert_eq!(chain.next_step(), Step::Busy);
            chain.withdraw(task);
            chain.ended(task);
        }
        prop_assert_eq!(chain.next_step(), Step::End(ChainEnd::Interrupted));
    }
}

/// The chain returns the wait to one worker only, when every task has ended.
#[test]
fn one_wait_serves_several_retries() {
    let node = Node {
        level: 0,
        needs: Vec::new(),
        required: true,
        max_tries: MaxTries::OfChain(5),
    };
    let mut chain = Chain::new([node.clone(), node.clone(), node].into(), RetryFrom::Start);
    assert_eq!(chain.next_step(), Step::Start(TaskId(0)));
    assert_eq!(chain.next_step(), Step::Start(TaskId(1)));
    chain.apply(TaskId(1), Verdict::Retry);
    // Its hook still runs, but the verdict already applies.
    assert_eq!(chain.next_step(), Step::Busy);
    chain.ended(TaskId(1));
    assert_eq!(chain.next_step(), Step::Busy);
    chain.apply(TaskId(0), Verdict::Retry);
    chain.ended(TaskId(0));
    assert_eq!(chain.next_step(), Step::Wait);
    assert_eq!(chain.next_step(), Step::Busy);
    chain.next_try();
    assert_eq!(chain.try_num(), 2);
    assert_eq!(chain.next_step(), Step::Start(TaskId(0)));
}
