//! Obeys the chain: one run, from its first try to its end, with one worker or
//! several. Around each task it runs the hooks.
//!
//! Workers pull: they ask the chain under its lock, work without it, and tell the
//! chain under its lock again. The one that is told to wait waits for all of them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use runner_config::{Leftovers, MaxTries, RetryFrom, TaskSettings};

use crate::{
    Before, Cancel, Chain, ChainEnd, CommandLine, Consequence, Count, Ended, Environment, Event,
    Fate, Flag, HaltReason, Limits, Logs, Next, Outcome, Phase, Plan, Seen, Signal, Sink, Step,
    Task, TaskId, TaskName, TaskResult, TaskStats, Verdict, launch, logs, pause, wait,
};

/// Starts a process and sees to its end.
pub trait Launcher: Sync {
    /// See [`launch()`].
    fn launch(&self, command: &CommandLine, limits: &Limits, cancel: &Cancel) -> Ended;
}

/// The launcher that starts real processes.
#[derive(Clone, Copy, Debug)]
pub struct Processes;

impl Launcher for Processes {
    fn launch(&self, command: &CommandLine, limits: &Limits, cancel: &Cancel) -> Ended {
        launch(command, limits, cancel)
    }
}

/// One run, before it starts.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Its id.
    pub id: &'a str,
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
    /// Where the output of tasks goes; `None` for the runner's stdout and stderr.
    pub logs: Option<&'a Logs>,
    /// Set when it was said that a log cannot be written.
    pub said_no_log: &'a AtomicBool,
}

/// The task that decided how the chain ended.
#[derive(Clone, Debug)]
struct Cause {
    name: TaskName,
    try_num: u32,
    max_tries: MaxTries,
    result: TaskResult,
    outcome: Outcome,
}

/// What the workers share.
struct Shared<'a> {
    run: &'a Run<'a>,
    state: Mutex<State>,
    /// Told of everything that may let an idle worker go on.
    changed: Condvar,
    /// Raised when running tasks are to be ended because of what another one did.
    cut: Arc<Flag>,
    workers: usize,
}

struct State {
    chain: Chain,
    /// How long the failed tasks want to wait.
    waits: HashMap<TaskId, Duration>,
    gravest: Option<(Consequence, Cause)>,
}

