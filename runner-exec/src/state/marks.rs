//! `done/TASK`: the mark of a task that is done for longer than a run.
//!
//! The file is written and flushed before the task starts, and put into its place when
//! the task is done. So a full disk is found out before the task has done anything, and
//! a mark is there as a whole or not at all.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use runner_config::Frequency;
use rustix::process::geteuid;

use super::{boot_id, durable_file};
use crate::{
    chain::TaskId,
    plan::{Plan, Task, task_name::TaskName},
    run::run_id::RunId,
};

/// The beginning of the name of a mark that is not in its place yet.
pub(super) const DRAFT: &str = ".new.";

/// The marks of a task directory.
#[derive(Debug)]
pub struct Marks {
    directory: PathBuf,
    boot: Option<String>,
    /// How many were written by now: tasks may start at the same time.
    drafts: AtomicU64,
}

/// A mark that is written, and not in its place yet.
#[derive(Debug)]
pub(crate) struct Mark {
    draft: PathBuf,
    path: PathBuf,
}

/// Whoever does not put it into its place does not want it.
impl Drop for Mark {
    fn drop(&mut self) {
        // It is gone when it was put there.
        durable_file::remove(&self.draft);
    }
}

impl Mark {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The task is done.
    ///
    /// # Errors
    ///
    /// The mark cannot be put into its place.
    pub(crate) fn put(self) -> io::Result<()> {
        durable_file::put(&self.draft, &self.path)
    }
}

impl Marks {
    pub(super) fn new(state_dir: &Path) -> Marks {
        Marks {
            directory: state_dir.join("done"),
            boot: boot_id(),
            drafts: AtomicU64::new(0),
        }
    }

    /// The mark of a task.
    pub fn path(&self, task: &TaskName) -> PathBuf {
        self.directory.join(task.as_os_str())
    }

    /// Whether `task` is done and not to be started.
    pub fn has(&self, task: &Task) -> bool {
        match task.settings.frequency {
            Frequency::Always => false,
            Frequency::Once => self.is_ours(&task.name),
            Frequency::OncePerBoot => {
                if !self.is_ours(&task.name) {
                    return false;
                }
                let mark = durable_file::read(&self.path(&task.name)).unwrap_or_default();
                // A machine that does not say which time it is running for may have
                // been started again.
                self.boot.is_some() && value(&mark, "boot") == self.boot.as_deref()
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

    /// The tasks of `plan` that are done.
    pub fn done(&self, plan: &Plan) -> Vec<TaskId> {
        let tasks = plan.tasks.iter().enumerate();
        tasks
            .filter(|(_, task)| self.has(task))
            .map(|(index, _)| TaskId(index))
            .collect()
    }

    /// Writes the mark of `task`, for the time when it is done; `None` when it needs none.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn write(&self, task: &Task, run: &RunId) -> io::Result<Option<Mark>> {
        if task.settings.frequency == Frequency::Always {
            return Ok(None);
        }
        durable_file::create_directory(&self.directory)?;
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let mark = Mark {
            // No task has such a name, and no other runner.
            draft: self
                .directory
                .join(format!("{DRAFT}{}.{number}", std::process::id())),
            path: self.path(&task.name),
        };
        let boot = self.boot.as_deref().unwrap_or_default();
        durable_file::write(
            &mark.draft,
            format!("run = {run}\nboot = {boot}\n").as_bytes(),
        )?;
        Ok(Some(mark))
    }
}

/// What a mark says of `key`.
fn value<'a>(mark: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = mark.lines().filter_map(|line| line.split_once(" = "));
    pairs.find_map(|(found, value)| (found == key).then_some(value))
}
