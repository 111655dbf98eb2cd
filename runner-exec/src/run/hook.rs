//! What a hook hears: the JSON that is its last argument.

use runner_config::MaxTries;
use serde::Serialize;

use crate::{chain::verdict::TaskResult, plan::task_name::TaskName};

/// The members of the JSON, in their order. It is a promise: a release is
/// verified against the snapshots of it.
#[derive(Debug, Serialize)]
pub struct TaskStats {
    task: String,
    try_num: u32,
    max_retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<TaskResult>,
}

impl TaskStats {
    /// What is said of `task`; `result` is there after the task only. A name
    /// that is not UTF-8 is shown with U+FFFD.
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

    /// The compact JSON: raw UTF-8, in which only quotes, backslashes and
    /// control characters are escaped.
    pub fn json(&self) -> String {
        match serde_json::to_string(self) {
            Ok(json) => json,
            Err(error) => unreachable!("strings and numbers are JSON: {error}"),
        }
    }
}

/// On which side of the task a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the task.
    Pre,
    /// After it.
    Post,
}

impl Phase {
    /// Reads the word of [`Phase::as_str`].
    pub fn parse(word: &str) -> Option<Phase> {
        let mut phases = [Phase::Pre, Phase::Post].into_iter();
        phases.find(|phase| phase.as_str() == word)
    }

    /// The word in `RUNNER_HOOK`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Pre => "pre",
            Phase::Post => "post",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_these_in_this_order() {
        let name = TaskName::new("3-\"clobber\"\\\n\u{7f}é.sh");
        let stats = |result| TaskStats::new(&name, 1, MaxTries::OfTask(5), result).json();
        assert_eq!(
            stats(None),
            r#"{"task":"3-\"clobber\"\\\né.sh","try_num":1,"max_retries":5}"#
                .replace("né", "n\u{7f}é")
        );
        for (result, word) in [
            (TaskResult::Ok, "OK"),
            (TaskResult::Retry, "RETRY"),
            (TaskResult::Halt, "HALT"),
            (TaskResult::Exit, "EXIT"),
            (TaskResult::Interrupted, "INTERRUPTED"),
        ] {
            let end = format!(r#","max_retries":5,"result":"{word}"}}"#);
            assert!(stats(Some(result)).ends_with(&end));
            assert_eq!(result.as_str(), word);
        }
    }
}
