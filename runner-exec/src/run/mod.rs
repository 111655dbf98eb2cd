//! A sequence of runs, and the halt task after the last one (`-H`).

pub(crate) mod drill;
pub(crate) mod environment;
pub(crate) mod event;
pub(crate) mod hook;
pub(crate) mod longest_run;
mod output_files;
pub(crate) mod output_line;
pub(crate) mod outputs;
#[expect(clippy::module_inception, reason = "one run, beside all of them")]
mod run;
pub(crate) mod run_hook;
pub(crate) mod run_id;
pub(crate) mod step;
pub(crate) mod task_logs;
pub(crate) mod tools;
pub(crate) mod workers;

use std::{io, num::NonZeroU32, time::Instant};

use crate::{
    chain::ChainEnd,
    plan::Plan,
    process::pause,
    run::{
        event::{Before, Event},
        outputs::Variables,
        step::Run,
        tools::Tools,
    },
};

/// All runs of the program, before the first one starts.
pub struct Runs<'a> {
    /// Number of runs; `None` = forever.
    pub times: Option<NonZeroU32>,
    /// The halt task runs after the last run.
    pub halt_after: bool,
    /// The tools of all runs.
    pub tools: Tools<'a>,
    /// Reads configuration and directory again. Its argument is the plan of the last run.
    pub reload: &'a dyn Fn(&Plan) -> Reload,
}

/// The result of reading configuration and directory again.
#[derive(Debug)]
pub enum Reload {
    /// The plan of the next run.
    Plan(Box<Plan>),
    /// They are wrong. The plan of the last run is used again.
    Wrong,
    /// There is no further run: another user could change something that it would use, or
    /// another runner has its lock.
    Refused,
}

/// End of all runs together.
#[derive(Debug)]
pub struct RunsEnd {
    /// The end of the last run, with the failures of tasks that are not required summed over all
    /// runs. `None` if a further run was refused.
    pub end: Option<ChainEnd>,
    /// The plan of the last run.
    pub plan: Plan,
    /// The outputs of its tasks.
    pub outputs: Variables,
}

impl Runs<'_> {
    /// Runs `plan`, and reads a new one before each further run. A run that does not finish is
    /// the last one.
    ///
    /// # Errors
    ///
    /// See [`Run::run`].
    pub fn run(&self, mut plan: Plan) -> io::Result<RunsEnd> {
        let mut all_failed = 0;
        let mut number: u32 = 0;
        loop {
            let clock = Instant::now();
            number = number.saturating_add(1);
            let run = Run::new(&plan, &self.tools).with_directories();
            let end = match run.run()? {
                ChainEnd::Finished { failed } => {
                    all_failed += failed;
                    let is_last = self.times.is_some_and(|times| number >= times.get());
                    is_last.then_some(ChainEnd::Finished { failed: all_failed })
                }
                end @ (ChainEnd::GaveUp
                | ChainEnd::OutOfTime
                | ChainEnd::Halted
                | ChainEnd::Stopped
                | ChainEnd::Interrupted) => Some(end),
            };
            let end = match end {
                Some(finished @ ChainEnd::Finished { .. }) if self.halt_after => {
                    Some(run.halt_after(finished))
                }
                Some(end) => Some(end),
                None => self.wait(&plan, clock),
            };
            if end.is_some() {
                let outputs = run.outputs().all();
                drop(run);
                return Ok(RunsEnd { end, plan, outputs });
            }
            match (self.reload)(&plan) {
                Reload::Plan(read) => plan = *read,
                Reload::Wrong => {}
                Reload::Refused => {
                    let outputs = Variables::new();
                    return Ok(RunsEnd { end, plan, outputs });
                }
            }
        }
    }

    /// Waits until the next run is due; the last one started at `start`. Returns an end if a
    /// signal requested it meanwhile.
    fn wait(&self, plan: &Plan, start: Instant) -> Option<ChainEnd> {
        let time = plan
            .settings
            .task
            .sleep_time
            .saturating_sub(start.elapsed());
        let before = Before::Run;
        (self.tools.sink)(&Event::Wait { time, before });
        pause(time, self.tools.stop);
        self.tools.stop.requested().map(|_| ChainEnd::Interrupted)
    }
}
