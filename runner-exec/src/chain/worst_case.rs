//! The maximum duration of a chain.
//!
//! For one worker, this is the longest path through the states of [`Chain`]. They can be very many,
//! and several workers have no such path; then it is an upper bound.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::Arc,
    time::Duration,
};

use runner_config::{MaxTries, RetryFrom, TaskSettings};

use super::{Chain, Consequence, Node, Step, TaskId, backoff::delay, order, verdict::Verdict};

/// Maximum number of chains that the search visits, times the size of one.
const MAX_SEARCH: usize = 200_000;

/// Maximum number of waits that the bound adds one by one.
const MAX_WAITS: u64 = 10_000;

/// A task, as far as the duration of the chain depends on it.
#[derive(Clone, Copy, Debug)]
pub struct TimedTask<'a> {
    /// Maximum time from its start to the end of the hook after it.
    pub time: Duration,
    /// Its settings.
    pub settings: &'a TaskSettings,
}

/// Returns the maximum duration of a chain that gives up at some time: no required task has an
/// unlimited number of tries. `tasks` has the task of each node.
pub fn longest(
    nodes: &Arc<[Node]>,
    retry_from: RetryFrom,
    tasks: &[TimedTask],
    jobs: usize,
) -> Duration {
    let found = (jobs == 1).then(|| search(nodes, retry_from, tasks));
    found.flatten().unwrap_or_else(|| bound(nodes, tasks, jobs))
}

/// Chains that can be reached, each with the maximum time until then.
type Reached = HashMap<Chain, Duration>;

/// Returns the exact maximum for one worker; `None` if there are too many states.
fn search(nodes: &Arc<[Node]>, retry_from: RetryFrom, tasks: &[TimedTask]) -> Option<Duration> {
    let size = nodes.iter().map(|node| 1 + node.needs.len()).sum::<usize>();
    let mut budget = MAX_SEARCH;
    let mut worst = Duration::ZERO;
    let mut try_starts = Reached::from([(Chain::new(nodes.clone(), retry_from), Duration::ZERO)]);
    while !try_starts.is_empty() {
        let mut steps = mem::take(&mut try_starts);
        while !steps.is_empty() {
            for (mut chain, time) in mem::take(&mut steps) {
                budget = budget.checked_sub(size.max(1))?;
                match chain.next_step() {
                    Step::Start(task) => {
                        let time = time.saturating_add(tasks[task.0].time);
                        // Whatever becomes of the task, it can be the last one: one that survives
                        // SIGKILL ends the run.
                        worst = worst.max(time);
                        for &verdict in chain.verdicts_that_matter(task, tasks) {
                            chain.clone().end(task, verdict, time, tasks, &mut steps);
                        }
                    }
                    Step::Fail { task, .. } => {
                        chain.end(task, Verdict::Retry, time, tasks, &mut steps);
                    }
                    Step::Wait => {
                        chain.next_try();
                        add(&mut try_starts, chain, time);
                    }
                    Step::End(_) => {}
                    Step::Busy => unreachable!("one worker ends each task before the next step"),
                }
            }
        }
    }
    Some(worst)
}

fn add(reached: &mut Reached, chain: Chain, time: Duration) {
    match reached.entry(chain) {
        Entry::Occupied(mut longest) => {
            let longest = longest.get_mut();
            *longest = time.max(*longest);
        }
        Entry::Vacant(first) => {
            first.insert(time);
        }
    }
}

impl Chain {
    /// Returns the verdicts about `task` after which the rest of the chain can take differently
    /// long. A verdict that ends the chain is not among them.
    fn verdicts_that_matter(&self, task: TaskId, tasks: &[TimedTask]) -> &'static [Verdict] {
        let settings = tasks[task.0].settings;
        let is_once = settings.runs_once();
        let fails = self.nodes[task.0].required || is_once || !self.needed_by[task.0].is_empty();
        match (fails, is_once && !settings.codes.skip.is_empty()) {
            (false, _) => &[Verdict::Proceed],
            (true, false) => &[Verdict::Proceed, Verdict::Retry],
            (true, true) => &[Verdict::Proceed, Verdict::Skip, Verdict::Retry],
        }
    }

    /// Adds the chain after the end of `task`, and after the wait if it is tried again.
    fn end(
        mut self,
        task: TaskId,
        verdict: Verdict,
        mut time: Duration,
        tasks: &[TimedTask],
        reached: &mut Reached,
    ) {
        let settings = tasks[task.0].settings;
        if settings.runs_once() && verdict == Verdict::Proceed {
            self.settle(task);
        }
        self.apply(task, verdict);
        if self.worst == Consequence::Retry {
            time = time.saturating_add(delay(settings, self.try_num, 1.0));
        }
        self.ended(task);
        let node = &self.nodes[task.0];
        if !node.required || matches!(node.max_tries, MaxTries::OfChain(_)) {
            // It has no effect, so that more chains are the same.
            self.failures[task.0] = 0;
        }
        add(reached, self, time);
    }
}

