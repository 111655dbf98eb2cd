//! Answers about a plan, without running it: one file for each question.

mod check;
mod dry_run;
mod env;
mod graph;
mod list;

use std::{borrow::Cow, ffi::OsString, iter, os::unix::ffi::OsStrExt};

use jiff::Timestamp;
use runner_config::{Problems, bytes_text, name_text};
use runner_exec::{CommandLine, Marks, Plan, StateDir, Task, TaskId};
use unicode_width::UnicodeWidthStr;

use crate::{
    cli::Question,
    console::{
        answer::{answer, pretty},
        level::Verbosity,
        log::{Log, local_zone},
        shell::quoted,
    },
    exit::Exit,
    runner::load::Source,
};

/// Answers `question` as text for people, or in JSON.
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
    let text = match question {
        Question::List if json => pretty(&list::json(&plan, &done(&plan))),
        Question::List => list::text(&plan, &done(&plan)),
        Question::DryRun if json => pretty(&dry_run::json(&plan, &done(&plan))),
        Question::DryRun => dry_run::text(&plan, &done(&plan)),
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

/// For each task, the start of the earlier run that has done it, so that it would not start.
type Done = [Option<Timestamp>];

fn done(plan: &Plan) -> Vec<Option<Timestamp>> {
    let marks = StateDir::of(&plan.settings).map(Marks::new);
    let done_at = |task| marks.as_ref().and_then(|marks| marks.done_at(task));
    plan.tasks.iter().map(done_at).collect()
}

/// Formats the time at which a task was done, in the local time zone.
fn done_text(at: Timestamp) -> String {
    let at = at.to_zoned_datetime(local_zone());
    format!("done {}", at.strftime("%Y-%m-%d %H:%M"))
}

/// Returns the words of the command of `task`.
fn command(task: &Task) -> Vec<OsString> {
    words(CommandLine::task(
        task.settings.interpreter.as_ref(),
        &task.path(),
    ))
}

fn words(command: CommandLine) -> Vec<OsString> {
    iter::once(command.program.into())
        .chain(command.args)
        .collect()
}

/// Returns a command in JSON, as an array of words.
fn texts(words: &[OsString]) -> Vec<Cow<'_, str>> {
    words
        .iter()
        .map(|word| bytes_text(word.as_bytes()))
        .collect()
}

/// Appends `cell`, and blanks up to `width` columns.
pub(super) fn push_padded(text: &mut String, cell: &str, width: usize) {
    text.push_str(cell);
    text.extend(iter::repeat_n(' ', width.saturating_sub(cell.width())));
}

/// Returns the names of the dependencies of `task`, for JSON.
fn dependency_names(plan: &Plan, task: TaskId) -> Vec<Cow<'_, str>> {
    let dependencies = plan.dependencies(task);
    let names = (dependencies.iter()).map(|dependency| plan.tasks[dependency.0].name.as_os_str());
    names.map(name_text).collect()
}
