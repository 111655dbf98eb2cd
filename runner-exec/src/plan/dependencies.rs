//! Levels and dependencies: from names to the links of the chain, or to what is
//! wrong with them.

use runner_config::{Origin, Problems, Settings, nearest};

use crate::{
    chain::{Link, TaskId},
    plan::{
        Task,
        name_index::{Ambiguous, Names},
        task_name::TaskName,
    },
};

/// Why a name stands for no task that could be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Disabled,
    Skipped,
    HaltTask,
}

/// The links of `tasks`, which are sorted, and for each task those that it depends on;
/// `absent` are the names that no task can wait for, `second` sections of tasks that have one
/// already, which is an error. What is wrong goes to `problems`.
pub(crate) fn links(
    tasks: &[Task],
    absent: &[(TaskName, Absent)],
    second: &[(TaskName, String)],
    settings: &Settings,
    problems: &mut Problems,
) -> (Vec<Link>, Vec<Vec<TaskId>>) {
    let mut links: Vec<Link> = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let level = match index.checked_sub(1) {
            Some(before) if task.name.same_level(&tasks[before].name) => links[before].level,
            Some(before) => links[before].level + 1,
            None => 0,
        };
        links.push(Link {
            level,
            needs: Vec::new(),
            required: task.settings.required,
            max_tries: task.settings.max_tries,
        });
    }
    let dependencies = Written {
        tasks,
        absent,
        settings,
        names: Names::new(tasks.iter().map(|task| &task.name)),
    };
    let mut all = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let section = task.section.as_deref();
        let found = section.map(|section| dependencies.find(index, section, &links, problems));
        let found = found.unwrap_or_default();
        // Those of lower levels come first anyway.
        let level = links[index].level;
        let same_level = found.iter().filter(|need| links[need.0].level == level);
        let mut needs: Vec<TaskId> = same_level.copied().collect();
        needs.sort_unstable();
        needs.dedup();
        links[index].needs = needs;
        all.push(found);
    }
    for (name, section) in second {
        if let Some(index) = tasks.iter().position(|task| task.name == *name) {
            dependencies.find(index, section, &links, problems);
        }
    }
    for cycle in cycles(&links) {
        let origin = dependencies.written(cycle[0]).map(|(_, origin)| origin);
        say_cycle(&cycle, tasks, origin, problems);
    }
    (links, all)
}

/// Dependencies as they are written, and what is needed to find the tasks they name.
struct Written<'a> {
    tasks: &'a [Task],
    absent: &'a [(TaskName, Absent)],
    settings: &'a Settings,
    names: Names<'a>,
}

impl<'a> Written<'a> {
    /// The names that a task depends on, and where they are written.
    fn written(&self, index: usize) -> Option<(impl Iterator<Item = &'a str>, &'a Origin)> {
        let section = self.tasks[index].section.as_deref()?;
        self.settings.depends_on(section)
    }

    /// The tasks that a task depends on, as its `section` says.
    fn find(
        &self,
        index: usize,
        section: &str,
        links: &[Link],
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
                    if links[other].level <= links[index].level {
                        continue;
                    }
                    self.comes_later(other)
                }
                Ok(None) => self.is_absent(name),
                Err(Ambiguous(several)) => (
                    format!("which is the short name of {several}"),
                    "write the file name, or rename one of them".to_owned(),
                ),
            };
            let who = &self.tasks[index].name;
            problems
                .error(
                    origin.clone(),
                    format!("task `{who}` depends on `{name}`, {what}"),
                )
                .hint(hint);
        }
        found
    }

    /// What is wrong with a dependency on a task of a later level, and the cure.
    fn comes_later(&self, other: usize) -> (String, String) {
        let later = &self.tasks[other].name;
        let why = match later.number() {
            Some(_) => "a higher number",
            None => "no number",
        };
        (
            format!("but `{later}` has {why} and comes later"),
            "give the two the same number, or the dependent a higher one".to_owned(),
        )
    }

    /// What is wrong with a dependency on what is no task of the chain, and the cure.
    fn is_absent(&self, name: &str) -> (String, String) {
        let absent = self.absent.iter().find(|(file, _)| file.is_called(name));
        let (what, hint) = match absent.map(|(_, why)| why) {
            Some(Absent::Disabled) => ("which is disabled", "enable it, or remove the dependency"),
            Some(Absent::Skipped) => (
                "which is skipped",
                "`runner --check` says why; or remove the dependency",
            ),
            Some(Absent::HaltTask) => (
                "which is the halt task and never part of the chain",
                "remove the dependency",
            ),
            None => {
                let hint = match nearest(name, self.names.all()).first() {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a file of the task directory".to_owned(),
                };
                return ("which does not exist".to_owned(), hint);
            }
        };
        (what.to_owned(), hint.to_owned())
    }
}

/// Every cycle that shares no task with one before it, each in its own order.
fn cycles(links: &[Link]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnWalk,
        /// Part of a cycle that was found, or leads to no further one.
        Over,
    }
    let mut states = vec![State::New; links.len()];
    let mut cycles = Vec::new();
    let mut walk = Vec::new();
    for start in 0..links.len() {
        let mut next = Some(start).filter(|&start| states[start] == State::New);
        loop {
            match next {
                Some(task) if states[task] == State::OnWalk => {
                    let first = walk.iter().rposition(|&other| other == task);
                    let cycle = walk.split_off(first.unwrap_or_default());
                    cycle.iter().for_each(|&task| states[task] = State::Over);
                    cycles.push(cycle);
                }
                Some(task) => {
                    states[task] = State::OnWalk;
                    walk.push(task);
                }
                None => match walk.pop() {
                    Some(task) => states[task] = State::Over,
                    None => break,
                },
            }
            let needs = walk.last().map(|&task| &links[task].needs);
            let mut needs = needs.into_iter().flatten().map(|need| need.0);
            next = needs.find(|&need| states[need] != State::Over);
        }
    }
    cycles
}

fn say_cycle(cycle: &[usize], tasks: &[Task], origin: Option<&Origin>, problems: &mut Problems) {
    let first = &tasks[cycle[0]];
    let origin = origin.cloned();
    if cycle.len() == 1 {
        let message = format!("task `{}` depends on itself", first.name);
        problems
            .error(origin, message)
            .hint("remove the dependency");
        return;
    }
    let round = cycle.iter().chain(&cycle[..1]);
    let names: Vec<String> = round
        .map(|&index| format!("`{}`", tasks[index].name))
        .collect();
    let names = names.join(", which depends on ");
    problems
        .error(origin, format!("tasks depend on each other: {names}"))
        .hint("remove one of the dependencies");
}
