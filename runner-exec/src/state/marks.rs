//! `done/TASK`: the mark of a task that further runs do not start, and `outputs/TASK`: its outputs.
//!
//! A draft is written and flushed before the task starts, and committed when the task is done.
//! So a full disk is noticed before the task has done anything, and a mark exists completely or
//! not at all.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use runner_config::{Frequency, reason};
use rustix::process::geteuid;

use super::{
    StateDir, boot_id,
    durable_file::{self, Draft, create_directory, sync_directory},
    machine_id,
};
use crate::{
    chain::TaskId,
    plan::{Plan, Task, task_name::TaskName},
    run::{
        outputs::{Outputs, Variables, format_outputs, parse_outputs},
        run_id::RunId,
    },
};

/// The marks of a task directory.
#[derive(Debug)]
pub struct Marks {
    directory: PathBuf,
    /// The directory of the outputs.
    outputs: PathBuf,
    /// The current boot; `None` if unknown: then a mark `once-per-boot` never counts.
    boot: Option<String>,
    /// The id of this machine; `None` if unknown: then a mark `once-per-machine` never counts.
    machine: Option<String>,
}

impl Marks {
    /// Creates the marks in `state_dir`. Reads only the ids of boot and machine.
    pub fn new(state_dir: StateDir) -> Marks {
        Marks {
            directory: state_dir.marks(),
            outputs: state_dir.outputs(),
            boot: boot_id(),
            machine: machine_id().ok(),
        }
    }

    /// Returns the path of the mark of a task.
    fn path(&self, task: &TaskName) -> PathBuf {
        self.directory.join(task.as_os_str())
    }

    /// Returns the path of the outputs of a task.
    fn path_of_outputs(&self, task: &TaskName) -> PathBuf {
        self.outputs.join(task.as_os_str())
    }

    /// Returns `true` if an earlier run has done `task`, so it must not start.
    fn has(&self, task: &Task) -> bool {
        let (key, present) = match task.settings.frequency {
            Frequency::Always => return false,
            Frequency::Once => return is_ours(&self.path(&task.name)),
            Frequency::OncePerBoot => ("boot", &self.boot),
            Frequency::OncePerMachine => ("machine", &self.machine),
        };
        is_ours(&self.path(&task.name))
            && present.is_some()
            && self.value(&task.name, key) == *present
    }

    /// Returns the value of `key` in the mark of `task`. Marks of version 0.1 have no `machine`.
    fn value(&self, task: &TaskName, key: &str) -> Option<String> {
        let mark = durable_file::read(&self.path(task)).ok()?;
        let mark = String::from_utf8_lossy(&mark);
        let mut values = mark.lines().filter_map(|line| line.split_once(" = "));
        let (_, value) = values.find(|(found, _)| *found == key)?;
        Some(value.to_owned())
    }

    /// Returns the start of the run that has done `task`; `None` if the task would start. If the
    /// mark names no run, its modification time counts.
    pub fn done_at(&self, task: &Task) -> Option<Timestamp> {
        if !self.has(task) {
            return None;
        }
        let run = self
            .value(&task.name, "run")
            .as_deref()
            .and_then(RunId::parse);
        let modified = || {
            fs::symlink_metadata(self.path(&task.name))
                .ok()?
                .modified()
                .ok()
        };
        let start = run.and_then(|run| run.start());
        start.or_else(|| modified()?.try_into().ok())
    }

