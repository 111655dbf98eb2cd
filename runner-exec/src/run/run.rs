//! One run: around each task the hooks, in the end the halt task. Which task comes
//! when is obeyed in `workers`.

use std::{
    io,
    time::{Instant, SystemTime},
};

use crate::{
    chain::{
        ChainEnd,
        verdict::{TaskResult, Verdict},
    },
    plan::Task,
    process::{Ended, Limits, command::CommandLine},
    run::{
        environment::{HaltReason, Seen},
        event::{Event, Next, Part},
        step::{Cause, Run, seen},
        workers::drive,
    },
};

impl Run<'_> {
    /// Runs the chain, and the halt task when it ends so.
    ///
    /// # Errors
    ///
    /// The system has no more threads or file descriptors for the runner itself.
    pub fn run(&self) -> io::Result<ChainEnd> {
        let clock = Instant::now();
        let done = self.state.map(|state| state.marks.done(self.plan));
        let done = done.unwrap_or_default();
        self.say(Event::RunStart {
            run: self.id,
            plan: self.plan,
            done: &done,
        });
        self.say(Event::TryStart {
            try_num: 1,
            done: done.len(),
        });
        let (end, cause) = drive(self, done)?;
        let (end, withheld) = self.halt_because_of(end, cause);
        self.say(Event::RunEnd {
            end,
            withheld,
            signal: self.cancel.asked(),
            elapsed: clock.elapsed(),
        });
        Ok(end)
    }

    /// Runs the halt task when the chain ended so. Returns how it ended after all, and
    /// whether the halt task was kept back.
    fn halt_because_of(&self, end: ChainEnd, cause: Option<Cause>) -> (ChainEnd, bool) {
        let reason = match end {
            ChainEnd::Halted => HaltReason::Halted,
            ChainEnd::GaveUp => HaltReason::GaveUp,
            ChainEnd::Finished { .. } | ChainEnd::Stopped | ChainEnd::Interrupted => {
                return (end, false);
            }
        };
        if self.cancel.asked_by_now().is_some() {
            return (ChainEnd::Interrupted, false);
        }
        if self.withholds_halt(reason) {
            // Nobody is to wait for a machine that will not halt.
            return (ChainEnd::GaveUp, true);
        }
        self.halt(reason, cause.as_ref());
        (end, false)
    }

    /// Runs the halt task because the runs have finished, unless the runner was asked
    /// to end meanwhile. Returns how it all ended.
    pub fn halt_after(&self, finished: ChainEnd) -> ChainEnd {
        if self.cancel.asked_by_now().is_some() {
            return ChainEnd::Interrupted;
        }
        if !self.withholds_halt(HaltReason::HaltAfter) {
            self.halt(HaltReason::HaltAfter, None);
        }
        finished
    }

    /// Counts one more halt, and says so when it is one too many.
    fn withholds_halt(&self, reason: HaltReason) -> bool {
        let Some(halts) = self.state.map(|state| &state.halts) else {
            return false;
        };
        let Some(counted) = halts.count(SystemTime::now()) else {
            return false;
        };
        let path = &halts.path;
        if let Err(error) = &counted.written {
            self.say(Event::NoHaltCount { path, error });
        }
        if counted.used_up {
            self.say(Event::HaltWithheld {
                reason,
                most: halts.max,
                period: halts.period,
                path,
            });
        }
        counted.used_up
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
        let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path());
        let mut command = self.environment.halt(command, seen, reason);
        self.let_out(task, &mut command);
        let output = self.log_output(task, seen.try_num, &mut command);
        let limits = Limits::of_task(&task.settings, true);
        let name = &task.name;
        self.say(Event::HaltStart {
            task: name,
            reason,
            limits: &limits,
        });
        let ended = self.launch(
            command,
            &limits,
            self.cancel,
            name,
            Part::Halt,
            seen.try_num,
        );
        self.say_left(name, None, &task.settings, &ended);
        self.say(Event::HaltEnd {
            task: name,
            outcome: &ended.outcome,
            elapsed: ended.elapsed,
            limit: limits.time,
            survived: !ended.undying.is_empty(),
            output: output.as_deref(),
        });
    }

    /// Runs one task with its hooks, and no chain around it.
    pub fn only(&self, task: &Task) -> TaskResult {
        let mut result = TaskResult::Interrupted;
        let judge = |ended: &Ended| {
            if !ended.asked && self.cancel.asked_by_now().is_none() {
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
}
