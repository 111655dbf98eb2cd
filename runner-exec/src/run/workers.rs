//! Drives the chain from its first try to its end, with one worker or several.
//!
//! Workers pull: each takes the next step from the chain under its lock, does it without the
//! lock, and reports its end under the lock. The worker that gets [`Step::Wait`] waits for all.

use std::{
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use runner_config::{Frequency, MaxTries, RetryFrom};

use crate::{
    chain::{
        Chain, ChainEnd, Consequence, Step, TaskId,
        backoff::delay,
        verdict::{TaskResult, Verdict},
    },
    plan::{Task, task_name::TaskName},
    process::{
        Ended, Latch, LimitSetting, StopSignals, TimeLimit,
        outcome::{Outcome, StartFailure},
        pause,
    },
    run::{
        environment::TaskContext,
        event::{Before, Count, Deciding, Event, Next},
        outputs::Variables,
        step::{Run, Turn},
    },
};

/// The task that determined the end of the chain.
pub(super) struct Cause<'a> {
    task: &'a Task,
    pub(super) try_num: u32,
    result: TaskResult,
    outcome: Outcome,
    limit: Option<TimeLimit>,
    /// Some process of it survived SIGKILL.
    survived: bool,
    /// The number of the try, or of its failures.
    count: Count,
}

impl Cause<'_> {
    /// Returns it as a part of the last event of the run.
    pub(super) fn deciding(&self) -> Deciding<'_> {
        Deciding {
            task: &self.task.name,
            outcome: &self.outcome,
            limit: self.limit,
            survived: self.survived,
            count: self.count,
        }
    }

    /// Returns it for the environment of the halt task, which sees `outputs`.
    pub(super) fn context<'a>(&'a self, outputs: &'a Variables) -> TaskContext<'a> {
        TaskContext {
            task: self.task,
            try_num: self.try_num,
            end: Some((self.result, &self.outcome)),
            outputs,
        }
    }
}

/// The end of a chain.
pub(super) struct Driven<'a> {
    pub(super) end: ChainEnd,
    /// The task that determined it; `None` if the chain finished or a signal ended it.
    pub(super) cause: Option<Cause<'a>>,
    /// The task that ran, was waited for or came next when a signal ended the chain.
    pub(super) interrupted_at: Option<&'a TaskName>,
    /// The tasks whose last result was a failure, in the order of the chain.
    pub(super) failed: Vec<&'a TaskName>,
    /// The tasks that never started, in the order of the chain; empty if the chain finished.
    pub(super) not_reached: Vec<&'a TaskName>,
}

/// Drives the chain of `run` to its end. An earlier run has done the tasks in `done`.
pub(super) fn drive<'a>(run: &Run<'a>, done: Vec<TaskId>) -> io::Result<Driven<'a>> {
    let settings = &run.plan.settings;
    let workers = settings.jobs.min(run.plan.tasks.len()).max(1);
    let cut = Arc::new(Latch::new()?);
    let mut reached = vec![false; run.plan.tasks.len()];
    done.iter().for_each(|task| reached[task.0] = true);
    let shared = Shared {
        run,
        stop: StopSignals {
            cut: Some(cut.clone()),
            ..run.tools.stop.clone()
        },
        state: Mutex::new(State {
            chain: Chain::new(run.plan.nodes.clone(), settings.retry_from).with_done(done),
            wait: Duration::ZERO,
            worst: None,
            reached,
            failed: vec![false; run.plan.tasks.len()],
            current: Current::default(),
        }),
        changed: Condvar::new(),
        cut,
        workers,
    };
    let end = thread::scope(|scope| {
        for _ in 1..workers {
            // Without a further thread the run only takes longer.
            let _ = thread::Builder::new().spawn_scoped(scope, || shared.work());
        }
        shared.work()
    });
    let state = shared.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    let order = match end {
        ChainEnd::Finished { failed: 0 } => Vec::new(),
        _ => run.plan.order(),
    };
    let names = |is_listed: &dyn Fn(&TaskId) -> bool| {
        let listed = order.iter().filter(|task| is_listed(task));
        listed.map(|task| &run.plan.tasks[task.0].name).collect()
    };
    let Current {
        ran,
        waited_for,
        next,
    } = state.current;
    Ok(Driven {
        end,
        cause: state.worst.map(|(_, cause)| cause),
        interrupted_at: (ran.or(waited_for).or(next)).filter(|_| end == ChainEnd::Interrupted),
        failed: names(&|task| state.failed[task.0]),
        not_reached: names(&|task| !state.reached[task.0]),
    })
}

