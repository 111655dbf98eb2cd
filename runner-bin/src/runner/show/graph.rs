//! `--graph`: the plan for graphviz, with a rank for each level.

use std::fmt::Write;

use runner_exec::{Plan, TaskId};

/// Returns the text for `dot`.
pub(super) fn dot(plan: &Plan) -> String {
    let mut dot = "digraph runner {\n  node [shape=box]\n".to_owned();
    let levels = levels(plan);
    for (number, level) in levels.iter().enumerate() {
        let _ = writeln!(dot, "  {{ rank=same // level {number}");
        for &id in level {
            let style = if plan.tasks[id.0].settings.required {
                ""
            } else {
                " [style=dashed]"
            };
            let _ = writeln!(dot, "    {}{style}", name(plan, id));
        }
        dot += "  }\n";
    }
    for id in (0..plan.tasks.len()).map(TaskId) {
        for &need in plan.dependencies(id) {
            let (need, task) = (name(plan, need), name(plan, id));
            let _ = writeln!(dot, "  {need} -> {task}");
        }
    }
    for (number, pair) in levels.windows(2).enumerate() {
        dot += &between(plan, number, &pair[0], &pair[1]);
    }
    if let Some(halt) = &plan.halt {
        let halt = quoted(&halt.name.to_string());
        let _ = writeln!(dot, "  {halt} [shape=octagon] // the halt task");
    }
    dot + "}\n"
}

/// Returns the edges from one level to the next. A level begins when the whole level before it is
/// done, so all edges lead through one point node between them, which keeps their number small.
fn between(plan: &Plan, number: usize, level: &[TaskId], next: &[TaskId]) -> String {
    if let ([one], [other]) = (level, next) {
        return format!("  {} -> {}\n", name(plan, *one), name(plan, *other));
    }
    // No file can have such a name.
    let gate = format!("\"level/{number}/is/done\"");
    let ends = level.iter().map(|&id| name(plan, id));
    let ends = ends.map(|task| format!("  {task} -> {gate} [arrowhead=none]\n"));
    let starts = next.iter().map(|&id| name(plan, id));
    let starts = starts.map(|task| format!("  {gate} -> {task}\n"));
    let edges = ends.chain(starts).collect::<String>();
    format!("  {gate} [shape=point]\n{edges}")
}

/// Returns the tasks of each level.
fn levels(plan: &Plan) -> Vec<Vec<TaskId>> {
    let mut levels: Vec<Vec<TaskId>> = Vec::new();
    for (index, node) in plan.nodes.iter().enumerate() {
        levels.resize(node.level + 1, Vec::new());
        levels[node.level].push(TaskId(index));
    }
    levels
}

fn name(plan: &Plan, id: TaskId) -> String {
    quoted(&plan.tasks[id.0].name.to_string())
}

/// Quotes a string of the dot language, in which only `"` and `\` are special.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