/// Returns an upper bound: every try takes as long as one that starts all tasks, and every wait
/// is the longest of all tasks.
fn bound(nodes: &Arc<[Node]>, tasks: &[TimedTask], jobs: usize) -> Duration {
    let (mut tries, mut failures) = (1, 0);
    let required = nodes.iter().filter(|node| node.required);
    for node in required {
        match node.max_tries {
            MaxTries::OfChain(max) => tries = tries.max(u64::from(max)),
            MaxTries::OfTask(max) => failures += u64::from(max).saturating_sub(1),
        }
    }
    // More cannot be counted by the chain itself.
    let tries = u64::from(u32::MAX).min(tries + failures);
    let wait = |try_num: u64| {
        let try_num = u32::try_from(try_num).unwrap_or(u32::MAX);
        let required = tasks.iter().zip(&**nodes).filter(|(_, node)| node.required);
        let waits = required.map(|(task, _)| delay(task.settings, try_num, 1.0));
        waits.max().unwrap_or_default()
    };
    let waits = if tries <= MAX_WAITS {
        (1..tries)
            .map(wait)
            .fold(Duration::ZERO, Duration::saturating_add)
    } else {
        // The waits of a task only grow, or only shrink.
        times(wait(1).max(wait(tries)), tries - 1)
    };
    times(try_time(nodes, tasks, jobs), tries).saturating_add(waits)
}

/// Returns the maximum duration of a try in which every task starts once.
///
/// The tasks of a level take at most their sum divided among the workers, and the longest row of
/// tasks that need each other (R. L. Graham, Bounds on multiprocessing timing anomalies, 1969).
fn try_time(nodes: &Arc<[Node]>, tasks: &[TimedTask], jobs: usize) -> Duration {
    let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
    // For each task, the time from the start of its level to its end, with a worker for each task.
    let mut ends = vec![Duration::ZERO; nodes.len()];
    let mut levels: HashMap<usize, (Duration, Duration)> = HashMap::new();
    for id in order(nodes) {
        let (node, time) = (&nodes[id.0], tasks[id.0].time);
        let of_level = |need: &&TaskId| nodes[need.0].level == node.level;
        let needs = node.needs.iter().filter(of_level).map(|need| ends[need.0]);
        ends[id.0] = needs.max().unwrap_or_default().saturating_add(time);
        let (sum, row) = levels.entry(node.level).or_default();
        *sum = sum.saturating_add(time);
        *row = ends[id.0].max(*row);
    }
    let level = |&(sum, row): &(Duration, Duration)| (row - row / jobs).saturating_add(sum / jobs);
    let levels = levels.values().map(level);
    levels.fold(Duration::ZERO, Duration::saturating_add)
}

fn times(time: Duration, number: u64) -> Duration {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    time.saturating_mul(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_not_less_than_what_the_search_finds() {
        let settings = |wait| TaskSettings {
            sleep_time: Duration::from_secs(wait),
            retry_backoff: 3.0,
            ..TaskSettings::default()
        };
        let settings = [settings(5), settings(0), settings(100)];
        let tasks = [1, 50, 7].map(Duration::from_secs);
        let tasks = [0, 1, 2].map(|task| TimedTask {
            time: tasks[task],
            settings: &settings[task],
        });
        let tries = [
            MaxTries::OfChain(1),
            MaxTries::OfChain(4),
            MaxTries::OfTask(3),
        ];
        for choice in 0..3 * 3 * 3 * 8 {
            let node = |task: usize| Node {
                level: task,
                needs: Vec::new(),
                required: (choice / 27) >> task & 1 == 0,
                max_tries: tries[choice / 3_usize.pow(task as u32) % 3],
            };
            let nodes: Arc<[Node]> = (0..3).map(node).collect();
            for retry_from in [RetryFrom::Start, RetryFrom::Failed] {
                let found = search(&nodes, retry_from, &tasks).unwrap();
                assert!(found <= bound(&nodes, &tasks, 1), "{nodes:?}");
            }
        }
    }

    #[test]
    fn endless_numbers_of_tries_saturate() {
        let node = Node {
            level: 0,
            needs: Vec::new(),
            required: true,
            max_tries: MaxTries::OfChain(u32::MAX),
        };
        let settings = TaskSettings {
            sleep_time: Duration::from_secs(1),
            retry_backoff: 2.0,
            ..TaskSettings::default()
        };
        let time = Duration::from_secs(1);
        let settings = &settings;
        let task = TimedTask { time, settings };
        let longest = longest(&[node].into(), RetryFrom::Start, &[task], 1);
        assert_eq!(longest, Duration::MAX);
    }
}
