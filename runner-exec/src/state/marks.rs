//! `done/TASK`: the mark of a task that further runs do not start.
//!
//! A draft is written and flushed before the task starts, and committed when the task is done.
//! So a full disk is noticed before the task has done anything, and a mark exists completely or
//! not at all.

use std::{ffi::OsString, fs, io, os::unix::fs::MetadataExt, path::PathBuf};

use jiff::Timestamp;
use runner_config::Frequency;
use rustix::process::geteuid;

use super::{
    StateDir, boot_id,
    durable_file::{self, Draft, create_directory, sync_directory},
    machine_id,
};
use crate::{
    chain::TaskId,
    plan::{Plan, Task, task_name::TaskName},
    run::run_id::RunId,
};

/// The marks of a task directory.
#[derive(Debug)]
pub struct Marks {
    directory: PathBuf,
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
            boot: boot_id(),
            machine: machine_id().ok(),
        }
    }

    /// Returns the path of the mark of a task.
    fn path(&self, task: &TaskName) -> PathBuf {
        self.directory.join(task.as_os_str())
    }

    /// Returns `true` if an earlier run has done `task`, so it must not start.
    fn has(&self, task: &Task) -> bool {
        let (key, present) = match task.settings.frequency {
            Frequency::Always => return false,
            Frequency::Once => return self.is_ours(&task.name),
            Frequency::OncePerBoot => ("boot", &self.boot),
            Frequency::OncePerMachine => ("machine", &self.machine),
        };
        self.is_ours(&task.name) && present.is_some() && self.value(&task.name, key) == *present
    }

    /// Returns `true` if there is a mark that belongs to this user or root. Another user can have
    /// left one if the directory belonged to that user before.
    fn is_ours(&self, task: &TaskName) -> bool {
        fs::symlink_metadata(self.path(task)).is_ok_and(|mark| {
            let owners = [0, geteuid().as_raw()];
            mark.is_file() && owners.contains(&mark.uid()) && mark.mode() & 0o022 == 0
        })
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

    /// Removes the mark of `task`. Returns `false` if it has none.
    ///
    /// # Errors
    ///
    /// It cannot be removed; the error has its path.
    pub fn forget(&self, task: &TaskName) -> Result<bool, (PathBuf, io::Error)> {
        let path = self.path(task);
        match fs::remove_file(&path).and_then(|()| sync_directory(&path)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err((path, error)),
        }
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
        if task.settings.frequency == Frequency::Always {
            return Ok(None);
        }
        let path = self.path(&task.name);
        // Both ids, so the mark still counts if the frequency changes.
        let [boot, machine] =
            [&self.boot, &self.machine].map(|id| id.as_deref().unwrap_or_default());
        let text = format!("run = {run}\nboot = {boot}\nmachine = {machine}\n");
        let written = create_directory(&self.directory)
            .and_then(|()| Draft::write(path.clone(), text.as_bytes()));
        written.map(Some).map_err(|error| (path, error))
    }
}
