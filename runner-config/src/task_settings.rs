//! The settings that may differ from task to task.

use std::{collections::BTreeSet, ffi::OsString, time::Duration};

/// A command: the program, then its arguments; never empty.
pub type Words = Vec<OsString>;

/// The exit codes that mean something other than "try again".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// Go on.
    pub ok: BTreeSet<u8>,
    /// Run the halt task, then stop.
    pub halt: BTreeSet<u8>,
    /// Stop, without the halt task.
    pub stop: BTreeSet<u8>,
}

/// How often the chain may be tried; 0 means for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaxTries {
    /// The number of the try counts.
    OfChain(u32),
    /// The failures of the task itself in this run count.
    OfTask(u32),
}

impl Default for MaxTries {
    fn default() -> MaxTries {
        MaxTries::OfChain(0)
    }
}

impl MaxTries {
    /// The number, as hooks and tasks see it.
    pub fn number(self) -> u32 {
        match self {
            MaxTries::OfChain(number) | MaxTries::OfTask(number) => number,
        }
    }
}

/// What to do with what a finished task left running in its process group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftovers {
    /// Wait for `leak_time`, then end it.
    Kill,
    /// Wait for `leak_time`, then name it and leave it.
    #[default]
    Report,
    /// Leave it at once.
    Allow,
}

/// How often a task that succeeded is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frequency {
    /// In every run, and in every try.
    #[default]
    Always,
    /// Not again before the machine boots again.
    OncePerBoot,
    /// Never again.
    Once,
}

impl Frequency {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Frequency::Always => "always",
            Frequency::OncePerBoot => "once-per-boot",
            Frequency::Once => "once",
        }
    }
}

/// Where a retry starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RetryFrom {
    /// At the start of the chain: all tasks are started again.
    #[default]
    Start,
    /// At the failed task: what is done stays done.
    Failed,
}

/// Everything that is in force for one task, beside what it depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskSettings {
    /// Least time to wait before a retry.
    pub sleep_time: Duration,
    /// A random time from 0 to this is added; `None` for `sleep_time`.
    pub retry_jitter: Option<Duration>,
    /// The wait is multiplied by this for each further try; finite, 0 or more.
    pub retry_backoff: f64,
    /// Upper bound of one wait.
    pub max_sleep: Option<Duration>,
    /// When to give up.
    pub max_tries: MaxTries,
    /// How long the task may run.
    pub max_time: Option<Duration>,
    /// How long a hook may run.
    pub hook_time: Option<Duration>,
    /// Time between asking to end and killing.
    pub kill_grace: Duration,
    /// How long to wait for what is left in the group.
    pub leak_time: Duration,
    /// What to do with it then.
    pub leftovers: Leftovers,
    /// Words put before the task's path.
    pub interpreter: Option<Words>,
    /// What exit codes mean.
    pub codes: Codes,
    /// Whether the task is part of the chain.
    pub enabled: bool,
    /// Whether the chain has to wait for its success.
    pub required: bool,
    /// How often it is started.
    pub frequency: Frequency,
}
