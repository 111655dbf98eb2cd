//! State: the files that a run leaves in `state_dir`, and how the next run uses them.

mod forget;
mod halts;
mod journal;
mod lock;
mod marks;

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use crate::support::{Ran, Running, STORY_TIMEOUT, Test, runner};

/// Body of a task that creates the file `ready` and runs until the file `go` exists.
pub(crate) const READY_UNTIL_GO: &str = ": >ready; until [ -e go ]; do sleep 0.02; done";

impl Test {
    /// A story with a state directory.
    #[track_caller]
    pub(crate) fn with_state() -> Test {
        Test::new().config("state_dir = state")
    }

    /// Adds a runtime directory, where a user who is not root can lock without a state directory.
    #[track_caller]
    pub(crate) fn with_runtime_dir(self) -> Test {
        let runtime = self.path("runtime");
        fs::create_dir_all(&runtime).unwrap();
        self.env("XDG_RUNTIME_DIR", runtime)
    }
}

impl Running {
    /// Runs another runner of the same tasks while this one runs. Returns its exit status and
    /// its stderr.
    #[track_caller]
    pub(crate) fn beside(&self, args: &[&str]) -> (Option<i32>, String) {
        self.with_args(&[&["-c", "runner.cfg"], args, &["tasks.d"]].concat())
    }

    /// Runs another runner with these arguments and no others.
    #[track_caller]
    pub(crate) fn with_args(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(args);
        let other = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut other = other.unwrap();
        let clock = Instant::now();
        while other.try_wait().unwrap().is_none() && clock.elapsed() < STORY_TIMEOUT {
            thread::sleep(Duration::from_millis(2));
        }
        // A runner that should have been refused could run its chain for an hour.
        other.kill().unwrap();
        let out = other.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        (out.status.code(), stderr)
    }

    /// Command that runs another runner with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(runner());
        command
            .args(args)
            .current_dir(self.path(""))
            .env("XDG_RUNTIME_DIR", self.path("runtime"))
            .stdin(Stdio::null());
        command
    }
}

impl Ran {
    /// The lines of the journal that are JSON.
    fn journal(&self) -> Vec<Map<String, Value>> {
        let lines = self.lines("state/journal.jsonl");
        let parsed = lines.iter().map(|line| serde_json::from_str(line));
        parsed.filter_map(Result::ok).collect()
    }

    /// The events of the journal, each with the values of these members.
    fn events(&self, members: &[&str]) -> Vec<String> {
        let journal = self.journal();
        let event = |line: &Map<String, Value>| {
            let mut event = line["event"].as_str().unwrap().to_owned();
            for member in members {
                if let Some(value) = line.get(*member) {
                    event += &format!(" {}", value.to_string().trim_matches('"'));
                }
            }
            event
        };
        journal.iter().map(event).collect()
    }
}
