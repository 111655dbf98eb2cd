//! Words of other tools, and what to write for them in a configuration.

use self::Synonym::{Hint, Of};
use crate::nearest::fold;

/// Counterpart of a word of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synonym {
    /// The setting of this name.
    Of(&'static str),
    /// No setting has exactly this meaning; the hint has the alternative.
    Hint(&'static str),
}

/// Returns the counterpart of `name`, in any case and with `-` or `_`.
pub(crate) fn synonym(name: &str) -> Option<Synonym> {
    Some(match &*fold(name) {
        "timeout" | "time_limit" => Of("max_time"),
        "retries" | "max_retries" => Hint("`max_tries` counts the first try too: retries + 1"),
        "attempts" => Of("max_tries"),
        "delay" | "interval" | "sleep" => Of("sleep_time"),
        "jitter" => Of("retry_jitter"),
        "parallel" | "workers" | "max_parallel" => Of("jobs"),
        "hook" => Of("task_hook"),
        "on_failure" | "halt" => Of("halt_task"),
        "depends" | "needs" | "requires" | "after" | "depend_on" => Of("depends_on"),
        "environment" => Hint("environment variables belong in `[env]`"),
        "user" | "cwd" | "nice" | "umask" => {
            Hint("not a setting; see `interpreter` in runner.cfg(5)")
        }
        _ => return None,
    })
}
