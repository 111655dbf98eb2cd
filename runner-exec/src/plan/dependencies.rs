//! Levels and dependencies: from names to the nodes of the chain, or to problems.

use runner_config::{Origin, Problems, Settings};

use crate::{
    chain::{Node, TaskId},
    plan::{
        Task,
        name_index::{Ambiguous, Names},
        task_name::TaskName,
    },
};

/// Reason for which a name is not a task that another one can depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Disabled,
    Skipped,
    HaltTask,
}

/// Returns the nodes of `tasks`, which are sorted, and for each task its dependencies. `absent`
/// has the names that no task can depend on. Errors are added to `problems`.
pub(crate) fn nodes(
    tasks: &[Task],
    absent: &[(TaskName, Absent)],
    settings: &Settings,
    problems: &mut Problems,
) -> (Vec<Node>, Vec<Vec<TaskId>>) {
    let mut nodes = Vec::with_capacity(tasks.len());
    let mut level = 0;
    for (index, task) in tasks.iter().enumerate() {
        if index > 0 && !task.name.same_level(&tasks[index - 1].name) {
            level += 1;
        }
        nodes.push(Node {
            level,
            needs: Vec::new(),
            required: task.settings.required,
            max_tries: task.settings.max_tries,
        });
    }
    let written = Written {
        tasks,
        absent,
        settings,
        names: Names::new(tasks.iter().map(|task| &task.name)),
    };
    let mut all = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let found: Vec<TaskId> = (task.sections.iter())
            .flat_map(|section| written.find(index, section, &nodes, problems))
            .collect();
        // A higher level has been reported, and would be a cycle in the chain.
        let level = nodes[index].level;
        let earlier = found.iter().filter(|need| nodes[need.0].level <= level);
        let mut needs: Vec<TaskId> = earlier.copied().collect();
        needs.sort_unstable();
        needs.dedup();
        nodes[index].needs = needs;
        all.push(found);
    }
    for cycle in cycles(&nodes) {
        let mut sections = tasks[cycle[0]].sections.iter();
        let origin = sections.find_map(|section| settings.depends_on(section));
        say_cycle(&cycle, tasks, origin.map(|(_, origin)| origin), problems);
    }
    (nodes, all)
}

/// The dependencies as written, and the index to find the tasks that they name.
struct Written<'a> {
    tasks: &'a [Task],
    absent: &'a [(TaskName, Absent)],
    settings: &'a Settings,
    names: Names<'a>,
}

impl Written<'_> {
    /// Returns the tasks that a task depends on by its `section`.
    fn find(
        &self,
        index: usize,
        section: &str,
        nodes: &[Node],
        problems: &mut Problems,
    ) -> Vec<TaskId> {
        let mut found = Vec::new();
        let Some((names, origin)) = self.settings.depends_on(section) else {
            return found;
        };
        for name in names {
            let (what, hint) = match self.names.find(name) {
                Ok(Some(other)) => {
                    found.push(TaskId(other));
                    if nodes[other].level <= nodes[index].level {
                        continue;
                    }
                    let later = &self.tasks[other].name;
                    let number = later.number().map_or("no number", |_| "a higher number");
                    (
                        format!("but `{later}` has {number} and comes later"),
                        "give the two the same number, or the dependent a higher one".to_owned(),
                    )
                }
                Ok(None) => self.absent_problem(name),
                Err(Ambiguous(several)) => (
                    format!("which is the short name of {several}"),
                    "write the file name, or rename one of them".to_owned(),
                ),
            };
            let task = &self.tasks[index].name;
            let message = format!("task `{task}` depends on `{name}`, {what}");
            problems.error(origin.clone(), message).hint(hint);
        }
        found
    }

    /// Returns the problem of a dependency on `name`, which is not a task of the chain, and its fix.
    fn absent_problem(&self, name: &str) -> (String, String) {
        let absent = self.absent.iter().find(|(file, _)| file.is_called(name));
        let (what, hint) = match absent.map(|(_, why)| why) {
            Some(Absent::Disabled) => ("is disabled", "enable it, or remove the dependency"),
            Some(Absent::Skipped) => (
                "is skipped",
                "`runner --check` shows why; or remove the dependency",
            ),
            Some(Absent::HaltTask) => (
                "is the halt task and never part of the chain",
                "remove the dependency",
            ),
            None => ("does not exist", "remove the dependency"),
        };
        let near = absent.is_none().then(|| self.names.hint(name)).flatten();
        (format!("which {what}"), near.unwrap_or(hint.to_owned()))
    }
}

/// Returns the cycles, each in its own order. Cycles that share a task with an earlier one are
/// left out.
fn cycles(nodes: &[Node]) -> Vec<Vec<usize>> {
    // Visited: part of a cycle that was found, or not part of one.
    let mut is_over = vec![false; nodes.len()];
    let mut is_on_walk = is_over.clone();
    let mut cycles = Vec::new();
    for start in 0..nodes.len() {
        let mut walk = vec![start];
        while let Some(&task) = walk.last() {
            is_on_walk[task] = true;
            let mut needs = nodes[task].needs.iter().map(|need| need.0);
            let next = needs.find(|&need| !is_over[need]);
            match next.filter(|_| !is_over[task]) {
                Some(next) if is_on_walk[next] => {
                    let first = walk.iter().rposition(|&other| other == next);
                    let cycle = walk.split_off(first.unwrap_or_default());
                    cycle.iter().for_each(|&task| is_over[task] = true);
                    cycles.push(cycle);
                }
                Some(next) => walk.push(next),
                None => {
                    is_over[task] = true;
                    walk.pop();
                }
            }
        }
    }
    cycles
}

fn say_cycle(cycle: &[usize], tasks: &[Task], origin: Option<&Origin>, problems: &mut Problems) {
    let name = |&index: &usize| format!("`{}`", tasks[index].name);
    let (message, hint) = match cycle {
        [task] => (
            format!("task {} depends on itself", name(task)),
            "remove the dependency",
        ),
        _ => {
            let round: Vec<String> = cycle.iter().chain(&cycle[..1]).map(name).collect();
            let round = round.join(", which depends on ");
            (
                format!("tasks depend on each other: {round}"),
                "remove one of the dependencies",
            )
        }
    };
    problems.error(origin.cloned(), message).hint(hint);
}
