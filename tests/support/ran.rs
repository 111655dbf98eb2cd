//! The result of a story, and what a test asserts about it.

use std::{fs, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use super::Test;

/// What became of a story.
pub(crate) struct Ran {
    pub(super) status: ExitStatus,
    /// From the start of the program to its end.
    pub(crate) elapsed: Duration,
    /// How it was called.
    pub(super) command: String,
    /// What it wrote to stdout, the tasks' output included.
    pub(crate) stdout: String,
    /// What it wrote to stderr, the tasks' output included.
    pub(crate) stderr: String,
    /// The story, with its directory.
    pub(crate) test: Test,
}

impl Ran {
    /// The exit status is this.
    #[track_caller]
    pub(crate) fn status(self, expected: i32) -> Ran {
        let found = match self.status.code() {
            Some(code) => code,
            None => panic!(
                "ended by signal {:?}: {}",
                self.status.signal(),
                self.transcript()
            ),
        };
        assert_eq!(found, expected, "exit status; {}", self.transcript());
        self
    }

    /// The tasks ran in this order, and no others did.
    #[track_caller]
    pub(crate) fn order(self, expected: &str) -> Ran {
        let order: Vec<String> = self.lines("order");
        assert_eq!(order.join(" "), expected, "order; {}", self.transcript());
        self
    }

    /// stdout is this.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Ran {
        assert_eq!(self.stdout, expected, "stdout; {}", self.transcript());
        self
    }

    /// stderr is this.
    #[track_caller]
    pub(crate) fn stderr(self, expected: &str) -> Ran {
        assert_eq!(self.stderr, expected, "stderr; {}", self.transcript());
        self
    }

    /// stderr holds this.
    #[track_caller]
    pub(crate) fn says(self, expected: &str) -> Ran {
        assert!(
            self.stderr.contains(expected),
            "no {expected:?}; {}",
            self.transcript()
        );
        self
    }

    /// stderr does not hold this.
    #[track_caller]
    pub(crate) fn does_not_say(self, unexpected: &str) -> Ran {
        assert!(
            !self.stderr.contains(unexpected),
            "{unexpected:?}; {}",
            self.transcript()
        );
        self
    }

    /// It took less than this.
    #[track_caller]
    pub(crate) fn within(self, time: Duration) -> Ran {
        assert!(
            self.elapsed < time,
            "took {:?}; {}",
            self.elapsed,
            self.transcript()
        );
        self
    }

    /// The next story, in the directory that this one left.
    pub(crate) fn again(mut self) -> Test {
        self.test.before.clear();
        self.test.after.clear();
        self.test
    }

    /// What the hook of [`Test::hook`] heard.
    pub(crate) fn hooks(&self) -> Vec<String> {
        self.lines("hooks")
    }

    /// A file of the story, or nothing.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.test.path(name)).unwrap_or_default()
    }

    /// The lines of a file of the story.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(str::to_owned).collect()
    }

    pub(super) fn transcript(&self) -> String {
        let (command, stdout, stderr) = (&self.command, &self.stdout, &self.stderr);
        format!("{command}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}
