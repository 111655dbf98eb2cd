//! The phases of hooks, and the JSON argument of the task hook.

use runner_config::MaxTries;
use serde::Serialize;

use crate::{chain::verdict::TaskResult, plan::task_name::TaskName};

/// The members of the JSON, in their order. Users depend on this format: a release is verified
/// against its snapshots.
#[derive(Debug, Serialize)]
pub struct TaskStats {
    task: String,
    try_num: u32,
    /// The name of the original program for `max_tries`.
    max_retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<TaskResult>,
}

impl TaskStats {
    /// Creates the JSON for `task`; `result` is set after the task only. Bytes of a name that are
    /// not UTF-8 become U+FFFD.
    pub fn new(
        task: &TaskName,
        try_num: u32,
        max_tries: MaxTries,
        result: Option<TaskResult>,
    ) -> TaskStats {
        TaskStats {
            task: task.as_os_str().to_string_lossy().into_owned(),
            try_num,
            max_retries: max_tries.number(),
            result,
        }
    }

    /// Returns compact JSON: raw UTF-8, in which only quotes, backslashes and control characters
    /// are escaped.
    pub fn json(&self) -> String {
        json(self)
    }
}

pub(super) fn json(stats: &impl Serialize) -> String {
    match serde_json::to_string(stats) {
        Ok(json) => json,
        Err(error) => unreachable!("strings and numbers are JSON: {error}"),
    }
}

/// A hook, and what it runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOf<'a> {
    /// The task hook, for this task.
    Task(&'a TaskName, Phase),
    /// The run hook.
    Run(RunPhase),
}

impl HookOf<'_> {
    /// Returns the name under which its output is shown and the lock records it.
    pub fn name(self) -> TaskName {
        match self {
            HookOf::Task(task, _) => task.clone(),
            HookOf::Run(_) => TaskName::new("run hook"),
        }
    }
}

/// Phase of the task hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the task.
    Pre,
    /// After it.
    Post,
}

impl Phase {
    /// Parses the word of [`Phase::as_str`].
    pub fn parse(word: &str) -> Option<Phase> {
        let mut phases = [Phase::Pre, Phase::Post].into_iter();
        phases.find(|phase| phase.as_str() == word)
    }

    /// Returns the word in `RUNNER_HOOK`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Pre => "pre",
            Phase::Post => "post",
        }
    }
}

/// Phase of the run hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunPhase {
    /// When the run starts.
    Start,
    /// When its chain has ended.
    End,
}

impl RunPhase {
    /// Parses the word of [`RunPhase::variable`].
    pub(crate) fn parse(word: &str) -> Option<RunPhase> {
        let mut phases = [RunPhase::Start, RunPhase::End].into_iter();
        phases.find(|phase| phase.variable() == word)
    }

    /// Returns the word in the JSON and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            RunPhase::Start => "start",
            RunPhase::End => "end",
        }
    }

    /// Returns the word in `RUNNER_HOOK`.
    pub fn variable(self) -> &'static str {
        match self {
            RunPhase::Start => "run-start",
            RunPhase::End => "run-end",
        }
    }
}