impl Run<'_> {
    /// Runs the chain, and the halt task when it ends so.
    ///
    /// # Errors
    ///
    /// The system has no more threads or file descriptors for the runner itself.
    pub fn run(&self) -> std::io::Result<ChainEnd> {
        let clock = Instant::now();
        let tasks = self.plan.tasks.len();
        self.say(Event::RunStart {
            run: self.id,
            tasks,
        });
        self.say(Event::TryStart { try_num: 1 });
        let workers = self.plan.settings.jobs.get().min(tasks).max(1);
        let shared = Shared {
            run: self,
            state: Mutex::new(State {
                chain: Chain::new(self.plan.links.clone(), self.plan.settings.retry_from),
                waits: HashMap::new(),
                gravest: None,
            }),
            changed: Condvar::new(),
            cut: Arc::new(Flag::new()?),
            workers,
        };
        let end = thread::scope(|scope| {
            for _ in 1..workers {
                // With fewer workers it takes longer, and nothing else.
                let _ = thread::Builder::new().spawn_scoped(scope, || shared.work());
            }
            shared.work()
        });
        let end = self.halt_because_of(end, shared.into_cause());
        self.say(Event::RunEnd {
            end,
            elapsed: clock.elapsed(),
        });
        Ok(end)
    }

    fn halt_because_of(&self, end: ChainEnd, cause: Option<Cause>) -> ChainEnd {
        let reason = match end {
            ChainEnd::Halted => HaltReason::Halted,
            ChainEnd::GaveUp => HaltReason::GaveUp,
            ChainEnd::Finished { .. } | ChainEnd::Stopped | ChainEnd::Interrupted => return end,
        };
        if self.cancel.asked().is_some() {
            return ChainEnd::Interrupted;
        }
        self.halt(reason, cause.as_ref());
        end
    }

    /// Runs the halt task because the runs have finished, unless the runner was asked
    /// to end meanwhile. Returns how it all ended.
    pub fn halt_after(&self, finished: ChainEnd) -> ChainEnd {
        if self.cancel.asked().is_some() {
            return ChainEnd::Interrupted;
        }
        self.halt(HaltReason::HaltAfter, None);
        finished
    }

    fn halt(&self, reason: HaltReason, cause: Option<&Cause>) {
        let Some(task) = &self.plan.halt else {
            self.say(Event::HaltMissing { reason });
            return;
        };
        let seen = match cause {
            Some(cause) => Seen {
                task: &cause.name,
                try_num: cause.try_num,
                max_tries: cause.max_tries,
                end: Some((cause.result, &cause.outcome)),
            },
            None => seen(task, 1, None),
        };
        let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path);
        let mut command = self.environment.halt(command, seen, reason);
        let output = self.log_output(task, seen.try_num, &mut command);
        let limits = Limits::of_task(&task.settings, true);
        let name = &task.name;
        self.say(Event::HaltStart { task: name, reason });
        let ended = self.launcher.launch(&command, &limits, self.cancel);
        self.say_left(name, None, &task.settings, &ended);
        self.say(Event::HaltEnd {
            task: name,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
            output: output.as_deref(),
        });
    }

    /// Runs one task with its hooks, and no chain around it.
    pub fn only(&self, task: &Task) -> TaskResult {
        let mut result = TaskResult::Interrupted;
        let judge = |ended: &Ended| {
            if !ended.asked {
                result = Verdict::of(&ended.outcome, &task.settings.codes).into();
            }
            (result, Next::Nothing)
        };
        self.step(
            task,
            1,
            self.cancel,
            true,
            || self.cancel.asked().is_some(),
            judge,
        );
        result
    }

    /// The hook, the task, the hook. `called_off` is asked before each of the first two;
    /// `judge` says what the end of the task means.
    fn step(
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
        let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path);
        let mut command = self.environment.task(command, seen(task, try_num, None));
        let output = self.log_output(task, try_num, &mut command);
        let limits = Limits::of_task(&task.settings, alone);
        let name = &task.name;
        // Before the start, so that no limit waits for whoever listens.
        self.say(Event::TaskStart {
            task: name,
            try_num,
        });
        let ended = self.launcher.launch(&command, &limits, cancel);
        let (result, next) = judge(&ended);
        self.say_left(name, None, &task.settings, &ended);
        self.say(Event::TaskEnd {
            task: name,
            try_num,
            result,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
            next,
            output: output.as_deref(),
        });
        self.hook(task, try_num, self.cancel, alone, Some((result, &ended)));
    }

    /// Lets the output of a task go to its own file, and returns the path of it.
    fn log_output(&self, task: &Task, try_num: u32, command: &mut CommandLine) -> Option<PathBuf> {
        let path = self.logs?.path(&task.name, try_num);
        match logs::open(&path) {
            Ok(file) => {
                command.output = Some(Arc::new(file));
                Some(path)
            }
            Err(error) => {
                self.say_no_log(&path, &error);
                None
            }
        }
    }

    /// Says, once, that a log cannot be written.
    pub fn say_no_log(&self, path: &Path, error: &std::io::Error) {
        if !self.said_no_log.swap(true, Ordering::Relaxed) {
            self.say(Event::NoLog { path, error });
        }
    }

    /// Runs the hook before the task, or after it when `end` is there.
    fn hook(
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
        let command = self.environment.hook(command, seen, phase, elapsed);
        let limits = Limits::of_hook(&task.settings, alone);
        let ended = self.launcher.launch(&command, &limits, &cancel);
        self.say_left(&task.name, Some(phase), &task.settings, &ended);
        self.say(Event::HookEnd {
            task: &task.name,
            phase,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
        });
    }

    fn say_left(
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

    fn say(&self, event: Event) {
        (self.sink)(&event);
    }
}

