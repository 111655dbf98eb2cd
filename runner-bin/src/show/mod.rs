//! What would be run, without running it: one file for each question.

mod check;
mod dry_run;
mod env;
mod graph;
mod list;

use std::{iter, mem};

use runner_config::Problems;
use runner_exec::{CommandLine, Plan, Task, TaskId};
use serde_json::Value;

use crate::{
    exit::Exit,
    load::Source,
    log::{Log, Verbosity},
    out::{answer, answer_with},
};

/// A question about what would be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which tasks, in which order?
    List,
    /// With which commands and settings?
    DryRun,
    /// How do they hang together?
    Graph,
    /// What does this task see?
    Env(String),
    /// What is wrong?
    Check,
}

/// Answers `question` for people, or in JSON for programs.
pub(crate) fn show(source: &Source, question: &Question, json: bool, verbosity: Verbosity) -> Exit {
    let log = Log::plain(verbosity);
    let mut problems = Problems::default();
    let plan = source.load(&mut problems);
    if *question == Question::Check {
        return check::check(source, plan, problems, json);
    }
    log.problems(problems);
    let plan = match plan {
        Ok(plan) => plan,
        Err(unusable) => return unusable.exit,
    };
    if *question == Question::List && !json {
        let exit = answer_with(|stdout| list::text(&plan, stdout), Exit::Finished, &log);
        // The program ends now, and to free a very large plan piece by piece takes time.
        mem::forget(plan);
        return exit;
    }
    let text = match question {
        Question::List => pretty(&list::json(&plan)),
        Question::DryRun if json => pretty(&dry_run::json(&plan)),
        Question::DryRun => dry_run::text(&plan),
        Question::Graph => graph::dot(&plan),
        Question::Env(name) => match env::variables(source, &plan, name) {
            Ok(variables) if json => pretty(&env::json(&variables)),
            Ok(variables) => env::text(&variables),
            Err((exit, sentence)) => {
                log.error(&sentence);
                return exit;
            }
        },
        Question::Check => unreachable!("it was answered above"),
    };
    answer(&text, Exit::Finished, &log)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The words of the command that starts `task`.
fn command(task: &Task) -> Vec<String> {
    words(&CommandLine::task(
        task.settings.interpreter.as_ref(),
        &task.path(),
    ))
}

fn words(command: &CommandLine) -> Vec<String> {
    let args = command.args.iter().map(|arg| arg.to_string_lossy());
    let program = command.program.to_string_lossy();
    iter::once(program)
        .chain(args)
        .map(|word| word.into_owned())
        .collect()
}

/// The names of the tasks that `task` depends on.
fn dependency_names(plan: &Plan, task: TaskId) -> Vec<String> {
    let dependencies = plan.dependencies(task);
    let names = dependencies.map(|dependency| plan.tasks[dependency.0].name.to_string());
    names.collect()
}
