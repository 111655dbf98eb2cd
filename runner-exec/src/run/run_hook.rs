//! The run hook: a command at the start and the end of a run, and its JSON argument.

use std::time::Duration;

use serde::Serialize;

use crate::{
    chain::ChainEnd,
    plan::{Plan, task_name::TaskName},
    process::{command::CommandLine, outcome::Signal},
    run::{
        event::{Event, Leaver},
        hook::{HookOf, RunPhase, json},
        outputs::Variables,
        step::Run,
    },
    state::Part,
};

/// Maximum number of names in a list of the JSON.
const MAX_NAMES: usize = 100;

/// The members of the JSON, in their order. Users depend on this format: a release is verified
/// against its snapshots.
#[derive(Debug, Serialize)]
pub struct RunStats {
    run: String,
    phase: &'static str,
    #[serde(flatten)]
    members: Members,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Members {
    Start {
        tasks: usize,
    },
    End {
        status: u8,
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        failed: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        failed_count: Option<usize>,
        not_reached: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        not_reached_count: Option<usize>,
        elapsed: f64,
    },
}

/// The end of the chain of a run.
#[derive(Debug)]
pub(super) struct EndOfRun<'a> {
    pub(super) end: ChainEnd,
    /// The halt task was due, but `max_halts` is used up.
    pub(super) withheld: bool,
    pub(super) signal: Option<Signal>,
    /// The deciding task, unless the run finished.
    pub(super) task: Option<&'a TaskName>,
    /// The tasks whose last result was a failure.
    pub(super) failed: &'a [&'a TaskName],
    /// The tasks that never started.
    pub(super) not_reached: &'a [&'a TaskName],
    pub(super) elapsed: Duration,
}

impl RunStats {
    /// Creates the JSON for the start of the run `run`.
    pub fn start(run: &str, plan: &Plan) -> RunStats {
        let tasks = plan.tasks.len();
        RunStats::new(run, RunPhase::Start, Members::Start { tasks })
    }

    fn end(run: &str, end: &EndOfRun) -> RunStats {
        let (failed, failed_count) = names(end.failed);
        let (not_reached, not_reached_count) = names(end.not_reached);
        let members = Members::End {
            status: end.end.status(end.signal),
            reason: end.end.reason(end.withheld),
            task: end.task.map(text_of),
            failed,
            failed_count,
            not_reached,
            not_reached_count,
            elapsed: (end.elapsed.as_secs_f64() * 1e3).round() / 1e3,
        };
        RunStats::new(run, RunPhase::End, members)
    }

    fn new(run: &str, phase: RunPhase, members: Members) -> RunStats {
        RunStats {
            run: run.to_owned(),
            phase: phase.as_str(),
            members,
        }
    }

    /// Returns compact JSON, as [`TaskStats::json`](crate::TaskStats::json) does.
    pub fn json(&self) -> String {
        json(self)
    }
}

/// Returns the first names, and the number of all if there are more.
fn names(tasks: &[&TaskName]) -> (Vec<String>, Option<usize>) {
    let first = tasks.iter().take(MAX_NAMES).map(|task| text_of(task));
    let count = Some(tasks.len()).filter(|&count| count > MAX_NAMES);
    (first.collect(), count)
}

fn text_of(task: &TaskName) -> String {
    task.as_os_str().to_string_lossy().into_owned()
}

impl Run<'_> {
    /// Runs the run hook at the start, unless a signal has requested the end.
    pub(super) fn start_hook(&self) {
        if self.tools.stop.requested().is_none() {
            let stats = || RunStats::start(self.id.as_str(), self.plan);
            self.run_hook(RunPhase::Start, stats);
        }
    }

    /// Runs the run hook at the end, also after a signal.
    pub(super) fn end_hook(&self, end: &EndOfRun) {
        self.run_hook(RunPhase::End, || RunStats::end(self.id.as_str(), end));
    }

    fn run_hook(&self, phase: RunPhase, stats: impl FnOnce() -> RunStats) {
        let settings = &self.plan.settings.task;
        let Some(hook) = &self.plan.run_hook else {
            return;
        };
        let Some((stop, mut limits)) = self.hook_limits(settings, true) else {
            return;
        };
        if phase == RunPhase::Start {
            limits = self.within_run(limits);
        }
        let command = CommandLine::hook(&hook.words, stats().json());
        let outputs = match phase {
            RunPhase::Start => Variables::new(),
            RunPhase::End => self.outputs().all(),
        };
        let mut command = self.environment.run_hook(command, phase, outputs);
        let hook = HookOf::Run(phase);
        let name = hook.name();
        self.prefix_output(&name, &mut command);
        self.emit(Event::HookStart {
            hook,
            limits: &limits,
        });
        let part = (&name, Part::RunHook(phase));
        let ended = self.launch_recorded(part, &stop, command, &limits, &|_| ());
        self.emit_left_behind(Leaver::Hook(hook), settings.leftovers, &ended);
        self.emit_hook_end(hook, &limits, &ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_the_first_hundred_names_and_then_their_number() {
        let tasks: Vec<TaskName> = (1..=101).map(|n| TaskName::new(format!("{n}-a"))).collect();
        let tasks: Vec<&TaskName> = tasks.iter().collect();
        let end = |failed, not_reached| EndOfRun {
            end: ChainEnd::GaveUp,
            withheld: false,
            signal: None,
            task: Some(tasks[0]),
            failed,
            not_reached,
            elapsed: Duration::from_micros(83_199_600),
        };
        assert_eq!(
            RunStats::end("r", &end(&tasks[..2], &[])).json(),
            r#"{"run":"r","phase":"end","status":1,"reason":"gave-up","task":"1-a","failed":["1-a","2-a"],"not_reached":[],"elapsed":83.2}"#
        );
        let all = RunStats::end("r", &end(&tasks[..100], &tasks)).json();
        let names: Vec<String> = (1..=100).map(|n| format!("\"{n}-a\"")).collect();
        let names = names.join(",");
        let lists =
            format!(r#""failed":[{names}],"not_reached":[{names}],"not_reached_count":101,"#);
        assert!(all.contains(&lists), "{all}");
    }
}
