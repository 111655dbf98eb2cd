//! Several runs, one after the other, and the halt task after the last of them.

pub(crate) mod environment;
pub(crate) mod event;
pub(crate) mod hook;
#[expect(clippy::module_inception, reason = "one run, beside all of them")]
mod run;
pub(crate) mod run_id;
pub(crate) mod step;
pub(crate) mod task_logs;
pub(crate) mod workers;

use std::{ffi::OsString, io, num::NonZeroU32, sync::atomic::AtomicBool, time::Instant};

use jiff::Timestamp;

use crate::{
    chain::ChainEnd,
    plan::Plan,
    process::{Cancel, pause},
    run::{
        environment::Environment,
        event::{Before, Event, Sink},
        run_id::RunId,
        step::{Launcher, Outlet, Run},
        task_logs::Logs,
    },
    state::State,
};

/// All runs of the program, before the first one starts.
pub struct Runs<'a> {
    /// How many runs; `None` for ever.
    pub times: Option<NonZeroU32>,
    /// Whether the halt task runs after the last one.
    pub halt_after: bool,
    /// The value of `RUNNER_CONFIG_CMD`.
    pub config_cmd: OsString,
    /// What starts processes.
    pub launcher: &'a dyn Launcher,
    /// What asks the runner to end.
    pub cancel: &'a Cancel,
    /// Who is told what happens.
    pub sink: &'a Sink,
    /// Where output goes when several processes run at the same time.
    pub outlet: &'a Outlet,
    /// A random number from 0 to 1.
    pub draw: fn() -> f64,
    /// Reads configuration and directory again; gets the plan of the run before.
    pub reload: &'a dyn Fn(&Plan) -> Reload,
}

/// The result of reading configuration and directory again.
#[derive(Debug)]
pub enum Reload {
    /// The plan of the next run.
    Plan(Box<Plan>),
    /// They are wrong. The plan of the run before is used again.
    Wrong,
    /// There is no further run: another user could change something that it would use, or
    /// another runner has its lock.
    Refused,
}

/// How all runs together ended.
#[derive(Debug)]
pub struct RunsEnd {
    /// The end of the last one; failures of tasks that are not required are counted
    /// over all of them. `None` when a further run was refused.
    pub end: Option<ChainEnd>,
    /// What was run last.
    pub plan: Plan,
}

impl Runs<'_> {
    /// Runs `plan`, and then what is read anew before each further run. A run that
    /// does not finish is the last one.
    ///
    /// # Errors
    ///
    /// See [`Run::run`].
    pub fn run(&self, mut plan: Plan) -> io::Result<RunsEnd> {
        let said_no_log = AtomicBool::new(false);
        let mut all_failed = 0;
        let mut number: u32 = 0;
        loop {
            let clock = Instant::now();
            number = number.saturating_add(1);
            let id = RunId::new(Timestamp::now(), (self.draw)());
            let environment = Environment::new(&plan.settings.env, &self.config_cmd, &id);
            let settings = &plan.settings;
            let state = State::of(settings);
            let logs = settings.log_dir.as_deref().map(|log_dir| {
                let made = Logs::create(log_dir, &id, settings.log_keep);
                made.map_err(|error| (log_dir, error))
            });
            let run = Run {
                id: &id,
                plan: &plan,
                environment: &environment,
                launcher: self.launcher,
                cancel: self.cancel,
                sink: self.sink,
                draw: self.draw,
                state: state.as_ref(),
                outlet: (settings.jobs.get() > 1).then_some(self.outlet),
                logs: logs.as_ref().and_then(|logs| logs.as_ref().ok()),
                said_no_log: &said_no_log,
            };
            if let Some(Err((log_dir, error))) = &logs {
                run.say_no_log(log_dir, error);
            }
            match run.run()? {
                ChainEnd::Finished { failed } => all_failed += failed,
                end @ (ChainEnd::GaveUp
                | ChainEnd::Halted
                | ChainEnd::Stopped
                | ChainEnd::Interrupted) => {
                    let end = Some(end);
                    return Ok(RunsEnd { end, plan });
                }
            }
            let last = self.times.is_some_and(|times| number >= times.get());
            if last {
                let finished = ChainEnd::Finished { failed: all_failed };
                let end = Some(match self.halt_after {
                    true => run.halt_after(finished),
                    false => finished,
                });
                return Ok(RunsEnd { end, plan });
            }
            let time = plan
                .settings
                .task
                .sleep_time
                .saturating_sub(clock.elapsed());
            (self.sink)(&Event::Wait {
                time,
                before: Before::Run,
            });
            pause(time, self.cancel);
            if self.cancel.asked().is_some() {
                let end = Some(ChainEnd::Interrupted);
                return Ok(RunsEnd { end, plan });
            }
            match (self.reload)(&plan) {
                Reload::Plan(read) => plan = *read,
                Reload::Wrong => {}
                Reload::Refused => return Ok(RunsEnd { end: None, plan }),
            }
        }
    }
}
