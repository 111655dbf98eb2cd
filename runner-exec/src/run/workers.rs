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

use runner_config::{MaxTries, RetryFrom};

use crate::{
    chain::{
        Chain, ChainEnd, Consequence, Step, TaskId,
        backoff::delay,
        verdict::{TaskResult, Verdict},
    },
    plan::{Task, task_name::TaskName},
    process::{Ended, Latch, StopSignals, TimeLimit, outcome::Outcome, pause},
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
}

/// The end of a chain.
pub(super) struct Driven<'a> {
    pub(super) end: ChainEnd,
    /// The number of the last try.
    pub(super) try_num: u32,
    /// The task that determined it; `None` if the chain finished or a signal ended it, and if no
    /// task ran or was waited for when the time limit did.
    pub(super) cause: Option<Cause<'a>>,
    /// The task that ran, was waited for or came next when a signal or the time limit ended the
    /// chain.
    pub(super) interrupted_at: Option<&'a Task>,
    /// The tasks whose last result was a failure, in the order of the chain.
    pub(super) failed: Vec<&'a TaskName>,
    /// The tasks that never started, in the order of the chain; empty if the chain finished.
    pub(super) not_reached: Vec<&'a TaskName>,
}

impl Driven<'_> {
    /// Returns the task because of which the halt task runs, which sees `outputs`.
    pub(super) fn context<'a>(&'a self, outputs: &'a Variables) -> Option<TaskContext<'a>> {
        let cause = self.cause.as_ref();
        Some(TaskContext {
            task: cause.map(|cause| cause.task).or(self.interrupted_at)?,
            try_num: self.try_num,
            end: cause.map(|cause| (cause.result, &cause.outcome)),
            outputs,
        })
    }
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
    let worst = state.worst.map(|(_, cause)| cause);
    let (cause, interrupted_at) = match end {
        ChainEnd::Interrupted => {
            let waited_for = waited_for.map(|cause| cause.task);
            (worst, ran.or(waited_for).or(next))
        }
        ChainEnd::OutOfTime => (worst.or(waited_for), next),
        _ => (worst, None),
    };
    Ok(Driven {
        end,
        try_num: state.chain.try_num(),
        cause,
        interrupted_at,
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

/// The tasks at which a signal or the time limit can end the chain.
#[derive(Default)]
struct Current<'a> {
    /// It was running.
    ran: Option<&'a Task>,
    /// It failed, and its wait is the longest.
    waited_for: Option<Cause<'a>>,
    /// It would have been started.
    next: Option<&'a Task>,
}

impl<'a> Shared<'_, 'a> {
    /// Does the steps of the chain until it has ended.
    fn work(&self) -> ChainEnd {
        loop {
            let mut state = self.lock();
            if self.run.tools.stop.requested().is_some() {
                if let Some(task) = state.chain.next_task() {
                    state.current.next = Some(&self.run.plan.tasks[task.0]);
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
                    // Post hooks have taken some time since the tasks failed.
                    if self.run.is_too_long(time) {
                        state.chain.out_of_time();
                        continue;
                    }
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
            if self.run.time.has_ended() {
                state.chain.out_of_time();
            }
            let off = self.run.tools.stop.requested().is_some() || state.chain.is_ending();
            if off {
                state.chain.withdraw(id);
                state.current.next = Some(task);
            }
            off
        };
        let apply_end = |ended: &Ended, limit| self.apply_end(id, try_num, (ended, limit));
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
        let ended = self.run.failed_need(need);
        let try_num = state.chain.try_num();
        state.reached[id.0] = true;
        let next = self.apply(&mut state, id, try_num, (&ended, None), Verdict::Retry);
        drop(state);
        self.run.emit_failed_need(id, try_num, &ended, next);
        self.ended(id);
    }

    /// Applies the end of a task to the chain. Returns its result and the reaction.
    fn apply_end(
        &self,
        id: TaskId,
        try_num: u32,
        (ended, limit): (&Ended, Option<TimeLimit>),
    ) -> (TaskResult, Next) {
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
            state.current.ran.get_or_insert(task);
            return (TaskResult::Interrupted, Next::Nothing);
        }
        // A task that was skipped has no mark, so further tries start it as further runs do.
        if task.settings.runs_once() && verdict == Verdict::Proceed {
            state.chain.settle(id);
        }
        let next = self.apply(&mut state, id, try_num, (ended, limit), verdict);
        (verdict.into(), next)
    }

    /// Applies a verdict to the chain. Returns the reaction.
    fn apply(
        &self,
        state: &mut State<'a>,
        id: TaskId,
        try_num: u32,
        (ended, limit): (&Ended, Option<TimeLimit>),
        verdict: Verdict,
    ) -> Next {
        let task = &self.run.plan.tasks[id.0];
        state.failed[id.0] = verdict == Verdict::Retry;
        let mut consequence = if ended.unkillable.is_empty() {
            state.chain.apply(id, verdict)
        } else {
            state.chain.withdraw(id);
            state.chain.give_up();
            Consequence::GiveUp
        };
        if ended.outcome.is_end_of_run(limit) {
            state.chain.out_of_time();
            consequence = Consequence::OutOfTime;
        }
        let count = match task.settings.max_tries {
            MaxTries::OfChain(most) => Count::Try(try_num, most),
            MaxTries::OfTask(most) if verdict == Verdict::Retry => {
                Count::Failure(state.chain.failures(id), most)
            }
            MaxTries::OfTask(_) => Count::Try(try_num, 0),
        };
        let cause = || Cause {
            task,
            result: verdict.into(),
            outcome: ended.outcome.clone(),
            limit,
            survived: !ended.unkillable.is_empty(),
            count,
        };
        if consequence.ends_running_tasks() {
            // At the time limit of the run, they reach it themselves.
            if consequence != Consequence::OutOfTime {
                self.cut.set(());
            }
            let worst = state.worst.as_ref();
            if worst.is_none_or(|worst| worst.0 < consequence) {
                state.worst = Some((consequence, cause()));
            }
        }
        if consequence != Consequence::Retry {
            return Next::Chain(consequence);
        }
        let time = delay(&task.settings, try_num, (self.run.tools.random)());
        if state.current.waited_for.is_none() || time > state.wait {
            state.current.waited_for = Some(cause());
        }
        state.wait = state.wait.max(time);
        let others = state.chain.others_running();
        if !others && self.run.is_too_long(state.wait) {
            state.chain.out_of_time();
            return Next::Chain(Consequence::OutOfTime);
        }
        Next::Retry {
            wait: time,
            from_failed: self.run.plan.settings.retry_from == RetryFrom::Failed,
            others,
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
