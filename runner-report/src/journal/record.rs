//! One line of the journal, as it is written and as it is read back.

use std::borrow::Cow;

use jiff::Timestamp;
use runner_config::escape_json;
use serde::{Deserialize, Serialize};

/// The version of this schema, which `run-start` says. Members and events may be added
/// to a version; what is there keeps its meaning.
pub const VERSION: u32 = 1;

/// Text of a line: borrowed from it, unless something in it is escaped.
pub type Text<'a> = Cow<'a, str>;

/// A line: what happened, when, and in which run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Record<'a> {
    /// When it happened, in UTC.
    #[serde(with = "milliseconds")]
    pub ts: Timestamp,
    /// The id of the run.
    #[serde(borrow)]
    pub run: Text<'a>,
    /// Which time the machine was running for, or nothing where it does not say.
    #[serde(borrow, default)]
    pub boot: Text<'a>,
    /// What happened.
    #[serde(flatten, borrow)]
    pub entry: Entry<'a>,
}

/// What happened, by the member `event`, with its own members. Times are seconds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Entry<'a> {
    /// A run starts.
    RunStart {
        /// The version of the schema, [`VERSION`].
        version: u32,
        /// The process of the runner.
        pid: i32,
        /// When that process started, in clock ticks since the machine did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_time: Option<u64>,
        /// The absolute path of the task directory.
        #[serde(borrow)]
        taskdir: Text<'a>,
        /// How many tasks there are in the chain.
        tasks: usize,
        /// How many of them may run at the same time.
        jobs: usize,
        /// The `max_tries` of the chain; 0 tries for ever.
        max_tries: u32,
        /// Tasks that are not started, since they are done: `once` or `once-per-boot`.
        #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
        done: Vec<Text<'a>>,
    },
    /// A try of the chain starts.
    TryStart {
        /// Its number, from 1.
        try_num: u32,
    },
    /// A hook is started now.
    HookStart {
        /// The task that it is run for.
        #[serde(borrow)]
        task: Text<'a>,
        /// `pre` or `post`.
        #[serde(borrow)]
        phase: Text<'a>,
    },
    /// A hook has ended.
    HookEnd {
        /// The task that it was run for.
        #[serde(borrow)]
        task: Text<'a>,
        /// `pre` or `post`.
        #[serde(borrow)]
        phase: Text<'a>,
        /// What it did, as `RUNNER_OUTCOME` says it.
        #[serde(borrow)]
        outcome: Text<'a>,
        /// How long it ran.
        elapsed: f64,
    },
    /// A task was started. There is none for one that could not be.
    TaskStart {
        /// The task.
        #[serde(borrow)]
        task: Text<'a>,
        /// The number of the try.
        try_num: u32,
        /// Its process, which leads a group of this number.
        pid: i32,
    },
    /// A task has ended.
    TaskEnd {
        /// The task.
        #[serde(borrow)]
        task: Text<'a>,
        /// The number of the try.
        try_num: u32,
        /// What hooks hear: `OK`, `RETRY`, `HALT`, `EXIT` or `INTERRUPTED`.
        #[serde(borrow)]
        result: Text<'a>,
        /// What it did, as `RUNNER_OUTCOME` says it.
        #[serde(borrow)]
        outcome: Text<'a>,
        /// How long it ran.
        elapsed: f64,
        /// How long it might run; not there without a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
        /// Why it did not start, when it did not.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        why: Option<Text<'a>>,
        /// The file that has its output, with `log_dir`.
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        output: Option<Text<'a>>,
    },
    /// Nothing is started for this long.
    Wait {
        /// How long.
        seconds: f64,
        /// What for: the next `try` or `run`.
        #[serde(borrow)]
        before: Text<'a>,
    },
    /// The halt task starts.
    HaltStart {
        /// Its name.
        #[serde(borrow)]
        task: Text<'a>,
        /// Why, as `RUNNER_HALT_REASON` says it.
        #[serde(borrow)]
        reason: Text<'a>,
    },
    /// The halt task has ended.
    HaltEnd {
        /// Its name.
        #[serde(borrow)]
        task: Text<'a>,
        /// What it did, as `RUNNER_OUTCOME` says it.
        #[serde(borrow)]
        outcome: Text<'a>,
        /// How long it ran.
        elapsed: f64,
    },
    /// A run has ended. The halt task of `-H` comes behind it.
    RunEnd {
        /// The exit status that the runner would have now.
        status: u8,
        /// How: `finished`, `finished-with-failures`, `gave-up`, `halted`, `stopped`,
        /// `interrupted`, or `halts-used-up` where `max_halts` kept the halt task back.
        #[serde(borrow)]
        reason: Text<'a>,
        /// How long it took, without the halt task of `-H`.
        elapsed: f64,
    },
    /// A run that never started.
    Refused {
        /// The exit status of the runner.
        status: u8,
        /// Why, as the runner said it.
        #[serde(borrow)]
        reason: Text<'a>,
    },
    /// An event of a later version.
    #[serde(other, skip_serializing)]
    Unknown,
}

impl Record<'_> {
    /// The line, with its end.
    pub fn line(&self) -> String {
        match serde_json::to_string(self) {
            Ok(line) => escape_json(line) + "\n",
            Err(error) => unreachable!("strings and numbers are JSON: {error}"),
        }
    }
}

/// RFC 3339 with milliseconds and `Z`.
mod milliseconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(ts: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{ts:.3}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}
