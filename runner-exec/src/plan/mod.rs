//! The plan: the tasks of a directory in their order, with their settings.

mod checks;
mod dependencies;
pub(crate) mod discover;
mod fingerprint;
mod name_index;
pub(crate) mod task_name;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Problems, Settings, TaskSettings, Words, left_out};

use crate::{
    chain::{Node, TaskId, order},
    plan::{
        checks::{Interpreters, check_halt, check_start},
        dependencies::{Absent, nodes},
        discover::{DirEntry, Kind},
        name_index::{Ambiguous, Names},
        task_name::TaskName,
    },
    process::{
        command::{look_up, path_of_tasks},
        file_format::FileFormat,
    },
    trust::TrustCheck,
};

/// A task: a file of the task directory that the chain starts.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name.
    pub name: TaskName,
    /// The task directory, as it was given.
    directory: Arc<Path>,
    /// Only root can write its file; see [`DirEntry::is_roots`].
    pub is_roots: bool,
    /// The format of its file.
    pub format: FileFormat,
    /// Its settings.
    pub settings: Arc<TaskSettings>,
    /// Its sections in the configuration; more than one is an error.
    pub sections: Vec<String>,
}

impl Task {
    /// Returns its path, relative if the task directory was given so.
    pub fn path(&self) -> PathBuf {
        self.directory.join(self.name.as_os_str())
    }
}

/// The ordered tasks of a run, and the halt task.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The tasks in the order of their names; a [`crate::chain::TaskId`] is an index.
    pub tasks: Vec<Task>,
    /// The node of each task in the chain.
    pub nodes: Arc<[Node]>,
    /// For each task, the tasks that it names in `depends_on`.
    dependencies: Vec<Vec<TaskId>>,
    /// The names in the directory that are not tasks, and the reasons.
    pub(crate) absent: Vec<(TaskName, Absent)>,
    /// The halt task, if it exists.
    pub halt: Option<Task>,
    /// The hook before and after each task.
    pub task_hook: Option<HookCommand>,
    /// The hook at the start and the end of the run.
    pub run_hook: Option<HookCommand>,
    /// The settings of the run.
    pub settings: Arc<Settings>,
}

/// The command of a hook.
#[derive(Clone, Debug)]
pub struct HookCommand {
    /// Its words, without the JSON.
    pub words: Words,
    /// Its program is missing, which has been reported as a problem.
    pub is_missing: bool,
}

