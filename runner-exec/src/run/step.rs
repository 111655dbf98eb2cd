//! One start of a task, with its hooks, its log and its mark.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use runner_config::{Leftovers, MaxTries, TaskSettings, reason, shown};

use crate::{
    chain::verdict::TaskResult,
    plan::{Plan, Task, task_name::TaskName},
    process::{
        Cancel, Ended, Limits,
        command::{CommandLine, Streams},
        launch,
        outcome::{Outcome, StartFailure},
    },
    run::{
        environment::{Environment, Seen},
        event::{Event, Fate, Next, Part, Sink},
        hook::{Phase, TaskStats},
        run_id::RunId,
        task_logs::{self, Logs},
    },
    state::{Draft, State},
};

/// Makes somewhere for the output of a process that is run for a task, where it is told
/// apart from that of others.
pub type Outlet = dyn Fn(&TaskName) -> io::Result<Streams> + Send + Sync;

/// Starts a process and sees to its end.
pub trait Launcher: Sync {
    /// See [`launch()`].
    fn launch(
        &self,
        command: CommandLine,
        limits: &Limits,
        cancel: &Cancel,
        started: &dyn Fn(i32),
    ) -> Ended;
}

/// The launcher that starts real processes.
#[derive(Debug)]
pub struct Processes {
    /// The stdin of all of them. That they share it has no effect: there is nothing to read.
    empty: Arc<File>,
}

impl Processes {
    /// Opens what they all have as stdin, `/dev/null`.
    ///
    /// # Errors
    ///
    /// It cannot be opened, as where nothing is mounted at `/dev`.
    pub fn new() -> io::Result<Processes> {
        let empty = Arc::new(File::open("/dev/null")?);
        Ok(Processes { empty })
    }
}

impl Launcher for Processes {
    fn launch(
        &self,
        command: CommandLine,
        limits: &Limits,
        cancel: &Cancel,
        started: &dyn Fn(i32),
    ) -> Ended {
        launch(command, &self.empty, limits, cancel, started)
    }
}

/// One run, before it starts.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Its id.
    pub id: &'a RunId,
    /// What is run.
    pub plan: &'a Plan,
    /// What its processes see.
    pub environment: &'a Environment,
    /// What starts them.
    pub launcher: &'a dyn Launcher,
    /// What asks the runner to end.
    pub cancel: &'a Cancel,
    /// Who is told what happens.
    pub sink: &'a Sink,
    /// A random number from 0 to 1.
    pub draw: fn() -> f64,
    /// What outlives the run, when anything does.
    pub state: Option<&'a State>,
    /// Where the output of tasks goes; `None` for the runner's stdout and stderr.
    pub logs: Option<&'a Logs>,
    /// Where all other output goes, when several processes run at the same time.
    pub outlet: Option<&'a Outlet>,
    /// Set when it was said that a log cannot be written.
    pub said_no_log: &'a AtomicBool,
}

/// The task that decided how the chain ended.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) name: TaskName,
    pub(crate) try_num: u32,
    pub(crate) max_tries: MaxTries,
    pub(crate) result: TaskResult,
    pub(crate) outcome: Outcome,
}