/// State that the workers share.
struct Shared<'r, 'a> {
    run: &'r Run<'a>,
    state: Mutex<State<'a>>,
    /// Notified of every change after which an idle worker can have a next step.
    changed: Condvar,
    /// Ends running tasks: the stop of the runner, and `cut`.
    stop: StopSignals,
    /// Set when running tasks must be ended because of the end of another task.
    cut: Arc<Latch>,
    workers: usize,
}

struct State<'a> {
    chain: Chain,
    /// The longest wait of the failed tasks.
    wait: Duration,
    worst: Option<(Consequence, Cause<'a>)>,
    /// For each task: it has started in this run, or an earlier run has done it.
    reached: Vec<bool>,
    /// For each task: its last result was a failure.
    failed: Vec<bool>,
    current: Current<'a>,
}

/// The tasks at which a signal can end the chain.
#[derive(Default)]
struct Current<'a> {
    /// It was running.
    ran: Option<&'a TaskName>,
    /// It failed, and its wait is the longest.
    waited_for: Option<&'a TaskName>,
    /// It would have been started.
    next: Option<&'a TaskName>,
}

impl<'a> Shared<'_, 'a> {
    /// Does the steps of the chain until it has ended.
    fn work(&self) -> ChainEnd {
        loop {
            let mut state = self.lock();
            if self.run.tools.stop.requested().is_some() {
                if let Some(task) = state.chain.next_task() {
                    state.current.next = Some(&self.run.plan.tasks[task.0].name);
                }
                state.chain.interrupt();
            }
            match state.chain.next_step() {
                Step::Start(task) => {
                    let try_num = state.chain.try_num();
                    drop(state);
                    self.step(task, try_num);
                }
                Step::Fail { task, need } => self.fail(state, task, need),
                Step::Busy => drop(self.changed.wait(state)),
                Step::Wait => {
                    let time = mem::take(&mut state.wait);
                    drop(state);
                    self.wait(time);
                }
                Step::End(end) => {
                    drop(state);
                    if end != ChainEnd::Interrupted
                        && self.run.tools.stop.requested_by_now().is_some()
                    {
                        continue;
                    }
                    self.notify();
                    return end;
                }
            }
        }
    }

    fn wait(&self, time: Duration) {
        let before = Before::Try;
        self.run.emit(Event::Wait { time, before });
        pause(time, self.run.tools.stop);
        if self.run.tools.stop.requested().is_none() {
            let mut state = self.lock();
            state.chain.next_try();
            let chain = &state.chain;
            self.run.outputs().retain(|task| chain.is_done(task));
            state.current.waited_for = None;
            let (try_num, done) = (state.chain.try_num(), state.chain.passed());
            drop(state);
            self.run.emit(Event::TryStart { try_num, done });
        }
        self.notify();
    }

    fn step(&self, id: TaskId, try_num: u32) {
        let task = &self.run.plan.tasks[id.0];
        let outputs = self.run.outputs().visible_to(id);
        let turn = Turn {
            task,
            try_num,
            outputs: &outputs,
            stop: &self.stop,
            alone: self.workers == 1,
        };
        let called_off = || {
            let mut state = self.lock();
            let off = self.run.tools.stop.requested().is_some() || state.chain.is_ending();
            if off {
                state.chain.withdraw(id);
                state.current.next = Some(&task.name);
            }
            off
        };
        let apply_end = |ended: &Ended| self.apply_end(id, try_num, ended);
        self.run.step(&turn, called_off, apply_end);
        self.ended(id);
    }

    /// Lets the tasks start that waited for this one and its hook.
    fn ended(&self, id: TaskId) {
        self.lock().chain.ended(id);
        self.notify();
    }

    /// Fails a task that does not start, because `need` failed.
    fn fail(&self, mut state: MutexGuard<State<'a>>, id: TaskId, need: TaskId) {
        let tasks = &self.run.plan.tasks;
        let (task, need) = (&tasks[id.0], &tasks[need.0].name);
        let reason = format!("its dependency `{need}` failed");
        let ended = Ended::not_started(StartFailure::new(reason, None));
        let try_num = state.chain.try_num();
        state.reached[id.0] = true;
        let next = self.apply(&mut state, id, try_num, &ended, Verdict::Retry);
        drop(state);
        self.run.emit(Event::TaskEnd {
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
        self.ended(id);
    }

    /// Applies the end of a task to the chain. Returns its result and the reaction.
    fn apply_end(&self, id: TaskId, try_num: u32, ended: &Ended) -> (TaskResult, Next) {
        let task = &self.run.plan.tasks[id.0];
        let verdict = Verdict::of(&ended.outcome, &task.settings.codes);
        // A signal can reach the runner and its tasks at the same time (Ctrl-C). It is not a
        // reason to halt.
        let can_be_due_to_it = !matches!(verdict, Verdict::Proceed | Verdict::Skip);
        let is_interrupted = can_be_due_to_it && self.run.tools.stop.requested_by_now().is_some();
        let mut state = self.lock();
        state.reached[id.0] = true;
        if ended.end_requested || is_interrupted {
            state.chain.withdraw(id);
            state.failed[id.0] = false;
            state.current.ran.get_or_insert(&task.name);
            return (TaskResult::Interrupted, Next::Nothing);
        }
        // A task that was skipped has no mark, so further tries start it as further runs do.
        if task.settings.frequency != Frequency::Always && verdict == Verdict::Proceed {
            state.chain.settle(id);
        }
        let next = self.apply(&mut state, id, try_num, ended, verdict);
        (verdict.into(), next)
    }

    /// Applies a verdict to the chain. Returns the reaction.
    fn apply(
        &self,
        state: &mut State<'a>,
        id: TaskId,
        try_num: u32,
        ended: &Ended,
        verdict: Verdict,
    ) -> Next {
        let task = &self.run.plan.tasks[id.0];
        state.failed[id.0] = verdict == Verdict::Retry;
        let consequence = if ended.unkillable.is_empty() {
            state.chain.apply(id, verdict)
        } else {
            state.chain.withdraw(id);
            state.chain.give_up();
            Consequence::GiveUp
        };
        let count = match task.settings.max_tries {
            MaxTries::OfChain(most) => Count::Try(try_num, most),
            MaxTries::OfTask(most) if verdict == Verdict::Retry => {
                Count::Failure(state.chain.failures(id), most)
            }
            MaxTries::OfTask(_) => Count::Try(try_num, 0),
        };
        if consequence.ends_running_tasks() {
            self.cut.set(());
            if state
                .worst
                .as_ref()
                .is_none_or(|worst| worst.0 < consequence)
            {
                let cause = Cause {
                    task,
                    try_num,
                    result: verdict.into(),
                    outcome: ended.outcome.clone(),
                    limit: LimitSetting::MaxTime.of(task.settings.max_time),
                    survived: !ended.unkillable.is_empty(),
                    count,
                };
                state.worst = Some((consequence, cause));
            }
        }
        if consequence != Consequence::Retry {
            return Next::Chain(consequence);
        }
        let time = delay(&task.settings, try_num, (self.run.tools.random)());
        if state.current.waited_for.is_none() || time > state.wait {
            state.current.waited_for = Some(&task.name);
        }
        state.wait = state.wait.max(time);
        Next::Retry {
            wait: time,
            from_failed: self.run.plan.settings.retry_from == RetryFrom::Failed,
            others: state.chain.others_running(),
            count: match count {
                Count::Try(try_num, most) => Count::Try(try_num.saturating_add(1), most),
                failure => failure,
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        // The panic of another worker ends the program when its thread is joined.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes idle workers.
    fn notify(&self) {
        if self.workers > 1 {
            self.changed.notify_all();
        }
    }
}
