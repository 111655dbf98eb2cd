//! The settings that may differ from task to task.

use std::{collections::BTreeSet, ffi::OsString, time::Duration};

use crate::{
    problem::{Origin, Problems},
    reader::{Reader, Written, one_of},
    value,
};

/// A command: the program, then its arguments; never empty.
pub type Words = Vec<OsString>;

/// The exit codes that mean something other than "try again".
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl MaxTries {
    /// The number, as hooks and tasks see it.
    pub fn number(self) -> u32 {
        match self {
            MaxTries::OfChain(number) | MaxTries::OfTask(number) => number,
        }
    }
}

/// What to do with what a finished task left running in its process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Wait for `leak_time`, then end it.
    Kill,
    /// Wait for `leak_time`, then name it and leave it.
    Report,
    /// Leave it at once.
    Allow,
}

/// How often a task that succeeded is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// In every run, and in every try.
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

    const fn named(self) -> (&'static str, Frequency) {
        (self.as_str(), self)
    }
}

/// Where a retry starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryFrom {
    /// At the start of the chain: all tasks are started again.
    Start,
    /// At the failed task: what is done stays done.
    Failed,
}

/// Everything that is in force for one task, beside what it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSettings {
    /// Least time to wait before a retry.
    pub sleep_time: Duration,
    /// A random time from 0 to this is added.
    pub retry_jitter: Duration,
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

const LEFTOVERS: &[(&str, Leftovers)] = &[
    ("kill", Leftovers::Kill),
    ("report", Leftovers::Report),
    ("allow", Leftovers::Allow),
];

const FREQUENCIES: &[(&str, Frequency)] = &[
    Frequency::Always.named(),
    Frequency::OncePerBoot.named(),
    Frequency::Once.named(),
];

impl TaskSettings {
    /// What `[runner]` says for all tasks; or what the section of a task says, over that.
    pub(crate) fn read(from: &mut Reader) -> TaskSettings {
        let ok = from.written("ok_codes", value::codes, |common| common.codes.ok.clone());
        let halt = from.written("halt_codes", value::codes, |common| {
            common.codes.halt.clone()
        });
        let stop = from.written("stop_codes", value::codes, |common| {
            common.codes.stop.clone()
        });
        let codes = Codes::checked(ok, halt, stop, from.problems);
        let max_tries = match from.task {
            Some(_) => MaxTries::OfTask,
            None => MaxTries::OfChain,
        };
        let max_tries = |text: &str| value::whole_number(text).map(max_tries);
        TaskSettings {
            sleep_time: from.value("sleep_time", value::duration, |common| common.sleep_time),
            retry_jitter: from.value("retry_jitter", value::duration, |common| {
                common.retry_jitter
            }),
            retry_backoff: from.value("retry_backoff", value::factor, |common| {
                common.retry_backoff
            }),
            max_sleep: from.value("max_sleep", value::limit, |common| common.max_sleep),
            max_tries: from.value("max_tries", max_tries, |common| common.max_tries),
            max_time: from.value("max_time", value::limit, |common| common.max_time),
            hook_time: from.value("hook_time", value::limit, |common| common.hook_time),
            kill_grace: from.value("kill_grace", value::duration, |common| common.kill_grace),
            leak_time: from.value("leak_time", value::duration, |common| common.leak_time),
            leftovers: from.value("leftovers", leftovers(), |common| common.leftovers),
            interpreter: match from.task {
                Some((_, common)) => (from.own("interpreter", value::words))
                    .map_or_else(|| common.interpreter.clone(), Written::command),
                None => from.get("interpreter", value::words).command(),
            },
            codes,
            enabled: (from.own("enabled", value::yes_or_no)).is_none_or(|own| own.value),
            required: (from.own("required", value::yes_or_no)).is_none_or(|own| own.value),
            frequency: (from.own("frequency", frequency()))
                .map_or(Frequency::Always, |own| own.value),
        }
    }
}

fn leftovers() -> impl Fn(&str) -> value::Parsed<Leftovers> {
    one_of(LEFTOVERS, "`kill`, `report` or `allow`")
}

fn frequency() -> impl Fn(&str) -> value::Parsed<Frequency> {
    one_of(FREQUENCIES, "`always`, `once-per-boot` or `once`")
}

impl Codes {
    /// Says so when a code is in two of the lists, where one of the two was written here.
    fn checked(
        ok: Written<BTreeSet<u8>>,
        halt: Written<BTreeSet<u8>>,
        stop: Written<BTreeSet<u8>>,
        problems: &mut Problems,
    ) -> Codes {
        let lists = [
            ("ok_codes", &ok),
            ("halt_codes", &halt),
            ("stop_codes", &stop),
        ];
        for (index, (name, list)) in lists.iter().enumerate() {
            for (other_name, other) in &lists[index + 1..] {
                // The two defaults do not overlap, so one of them was written.
                let (origin, cure) = match list.origin {
                    Origin::Default => (&other.origin, name),
                    _ => (&list.origin, other_name),
                };
                if *origin == Origin::Default {
                    continue;
                }
                for code in list.value.intersection(&other.value) {
                    problems
                        .error(
                            origin.clone(),
                            format!("exit code {code} is in both `{name}` and `{other_name}`"),
                        )
                        .hint(format!("write `{cure} =` without it beside this line"));
                }
            }
        }
        Codes {
            ok: ok.value,
            halt: halt.value,
            stop: stop.value,
        }
    }
}
