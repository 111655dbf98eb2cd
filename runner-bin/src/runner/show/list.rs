//! `--list`: the tasks in their order, one a line.

use std::{borrow::Cow, fmt::Write, io, iter, sync::Arc};

use runner_config::{Frequency, TaskSettings, format_duration, name_text};
use runner_exec::{Plan, TaskId};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{dependency_names, quoted, texts};

/// For people: columns of what every task has, then what only some have.
pub(super) fn text(plan: &Plan, out: &mut dyn io::Write) -> io::Result<()> {
    let names: Vec<Cow<str>> = plan.tasks.iter().map(|task| task.name.shown()).collect();
    let widest = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    let widths = Widths::of(plan);
    let mut last = None;
    let mut line = String::new();
    for id in plan.order() {
        let (settings, level) = (&plan.tasks[id.0].settings, plan.links[id.0].level);
        let of = (Arc::as_ptr(settings), level);
        let cells = match &last {
            Some((same, cells)) if *same == of => cells,
            _ => &last.insert((of, Cells::of(settings, level, &widths))).1,
        };
        let name = &names[id.0];
        line.clear();
        line += name;
        line.extend(iter::repeat_n(' ', widest - columns(name)));
        line += &cells.before;
        for (place, &TaskId(dependency)) in plan.dependencies(id).iter().enumerate() {
            line += if place == 0 { "  after " } else { ", " };
            line += &names[dependency];
        }
        line += &cells.behind;
        line.truncate(line.trim_end().len());
        line += "\n";
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// How many columns a name takes that has no control characters in it.
fn columns(name: &str) -> usize {
    match name.is_ascii() {
        true => name.len(),
        false => name.width(),
    }
}

/// How wide the columns are that every task has.
struct Widths {
    levels: usize,
    limits: usize,
    tries: usize,
}

impl Widths {
    fn of(plan: &Plan) -> Widths {
        // Most tasks share their settings, and neighbours have the same ones.
        let settings = plan
            .tasks
            .chunk_by(|a, b| Arc::ptr_eq(&a.settings, &b.settings))
            .map(|tasks| &tasks[0].settings);
        let widest = |column: fn(&TaskSettings) -> String| {
            let cells = settings.clone().map(|settings| column(settings).len());
            cells.max().unwrap_or(0)
        };
        let levels = plan.links.last().map_or(0, |last| last.level);
        Widths {
            levels: levels.to_string().len(),
            limits: widest(limit),
            tries: widest(tries_of),
        }
    }
}

/// What the level and the settings of a task add to its line, before and behind the tasks
/// that it depends on.
struct Cells {
    before: String,
    behind: String,
}

impl Cells {
    fn of(settings: &TaskSettings, level: usize, widths: &Widths) -> Cells {
        let Widths {
            levels,
            limits,
            tries,
        } = *widths;
        let mut before = format!(
            "  level {level:<levels$}  {:<limits$}  {:<tries$}",
            limit(settings),
            tries_of(settings)
        );
        if let Some(words) = &settings.interpreter {
            let _ = write!(before, "  by {}", quoted(words));
        }
        let mut behind = String::new();
        if settings.frequency != Frequency::Always {
            let _ = write!(behind, "  {}", settings.frequency.as_str());
        }
        if !settings.required {
            behind += "  not required";
        }
        Cells { before, behind }
    }
}

/// For programs: what docs/json.md says.
pub(super) fn json(plan: &Plan) -> Value {
    let order = plan.order().into_iter();
    order
        .map(|id| {
            let task = &plan.tasks[id.0];
            let settings = &task.settings;
            let interpreter = settings.interpreter.as_ref();
            json!({
                "task": name_text(task.name.as_os_str()),
                "path": name_text(task.path().as_os_str()),
                "level": plan.links[id.0].level,
                "depends_on": dependency_names(plan, id),
                "interpreter": interpreter.map(|words| texts(words)),
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
