//! The maximum duration of a run, from the limits of its processes.

use std::time::Duration;

use runner_config::MaxTries;

use crate::{
    chain::worst_case::{TimedTask, longest},
    plan::{Plan, Task, task_name::TaskName},
    process::Limits,
};

/// The reason why a run has no maximum duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlimited<'a> {
    /// This task, or the halt task, has no time limit.
    Task(&'a TaskName),
    /// The hook of this task has no time limit.
    Hook(&'a TaskName),
    /// The run hook has no time limit.
    RunHook,
    /// This task is tried without end.
    Tries(&'a TaskName),
}

impl Plan {
    /// Returns the maximum duration of a run that starts all tasks: every hook, task, grace and
    /// wait at its limit. It is exact if `jobs` is 1, there is no `max_run_time`, and the chain has
    /// not too many states; otherwise it is an upper bound.
    ///
    /// # Errors
    ///
    /// A part of the run has no limit.
    pub fn longest_run(&self) -> Result<Duration, Unlimited<'_>> {
        let run_hook = match self.run_hook {
            Some(_) => Limits::of_hook(&self.settings.task, true).longest(),
            None => Some(Duration::ZERO),
        };
        let run_hook = run_hook.ok_or(Unlimited::RunHook)?;
        let halt = self.halt.as_ref().map_or(Ok(Duration::ZERO), task_time)?;
        // After the end of the chain.
        let rest = run_hook.saturating_add(halt);
        let chain = self.longest_chain();
        let Some(limit) = self.settings.max_run_time else {
            return Ok(run_hook.saturating_add(chain?).saturating_add(rest));
        };
        let at_limit = limit.saturating_add(self.longest_end()?);
        let unlimited = chain.map_or(Duration::MAX, |chain| run_hook.saturating_add(chain));
        Ok(at_limit.min(unlimited).saturating_add(rest))
    }

    fn longest_chain(&self) -> Result<Duration, Unlimited<'_>> {
        let mut tasks = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let settings = &*task.settings;
            let is_endless = |max| matches!(max, MaxTries::OfChain(0) | MaxTries::OfTask(0));
            if settings.required && is_endless(settings.max_tries) {
                return Err(Unlimited::Tries(&task.name));
            }
            // One before the task, and one after it.
            let hooks = self.hook_time(task)?.saturating_mul(2);
            let time = task_time(task)?.saturating_add(hooks);
            tasks.push(TimedTask { time, settings });
        }
        let settings = &self.settings;
        Ok(longest(
            &self.nodes,
            settings.retry_from,
            &tasks,
            settings.jobs,
        ))
    }

    /// Returns the maximum time between the time limit of the run and the end of the chain.
    fn longest_end(&self) -> Result<Duration, Unlimited<'_>> {
        let start_hook = Limits::of_hook(&self.settings.task, true).after_limit();
        let mut longest = self
            .run_hook
            .as_ref()
            .map_or(Duration::ZERO, |_| start_hook);
        for task in &self.tasks {
            let limits = Limits::of_task(&task.settings, true);
            let end = limits.after_limit().saturating_add(self.hook_time(task)?);
            longest = longest.max(end);
        }
        Ok(longest)
    }

    /// Returns the maximum duration of a hook of `task`.
    fn hook_time<'a>(&'a self, task: &'a Task) -> Result<Duration, Unlimited<'a>> {
        if self.task_hook.is_none() {
            return Ok(Duration::ZERO);
        }
        let limits = Limits::of_hook(&task.settings, true);
        limits.longest().ok_or(Unlimited::Hook(&task.name))
    }
}

fn task_time(task: &Task) -> Result<Duration, Unlimited<'_>> {
    let limits = Limits::of_task(&task.settings, true);
    limits.longest().ok_or(Unlimited::Task(&task.name))
}