impl Plan {
    /// Creates the plan of the `entries` of `directory`. With `needs_halt` the halt task must
    /// exist. Programs are looked up only where `check` allows it.
    ///
    /// Errors and warnings are added to `problems`; a plan with errors must not be run.
    pub fn new(
        directory: &Path,
        mut entries: Vec<DirEntry>,
        settings: Settings,
        needs_halt: bool,
        check: Option<&TrustCheck>,
        problems: &mut Problems,
    ) -> Plan {
        entries.sort_by(|a, b| a.name.as_os_str().cmp(b.name.as_os_str()));
        let halt_name = settings.halt_task.as_deref().map(OsStr::new);
        let mut absent = Vec::new();
        // Entries that can be tasks, or the halt task.
        let mut candidates = Vec::with_capacity(entries.len());
        for entry in entries {
            let file = entry.name.as_os_str();
            let what = what_is(&entry.name, &entry.kind, Some(file) == halt_name);
            let is_disabled = || file.to_str().is_some_and(|name| settings.disables(name));
            match what {
                Is::Task => {
                    candidates.push(entry);
                    continue;
                }
                Is::NoTask(_) | Is::Skipped(..) if is_disabled() => {}
                Is::NoTask(why) => {
                    problems.note(None, format!("`{}` is not a task: {why}", entry.name));
                }
                Is::Skipped(why, hint) => {
                    let message = format!("`{}` is skipped: {why}", entry.name);
                    let problem = problems.warning(None, message);
                    hint.into_iter().for_each(|hint| problem.hint(hint));
                }
            }
            absent.push((entry.name, Absent::Skipped));
        }
        let sections = sections(&candidates, &absent, &settings, problems);
        let common = Arc::new(settings.common_task());
        let task_directory: Arc<Path> = Arc::from(directory);
        let mut tasks = Vec::with_capacity(candidates.len());
        let mut halt = None;
        let mut interpreters = Interpreters::default();
        let path = path_of_tasks(&settings);
        for (candidate, sections) in candidates.into_iter().zip(sections) {
            let first = sections.first();
            let own = first.and_then(|section| settings.task_of(section, problems));
            let mut task = Task {
                directory: task_directory.clone(),
                settings: own.map_or_else(|| common.clone(), Arc::new),
                sections,
                is_roots: candidate.is_roots,
                format: match &candidate.kind {
                    Kind::File { format, .. } => format.clone(),
                    Kind::Directory | Kind::Special(_) | Kind::Dangling | Kind::Hidden(_) => {
                        FileFormat::Unreadable
                    }
                },
                name: candidate.name,
            };
            let is_halt = Some(task.name.as_os_str()) == halt_name;
            if !task.settings.enabled && !is_halt {
                absent.push((task.name, Absent::Disabled));
                continue;
            }
            if let Some(section) = task.sections.first().filter(|_| is_halt) {
                settings.check_halt_section(section, problems);
            }
            check_start(&task, &candidate.kind, is_halt, problems);
            interpreters.look_up(&mut task, check, problems);
            interpreters.look_up_behind_env(&task, &path, check, problems);
            if is_halt {
                halt = Some(task);
            } else {
                tasks.push(task);
            }
        }
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(halt) = &halt {
            absent.push((halt.name.clone(), Absent::HaltTask));
        } else {
            // All else of that name would be the halt task.
            let mut skipped = absent.iter().map(|(name, _)| Some(name.as_os_str()));
            let is_directory = halt_name.is_some() && skipped.any(|name| name == halt_name);
            check_halt(directory, &settings, needs_halt, is_directory, problems);
        }
        let (nodes, dependencies) = nodes(&tasks, &absent, &settings, problems);
        let mut hook = |name: &str, words: &Option<Words>, message: &str| {
            let words = words.as_ref()?;
            let found = look_up(words, check).map_err(|why| {
                let hint = settings.hook_hint(name, words);
                problems
                    .warning(None, format!("{message}: {why}"))
                    .hint(hint.unwrap_or_else(|| format!("fix `{name}`")));
            });
            Some(HookCommand {
                is_missing: found.is_err(),
                words: found.unwrap_or_else(|()| words.clone()),
            })
        };
        let task_hook = hook("task_hook", &settings.task_hook, "no hook can start");
        let run_hook = hook("run_hook", &settings.run_hook, "the run hook cannot start");
        Plan {
            tasks,
            nodes: nodes.into(),
            absent,
            dependencies,
            halt,
            task_hook,
            run_hook,
            settings: Arc::new(settings),
        }
    }

    /// Returns a message if `jobs` is above 1 but numbers and dependencies allow only one task at
    /// a time.
    pub fn jobs_without_use(&self) -> Option<String> {
        let jobs = self.settings.jobs;
        let is_after = |pair: &[TaskId]| {
            let (before, node) = (pair[0], &self.nodes[pair[1].0]);
            node.level > self.nodes[before.0].level || node.needs.contains(&before)
        };
        (jobs > 1 && self.order().windows(2).all(is_after)).then(|| {
            format!(
                "`jobs` is {jobs}, but numbers and dependencies let only one task run at a time"
            )
        })
    }

    /// Returns the tasks in the order in which one worker runs them.
    pub fn order(&self) -> Vec<TaskId> {
        order(&self.nodes)
    }

    /// Returns the tasks that `task` names in `depends_on`, in the order of the file.
    pub fn dependencies(&self, task: TaskId) -> &[TaskId] {
        &self.dependencies[task.0]
    }

