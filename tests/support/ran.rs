//! The result of a story, and assertions about it. Each assertion returns the result, so
//! they can be chained.

use std::{fs, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use super::Test;

/// A story that has ended.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    /// Time from the start of the program to its end.
    pub(crate) elapsed: Duration,
    /// Command line of the program, for messages.
    pub(super) command: String,
    /// Output on stdout, of the program and of its tasks.
    pub(crate) stdout: String,
    /// Output on stderr, of the program and of its tasks.
    pub(crate) stderr: String,
    /// The story, with its directory.
    pub(crate) test: Test,
}

impl Ran {
    /// Asserts that the program exited with this status.
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

    /// Asserts that exactly these tasks started, in this order.
    #[track_caller]
    pub(crate) fn order(self, expected: &str) -> Ran {
        let order: Vec<String> = self.lines("order");
        assert_eq!(order.join(" "), expected, "order; {}", self.transcript());
        self
    }

    /// Asserts that stdout is exactly this.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Ran {
        assert_eq!(self.stdout, expected, "stdout; {}", self.transcript());
        self
    }

    /// Asserts that stderr is exactly this.
    #[track_caller]
    pub(crate) fn stderr(self, expected: &str) -> Ran {
        assert_eq!(self.stderr, expected, "stderr; {}", self.transcript());
        self
    }

    /// Asserts that stderr contains this.
    #[track_caller]
    pub(crate) fn says(self, expected: &str) -> Ran {
        assert!(
            self.stderr.contains(expected),
            "no {expected:?}; {}",
            self.transcript()
        );
        self
    }

    /// Asserts that stderr does not contain this.
    #[track_caller]
    pub(crate) fn does_not_say(self, unexpected: &str) -> Ran {
        assert!(
            !self.stderr.contains(unexpected),
            "{unexpected:?}; {}",
            self.transcript()
        );
        self
    }

    /// Asserts that the program took less than `time`.
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

    /// Returns a new story in the same directory, with the files of this one.
    pub(crate) fn again(mut self) -> Test {
        self.test.before.clear();
        self.test.after.clear();
        self.test
    }

    /// The JSON that the hook of [`Test::hook`] received, one line per call.
    pub(crate) fn hooks(&self) -> Vec<String> {
        self.lines("hooks")
    }

    /// Content of a file of the story, empty if it does not exist.
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