impl Run<'_> {
    /// The hook, the task, the hook. `called_off` is asked before each of the first two;
    /// `judge` says what the end of the task means.
    pub(crate) fn step(
        &self,
        task: &Task,
        try_num: u32,
        cancel: &Cancel,
        alone: bool,
        called_off: impl Fn() -> bool,
        judge: impl FnOnce(&Ended) -> (TaskResult, Next),
    ) {
        if called_off() {
            return;
        }
        self.hook(task, try_num, cancel, alone, None);
        if called_off() {
            return;
        }
        let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path());
        let mut command = self.environment.task(command, seen(task, try_num, None));
        self.let_out(task, &mut command);
        let output = self.log_output(task, try_num, &mut command);
        let limits = Limits::of_task(&task.settings, alone);
        let name = &task.name;
        // Before the start, so that no limit waits for whoever listens.
        self.say(Event::TaskStart {
            task: name,
            try_num,
            limits: &limits,
        });
        let mark = self
            .state
            .map_or(Ok(None), |state| state.marks.write(task, self.id));
        let (ended, mark) = match mark {
            Ok(mark) => {
                let ended = self.launch(command, &limits, cancel, name, Part::Task, try_num);
                (ended, mark)
            }
            Err(error) => (self.no_mark(task, &error), None),
        };
        let (result, next) = judge(&ended);
        if let (Some(mark), TaskResult::Ok | TaskResult::Halt) = (mark, result) {
            self.commit(mark);
        }
        self.say_left(name, None, &task.settings, &ended);
        self.say(Event::TaskEnd {
            task: name,
            try_num,
            result,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
            survived: !ended.undying.is_empty(),
            next,
            output: output.as_deref(),
        });
        self.hook(task, try_num, self.cancel, alone, Some((result, &ended)));
    }

    /// What becomes of a task whose mark cannot be written: to start it would be to start
    /// it again next time.
    pub(super) fn no_mark(&self, task: &Task, error: &io::Error) -> Ended {
        let path = self.state.map(|state| state.marks.path(&task.name));
        let (path, why) = (path.unwrap_or_default(), reason(error));
        Ended::not_started(StartFailure {
            reason: format!("cannot write its mark `{}`: {why}", shown(&path)),
            hint: Some("mend `state_dir`, or set `frequency = always`"),
        })
    }

    /// The task of `mark` is done. That is written down before anything follows from it.
    pub(super) fn commit(&self, mark: Draft) {
        if let Err(error) = &mark.commit() {
            let path = mark.path();
            self.say(Event::NoMark { path, error });
        }
    }

    pub(super) fn launch(
        &self,
        command: CommandLine,
        limits: &Limits,
        cancel: &Cancel,
        task: &TaskName,
        part: Part,
        try_num: u32,
    ) -> Ended {
        self.launcher.launch(command, limits, cancel, &|pid| {
            self.say(Event::Started {
                task,
                part,
                try_num,
                pid,
            });
        })
    }

    /// Lets the output of a process be told apart from that of others.
    pub(super) fn let_out(&self, task: &Task, command: &mut CommandLine) {
        // Without descriptors left the process will hardly start; if it does, its output
        // is better mixed with others than lost.
        command.output = self.outlet.and_then(|outlet| outlet(&task.name).ok());
    }

    /// Lets the output of a task go to its own file, and returns the path of it.
    pub(super) fn log_output(
        &self,
        task: &Task,
        try_num: u32,
        command: &mut CommandLine,
    ) -> Option<PathBuf> {
        let path = self.logs?.path(&task.name, try_num);
        match task_logs::open(&path).and_then(Streams::to_file) {
            Ok(streams) => {
                command.output = Some(streams);
                Some(path)
            }
            Err(error) => {
                self.say_no_log(&path, &error);
                None
            }
        }
    }

    /// Says, once, that a log cannot be written.
    pub fn say_no_log(&self, path: &Path, error: &io::Error) {
        if !self.said_no_log.swap(true, Ordering::Relaxed) {
            self.say(Event::NoLog { path, error });
        }
    }

    /// Runs the hook before the task, or after it when `end` is there.
    pub(super) fn hook(
        &self,
        task: &Task,
        try_num: u32,
        cancel: &Cancel,
        alone: bool,
        end: Option<(TaskResult, &Ended)>,
    ) {
        let Some(words) = &self.plan.hook else {
            return;
        };
        let phase = match end {
            None => Phase::Pre,
            Some(_) => Phase::Post,
        };
        // Hooks hear of the end of every task, so the one after the task runs
        // although the runner was asked to end.
        let cancel = match end {
            Some(_) if cancel.asked().is_some() => cancel.only_killed(),
            Some(_) | None => cancel.clone(),
        };
        let elapsed = end.map_or(Duration::ZERO, |(_, ended)| ended.elapsed);
        let result = end.map(|(result, _)| result);
        let stats = TaskStats::new(&task.name, try_num, task.settings.max_tries, result);
        let seen = seen(
            task,
            try_num,
            end.map(|(result, ended)| (result, &ended.outcome)),
        );
        let command = CommandLine::hook(words, stats.json());
        let mut command = self.environment.hook(command, seen, phase, elapsed);
        self.let_out(task, &mut command);
        let limits = Limits::of_hook(&task.settings, alone);
        let name = &task.name;
        self.say(Event::HookStart {
            task: name,
            phase,
            limits: &limits,
        });
        let ended = self.launch(command, &limits, &cancel, name, Part::Hook(phase), try_num);
        self.say_left(name, Some(phase), &task.settings, &ended);
        self.say(Event::HookEnd {
            task: name,
            phase,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
            survived: !ended.undying.is_empty(),
        });
    }

    pub(super) fn say_left(
        &self,
        task: &TaskName,
        hook: Option<Phase>,
        settings: &TaskSettings,
        ended: &Ended,
    ) {
        let fate = match settings.leftovers {
            Leftovers::Kill => Fate::Ended,
            Leftovers::Report | Leftovers::Allow => Fate::LeftAlone,
        };
        for (processes, fate) in [
            (&ended.left, fate),
            (&ended.unknown, Fate::Unknown),
            (&ended.undying, Fate::Undying),
        ] {
            if !processes.is_empty() {
                self.say(Event::Left {
                    task,
                    hook,
                    processes,
                    fate,
                });
            }
        }
    }

    pub(crate) fn say(&self, event: Event) {
        (self.sink)(&event);
    }
}

pub(super) fn seen<'a>(
    task: &'a Task,
    try_num: u32,
    end: Option<(TaskResult, &'a Outcome)>,
) -> Seen<'a> {
    Seen {
        task: &task.name,
        try_num,
        max_tries: task.settings.max_tries,
        end,
    }
}
