//! `--dry-run`: the commands, the working directory, and every setting with the place
//! where it was written.

use std::env;

use runner_config::{InForce, Origin, SETTINGS, shown};
use runner_exec::{CommandLine, Plan, Task, TaskStats};
use serde_json::{Map, Value, json};

use super::{command, dependencies, words};

/// A setting and what it says.
type Row<'a> = (&'static str, InForce<'a>);

/// No setting has a longer name.
const NAMES: usize = "retry_backoff".len();

/// For people: what holds for all tasks, then of each task what it has of its own.
pub(super) fn text(plan: &Plan) -> String {
    let mut text = format!("working directory  {}\n\nfor all tasks\n", directory());
    text += &table(&common(plan));
    let chain = plan.order().into_iter().map(|id| (&plan.tasks[id.0], true));
    let halt = plan.halt.iter().map(|halt| (halt, false));
    for (task, in_chain) in chain.chain(halt) {
        let role = if in_chain { "" } else { ", the halt task" };
        text += &format!("\n{}{role}\n", task.name);
        if let Some(hook) = hook(plan, task).filter(|_| in_chain) {
            text += &format!("  {:<NAMES$}  {}\n", "hook", shell_words::join(hook));
        }
        text += &format!(
            "  {:<NAMES$}  {}\n",
            "command",
            shell_words::join(command(task))
        );
        text += &table(&own(plan, task));
    }
    text
}

/// For programs: what docs/json.md says.
pub(super) fn json(plan: &Plan) -> Value {
    let dependencies = dependencies(plan);
    let chain = plan.order().into_iter();
    let chain = chain.map(|id| object(plan, &plan.tasks[id.0], &dependencies[id.0]));
    let halt = plan.halt.as_ref().map(|halt| object(plan, halt, &[]));
    json!({
        "working_directory": directory(),
        "settings": settings(common(plan)),
        "tasks": chain.collect::<Value>(),
        "halt_task": halt,
    })
}

fn object(plan: &Plan, task: &Task, depends_on: &[String]) -> Value {
    json!({
        "task": task.name.as_os_str().to_string_lossy(),
        "command": command(task),
        "hook": hook(plan, task),
        "depends_on": depends_on,
        "settings": settings(all(plan, task)),
    })
}

fn settings(rows: Vec<Row>) -> Value {
    let members = rows.into_iter().map(|(name, InForce { value, origin })| {
        let member = json!({"value": value, "origin": origin.to_string()});
        (name.to_owned(), member)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

/// What `[runner]` says.
fn common(plan: &Plan) -> Vec<Row<'_>> {
    let in_runner = SETTINGS.iter().filter(|setting| setting.in_runner());
    in_runner
        .map(|setting| (setting.name, plan.settings.in_force(setting, None)))
        .collect()
}

/// What is in force for `task`.
fn all<'a>(plan: &'a Plan, task: &Task) -> Vec<Row<'a>> {
    let section = task.section.as_deref();
    let in_task = SETTINGS.iter().filter(|setting| setting.in_task());
    in_task
        .map(|setting| (setting.name, plan.settings.in_force(setting, section)))
        .collect()
}

/// What its own section says of `task`.
fn own<'a>(plan: &'a Plan, task: &Task) -> Vec<Row<'a>> {
    let mut rows = all(plan, task);
    let common = common(plan);
    let is_common = |(name, row): &Row| {
        let found = common.iter().find(|(common, _)| common == name);
        found.map_or(*row.origin == Origin::Default, |(_, common)| {
            common.origin == row.origin
        })
    };
    rows.retain(|row| !is_common(row));
    rows
}

/// The command of the hook before `task`, in its first try.
fn hook(plan: &Plan, task: &Task) -> Option<Vec<String>> {
    let json = TaskStats::new(&task.name, 1, task.settings.max_tries, None).json();
    Some(words(&CommandLine::hook(plan.hook.as_ref()?, json)))
}

fn directory() -> String {
    env::current_dir().map_or_else(|_| "?".to_owned(), |directory| shown(&directory))
}

fn table(rows: &[Row]) -> String {
    let one_line = |value: &str| value.replace('\n', " ⏎ ");
    let values = rows
        .iter()
        .map(|(_, row)| row.value.chars().count().min(40));
    let values = values.max().unwrap_or(0);
    let line = |(name, row): &Row| {
        let value = one_line(row.value);
        format!("  {name:<NAMES$}  {value:<values$}  {}\n", row.origin)
    };
    rows.iter().map(line).collect()
}