    /// Returns the place of a task of this plan.
    pub fn id(&self, task: &Task) -> TaskId {
        let place = self.tasks.binary_search_by(|it| it.name.cmp(&task.name));
        TaskId(place.unwrap_or_else(|_| unreachable!("it is a task of the plan")))
    }

    /// Finds a task by its file name, or by its short name if no other task has the same.
    ///
    /// # Errors
    ///
    /// There is no such task; the sentence has the reason.
    pub fn find(&self, name: &str) -> Result<&Task, String> {
        let mut tasks = self.tasks.iter();
        if let Some(task) = tasks.find(|task| task.name.as_os_str() == name) {
            return Ok(task);
        }
        let names = Names::new(self.tasks.iter().map(|task| &task.name));
        let absent = self.absent.iter().find(|(file, _)| file.is_called(name));
        Err(match (names.find(name), absent) {
            (Ok(Some(index)), _) => return Ok(&self.tasks[index]),
            (Err(Ambiguous(several)), _) => {
                format!("`{name}` is the short name of {several}; write the file name")
            }
            (Ok(None), Some((file, Absent::Disabled))) => format!("task `{file}` is disabled"),
            (Ok(None), Some((file, Absent::Skipped))) => {
                format!("`{file}` is skipped; `runner --check` shows why")
            }
            (Ok(None), Some((file, Absent::HaltTask))) => {
                format!("`{file}` is the halt task, which never runs by itself")
            }
            (Ok(None), None) => match names.hint(name) {
                Some(hint) => format!("there is no task `{name}`; {hint}"),
                None => format!("there is no task `{name}`"),
            },
        })
    }
}

/// Role of an entry in the chain.
enum Is {
    /// A task, or the halt task.
    Task,
    /// None, as expected.
    NoTask(String),
    /// None, which can be a mistake; and how to make a task of it.
    Skipped(String, Option<&'static str>),
}

fn what_is(name: &TaskName, kind: &Kind, is_halt: bool) -> Is {
    if *kind == Kind::Directory {
        return Is::NoTask("it is a directory".to_owned());
    }
    if is_halt {
        return Is::Task;
    }
    if let Some(why) = left_out(name.as_os_str()) {
        return Is::NoTask(why);
    }
    match kind {
        Kind::Special(what) => Is::Skipped(format!("it is a {what}"), None),
        Kind::File {
            executable: false,
            format,
        } if name.number().is_none() && !matches!(format, FileFormat::Script { .. }) => {
            Is::Skipped(
                "it is not executable".to_owned(),
                Some("make it executable if it is a task; otherwise keep it elsewhere"),
            )
        }
        Kind::File { .. } | Kind::Dangling | Kind::Hidden(_) | Kind::Directory => Is::Task,
    }
}

/// Returns the sections of each candidate. All but the first one are errors; their values are
/// checked nevertheless.
fn sections(
    candidates: &[DirEntry],
    absent: &[(TaskName, Absent)],
    settings: &Settings,
    problems: &mut Problems,
) -> Vec<Vec<String>> {
    let mut sections = vec![Vec::new(); candidates.len()];
    let names = Names::new(candidates.iter().map(|candidate| &candidate.name));
    for section in settings.task_sections() {
        let (message, hint) = match names.find(section) {
            Err(Ambiguous(several)) => (
                format!("section `{section}` is the short name of {several}"),
                "write the file name between the brackets, or rename one of them",
            ),
            Ok(Some(index)) => {
                sections[index].push(section.to_owned());
                let first = &sections[index][0];
                if first == section {
                    continue;
                }
                let (name, there) = (&candidates[index].name, settings.header(first));
                let has = format!("which has section `{first}` at {there}");
                (
                    format!("section `{section}` is for task `{name}`, {has}"),
                    "merge the two sections",
                )
            }
            Ok(None) => {
                // A skipped file was reported before.
                if !absent.iter().any(|(name, _)| name.is_called(section)) {
                    settings.check_stray(section, || names.hint(section), problems);
                }
                continue;
            }
        };
        let origin = settings.header(section).clone();
        problems.error(origin, message).hint(hint);
        settings.task_of(section, problems);
    }
    sections
}
