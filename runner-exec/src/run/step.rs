//! [`Run`], and one start of a task with its hooks, its log and its mark.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use runner_config::{Leftovers, TaskSettings, reason, shown};

use crate::{
    chain::{
        TaskId,
        verdict::{TaskResult, Verdict},
    },
    plan::{Plan, Task, task_name::TaskName},
    process::{
        Countdown, Ended, LimitSetting, Limits, StopSignals, TimeLimit,
        command::{CommandLine, Streams},
        outcome::{Outcome, StartFailure},
    },
    run::{
        environment::{Environment, TaskContext},
        event::{Event, Fate, Leaver, Next},
        hook::{HookOf, Phase, TaskStats},
        output_files::{OutputFile, OutputFiles},
        outputs::{Outputs, Variables},
        run_id::RunId,
        task_logs::{self, Logs},
        tools::Tools,
    },
    state::{Part, State},
};

/// One run, before it starts.
pub struct Run<'a> {
    pub(super) id: RunId,
    pub(super) plan: &'a Plan,
    pub(super) tools: &'a Tools<'a>,
    pub(super) environment: Environment,
    /// Marks and halts, with a state directory.
    pub(super) state: Option<State>,
    /// Files for the output of tasks; `None` = the runner's stdout and stderr.
    logs: Option<Logs>,
    /// Outputs of the tasks that have ended.
    outputs: Mutex<Outputs>,
    /// Files for outputs; `None` = tasks cannot have any.
    output_files: Option<OutputFiles>,
    /// The time limit of the run.
    pub(super) time: Countdown,
    /// It is a drill.
    is_drill: bool,
}

/// One start of a task, or of the halt task.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) task: &'a Task,
    pub(super) try_num: u32,
    /// The outputs that it sees.
    pub(super) outputs: &'a Variables,
    /// Requests the end of its processes.
    pub(super) stop: &'a StopSignals,
    /// No other task or hook runs at the same time.
    pub(super) alone: bool,
}

impl<'a> Turn<'a> {
    pub(super) fn command(&self) -> CommandLine {
        CommandLine::task(self.task.settings.interpreter.as_ref(), &self.task.path())
    }

    pub(super) fn context(&self, end: Option<(TaskResult, &'a Outcome)>) -> TaskContext<'a> {
        let Turn {
            task,
            try_num,
            outputs,
            ..
        } = *self;
        TaskContext {
            task,
            try_num,
            end,
            outputs,
        }
    }
}

impl<'a> Run<'a> {
    /// Creates a run without logs, state and outputs.
    pub fn new(plan: &'a Plan, tools: &'a Tools<'a>) -> Run<'a> {
        let id = RunId::new(Timestamp::now(), (tools.random)());
        Run {
            environment: Environment::new(&plan.settings.env, tools.config_cmd, &id),
            id,
            plan,
            tools,
            state: None,
            logs: None,
            outputs: Mutex::new(Outputs::new(plan.nodes.clone())),
            output_files: None,
            time: Countdown::start(None, tools.stop.clone()),
            is_drill: false,
        }
    }

    /// Makes it a drill, in which tasks can have outputs, but no logs and marks.
    pub(super) fn for_drill(self) -> Run<'a> {
        let run = Run {
            environment: self.environment.for_drill(),
            is_drill: true,
            ..self
        };
        run.with_output_files()
    }

    /// Uses the directories of state and logs, if they are configured.
    pub(super) fn with_directories(mut self) -> Run<'a> {
        let settings = &self.plan.settings;
        self.state = State::of(settings);
        if let Some(path) = &settings.log_dir {
            let logs = Logs::create(path, &self.id, settings.log_keep);
            let logs = logs.map_err(|error| {
                self.emit(Event::NoLog {
                    path,
                    error: &error,
                })
            });
            self.logs = logs.ok();
        }
        let mut run = self.with_output_files();
        run.time = Countdown::start(run.plan.settings.max_run_time, run.tools.stop.clone());
        run
    }

    /// Returns `true` if a wait would not end before the time limit of the run.
    pub(super) fn is_too_long(&self, wait: Duration) -> bool {
        self.time.left().is_some_and(|left| left <= wait)
    }

    /// Returns the limits of a process that must end when the time of the run is over.
    pub(super) fn within_run(&self, limits: Limits) -> Limits {
        limits.within(LimitSetting::MaxRunTime.of(self.time.left()))
    }

    /// Returns the time limit of a process as its setting has it.
    fn limit(&self, limits: &Limits) -> Option<TimeLimit> {
        match limits.time?.setting {
            setting @ LimitSetting::MaxRunTime => setting.of(self.plan.settings.max_run_time),
            _ => limits.time,
        }
    }

    /// Lets tasks have outputs.
    pub(super) fn with_output_files(mut self) -> Run<'a> {
        let files = OutputFiles::new();
        let files = files.map_err(|error| self.emit(Event::NoOutputs { error: &error }));
        self.output_files = files.ok();
        self
    }