fn seen<'a>(task: &'a Task, try_num: u32, end: Option<(TaskResult, &'a Outcome)>) -> Seen<'a> {
    Seen {
        task: &task.name,
        try_num,
        max_tries: task.settings.max_tries,
        end,
    }
}

impl Shared<'_> {
    /// Does what the chain says until it has ended.
    fn work(&self) -> ChainEnd {
        loop {
            let mut state = self.lock();
            if self.run.cancel.asked().is_some() {
                state.chain.interrupt();
            }
            match state.chain.next_step() {
                Step::Start(task) => {
                    let try_num = state.chain.try_num();
                    drop(state);
                    self.step(task, try_num);
                }
                Step::Busy => drop(self.changed.wait(state)),
                Step::Wait(tasks) => {
                    let waits = tasks.iter().filter_map(|task| state.waits.get(task));
                    let time = waits.max().copied().unwrap_or_default();
                    drop(state);
                    self.wait(time);
                }
                Step::End(end) => {
                    drop(state);
                    self.tell();
                    return end;
                }
            }
        }
    }

    fn wait(&self, time: Duration) {
        let before = Before::Try;
        self.run.say(Event::Wait { time, before });
        pause(time, self.run.cancel);
        if self.run.cancel.asked().is_none() {
            let mut state = self.lock();
            state.chain.again();
            let try_num = state.chain.try_num();
            drop(state);
            self.run.say(Event::TryStart { try_num });
        }
        self.tell();
    }

    fn step(&self, id: TaskId, try_num: u32) {
        let task = &self.run.plan.tasks[id.0];
        let mut cancel = self.run.cancel.clone();
        cancel.cut = Some(self.cut.clone());
        let alone = self.workers == 1;
        let called_off = || {
            let mut state = self.lock();
            let off = self.run.cancel.asked().is_some() || state.chain.is_ending();
            if off {
                state.chain.cut(id);
            }
            off
        };
        let judge = |ended: &Ended| self.judge(id, task, try_num, ended);
        self.run
            .step(task, try_num, &cancel, alone, called_off, judge);
        self.lock().chain.ended(id);
        self.tell();
    }

    /// What the end of a task means for the chain, and for those who watch.
    fn judge(&self, id: TaskId, task: &Task, try_num: u32, ended: &Ended) -> (TaskResult, Next) {
        let mut state = self.lock();
        if ended.asked {
            state.chain.cut(id);
            return (TaskResult::Interrupted, Next::Nothing);
        }
        let verdict = Verdict::of(&ended.outcome, &task.settings.codes);
        let result = verdict.into();
        let consequence = match ended.undying.is_empty() {
            true => state.chain.judge(id, verdict),
            false => {
                state.chain.cut(id);
                state.chain.give_up();
                Consequence::GiveUp
            }
        };
        if consequence.cuts_short() && state.gravest.as_ref().is_none_or(|(g, _)| *g < consequence)
        {
            let cause = Cause {
                name: task.name.clone(),
                try_num,
                max_tries: task.settings.max_tries,
                result,
                outcome: ended.outcome.clone(),
            };
            state.gravest = Some((consequence, cause));
        }
        if consequence.cuts_short() {
            self.cut.raise(Signal::TERM);
        }
        if consequence != Consequence::Retry {
            return (result, Next::Chain(consequence));
        }
        let time = wait(&task.settings, try_num, (self.run.draw)());
        state.waits.insert(id, time);
        let next = Next::Retry {
            wait: time,
            from_failed: self.run.plan.settings.retry_from == RetryFrom::Failed,
            others: state.chain.others_running(),
            count: match task.settings.max_tries {
                MaxTries::OfChain(most) => Count::Try(try_num.saturating_add(1), most),
                MaxTries::OfTask(most) => Count::Failure(state.chain.failures(id), most),
            },
        };
        (result, next)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked takes the program down when it is joined.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets idle workers look again.
    fn tell(&self) {
        if self.workers > 1 {
            self.changed.notify_all();
        }
    }

    fn into_cause(self) -> Option<Cause> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        state.gravest.map(|(_, cause)| cause)
    }
}
