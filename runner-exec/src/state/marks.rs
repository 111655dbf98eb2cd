//! `done/TASK`: the mark of a task that is done for longer than a run.
//!
//! The file is written and flushed before the task starts, and put into its place when
//! the task is done. So a full disk is found out before the task has done anything, and
//! a mark is there as a whole or not at all.

use std::{fs, io, os::unix::fs::MetadataExt, path::PathBuf};

use runner_config::Frequency;
use rustix::process::geteuid;

use super::{
    boot_id,
    durable_file::{self, Draft, create_directory},
};
use crate::{
    chain::TaskId,
    plan::{Plan, Task, task_name::TaskName},
    run::run_id::RunId,
};

/// The marks of a task directory.
#[derive(Debug)]
pub(crate) struct Marks {
    directory: PathBuf,
    /// `None` where the machine does not say which time it is running for: then it may have
    /// been started again.
    boot: Option<String>,
}

impl Marks {
    pub(super) fn new(directory: PathBuf) -> Marks {
        let boot = boot_id();
        Marks { directory, boot }
    }

    /// The mark of a task.
    fn path(&self, task: &TaskName) -> PathBuf {
        self.directory.join(task.as_os_str())
    }

    /// Returns `true` if `task` is done and not to be started.
    fn has(&self, task: &Task) -> bool {
        match task.settings.frequency {
            Frequency::Always => false,
            Frequency::Once => self.is_ours(&task.name),
            Frequency::OncePerBoot => {
                self.is_ours(&task.name)
                    && self.boot.is_some()
                    && self.boot_of(&task.name) == self.boot
            }
        }
    }

    /// Returns `true` if there is a mark that only this user or root can have made. Others can
    /// have left one from a time when the directory was theirs.
    fn is_ours(&self, task: &TaskName) -> bool {
        fs::symlink_metadata(self.path(task)).is_ok_and(|mark| {
            let owners = [0, geteuid().as_raw()];
            mark.is_file() && owners.contains(&mark.uid()) && mark.mode() & 0o022 == 0
        })
    }

    /// The boot that the mark of `task` was made in.
    fn boot_of(&self, task: &TaskName) -> Option<String> {
        let mark = durable_file::read(&self.path(task)).ok()?;
        let mark = String::from_utf8_lossy(&mark);
        let boot = mark.lines().find_map(|line| line.strip_prefix("boot = "));
        boot.map(str::to_owned)
    }

    /// The tasks of `plan` that are done.
    pub(crate) fn done(&self, plan: &Plan) -> Vec<TaskId> {
        let tasks = plan.tasks.iter().enumerate();
        tasks
            .filter(|(_, task)| self.has(task))
            .map(|(index, _)| TaskId(index))
            .collect()
    }

    /// Writes the mark of `task`, for the time when it is done; `None` when it needs none. An
    /// error is that of the mark at this path.
    pub(crate) fn write(
        &self,
        task: &Task,
        run: &RunId,
    ) -> Result<Option<Draft>, (PathBuf, io::Error)> {
        if task.settings.frequency == Frequency::Always {
            return Ok(None);
        }
        let path = self.path(&task.name);
        let boot = self.boot.as_deref().unwrap_or_default();
        let text = format!("run = {run}\nboot = {boot}\n");
        let written = create_directory(&self.directory)
            .and_then(|()| Draft::write(path.clone(), text.as_bytes()));
        written.map(Some).map_err(|error| (path, error))
    }
}
