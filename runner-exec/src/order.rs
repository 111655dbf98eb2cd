//! Levels and dependencies: from names to the links of the chain, or to what is
//! wrong with them.

use std::collections::HashMap;

use runner_config::{Problems, nearest};

use crate::{Link, Task, TaskId, TaskName};

/// Why a name stands for no task that could be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Disabled,
    Skipped,
    HaltTask,
}

/// Finds tasks by file name or short name.
pub(crate) struct Names<'a> {
    names: Vec<&'a TaskName>,
    by_file: HashMap<&'a str, usize>,
    by_short: HashMap<&'a str, Vec<usize>>,
}

/// A short name that several tasks share: their names, as a sentence has them.
pub(crate) struct Ambiguous(pub(crate) String);

impl<'a> Names<'a> {
    pub(crate) fn new(names: impl Iterator<Item = &'a TaskName>) -> Names<'a> {
        let mut found = Names {
            names: Vec::new(),
            by_file: HashMap::new(),
            by_short: HashMap::new(),
        };
        for (index, name) in names.enumerate() {
            found.names.push(name);
            if let (Some(file), Some(short)) = (name.as_os_str().to_str(), name.short()) {
                found.by_file.insert(file, index);
                found.by_short.entry(short).or_default().push(index);
            }
        }
        found
    }

    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>, Ambiguous> {
        match self.by_short.get(name).map(Vec::as_slice) {
            Some(several @ [_, _, ..]) => {
                let several = several
                    .iter()
                    .map(|&index| format!("`{}`", self.names[index]));
                Err(Ambiguous(several.collect::<Vec<_>>().join(" and ")))
            }
            Some([one]) => Ok(Some(self.by_file.get(name).copied().unwrap_or(*one))),
            Some([]) | None => Ok(self.by_file.get(name).copied()),
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &'a str> {
        self.by_file.keys().chain(self.by_short.keys()).copied()
    }
}

/// The links of `tasks`, which are sorted; `absent` are the names that no task
/// can wait for. What is wrong goes to `problems`.
pub(crate) fn links(
    tasks: &[Task],
    absent: &[(TaskName, Absent)],
    problems: &mut Problems,
) -> Vec<Link> {
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
    if tasks
        .iter()
        .any(|task| !task.settings.depends_on.is_empty())
    {
        let names = Names::new(tasks.iter().map(|task| &task.name));
        for (index, task) in tasks.iter().enumerate() {
            links[index].needs = needs(index, task, tasks, &names, absent, &links, problems);
        }
        for cycle in cycles(&links) {
            say_cycle(&cycle, tasks, problems);
        }
    }
    links
}

/// The tasks of the same level that `task` depends on.
fn needs(
    index: usize,
    task: &Task,
    tasks: &[Task],
    names: &Names,
    absent: &[(TaskName, Absent)],
    links: &[Link],
    problems: &mut Problems,
) -> Vec<TaskId> {
    let mut needs = Vec::new();
    for name in &task.settings.depends_on {
        let mut wrong = |what: &str, hint: &str| {
            let origin = task.settings.depends_on_origin.clone();
            let who = &task.name;
            problems
                .error(origin, format!("task `{who}` depends on `{name}`, {what}"))
                .hint(hint);
        };
        match names.find(name) {
            Err(Ambiguous(several)) => {
                let what = format!("which is the short name of {several}");
                wrong(&what, "write the file name, or rename one of them");
            }
            Ok(Some(other)) if links[other].level > links[index].level => {
                let later = &tasks[other].name;
                let why = match later.number() {
                    Some(_) => "a higher number",
                    None => "no number",
                };
                wrong(
                    &format!("but `{later}` has {why} and comes later"),
                    "give the two the same number, or the dependent a higher one",
                );
            }
            Ok(Some(other)) if links[other].level == links[index].level => {
                needs.push(TaskId(other));
            }
            // A lower number comes first anyway.
            Ok(Some(_)) => {}
            Ok(None) => match absent.iter().find(|(absent, _)| absent.is_called(name)) {
                Some((_, Absent::Disabled)) => {
                    wrong("which is disabled", "enable it, or remove the dependency");
                }
                Some((_, Absent::Skipped)) => wrong(
                    "which is skipped",
                    "`runner --check` says why; or remove the dependency",
                ),
                Some((_, Absent::HaltTask)) => wrong(
                    "which is the halt task and never part of the chain",
                    "remove the dependency",
                ),
                None => {
                    let hint = match nearest(name, names.all()).first() {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "name a file of the task directory".to_owned(),
                    };
                    wrong("which does not exist", &hint);
                }
            },
        }
    }
    needs.sort();
    needs.dedup();
    needs
}

/// Every cycle that shares no task with one before it, each in its own order.
fn cycles(links: &[Link]) -> Vec<Vec<usize>> {
    let mut missing: Vec<usize> = links.iter().map(|link| link.needs.len()).collect();
    let mut needed_by = vec![Vec::new(); links.len()];
    for (index, link) in links.iter().enumerate() {
        link.needs
            .iter()
            .for_each(|need| needed_by[need.0].push(index));
    }
    let free = (0..links.len()).filter(|&index| missing[index] == 0);
    let free = free.collect();
    let let_go = |mut free: Vec<usize>, missing: &mut [usize]| {
        while let Some(index) = free.pop() {
            for &dependent in &needed_by[index] {
                // One of a cycle that was found needs nothing any more.
                missing[dependent] = match missing[dependent] {
                    0 => continue,
                    more => more - 1,
                };
                if missing[dependent] == 0 {
                    free.push(dependent);
                }
            }
        }
    };
    let_go(free, &mut missing);
    let mut cycles = Vec::new();
    for start in 0..links.len() {
        while missing[start] > 0 {
            let cycle = cycle_from(start, links, &missing);
            // The others may make a cycle without it.
            cycle.iter().for_each(|&index| missing[index] = 0);
            let_go(cycle.clone(), &mut missing);
            cycles.push(cycle);
        }
    }
    cycles
}

/// The cycle to which a walk from `start` comes. What never became free needs something
/// that never became free, so the walk comes round to where it has been.
fn cycle_from(start: usize, links: &[Link], missing: &[usize]) -> Vec<usize> {
    let mut place = HashMap::new();
    let mut walk = Vec::new();
    let mut index = start;
    loop {
        if let Some(first) = place.insert(index, walk.len()) {
            return walk.split_off(first);
        }
        walk.push(index);
        let mut needs = links[index].needs.iter().map(|need| need.0);
        match needs.find(|&need| missing[need] > 0) {
            Some(need) => index = need,
            None => unreachable!("a task of a cycle needs another one of it"),
        }
    }
}

fn say_cycle(cycle: &[usize], tasks: &[Task], problems: &mut Problems) {
    let first = &tasks[cycle[0]];
    let origin = first.settings.depends_on_origin.clone();
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
