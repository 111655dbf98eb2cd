//! `--dry-run`: the commands, the working directory, every setting with its place, and the maximum
//! duration of a run.

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use runner_config::{SETTINGS, Setting, Written, escape, format_duration, name_text, shown};
use runner_exec::{CommandLine, Plan, RunStats, Task, TaskId, TaskStats, Unlimited};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{Done, command, dependency_names, done_text, push_padded, quoted, texts, words};

/// A setting and its value.
type Row<'a> = (&'static Setting, Written<'a>);

/// Width of the longest name of a setting.
const NAME_WIDTH: usize = "retry_backoff".len();

/// Maximum width of the column of values. Longer ones move only their own place to the right.
const MAX_VALUE_WIDTH: usize = 40;

/// Returns the text for people: the settings of all tasks, then the own settings of each task.
pub(super) fn text(plan: &Plan, done: &Done) -> String {
    let directory = shown(&directory());
    let mut text = format!("working directory  {directory}\n\nfor all tasks\n");
    if let Some(words) = run_hook(plan) {
        text += &format!("  {:<NAME_WIDTH$}  {}\n", "run hook", quoted(&words));
    }
    text += &table(&common(plan));
    for (task, id) in tasks(plan) {
        let role = match id {
            Some(id) => done[id.0].map(done_text),
            None => Some("the halt task".to_owned()),
        };
        let role = role.map(|role| format!(", {role}")).unwrap_or_default();
        text += &format!("\n{}{role}\n", task.name);
        let hook = id.and_then(|_| Some(("hook", hook(plan, task)?)));
        for (what, words) in hook.into_iter().chain([("command", command(task))]) {
            text += &format!("  {what:<NAME_WIDTH$}  {}\n", quoted(&words));
        }
        text += &table(&own(plan, task));
    }
    text += &match plan.longest_run() {
        Ok(time) => format!(
            "\na run takes at most {}\n",
            format_duration(round_up(time))
        ),
        Err(unlimited) => format!("\na run can take forever: {}\n", sentence(unlimited)),
    };
    text
}

/// Returns the JSON of docs/json.md.
pub(super) fn json(plan: &Plan, done: &Done) -> Value {
    let object = |(task, id): (&Task, Option<TaskId>)| {
        json!({
            "task": name_text(task.name.as_os_str()),
            "command": texts(&command(task)),
            "hook": id.and_then(|_| hook(plan, task)).as_deref().map(texts),
            "done": id.and_then(|id| done[id.0]).map(|at| at.to_string()),
            "depends_on": id.map(|id| dependency_names(plan, id)).unwrap_or_default(),
            "settings": settings(all(plan, task)),
        })
    };
    let longest = plan.longest_run();
    let (chain, halt): (Vec<_>, Vec<_>) = tasks(plan).partition(|(_, id)| id.is_some());
    json!({
        "working_directory": name_text(directory().as_os_str()),
        "run_hook": run_hook(plan).as_deref().map(texts),
        "settings": settings(common(plan)),
        "tasks": chain.into_iter().map(object).collect::<Value>(),
        "halt_task": halt.into_iter().map(object).next(),
        "max_seconds": longest.map(|time| time.as_secs_f64()).ok(),
        "unlimited_by": longest.err().map(sentence),
    })
}

/// Rounds up to the unit that [`format_duration`] shows last.
fn round_up(time: Duration) -> Duration {
    let seconds = time
        .as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0));
    let unit = match seconds {
        0..3_600 => 1,
        3_600..86_400 => 60,
        _ => 3_600,
    };
    Duration::from_secs(seconds.div_ceil(unit).saturating_mul(unit))
}

/// Returns the reason why a run has no maximum duration.
fn sentence(unlimited: Unlimited) -> String {
    match unlimited {
        Unlimited::Task(task) => format!("`{task}` has no time limit (`max_time`)"),
        Unlimited::Hook(task) => format!("the hook of `{task}` has no time limit (`hook_time`)"),
        Unlimited::RunHook => "the run hook has no time limit (`hook_time`)".to_owned(),
        Unlimited::Tries(task) => format!("`{task}` is tried without end (`max_tries`)"),
    }
}

/// Returns the tasks in their order, and then the halt task, which has no id.
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

/// Returns the settings of all tasks.
fn common(plan: &Plan) -> Vec<Row<'_>> {
    rows(plan, Setting::in_runner, None)
}

/// Returns the settings of `task`.
fn all<'a>(plan: &'a Plan, task: &Task) -> Vec<Row<'a>> {
    let section = task.sections.first().map(String::as_str);
    rows(plan, Setting::in_task, section)
}

fn rows<'a>(plan: &'a Plan, is_shown: fn(&Setting) -> bool, section: Option<&str>) -> Vec<Row<'a>> {
    let shown = SETTINGS.iter().filter(|setting| is_shown(setting));
    let row = |setting| (setting, plan.settings.in_force(setting, section));
    shown.map(row).collect()
}

/// Returns the settings in the section of `task`.
fn own<'a>(plan: &'a Plan, task: &Task) -> Vec<Row<'a>> {
    let mut rows = all(plan, task);
    rows.retain(|(setting, row)| row.origin != plan.settings.in_force(setting, None).origin);
    rows
}

/// Returns the command of the pre hook of `task`, in its first try.
fn hook(plan: &Plan, task: &Task) -> Option<Vec<OsString>> {
    let json = TaskStats::new(&task.name, 1, task.settings.max_tries, None).json();
    Some(words(CommandLine::hook(
        &plan.task_hook.as_ref()?.words,
        json,
    )))
}

/// Returns the command of the run hook at the start. The id of the run is not known yet.
fn run_hook(plan: &Plan) -> Option<Vec<OsString>> {
    let json = RunStats::start("RUN_ID", plan).json();
    Some(words(CommandLine::hook(
        &plan.run_hook.as_ref()?.words,
        json,
    )))
}

fn directory() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| "?".into())
}

fn table(rows: &[Row]) -> String {
    let one_line = |row: &Written| escape(&row.value.replace('\n', " ⏎ ")).into_owned();
    let widths = rows.iter().map(|(_, row)| one_line(row).width());
    let widest = widths.max().unwrap_or(0).min(MAX_VALUE_WIDTH);
    let mut table = String::new();
    for (setting, row) in rows {
        let name = setting.name;
        table += &format!("  {name:<NAME_WIDTH$}  ");
        push_padded(&mut table, &one_line(row), widest);
        table += &format!("  {}\n", row.origin);
    }
    table
}
