//! The environment of tasks, hooks and the halt task.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the inherited environment is cleaned"
)]

use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
    sync::Arc,
    time::Duration,
};

use crate::{
    chain::verdict::TaskResult,
    plan::Task,
    process::{command::CommandLine, outcome::Outcome},
    run::{
        hook::{Phase, RunPhase},
        outputs::Variables,
        run_id::RunId,
    },
};

/// Environment of all processes of a run: removes inherited variables that are meant for the
/// runner alone (from an outer runner or a service manager), then sets `[env]`.
#[derive(Clone, Debug)]
pub struct Environment(Vec<(OsString, Option<OsString>)>);

/// The task that a process is started for, as its environment shows it.
#[derive(Clone, Copy, Debug)]
pub struct TaskContext<'a> {
    /// The task.
    pub task: &'a Task,
    /// The number of the try.
    pub try_num: u32,
    /// Result and outcome, once the task has ended.
    pub end: Option<(TaskResult, &'a Outcome)>,
    /// The outputs of other tasks that it sees.
    pub outputs: &'a Variables,
}

/// Reason to run the halt task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltReason {
    /// A task requested it.
    Halted,
    /// The tries were used up.
    GaveUp,
    /// The time limit of the run was reached.
    OutOfTime,
    /// All runs have finished, and `-H` is given.
    HaltAfter,
}

impl HaltReason {
    /// Returns the word in `RUNNER_HALT_REASON`.
    pub fn as_str(self) -> &'static str {
        match self {
            HaltReason::Halted => "halted",
            HaltReason::GaveUp => "gave-up",
            HaltReason::OutOfTime => "out-of-time",
            HaltReason::HaltAfter => "halt-after",
        }
    }
}

/// Variables that only some processes get. Inherited ones would mislead the others.
const NOT_FOR_ALL: [&str; 7] = [
    "RUNNER_HOOK",
    "RUNNER_RESULT",
    "RUNNER_OUTCOME",
    "RUNNER_ELAPSED",
    "RUNNER_HALT_REASON",
    "RUNNER_OUTPUTS",
    "RUNNER_DRILL",
];

/// Variables of each process that runs for a task.
const OF_TASK: [&str; 3] = ["RUNNER_TASK", "RUNNER_TRY_NUM", "RUNNER_MAX_TRIES"];

/// Variables of a service manager for the runner alone. A task that used them would notify in the
/// name of the runner, and the sockets belong to the process of LISTEN_PID, which becomes
/// COMMAND. JOURNAL_STREAM is not among them: it has device and inode of stderr, so a task with
/// another stderr can notice.
const NOT_FOR_TASKS: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// Variables with which the runner executes itself again in a limited address space: its
/// threads share one heap and have small stacks. If the first one is set, the runner has set
/// the others, and tasks and COMMAND do not get them.
pub const SMALL_ADDRESS_SPACE: [(&str, &str); 3] = [
    ("RUNNER_SMALL_ADDRESS_SPACE", "1"),
    ("MALLOC_ARENA_MAX", "1"),
    ("RUST_MIN_STACK", "524288"),
];

/// Returns the names of [`SMALL_ADDRESS_SPACE`] if this process was executed with them.
pub fn small_address_space() -> impl Iterator<Item = &'static str> {
    let names = SMALL_ADDRESS_SPACE.map(|(name, _)| name);
    let has_them = env::var_os(names[0]).is_some();
    names.into_iter().filter(move |_| has_them)
}

/// Variables whose values together identify the processes of one start.
pub(crate) const COOKIE: [&str; 5] = [
    "RUNNER_RUN_ID",
    "RUNNER_TASK",
    "RUNNER_TRY_NUM",
    "RUNNER_HOOK",
    "RUNNER_HALT_REASON",
];

impl Environment {
    /// Creates the environment of the run `id`.
    pub fn new(env: &[(String, String)], config_cmd: &OsStr, id: &RunId) -> Environment {
        let is_set = |name: &str| env.iter().any(|(set, _)| set == name);
        let not_for_tasks = NOT_FOR_TASKS.into_iter().chain(small_address_space());
        let removed = NOT_FOR_ALL
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

    /// Returns the environment of a drill.
    pub(super) fn for_drill(mut self) -> Environment {
        self.0.push(("RUNNER_DRILL".into(), Some("1".into())));
        self
    }

    /// Sets the environment of a task, which writes its own outputs to `outputs`.
    pub fn task(
        &self,
        command: CommandLine,
        context: TaskContext,
        outputs: Option<&Path>,
    ) -> CommandLine {
        let outputs = outputs.map(|path| ("RUNNER_OUTPUTS", path.as_os_str().to_owned()));
        self.give(command, context, outputs)
    }

    /// Sets the environment of a hook; `elapsed` is the duration of the task.
    pub fn hook(
        &self,
        command: CommandLine,
        context: TaskContext,
        phase: Phase,
        elapsed: Duration,
    ) -> CommandLine {
        let elapsed = format!("{:.3}", elapsed.as_secs_f64());
        let elapsed = context.end.map(|_| ("RUNNER_ELAPSED", elapsed.into()));
        let phase = ("RUNNER_HOOK", phase.as_str().into());
        self.give(command, context, [phase].into_iter().chain(elapsed))
    }

    /// Sets the environment of the run hook, which has no task. `outputs` are those of all tasks.
    pub(super) fn run_hook(
        &self,
        mut command: CommandLine,
        phase: RunPhase,
        outputs: Variables,
    ) -> CommandLine {
        let mut env = self.0.clone();
        env.extend((outputs.into_iter()).map(|(name, value)| (name.into(), Some(value))));
        env.extend(OF_TASK.map(|name| (name.into(), None)));
        env.push(("RUNNER_HOOK".into(), Some(phase.variable().into())));
        command.env = Arc::new(env);
        command
    }

    /// Sets the environment of the halt task.
    pub fn halt(
        &self,
        command: CommandLine,
        context: TaskContext,
        reason: HaltReason,
    ) -> CommandLine {
        let reason = ("RUNNER_HALT_REASON", reason.as_str().into());
        self.give(command, context, [reason])
    }

    fn give(
        &self,
        mut command: CommandLine,
        context: TaskContext,
        more: impl IntoIterator<Item = (&'static str, OsString)>,
    ) -> CommandLine {
        let TaskContext {
            task,
            try_num,
            end,
            outputs,
        } = context;
        let mut env = self.0.clone();
        env.extend((outputs.iter()).map(|(name, value)| (name.into(), Some(value.clone()))));
        let mut set = |name: &str, value: OsString| env.push((name.into(), Some(value)));
        set("RUNNER_TASK", task.name.as_os_str().to_owned());
        more.into_iter().for_each(|(name, value)| set(name, value));
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
