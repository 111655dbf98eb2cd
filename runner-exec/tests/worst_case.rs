//! The maximum duration of a chain, against all outcomes of small chains and random runs of
//! larger ones. Each walks the real chain.

mod small_plans;

use std::{mem, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};
use runner_config::{Frequency, MaxTries, RetryFrom, TaskSettings};
use runner_exec::{Chain, Consequence, Node, Step, TaskId, TimedTask, Verdict, delay, longest};
use small_plans::{levels, needs};

/// A plan, and the maximum time of each task in milliseconds.
#[derive(Clone, Debug)]
struct World {
    nodes: Arc<[Node]>,
    retry_from: RetryFrom,
    times: Vec<u64>,
    settings: Vec<TaskSettings>,
}

impl World {
    fn longest(&self, jobs: usize) -> Duration {
        let tasks = self.times.iter().zip(&self.settings);
        let tasks = tasks.map(|(&time, settings)| TimedTask {
            time: Duration::from_millis(time),
            settings,
        });
        let tasks: Vec<TimedTask> = tasks.collect();
        longest(&self.nodes, self.retry_from, &tasks, jobs)
    }

    fn chain(&self) -> Chain {
        Chain::new(self.nodes.clone(), self.retry_from)
    }

    /// Applies a verdict. Returns the wait if the chain is tried again.
    fn apply(&self, chain: &mut Chain, task: TaskId, verdict: Verdict) -> Duration {
        let settings = &self.settings[task.0];
        if settings.frequency != Frequency::Always && verdict == Verdict::Proceed {
            chain.settle(task);
        }
        let consequence = chain.apply(task, verdict);
        if consequence == Consequence::Retry {
            delay(settings, chain.try_num(), 1.0)
        } else {
            Duration::ZERO
        }
    }

    /// Returns the longest of all runs with one worker, by trying every verdict of every start.
    fn longest_of_all(&self, mut chain: Chain, runs: &mut u64) -> Duration {
        match chain.next_step() {
            Step::Start(task) => {
                let rest = VERDICTS.map(|verdict| {
                    let mut chain = chain.clone();
                    let wait = self.apply(&mut chain, task, verdict);
                    chain.ended(task);
                    wait + self.longest_of_all(chain, runs)
                });
                let time = Duration::from_millis(self.times[task.0]);
                time + rest.into_iter().max().unwrap()
            }
            Step::Fail { task, .. } => {
                let wait = self.apply(&mut chain, task, Verdict::Retry);
                chain.ended(task);
                wait + self.longest_of_all(chain, runs)
            }
            Step::Wait => {
                chain.next_try();
                self.longest_of_all(chain, runs)
            }
            Step::End(_) => {
                *runs += 1;
                Duration::ZERO
            }
            Step::Busy => unreachable!(),
        }
    }

    /// Returns the duration of a run with this number of workers. The numbers decide the times and
    /// verdicts.
    fn run(&self, workers: usize, numbers: &[u16]) -> Duration {
        let mut numbers = numbers.iter().copied().map(u64::from).cycle();
        let mut number = move || numbers.next().unwrap();
        let mut chain = self.chain();
        let (mut now, mut wait) = (Duration::ZERO, Duration::ZERO);
        let mut running: Vec<(Duration, TaskId)> = Vec::new();
        loop {
            let step = (running.len() < workers).then(|| chain.next_step());
            match step {
                Some(Step::Start(task)) => {
                    // Most at their limit, since that is what takes long.
                    let max = self.times[task.0];
                    let time = match number() {
                        many if many % 4 != 0 => max,
                        few => few % (max + 1),
                    };
                    running.push((now + Duration::from_millis(time), task));
                }
                Some(Step::Fail { task, .. }) => {
                    wait = wait.max(self.apply(&mut chain, task, Verdict::Retry));
                    chain.ended(task);
                }
                Some(Step::Wait) => {
                    now += mem::take(&mut wait);
                    chain.next_try();
                }
                Some(Step::End(_)) => return now,
                Some(Step::Busy) | None => {
                    let first = (0..running.len()).min_by_key(|&index| running[index]);
                    let (end, task) = running.swap_remove(first.unwrap());
                    now = end;
                    let verdict = match number() % 20 {
                        0..9 => Verdict::Proceed,
                        9 => Verdict::Skip,
                        10..19 => Verdict::Retry,
                        _ => Verdict::Halt,
                    };
                    wait = wait.max(self.apply(&mut chain, task, verdict));
                    chain.ended(task);
                }
            }
        }
    }
}

