//! The settings that a task can override.

use std::{collections::BTreeSet, ffi::OsString, time::Duration};

/// A command: the program, then its arguments; never empty.
pub type Words = Vec<OsString>;

/// Exit codes with a meaning other than "try again".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// Continue.
    pub ok: BTreeSet<u8>,
    /// Continue: the task does not apply here.
    pub skip: BTreeSet<u8>,
    /// Run the halt task, then end.
    pub halt: BTreeSet<u8>,
    /// End, without the halt task.
    pub stop: BTreeSet<u8>,
}

/// Maximum number of tries; 0 = no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaxTries {
    /// Counts the tries of the chain.
    OfChain(u32),
    /// Counts the failures of this task in the run.
    OfTask(u32),
}

impl Default for MaxTries {
    fn default() -> MaxTries {
        MaxTries::OfChain(0)
    }
}

impl MaxTries {
    /// Returns the number, for hooks and tasks.
    pub fn number(self) -> u32 {
        match self {
            MaxTries::OfChain(number) | MaxTries::OfTask(number) => number,
        }
    }
}

/// Treatment of processes that a finished task left in its process group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftovers {
    /// Wait for `leak_time`, then end them.
    Kill,
    /// Wait for `leak_time`, then report them.
    #[default]
    Report,
    /// Do not wait for them.
    Allow,
}

/// Frequency at which a task runs again after a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frequency {
    /// In every run, and in every try.
    #[default]
    Always,
    /// Not again before the machine boots again.
    OncePerBoot,
    /// Not again on this machine; a copy of its disk runs it again.
    OncePerMachine,
    /// Never again.
    Once,
}

impl Frequency {
    /// Returns its word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Frequency::Always => "always",
            Frequency::OncePerBoot => "once-per-boot",
            Frequency::OncePerMachine => "once-per-machine",
            Frequency::Once => "once",
        }
    }
}

/// Start of a retry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetryFrom {
    /// At the start of the chain: all tasks are started again.
    #[default]
    Start,
    /// At the failed task: tasks that are done stay done.
    Failed,
}

/// Settings of one task, except `depends_on`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskSettings {
    /// Minimum wait before a retry.
    pub sleep_time: Duration,
    /// Maximum random time to add; `None` = `sleep_time`.
    pub retry_jitter: Option<Duration>,
    /// Factor of the wait for each further try; finite, 0 or more.
    pub retry_backoff: f64,
    /// Maximum of one wait; `None` = no limit.
    pub max_sleep: Option<Duration>,
    /// Maximum number of tries before giving up.
    pub max_tries: MaxTries,
    /// Time limit of the task; `None` = no limit.
    pub max_time: Option<Duration>,
    /// Time limit of a hook; `None` = no limit.
    pub hook_time: Option<Duration>,
    /// Time between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
    /// Timeout for processes that are left in the group.
    pub leak_time: Duration,
    /// Treatment of processes that are left after that.
    pub leftovers: Leftovers,
    /// Words before the path of the task.
    pub interpreter: Option<Words>,
    /// Meaning of exit codes.
    pub codes: Codes,
    /// The task is part of the chain.
    pub enabled: bool,
    /// The chain does not continue before it has succeeded.
    pub required: bool,
    /// Frequency at which it runs.
    pub frequency: Frequency,
}

/// The settings of the codes that end the chain.
pub(crate) const END_CODES: [&str; 2] = ["halt_codes", "stop_codes"];

impl TaskSettings {
    /// Returns `true` if the task is not started again once it is done.
    pub fn runs_once(&self) -> bool {
        self.frequency != Frequency::Always
    }

    /// Removes the codes that end the chain from a task that is not required, except for those
    /// settings that `is_own` finds in its own section.
    pub(crate) fn without_inherited_ends(mut self, is_own: impl Fn(&str) -> bool) -> TaskSettings {
        let lists = [&mut self.codes.halt, &mut self.codes.stop];
        for (name, list) in END_CODES.into_iter().zip(lists) {
            if !self.required && !is_own(name) {
                list.clear();
            }
        }
        self
    }
}
