//! `--dry-run`: the commands, the working directory, and every setting with the place
//! where it was written.

use std::{env, ffi::OsString, path::PathBuf};

use runner_config::{SETTINGS, Setting, Written, escape, name_text, shown};
use runner_exec::{CommandLine, Plan, Task, TaskId, TaskStats};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{command, dependency_names, push_padded, quoted, texts, words};

/// A setting and what it says.
type Row<'a> = (&'static Setting, Written<'a>);

/// No setting has a longer name.
const NAMES: usize = "retry_backoff".len();

/// Longer values do not push the places of others to the right.
const WIDEST: usize = 40;

/// For people: what holds for all tasks, then of each task what it has of its own.
pub(super) fn text(plan: &Plan) -> String {
    let directory = shown(&directory());
    let mut text = format!("working directory  {directory}\n\nfor all tasks\n");
    text += &table(&common(plan));
    for (task, id) in tasks(plan) {
        let role = if id.is_some() { "" } else { ", the halt task" };
        text += &format!("\n{}{role}\n", task.name);
        let hook = id.and_then(|_| Some(("hook", hook(plan, task)?)));
        for (what, words) in hook.into_iter().chain([("command", command(task))]) {
            text += &format!("  {what:<NAMES$}  {}\n", quoted(&words));
        }
        text += &table(&own(plan, task));
    }
    text
}

/// For programs: what docs/json.md says.
pub(super) fn json(plan: &Plan) -> Value {
    let object = |(task, id): (&Task, Option<TaskId>)| {
        json!({
            "task": name_text(task.name.as_os_str()),
            "command": texts(&command(task)),
            "hook": id.and_then(|_| hook(plan, task)).as_deref().map(texts),
            "depends_on": id.map(|id| dependency_names(plan, id)).unwrap_or_default(),
            "settings": settings(all(plan, task)),
        })
    };
    let (chain, halt): (Vec<_>, Vec<_>) = tasks(plan).partition(|(_, id)| id.is_some());
    json!({
        "working_directory": name_text(directory().as_os_str()),
        "settings": settings(common(plan)),
        "tasks": chain.into_iter().map(object).collect::<Value>(),
        "halt_task": halt.into_iter().map(object).next(),
    })
}

/// The tasks in their order; behind them the halt task, which has no number.
fn tasks(plan: &Plan) -> impl Iterator<Item = (&Task, Option<TaskId>)> {
    let chain = plan.order().into_iter();
    let chain = chain.map(|id| (&plan.tasks[id.0], Some(id)));
    chain.chain(plan.halt.iter().map(|halt| (halt, None)))
}

fn settings(rows: Vec<Row>) -> Value {
    let rows = rows.into_iter();
    rows.map(|(setting, Written { value, origin, .. })| {
        let member = json!({"value": value, "origin": origin.to_string()});
        (setting.name, member)
    })
    .collect()
}

/// Settings in force for all tasks.
fn common(plan: &Plan) -> Vec<Row<'_>> {
    rows(plan, Setting::in_runner, None)
}

/// What is in force for `task`.
fn all<'a>(plan: &'a Plan, task: &Task) -> Vec<Row<'a>> {
    let section = task.sections.first().map(String::as_str);
    rows(plan, Setting::in_task, section)
}

fn rows<'a>(plan: &'a Plan, is_shown: fn(&Setting) -> bool, section: Option<&str>) -> Vec<Row<'a>> {
    let shown = SETTINGS.iter().filter(|setting| is_shown(setting));
    let row = |setting| (setting, plan.settings.in_force(setting, section));
    shown.map(row).collect()
}

/// What its own section says of `task`.
fn own<'a>(plan: &'a Plan, task: &Task) -> Vec<Row<'a>> {
    let mut rows = all(plan, task);
    rows.retain(|(setting, row)| row.origin != plan.settings.in_force(setting, None).origin);
    rows
}

/// The command of the hook before `task`, in its first try.
fn hook(plan: &Plan, task: &Task) -> Option<Vec<OsString>> {
    let json = TaskStats::new(&task.name, 1, task.settings.max_tries, None).json();
    Some(words(CommandLine::hook(plan.hook.as_ref()?, json)))
}

fn directory() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| "?".into())
}

fn table(rows: &[Row]) -> String {
    let one_line = |row: &Written| escape(&row.value.replace('\n', " ⏎ ")).into_owned();
    let widths = rows.iter().map(|(_, row)| one_line(row).width());
    let widest = widths.max().unwrap_or(0).min(WIDEST);
    let mut table = String::new();
    for (setting, row) in rows {
        let name = setting.name;
        table += &format!("  {name:<NAMES$}  ");
        push_padded(&mut table, &one_line(row), widest);
        table += &format!("  {}\n", row.origin);
    }
    table
}
