//! `--list`: the tasks in their order, one a line.

use std::fmt::Write;

use runner_config::{Frequency, TaskSettings, format_duration, shown};
use runner_exec::Plan;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::dependencies;

/// For people: columns of what every task has, then what only some have.
pub(super) fn text(plan: &Plan) -> String {
    let dependencies = dependencies(plan);
    let width = |column: fn(&TaskSettings) -> String| {
        let cells = plan.tasks.iter().map(|task| column(&task.settings).len());
        cells.max().unwrap_or(0)
    };
    let names = plan.tasks.iter().map(|task| task.name.to_string().width());
    let (names, limits, tries) = (names.max().unwrap_or(0), width(limit), width(tries_of));
    let levels = plan.links.last().map_or(0, |last| last.level);
    let levels = levels.to_string().len();
    let mut text = String::new();
    for id in plan.order() {
        let task = &plan.tasks[id.0];
        let name = task.name.to_string();
        let pad = names - name.width();
        let (level, settings) = (plan.links[id.0].level, &*task.settings);
        let mut line = format!(
            "{name}{:pad$}  level {level:<levels$}  {:<limits$}  {:<tries$}",
            "",
            limit(settings),
            tries_of(settings)
        );
        if let Some(words) = &settings.interpreter {
            let words: Vec<String> = words.iter().map(|word| shown(word.as_ref())).collect();
            let _ = write!(line, "  by {}", words.join(" "));
        }
        if !dependencies[id.0].is_empty() {
            let _ = write!(line, "  after {}", dependencies[id.0].join(", "));
        }
        if settings.frequency != Frequency::Always {
            let _ = write!(line, "  {}", settings.frequency.as_str());
        }
        if !settings.required {
            line += "  not required";
        }
        text += line.trim_end();
        text += "\n";
    }
    text
}

/// For programs: what docs/json.md says.
pub(super) fn json(plan: &Plan) -> Value {
    let dependencies = dependencies(plan);
    let order = plan.order().into_iter();
    order
        .map(|id| {
            let task = &plan.tasks[id.0];
            let settings = &task.settings;
            let interpreter = settings.interpreter.as_ref();
            json!({
                "task": task.name.as_os_str().to_string_lossy(),
                "path": task.path.to_string_lossy(),
                "level": plan.links[id.0].level,
                "depends_on": dependencies[id.0],
                "interpreter": interpreter.map(|words| {
                    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>()
                }),
                "max_time": settings.max_time.map(|time| time.as_secs_f64()),
                "max_tries": settings.max_tries.number(),
                "frequency": settings.frequency.as_str(),
                "required": settings.required,
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
        0 => "tries without end".to_owned(),
        1 => "1 try".to_owned(),
        tries => format!("{tries} tries"),
    }
}