    /// Returns the outputs of the tasks that have ended.
    pub(super) fn outputs(&self) -> MutexGuard<'_, Outputs> {
        // The panic of another worker ends the program when its thread is joined.
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the pre hook, the task and the post hook. `called_off` is called before each of the
    /// first two; if it returns `true`, nothing more runs. `apply_end` applies the end of the task.
    pub(super) fn step(
        &self,
        turn: &Turn,
        called_off: impl Fn() -> bool,
        apply_end: impl FnOnce(&Ended, Option<TimeLimit>) -> (TaskResult, Next),
    ) {
        if called_off() {
            return;
        }
        self.hook(turn, None);
        if called_off() {
            return;
        }
        let Turn { task, try_num, .. } = *turn;
        let file = self.output_files.as_ref().map(OutputFiles::next);
        let path = file.as_ref().map(OutputFile::path);
        let context = turn.context(None);
        let mut command = (self.environment).task(turn.command(), context, path.as_deref());
        let limits = self.within_run(Limits::of_task(&task.settings, turn.alone));
        let limit = self.limit(&limits);
        // Before the start, so that no limit waits for a sink, and before there is output.
        self.emit(Event::TaskStart {
            task: &task.name,
            try_num,
            limits: &limits,
        });
        let output = self.log_output(turn, &mut command);
        let marks = self.state.as_ref().map(|state| &state.marks);
        let mark = marks.and_then(|marks| marks.write(task, &self.id).transpose());
        let mut ended = match &mark {
            Some(Err((path, error))) => Ended::not_started(StartFailure {
                // Without a mark the next run would start it again.
                reason: format!("cannot write its mark `{}`: {}", shown(path), reason(error)),
                hint: Some("fix `state_dir`, or set `frequency = always`"),
            }),
            Some(Ok(_)) | None => self.launch(turn, Part::Task, command, &limits),
        };
        let outputs = file.map(|file| self.take_outputs(task, &file, &mut ended));
        let outputs = outputs.unwrap_or_default();
        let (result, next) = apply_end(&ended, limit);
        // Outputs and mark are on the disk before anything follows from the end of the task.
        if let (Some(marks), Some(Ok(mark))) = (marks, &mark)
            && let TaskResult::Ok | TaskResult::Halt = result
            && let Err(error) =
                &(marks.store_outputs(&task.name, &outputs)).and_then(|()| mark.commit())
        {
            let path = mark.path();
            self.emit(Event::NoMark { path, error });
        }
        drop(mark);
        self.emit_left_behind(Leaver::Task(&task.name), task.settings.leftovers, &ended);
        self.emit(Event::TaskEnd {
            task: &task.name,
            try_num,
            result,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit,
            survived: !ended.unkillable.is_empty(),
            next,
            output: output.as_deref(),
            outputs: &outputs.keys().map(String::as_str).collect::<Vec<_>>(),
        });
        self.hook(turn, Some((result, &ended)));
    }

    /// Reads and returns the outputs of a task that succeeded, and removes those of any other. If
    /// they are wrong, its outcome says so.
    fn take_outputs(&self, task: &Task, file: &OutputFile, ended: &mut Ended) -> Variables {
        let verdict = Verdict::of(&ended.outcome, &task.settings.codes);
        if verdict != Verdict::Proceed || ended.end_requested {
            file.remove();
            return Variables::new();
        }
        let stored = file.take().and_then(|outputs| {
            let set = self.outputs().set(self.plan.id(task), outputs.clone());
            set.map(|()| outputs)
        });
        stored.unwrap_or_else(|why| {
            ended.outcome = Outcome::BadOutput(why);
            Variables::new()
        })
    }

    /// Returns the end of a task that does not start, because `need` failed.
    pub(super) fn failed_need(&self, need: TaskId) -> Ended {
        let need = &self.plan.tasks[need.0].name;
        let reason = format!("its dependency `{need}` failed");
        Ended::not_started(StartFailure::new(reason, None))
    }

    /// Reports the end of a task that did not start, because a task that it needs failed.
    pub(super) fn emit_failed_need(&self, id: TaskId, try_num: u32, ended: &Ended, next: Next) {
        let task = &self.plan.tasks[id.0];
        self.emit(Event::TaskEnd {
            task: &task.name,
            try_num,
            result: TaskResult::Retry,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: LimitSetting::MaxTime.of(task.settings.max_time),
            survived: false,
            next,
            output: None,
            outputs: &[],
        });
    }

    /// Runs one process of `turn` to its end. The lock records it meanwhile.
    pub(super) fn launch(
        &self,
        turn: &Turn,
        part: Part,
        command: CommandLine,
        limits: &Limits,
    ) -> Ended {
        let Turn { task, try_num, .. } = *turn;
        let task = &task.name;
        self.launch_recorded((task, part), turn.stop, command, limits, &|pid| {
            if part == Part::Task {
                self.emit(Event::Started { task, try_num, pid });
            }
        })
    }

