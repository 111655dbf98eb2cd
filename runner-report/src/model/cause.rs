//! The tasks that explain the state of a run, and all tasks in the order of the chain.

use std::collections::HashSet;

use runner_exec::TaskResult;

use crate::model::{
    end::RunReason,
    now::Now,
    run_details::{RunDetails, TaskHistory, UsedTries},
    run_header::{RunEnd, RunState},
};

/// A task of the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChainTask<'a> {
    /// An earlier run has done it.
    Done(&'a str),
    /// It was started, or it failed to start.
    Started(&'a TaskHistory),
    /// It has never started in this run.
    NotReached(&'a str),
}

/// A task that explains the state of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cause<'a> {
    pub(crate) name: &'a str,
    /// The task, if it was started.
    pub(crate) task: Option<&'a TaskHistory>,
    pub(crate) tries: Option<UsedTries>,
}

impl<'a> Cause<'a> {
    fn of(task: &'a TaskHistory) -> Cause<'a> {
        Cause {
            name: &task.name,
            task: Some(task),
            tries: None,
        }
    }

    /// Returns the sentence about the task, without its name.
    pub(crate) fn predicate(&self) -> String {
        let end = self.task.and_then(|task| task.end.as_ref());
        let what = match (self.task, end) {
            (None, _) => "was not started".to_owned(),
            (Some(task), _) if task.is_unfinished() => "had not ended".to_owned(),
            (Some(_), None) => "has no end".to_owned(),
            (Some(_), Some(end)) => end.outcome.predicate(end.limit),
        };
        let Some(tries) = self.tries else {
            return what;
        };
        let UsedTries { count, max, .. } = tries;
        let (one, many) = if tries.are_failures {
            ("failure", "failures")
        } else {
            ("try", "tries")
        };
        match max {
            0 => format!("{what} ({one} {count})"),
            1 => format!("{what} ({count} of 1 {one})"),
            _ => format!("{what} ({count} of {max} {many})"),
        }
    }
}

impl RunDetails {
    /// Returns all known tasks in the order of the chain.
    pub(crate) fn chain(&self) -> Vec<ChainTask<'_>> {
        let (mut chain, mut names) = (Vec::new(), HashSet::new());
        let setup = self.setup.as_ref();
        let done: HashSet<&String> = setup.iter().flat_map(|setup| &setup.done).collect();
        let plan = setup.iter().flat_map(|setup| &setup.plan);
        // Journals of version 0.1 have no plan, and that of a long chain is cut.
        let planned = plan.chain(setup.iter().flat_map(|setup| &setup.done));
        let started = self.tasks.iter().map(|task| &task.name);
        for name in planned.chain(started).chain(&self.not_reached) {
            if names.insert(name) {
                chain.push(match self.task(name) {
                    Some(task) => ChainTask::Started(task),
                    None if done.contains(name) => ChainTask::Done(name),
                    None => ChainTask::NotReached(name),
                });
            }
        }
        chain
    }

    /// Returns the tasks that have never started, in the order of the chain.
    pub(crate) fn not_reached(&self) -> Vec<&str> {
        let chain = self.chain().into_iter();
        let names = chain.filter_map(|task| match task {
            ChainTask::NotReached(name) => Some(name),
            ChainTask::Done(_) | ChainTask::Started(_) => None,
        });
        names.collect()
    }

    /// Returns the number of tasks that have never started, also of those without a name in the
    /// journal.
    pub(crate) fn not_reached_count(&self) -> usize {
        let named = self.not_reached().len();
        let reached = self.chain().len() - named;
        let all = self.setup.as_ref().map_or(0, |setup| setup.tasks);
        // Version 0.1 did not write the names, and a run that finished reached all.
        match named {
            0 => 0,
            named => named.max(all.saturating_sub(reached)),
        }
    }

    /// Returns the tasks that were started, in the order of the chain.
    pub(crate) fn started(&self) -> impl Iterator<Item = &TaskHistory> {
        self.chain().into_iter().filter_map(|task| match task {
            ChainTask::Started(task) => Some(task),
            ChainTask::Done(_) | ChainTask::NotReached(_) => None,
        })
    }

    /// Returns the tasks whose last result was a failure, in the order of the chain.
    pub(crate) fn failed(&self) -> Vec<&TaskHistory> {
        let is_failed = |task: &&TaskHistory| task.result() == Some(TaskResult::Retry);
        self.started().filter(is_failed).collect()
    }

    /// Returns the tasks that explain the state: the one that decided the end, those that failed
    /// in a run that finished, or those that were cut off.
    pub(crate) fn causes(&self, now: &Now) -> Vec<Cause<'_>> {
        let is_unfinished = |task: &&TaskHistory| task.is_unfinished();
        let tasks: Vec<&TaskHistory> = match self.header.state(now) {
            RunState::Ended(RunEnd {
                reason: RunReason::FinishedWithFailures,
                ..
            }) => self.failed(),
            RunState::Ended(_) | RunState::WentDown => {
                return self.deciding(now).into_iter().collect();
            }
            RunState::CutOff if self.halt.is_some() => {
                return self.halt_cause().into_iter().collect();
            }
            RunState::CutOff if self.started().any(|task| task.is_unfinished()) => {
                self.started().filter(is_unfinished).collect()
            }
            // It was cut off in a wait.
            RunState::CutOff | RunState::Running => {
                let mut failed = self.failed();
                failed.retain(|task| self.is_current(task));
                failed
            }
        };
        tasks.into_iter().map(Cause::of).collect()
    }

    /// Returns the task that decided the end, unless the run has none or finished.
    pub(crate) fn deciding(&self, now: &Now) -> Option<Cause<'_>> {
        let end = match self.header.state(now) {
            RunState::Ended(end) => end,
            RunState::WentDown => return self.halt_cause(),
            RunState::CutOff | RunState::Running => return None,
        };
        if let Some(name) = &self.decided_by {
            // A signal or its time limit can end the run before the task starts in this try.
            let can_be_next = [RunReason::Interrupted, RunReason::OutOfTime].contains(&end.reason);
            let task = self.task(name);
            return Some(Cause {
                name,
                task: task.filter(|task| !can_be_next || self.is_current(task)),
                tries: self.tries,
            });
        }
        // Version 0.1 did not write it.
        match end.reason {
            RunReason::GaveUp | RunReason::OutOfTime => self.last_with(TaskResult::Retry),
            RunReason::Halted => self.last_with(TaskResult::Halt),
            RunReason::HaltsUsedUp => {
                let halting = self.last_with(TaskResult::Halt);
                halting.or_else(|| self.last_with(TaskResult::Retry))
            }
            RunReason::Stopped => self.last_with(TaskResult::Exit),
            _ => None,
        }
    }

    /// Returns the task because of which the halt task started.
    fn halt_cause(&self) -> Option<Cause<'_>> {
        let halted = self.halt.as_ref()?.reason == RunReason::Halted.as_str();
        self.last_with(if halted {
            TaskResult::Halt
        } else {
            TaskResult::Retry
        })
    }

    /// Returns the task that was the last to end with `result`.
    fn last_with(&self, result: TaskResult) -> Option<Cause<'_>> {
        let tasks = self.tasks.iter();
        let ended = tasks.filter(|task| task.result() == Some(result) && task.is_required());
        let last = ended.max_by_key(|task| task.end.as_ref().map(|end| end.at));
        last.map(Cause::of)
    }

    /// Returns `true` if `task` has started in the last try.
    fn is_current(&self, task: &TaskHistory) -> bool {
        let last = task.last();
        last.is_some_and(|last| last.try_num == self.header.try_num)
    }
}
