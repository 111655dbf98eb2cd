//! Processes: the start and the end of tasks, and the processes they leave behind.
//!
//! Limits are short, and tasks sleep for long. So a story that takes more than 10 seconds
//! has waited for something that it must not wait for.

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

/// Maximum time of a story that must not wait for its tasks.
const SOON: Duration = Duration::from_secs(10);

/// Shell function that waits for a file, which another process or the story creates. It
/// continues if a signal ends its `sleep`.
const WAIT_FUNCTION: &str =
    "wait_for() { until [ -e \"$1\" ]; do sleep 0.02 2>/dev/null || sleep 1; done; }";

/// Body of a task that ignores signals, creates the file `ready` and runs forever.
const IGNORE_SIGNALS: &str = "trap '' TERM INT HUP QUIT\n: >ready\nwhile :; do sleep 30; done";

impl Test {
    /// Adds a task whose body can call [`WAIT_FUNCTION`].
    #[track_caller]
    fn waiting(self, name: &str, body: &str) -> Test {
        self.task(name, &format!("{WAIT_FUNCTION}\n{body}"))
    }
}

/// Command that starts a daemon, and waits until it has a session of its own.
fn daemon(name: &str) -> String {
    format!("setsid sh -c ': >{name}; exec sleep 30' & wait_for {name}")
}