    /// Returns the names of all tasks with a mark, also of those that do not exist any more.
    ///
    /// # Errors
    ///
    /// The directory cannot be read; the error has its path.
    pub fn names(&self) -> Result<Vec<TaskName>, (PathBuf, io::Error)> {
        let names = || {
            let names = fs::read_dir(&self.directory)?.map(|entry| Ok(entry?.file_name()));
            names.collect::<io::Result<Vec<OsString>>>()
        };
        let names = match names() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(|error| (self.directory.clone(), error))?,
        };
        // No task begins with a dot, but drafts do.
        let is_mark = |name: &OsString| !name.as_encoded_bytes().starts_with(b".");
        let names = names.into_iter().filter(is_mark);
        let mut names: Vec<TaskName> = names.map(TaskName::new).collect();
        names.sort();
        Ok(names)
    }

    /// Removes the mark of `task` and its outputs. Returns `false` if it has no mark.
    ///
    /// # Errors
    ///
    /// One of them cannot be removed; the error has its path.
    pub fn forget(&self, task: &TaskName) -> Result<bool, (PathBuf, io::Error)> {
        // The mark first: outputs without a mark do not count.
        let had_mark = remove(self.path(task))?;
        remove(self.path_of_outputs(task))?;
        Ok(had_mark)
    }

    /// Returns the tasks of `plan` that are done.
    pub(crate) fn done(&self, plan: &Plan) -> Vec<TaskId> {
        let tasks = plan.tasks.iter().enumerate();
        tasks
            .filter(|(_, task)| self.has(task))
            .map(|(index, _)| TaskId(index))
            .collect()
    }

    /// Writes the draft of the mark of `task`; `None` if it needs none. The error has the path of
    /// the mark.
    pub(crate) fn write(
        &self,
        task: &Task,
        run: &RunId,
    ) -> Result<Option<Draft>, (PathBuf, io::Error)> {
        if !task.settings.runs_once() {
            return Ok(None);
        }
        let path = self.path(&task.name);
        // Both ids, so the mark still counts if the frequency changes.
        let [boot, machine] =
            [&self.boot, &self.machine].map(|id| id.as_deref().unwrap_or_default());
        let text = format!("run = {run}\nboot = {boot}\nmachine = {machine}\n");
        let written = create_directory(&self.directory)
            .and_then(|()| Draft::write(path.clone(), text.as_bytes(), 0o644));
        written.map(Some).map_err(|error| (path, error))
    }

    /// Stores the outputs of `task`, before its mark is committed.
    pub(crate) fn store_outputs(&self, task: &TaskName, outputs: &Variables) -> io::Result<()> {
        let path = self.path_of_outputs(task);
        if !outputs.is_empty() {
            create_directory(&self.outputs)?;
            return Draft::write(path, &format_outputs(outputs), 0o600)?.commit();
        }
        // Those of an earlier boot must not belong to the new mark.
        remove(path).map_or_else(|(_, error)| Err(error), |_| Ok(()))
    }

    /// Returns the outputs of the tasks in `done`. `failed` gets each file that cannot be used,
    /// and the reason.
    pub(crate) fn stored_outputs(
        &self,
        plan: &Plan,
        done: &[TaskId],
        failed: impl Fn(&Path, &str),
    ) -> Outputs {
        let mut outputs = Outputs::new(plan.nodes.clone());
        for &task in done {
            let path = self.path_of_outputs(&plan.tasks[task.0].name);
            let stored = match durable_file::read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Ok(_) if !is_ours(&path) => Err("another user could have written it".to_owned()),
                Ok(bytes) => parse_outputs(&bytes),
                Err(error) => Err(reason(&error)),
            };
            if let Err(why) = stored.and_then(|stored| outputs.set(task, stored)) {
                failed(&path, &why);
            }
        }
        outputs
    }
}

/// Returns the marks of the tasks of `plan` that do not count, because another user could have
/// written them.
pub fn distrusted_marks(plan: &Plan) -> Vec<PathBuf> {
    let Some(state_dir) = StateDir::of(&plan.settings) else {
        return Vec::new();
    };
    let directory = state_dir.marks();
    let tasks = plan.tasks.iter();
    let tasks = tasks.filter(|task| task.settings.runs_once());
    let paths = tasks.map(|task| directory.join(task.name.as_os_str()));
    paths
        .filter(|path| fs::symlink_metadata(path).is_ok() && !is_ours(path))
        .collect()
}

/// Removes a file, and flushes its directory. Returns `false` if there is none; the error has its
/// path.
fn remove(path: PathBuf) -> Result<bool, (PathBuf, io::Error)> {
    match fs::remove_file(&path).and_then(|()| sync_directory(&path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err((path, error)),
    }
}

/// Returns `true` for a file that belongs to this user or root. Another user can have left one if
/// the directory belonged to that user before.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| {
        let owners = [0, geteuid().as_raw()];
        file.is_file() && owners.contains(&file.uid()) && file.mode() & 0o022 == 0
    })
}
