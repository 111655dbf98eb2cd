//! Processes: how tasks start, how they end, and what they leave.
//!
//! Times are short for what has to end, and long for what would have to wait: a
//! story that takes 10 seconds waited for something that it should not wait for.

mod ends;
mod environment;
mod failed_starts;
mod halt_task;
mod leftovers;
mod limits;
mod parallel;
mod signals;
mod start;

use std::time::Duration;

use crate::support::Test;

const SOON: Duration = Duration::from_secs(10);

/// Shell functions: one waits for a file, which another process or the story
/// makes; one does so in a way that no signal but KILL ends.
const WAIT_FUNCTION: &str =
    "wait_for() { until [ -e \"$1\" ]; do sleep 0.02 2>/dev/null || sleep 1; done; }";

/// What ignores every signal that can be ignored.
const IGNORE_SIGNALS: &str = "trap '' TERM INT HUP QUIT\n: >ready\nwhile :; do sleep 30; done";

impl Test {
    /// A task with [`WAIT_FUNCTION`] in it.
    #[track_caller]
    fn waiting(self, name: &str, body: &str) -> Test {
        self.task(name, &format!("{WAIT_FUNCTION}\n{body}"))
    }
}

/// Starts a daemon as `setsid` does, and waits until it has a session of its own.
fn daemon(name: &str) -> String {
    format!("setsid sh -c ': >{name}; exec sleep 30' & wait_for {name}")
}