    /// Runs one process to its end. The lock records it under this name meanwhile.
    pub(super) fn launch_recorded(
        &self,
        (name, part): (&TaskName, Part),
        stop: &StopSignals,
        command: CommandLine,
        limits: &Limits,
        started: &dyn Fn(i32),
    ) -> Ended {
        let lock = self.tools.lock;
        lock.inspect(|lock| lock.starting(name, part));
        let ended = (self.tools.launcher)(command, limits, stop, &|pid| {
            lock.inspect(|lock| lock.started(name, part, pid));
            started(pid);
        });
        lock.inspect(|lock| lock.ended(name, part));
        ended
    }

    /// With `jobs` above 1, and in a drill, prefixes the output of a process with `name`.
    pub(super) fn prefix_output(&self, name: &TaskName, command: &mut CommandLine) {
        let is_prefixed = self.is_drill || self.plan.settings.jobs > 1;
        let outlet = self.tools.outlet.filter(|_| is_prefixed);
        // Without descriptors left the process will hardly start. If it does, its output goes
        // to the runner's own stdout and stderr.
        command.output = outlet.and_then(|outlet| outlet(name).ok());
    }

    /// With `log_dir`, sends the output of a task to its own file, and returns its path.
    pub(super) fn log_output(&self, turn: &Turn, command: &mut CommandLine) -> Option<PathBuf> {
        self.prefix_output(&turn.task.name, command);
        let path = self.logs.as_ref()?.path(&turn.task.name, turn.try_num);
        match task_logs::open(&path).and_then(Streams::to_file) {
            Ok(streams) => {
                command.output = Some(streams);
                Some(path)
            }
            Err(error) => {
                let (path, error) = (&path, &error);
                self.emit(Event::NoLog { path, error });
                None
            }
        }
    }

    /// Runs the pre hook, or with `end` the post hook.
    fn hook(&self, turn: &Turn, end: Option<(TaskResult, &Ended)>) {
        let Some(hook) = &self.plan.task_hook else {
            return;
        };
        let Turn { task, try_num, .. } = *turn;
        let (phase, (stop, limits)) = match end {
            None => {
                let limits = self.within_run(Limits::of_hook(&task.settings, turn.alone));
                (Phase::Pre, (turn.stop.clone(), limits))
            }
            // Hooks get the end of every task, so this one runs although a signal requested
            // the end of the runner.
            Some(_) => match self.hook_limits(&task.settings, turn.alone) {
                Some(limits) => (Phase::Post, limits),
                None => return,
            },
        };
        let result = end.map(|(result, _)| result);
        let stats = TaskStats::new(&task.name, try_num, task.settings.max_tries, result);
        let command = CommandLine::hook(&hook.words, stats.json());
        let context = turn.context(end.map(|(result, ended)| (result, &ended.outcome)));
        let elapsed = end.map_or(Duration::ZERO, |(_, ended)| ended.elapsed);
        let mut command = self.environment.hook(command, context, phase, elapsed);
        let hook = HookOf::Task(&task.name, phase);
        self.emit(Event::HookStart {
            hook,
            limits: &limits,
        });
        self.prefix_output(&task.name, &mut command);
        let turn = Turn {
            stop: &stop,
            ..*turn
        };
        let ended = self.launch(&turn, Part::Hook(phase), command, &limits);
        self.emit_left_behind(Leaver::Hook(hook), task.settings.leftovers, &ended);
        self.emit_hook_end(hook, &limits, &ended);
    }

    /// Returns the requests that end a hook which also runs after a signal, and its limits. After
    /// the first signal it has at most `kill_grace`, and after the second one it does not run.
    pub(super) fn hook_limits(
        &self,
        settings: &TaskSettings,
        alone: bool,
    ) -> Option<(StopSignals, Limits)> {
        let stop = self.tools.stop;
        let mut limits = Limits::of_hook(settings, alone);
        if stop.requested().is_none() {
            return Some((stop.clone(), limits));
        }
        if limits
            .time
            .is_none_or(|limit| limit.time > limits.kill_grace)
        {
            limits.time = LimitSetting::KillGrace.of(Some(limits.kill_grace));
        }
        (!stop.is_killed()).then(|| (stop.kill_only(), limits))
    }

    pub(super) fn emit_hook_end(&self, hook: HookOf, limits: &Limits, ended: &Ended) {
        self.emit(Event::HookEnd {
            hook,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: self.limit(limits),
            survived: !ended.unkillable.is_empty(),
        });
    }

    /// Reports the processes that a process has left.
    pub(super) fn emit_left_behind(&self, by: Leaver, leftovers: Leftovers, ended: &Ended) {
        let fate = match leftovers {
            Leftovers::Kill => Fate::Ended,
            Leftovers::Report | Leftovers::Allow => Fate::LeftAlone,
        };
        for (processes, fate) in [
            (&ended.left, fate),
            (&ended.unknown, Fate::Unknown),
            (&ended.unkillable, Fate::Unkillable),
        ] {
            if !processes.is_empty() {
                self.emit(Event::LeftBehind {
                    by,
                    processes,
                    fate,
                });
            }
        }
    }

    pub(super) fn emit(&self, event: Event) {
        (self.tools.sink)(&event);
    }
}
