//! One run: its chain, and then the halt task. `workers` drives the chain.

use std::{
    io,
    time::{Instant, SystemTime},
};

use crate::{
    chain::{
        ChainEnd, TaskId,
        verdict::{TaskResult, Verdict},
    },
    plan::Task,
    process::{Ended, Limits},
    run::{
        environment::HaltReason,
        event::{Event, Leaver, Next},
        run_hook::EndOfRun,
        step::{Run, Turn},
        workers::{Cause, Driven, drive},
    },
    state::{Part, State},
};

/// The halt task at the end of a run.
enum Halt {
    /// The end does not require it.
    No,
    /// It is due, but `max_halts` is used up.
    Withheld,
    /// It is due.
    Due(HaltReason),
}

impl Run<'_> {
    /// Runs the chain between the run hooks, and then the halt task if the end of the chain
    /// requires it.
    ///
    /// # Errors
    ///
    /// The system has no more threads or file descriptors for the runner itself.
    pub fn run(&self) -> io::Result<ChainEnd> {
        let clock = Instant::now();
        let done = self.take_over(self.state.as_ref());
        self.tools.lock.inspect(|lock| lock.start_run(&self.id));
        self.emit(Event::RunStart {
            run: &self.id,
            plan: self.plan,
            done: &done,
        });
        self.start_hook();
        self.emit(Event::TryStart {
            try_num: 1,
            done: done.len(),
        });
        let driven = drive(self, done)?;
        let (mut end, halt) = self.halt_because_of(driven.end);
        let withheld = matches!(halt, Halt::Withheld);
        let deciding = driven.cause.as_ref().map(Cause::deciding);
        let task = deciding.map(|deciding| deciding.task);
        let at = driven.interrupted_at.map(|task| &task.name);
        // Before the halt task, which can shut the machine down.
        self.end_hook(&EndOfRun {
            end,
            withheld,
            signal: self.tools.stop.requested(),
            task: task.or(at),
            failed: &driven.failed,
            not_reached: &driven.not_reached,
            elapsed: clock.elapsed(),
        });
        if let Halt::Due(reason) = halt {
            // A signal during the end hook.
            if self.tools.stop.requested_by_now().is_some() {
                end = ChainEnd::Interrupted;
            } else {
                self.halt(reason, Some(&driven));
            }
        }
        self.emit(Event::RunEnd {
            end,
            withheld,
            signal: self.tools.stop.requested(),
            elapsed: clock.elapsed(),
            decided_by: deciding.filter(|_| end != ChainEnd::Interrupted),
            interrupted_at: task.or(at),
            not_reached: &driven.not_reached,
            state_dir: self.plan.settings.state_dir.as_deref(),
        });
        Ok(end)
    }

    /// Returns the tasks that earlier runs have done, and takes over their outputs.
    fn take_over(&self, state: Option<&State>) -> Vec<TaskId> {
        let Some(State { marks, .. }) = state else {
            return Vec::new();
        };
        let done = marks.done(self.plan);
        *self.outputs() = marks.stored_outputs(self.plan, &done, |path, why| {
            self.emit(Event::NoStoredOutputs { path, why });
        });
        done
    }

    /// Returns the end of the run, and if the halt task is due.
    fn halt_because_of(&self, end: ChainEnd) -> (ChainEnd, Halt) {
        let reason = match end {
            ChainEnd::Halted => HaltReason::Halted,
            ChainEnd::GaveUp => HaltReason::GaveUp,
            ChainEnd::OutOfTime => HaltReason::OutOfTime,
            ChainEnd::Finished { .. } | ChainEnd::Stopped | ChainEnd::Interrupted => {
                return (end, Halt::No);
            }
        };
        if self.tools.stop.requested_by_now().is_some() {
            return (ChainEnd::Interrupted, Halt::No);
        }
        if self.withholds_halt(reason) {
            // Exit status 1 and not 2: the machine will not halt.
            return (ChainEnd::GaveUp, Halt::Withheld);
        }
        (end, Halt::Due(reason))
    }

    /// Runs the halt task after the last run, unless a signal requested the end meanwhile. Returns
    /// the end of all runs.
    pub(super) fn halt_after(&self, finished: ChainEnd) -> ChainEnd {
        if self.tools.stop.requested_by_now().is_some() {
            return ChainEnd::Interrupted;
        }
        if !self.withholds_halt(HaltReason::HaltAfter) {
            self.halt(HaltReason::HaltAfter, None);
        }
        finished
    }

    /// Counts one more halt. Returns `true`, and reports it, if `max_halts` is used up.
    fn withholds_halt(&self, reason: HaltReason) -> bool {
        let halts = self.state.as_ref().map(|state| &state.halts);
        let counted = halts.and_then(|halts| halts.count(SystemTime::now()));
        let (Some(halts), Some(counted)) = (halts, counted) else {
            return false;
        };
        let path = &halts.path;
        if let Err(error) = &counted.written {
            self.emit(Event::NoHaltCount { path, error });
        }
        if counted.used_up {
            self.emit(Event::HaltWithheld {
                reason,
                most: halts.max,
                period: halts.period,
                path,
            });
        }
        counted.used_up
    }

    fn halt(&self, reason: HaltReason, driven: Option<&Driven>) {
        let Some(task) = &self.plan.halt else {
            // With an empty `halt_task` there is none by intention.
            if self.plan.settings.halt_task.is_some() {
                self.emit(Event::HaltMissing { reason });
            }
            return;
        };
        let outputs = self.outputs().all();
        let turn = Turn {
            task,
            try_num: driven.map_or(1, |driven| driven.try_num),
            outputs: &outputs,
            stop: self.tools.stop,
            alone: true,
        };
        let context = driven.and_then(|driven| driven.context(&outputs));
        let context = context.unwrap_or_else(|| turn.context(None));
        let mut command = self.environment.halt(turn.command(), context, reason);
        let limits = Limits::of_task(&task.settings, true);
        self.emit(Event::HaltStart {
            task: &task.name,
            reason,
            limits: &limits,
        });
        let output = self.log_output(&turn, &mut command);
        let ended = self.launch(&turn, Part::Halt, command, &limits);
        self.emit_left_behind(Leaver::Task(&task.name), task.settings.leftovers, &ended);
        self.emit(Event::HaltEnd {
            task: &task.name,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
            survived: !ended.unkillable.is_empty(),
            output: output.as_deref(),
        });
    }

    /// Runs one task with its hooks, without the chain.
    pub fn only(self, task: &Task) -> TaskResult {
        let run = self.with_output_files();
        // It makes no mark, so the run itself has no state.
        run.take_over(State::of(&run.plan.settings).as_ref());
        run.tools.lock.inspect(|lock| lock.start_run(&run.id));
        let stop = run.tools.stop;
        let mut result = TaskResult::Interrupted;
        let apply_end = |ended: &Ended, _| {
            if !ended.end_requested && stop.requested_by_now().is_none() {
                result = Verdict::of(&ended.outcome, &task.settings.codes).into();
            }
            (result, Next::Nothing)
        };
        let outputs = run.outputs().visible_to(run.plan.id(task));
        let turn = Turn {
            task,
            try_num: 1,
            outputs: &outputs,
            stop,
            alone: true,
        };
        run.step(&turn, || stop.requested().is_some(), apply_end);
        result
    }
}
