//! Drives a drill: one task at a time, without waits, marks and halt task.

use std::{collections::BTreeMap, time::Instant};

use crate::{
    chain::{
        ChainEnd, Step, TaskId,
        drill::{Drill, DrilledTask, Failure, Reaction, Standing},
        verdict::{TaskResult, Verdict},
    },
    process::{Ended, outcome::Outcome},
    run::{
        event::{Event, Next},
        outputs::Variables,
        step::{Run, Turn},
    },
};

/// The result of a drill.
#[derive(Debug)]
pub struct Drilled {
    /// Its end: finished, with the number of findings; gave up, if a required task failed in its
    /// first start; or interrupted.
    pub end: ChainEnd,
    /// Its tasks, by [`TaskId`].
    pub tasks: Vec<DrilledTask>,
}

impl Drilled {
    /// Returns the task that ended it early.
    pub fn ended_by(&self) -> Option<TaskId> {
        let is_it = |task: &DrilledTask| matches!(task.standing, Standing::Ended(_));
        self.tasks.iter().position(is_it).map(TaskId)
    }
}

impl Run<'_> {
    /// Starts every task again after every prefix of the chain, and finds those that fail.
    pub fn drill(self) -> Drilled {
        let clock = Instant::now();
        let run = self.for_drill();
        let stop = run.tools.stop;
        run.tools.lock.inspect(|lock| lock.start_run(&run.id));
        let (id, plan) = (&run.id, run.plan);
        run.emit(Event::DrillStart { run: id, plan });
        let mut drill = Drill::new(plan.nodes.clone());
        let mut earlier = BTreeMap::new();
        let end = loop {
            if stop.requested_by_now().is_some() {
                drill.chain.interrupt();
            }
            match drill.chain.next_step() {
                Step::Start(task) => run.drill_task(&mut drill, &mut earlier, task),
                Step::Fail { task, need } => run.drill_failed_need(&mut drill, task, need),
                Step::Wait => {
                    drill.chain.next_try();
                    let chain = &drill.chain;
                    earlier.extend(run.outputs().forget(|task| chain.is_done(task)));
                    let (try_num, done) = (drill.chain.try_num(), drill.chain.passed());
                    run.emit(Event::TryStart { try_num, done });
                }
                Step::Busy => unreachable!("nothing runs between two steps"),
                Step::End(end) => break end,
            }
        };
        let tasks = drill.into_tasks();
        let is_finding = |task: &&DrilledTask| matches!(task.standing, Standing::Finding { .. });
        let end = match end {
            ChainEnd::Finished { .. } => ChainEnd::Finished {
                failed: tasks.iter().filter(is_finding).count(),
            },
            ChainEnd::GaveUp
            | ChainEnd::OutOfTime
            | ChainEnd::Halted
            | ChainEnd::Stopped
            | ChainEnd::Interrupted => end,
        };
        let drilled = Drilled { end, tasks };
        run.emit(Event::DrillEnd {
            end,
            signal: stop.requested(),
            elapsed: clock.elapsed(),
            ended_by: drilled.ended_by().map(|task| &plan.tasks[task.0].name),
        });
        drilled
    }

    /// Starts a task. `earlier` has the outputs of earlier tries.
    fn drill_task(&self, drill: &mut Drill, earlier: &mut BTreeMap<TaskId, Variables>, id: TaskId) {
        let task = &self.plan.tasks[id.0];
        let stop = self.tools.stop;
        let outputs = self.outputs().visible_to(id);
        let turn = Turn {
            task,
            try_num: drill.chain.try_num(),
            outputs: &outputs,
            stop,
            alone: true,
        };
        let mut has_verdict = false;
        let apply_end = |ended: &Ended, _| {
            if !matches!(ended.outcome, Outcome::NotStarted(_)) {
                drill.count_start(id);
            }
            let verdict = Verdict::of(&ended.outcome, &task.settings.codes);
            let succeeded = matches!(verdict, Verdict::Proceed | Verdict::Skip);
            if ended.end_requested || !succeeded && stop.requested_by_now().is_some() {
                return (TaskResult::Interrupted, Next::Nothing);
            }
            has_verdict = true;
            let failure = Failure {
                outcome: ended.outcome.clone(),
                survived: !ended.unkillable.is_empty(),
            };
            let is_once = task.settings.runs_once();
            let reaction = drill.apply(id, verdict, failure, is_once);
            if reaction == Reaction::Finding
                && let Some(outputs) = earlier.remove(&id)
            {
                // The tasks after it need those of its last success. If they are too large with
                // those of this try, it has none.
                let _ = self.outputs().set(id, outputs);
            }
            let result = match reaction {
                Reaction::Again => TaskResult::Retry,
                Reaction::Continue | Reaction::Finding | Reaction::Note | Reaction::End => {
                    verdict.into()
                }
            };
            (result, Next::Drill(reaction))
        };
        self.step(&turn, || stop.requested().is_some(), apply_end);
        if !has_verdict {
            drill.chain.withdraw(id);
        }
        drill.chain.ended(id);
    }

    /// Fails a task that does not start, because `need` failed.
    fn drill_failed_need(&self, drill: &mut Drill, id: TaskId, need: TaskId) {
        let ended = self.failed_need(need);
        let failure = Failure {
            outcome: ended.outcome.clone(),
            survived: false,
        };
        let reaction = drill.apply(id, Verdict::Retry, failure, false);
        let try_num = drill.chain.try_num();
        self.emit_failed_need(id, try_num, &ended, Next::Drill(reaction));
        drill.chain.ended(id);
    }
}
