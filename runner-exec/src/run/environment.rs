//! The runner's own variables: what tasks, hooks and the halt task see.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the inherited environment is cleaned"
)]

use std::{
    env,
    ffi::{OsStr, OsString},
    sync::Arc,
    time::Duration,
};

use crate::{
    chain::verdict::TaskResult,
    plan::Task,
    process::{command::CommandLine, outcome::Outcome},
    run::{hook::Phase, run_id::RunId},
};

/// What all processes of a run see: without the variables that only the runner inherits, its
/// own ones from a runner above it and those of a service manager; then `[env]`.
#[derive(Clone, Debug)]
pub struct Environment(Vec<(OsString, Option<OsString>)>);

/// What is seen of the task that a process is started for.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The task.
    pub task: &'a Task,
    /// The number of the try.
    pub try_num: u32,
    /// What became of the task, once that is known.
    pub end: Option<(TaskResult, &'a Outcome)>,
}

/// Why the halt task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltReason {
    /// A task asked for it.
    Halted,
    /// The tries were used up.
    GaveUp,
    /// `-H`, and the runs have finished.
    HaltAfter,
}

impl HaltReason {
    /// The word in `RUNNER_HALT_REASON`.
    pub fn as_str(self) -> &'static str {
        match self {
            HaltReason::Halted => "halted",
            HaltReason::GaveUp => "gave-up",
            HaltReason::HaltAfter => "halt-after",
        }
    }
}

/// Those that only some processes see; one that was inherited would mislead the others.
const SOMETIMES: [&str; 5] = [
    "RUNNER_HOOK",
    "RUNNER_RESULT",
    "RUNNER_OUTCOME",
    "RUNNER_ELAPSED",
    "RUNNER_HALT_REASON",
];

/// What a service manager gave to the runner alone: a task that spoke to it would speak
/// for the runner, and sockets are those of the process that LISTEN_PID names, which is
/// COMMAND in the end. JOURNAL_STREAM is not among them: it names a file by device and
/// inode, so a task whose stderr is another one sees that.
const NOT_FOR_TASKS: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// Variables with which the runner executes itself again in a limited address space: its
/// threads share one heap and have small stacks. The first one marks that the others are the
/// runner's own, which tasks and COMMAND do not get.
pub const SMALL_ADDRESS_SPACE: [(&str, &str); 3] = [
    ("RUNNER_SMALL_ADDRESS_SPACE", "1"),
    ("MALLOC_ARENA_MAX", "1"),
    ("RUST_MIN_STACK", "524288"),
];

/// The names of [`SMALL_ADDRESS_SPACE`] if this process was executed with them.
pub fn small_address_space() -> impl Iterator<Item = &'static str> {
    let names = SMALL_ADDRESS_SPACE.map(|(name, _)| name);
    let has_them = env::var_os(names[0]).is_some();
    names.into_iter().filter(move |_| has_them)
}

/// The variables that tell the processes of one start from those of all others.
pub(crate) const COOKIE: [&str; 5] = [
    "RUNNER_RUN_ID",
    "RUNNER_TASK",
    "RUNNER_TRY_NUM",
    "RUNNER_HOOK",
    "RUNNER_HALT_REASON",
];

impl Environment {
    /// The environment of the run `id`.
    pub fn new(env: &[(String, String)], config_cmd: &OsStr, id: &RunId) -> Environment {
        let is_set = |name: &str| env.iter().any(|(set, _)| set == name);
        let not_for_tasks = NOT_FOR_TASKS.into_iter().chain(small_address_space());
        let removed = SOMETIMES
            .into_iter()
            .chain(not_for_tasks.filter(|name| !is_set(name)))
            .filter(|name| env::var_os(name).is_some())
            .map(|name| (name.into(), None));
        let set = (env.iter()).map(|(name, value)| (name.into(), Some(value.into())));
        let own = [
            ("RUNNER_CONFIG_CMD".into(), Some(config_cmd.into())),
            ("RUNNER_RUN_ID".into(), Some(id.as_str().into())),
        ];
        Environment(removed.chain(set).chain(own).collect())
    }

    /// Gives `command` what a task sees.
    pub fn task(&self, command: CommandLine, seen: Seen) -> CommandLine {
        self.give(command, seen, None)
    }

    /// Gives `command` what a hook sees; `elapsed` is how long the task ran.
    pub fn hook(
        &self,
        command: CommandLine,
        seen: Seen,
        phase: Phase,
        elapsed: Duration,
    ) -> CommandLine {
        let elapsed = format!("{:.3}", elapsed.as_secs_f64());
        let elapsed = seen.end.map(|_| ("RUNNER_ELAPSED", elapsed));
        let phase = ("RUNNER_HOOK", phase.as_str().to_owned());
        self.give(command, seen, [phase].into_iter().chain(elapsed))
    }

    /// Gives `command` what the halt task sees.
    pub fn halt(&self, command: CommandLine, seen: Seen, reason: HaltReason) -> CommandLine {
        let reason = ("RUNNER_HALT_REASON", reason.as_str().to_owned());
        self.give(command, seen, [reason])
    }

    fn give(
        &self,
        mut command: CommandLine,
        seen: Seen,
        more: impl IntoIterator<Item = (&'static str, String)>,
    ) -> CommandLine {
        let Seen { task, try_num, end } = seen;
        let mut env = self.0.clone();
        let mut set = |name: &str, value: OsString| env.push((name.into(), Some(value)));
        set("RUNNER_TASK", task.name.as_os_str().to_owned());
        more.into_iter()
            .for_each(|(name, value)| set(name, value.into()));
        if let Some((result, outcome)) = end {
            set("RUNNER_RESULT", result.as_str().into());
            set("RUNNER_OUTCOME", outcome.to_string().into());
        }
        let max_tries = task.settings.max_tries.number();
        set("RUNNER_TRY_NUM", try_num.to_string().into());
        set("RUNNER_MAX_TRIES", max_tries.to_string().into());
        command.env = Arc::new(env);
        command
    }
}
