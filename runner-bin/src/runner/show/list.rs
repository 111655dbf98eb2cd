//! `--list`: the tasks in their order, one per line.

use std::borrow::Cow;

use runner_config::{TaskSettings, format_duration, name_text};
use runner_exec::{Plan, TaskId};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{Done, dependency_names, done_text, push_padded, quoted, texts};

/// Returns the text for people: columns that every task has, then those of some tasks.
pub(super) fn text(plan: &Plan, done: &Done) -> String {
    let names: Vec<Cow<str>> = plan.tasks.iter().map(|task| task.name.shown()).collect();
    let order = plan.order().into_iter();
    let rows: Vec<[Cow<str>; 5]> = order
        .map(|id| {
            let settings = &plan.tasks[id.0].settings;
            [
                (&*names[id.0]).into(),
                format!("level {}", plan.nodes[id.0].level).into(),
                limit(settings).into(),
                tries_of(settings).into(),
                rest(plan, id, &names, done).join("  ").into(),
            ]
        })
        .collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].width()).max();
    let widths = [0, 1, 2, 3].map(|column| widest(column).unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            push_padded(&mut text, cell, width + 2);
        }
        text += &row[4];
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Returns the properties that only some tasks have.
fn rest(plan: &Plan, id: TaskId, names: &[Cow<str>], done: &Done) -> Vec<String> {
    let settings = &plan.tasks[id.0].settings;
    let mut rest = Vec::new();
    if let Some(words) = &settings.interpreter {
        rest.push(format!("by {}", quoted(words)));
    }
    let dependencies: Vec<&str> = (plan.dependencies(id).iter())
        .map(|id| &*names[id.0])
        .collect();
    if !dependencies.is_empty() {
        rest.push(format!("after {}", dependencies.join(", ")));
    }
    if settings.runs_once() {
        rest.push(settings.frequency.as_str().to_owned());
    }
    rest.extend(done[id.0].map(done_text));
    if !settings.required {
        rest.push("not required".to_owned());
    }
    rest
}

/// Returns the JSON of docs/json.md.
pub(super) fn json(plan: &Plan, done: &Done) -> Value {
    let order = plan.order().into_iter();
    order
        .map(|id| {
            let task = &plan.tasks[id.0];
            let settings = &task.settings;
            let interpreter = settings.interpreter.as_ref();
            json!({
                "task": name_text(task.name.as_os_str()),
                "path": name_text(task.path().as_os_str()),
                "level": plan.nodes[id.0].level,
                "depends_on": dependency_names(plan, id),
                "interpreter": interpreter.map(|words| texts(words)),
                "max_time": settings.max_time.map(|time| time.as_secs_f64()),
                "max_tries": settings.max_tries.number(),
                "frequency": settings.frequency.as_str(),
                "required": settings.required,
                "done": done[id.0].map(|at| at.to_string()),
            })
        })
        .collect()
}

fn limit(settings: &TaskSettings) -> String {
    match settings.max_time {
        Some(time) => format!("limit {}", format_duration(time)),
        None => "no limit".to_owned(),
    }
}

fn tries_of(settings: &TaskSettings) -> String {
    match settings.max_tries.number() {
        0 => "unlimited tries".to_owned(),
        1 => "1 try".to_owned(),
        tries => format!("{tries} tries"),
    }
}