/// The verdicts that differ for a chain in which a skipped task is not settled.
const VERDICTS: [Verdict; 4] = [
    Verdict::Proceed,
    Verdict::Skip,
    Verdict::Retry,
    Verdict::Halt,
];

fn settings(wait: u64, is_once: bool) -> TaskSettings {
    let mut settings = TaskSettings {
        sleep_time: Duration::from_millis(wait),
        retry_backoff: 2.0,
        ..TaskSettings::default()
    };
    if is_once {
        settings.frequency = Frequency::Once;
        settings.codes.skip.insert(3);
    }
    settings
}

/// Calls `check` with every plan of three tasks and three tries. One of the tasks can have its own
/// number of tries, and one can run once.
fn every_small_plan(mut check: impl FnMut(World)) {
    for levels in levels(3) {
        for needs in needs(&levels) {
            for choice in 0..8 * 4 * 4 * 2 * 2 {
                let (optional, own_tries) = (choice % 8, choice / 8 % 4);
                let (once, from_failed, order) = (choice / 32 % 4, choice / 128 % 2, choice / 256);
                let node = |task: usize| Node {
                    level: levels[task],
                    needs: needs[task].clone(),
                    required: optional >> task & 1 == 0,
                    max_tries: if own_tries == task + 1 {
                        MaxTries::OfTask(2)
                    } else {
                        MaxTries::OfChain(3)
                    },
                };
                let (mut times, mut waits) = (vec![1, 100, 10_000], [5000, 0, 30]);
                if order == 1 {
                    times.reverse();
                    waits = [0, 70, 200_000];
                }
                let settings = (0..3).map(|task| settings(waits[task], once == task + 1));
                check(World {
                    nodes: (0..3).map(node).collect(),
                    retry_from: if from_failed == 1 {
                        RetryFrom::Failed
                    } else {
                        RetryFrom::Start
                    },
                    times,
                    settings: settings.collect(),
                });
            }
        }
    }
}

#[test]
fn with_one_worker_it_is_the_longest_of_all_runs_of_every_small_plan() {
    let (mut plans, mut runs) = (0, 0);
    every_small_plan(|world| {
        let longest = world.longest_of_all(world.chain(), &mut runs);
        assert_eq!(world.longest(1), longest, "{world:?}");
        plans += 1;
    });
    assert_eq!((plans, runs), (29_184, 12_358_488));
}

fn random_task() -> impl Strategy<Value = (bool, bool, MaxTries, bool, u64, u64)> {
    let max_tries = prop_oneof![
        (1..4_u32).prop_map(MaxTries::OfChain),
        (1..4_u32).prop_map(MaxTries::OfTask),
    ];
    let (time, wait) = (0..1000_u64, 0..500_u64);
    (
        any::<bool>(),
        prop::bool::weighted(0.7),
        max_tries,
        prop::bool::weighted(0.2),
        time,
        wait,
    )
}

prop_compose! {
    /// A plan of up to six tasks.
    fn world()(
        tasks in vec(random_task(), 1..7),
        edges in vec(vec(any::<bool>(), 6), 6),
        from_failed in any::<bool>(),
    ) -> World {
        let mut level = 0;
        let mut nodes = Vec::new();
        for (index, &(is_next_level, required, max_tries, ..)) in tasks.iter().enumerate() {
            level += usize::from(is_next_level);
            let needs = (0..index).filter(|&other| edges[index][other]).map(TaskId);
            nodes.push(Node { level, needs: needs.collect(), required, max_tries });
        }
        World {
            nodes: nodes.into(),
            retry_from: if from_failed { RetryFrom::Failed } else { RetryFrom::Start },
            times: tasks.iter().map(|task| task.4).collect(),
            settings: tasks.iter().map(|task| settings(task.5, task.3)).collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Ten random runs of each plan.
    #[test]
    fn no_run_of_a_random_plan_is_longer(
        world in world(),
        jobs in 1..5_usize,
        numbers in vec(vec(any::<u16>(), 1..100), 10),
    ) {
        let longest = world.longest(jobs);
        // The bound rounds to nanoseconds.
        let longest = longest + Duration::from_micros(1);
        for numbers in numbers {
            let run = world.run(jobs, &numbers);
            prop_assert!(run <= longest, "{run:?} > {longest:?}");
        }
    }
}
