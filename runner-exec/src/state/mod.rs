//! `state_dir`: what outlives a run.
#![expect(clippy::disallowed_methods, reason = "the files of the state are here")]

mod durable_file;
mod halts;
mod holder;
mod lock;
mod lock_file;
mod marks;
mod obstacle;

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use runner_config::Settings;

use self::{durable_file::Draft, halts::Halts, marks::Marks};

pub(crate) use self::holder::Part;
pub use self::{
    durable_file::{create_directory, open_file, sync_directory},
    lock::{Lock, NoLock, Taken, is_lack},
    obstacle::Busy,
};

/// The state directory of a task directory, which has all that outlives a run.
#[derive(Clone, Copy, Debug)]
pub struct StateDir<'a>(pub &'a Path);

impl<'a> StateDir<'a> {
    /// Returns `None` if `settings` name none.
    pub fn of(settings: &'a Settings) -> Option<StateDir<'a>> {
        settings.state_dir.as_deref().map(StateDir)
    }

    /// The file that runners lock.
    pub fn lock(self) -> PathBuf {
        self.0.join("lock")
    }

    /// The directory with a mark for each task that is done for longer than a run.
    pub fn marks(self) -> PathBuf {
        self.0.join("done")
    }

    /// The times at which the halt task was started.
    pub fn halts(self) -> PathBuf {
        self.0.join("halts")
    }

    /// What happened in all runs, one line for each event.
    pub fn journal(self) -> PathBuf {
        self.0.join("journal.jsonl")
    }

    /// The file that names the task directory. Without it the state belongs to none.
    pub fn owner(self) -> PathBuf {
        self.0.join("taskdir")
    }

    /// Makes it for `taskdir`, unless it is there.
    ///
    /// # Errors
    ///
    /// It cannot be made, or not be written.
    pub fn create(self, taskdir: &Path) -> io::Result<()> {
        create_directory(self.0)?;
        if self.owner().symlink_metadata().is_ok() {
            return Ok(());
        }
        let mut path = canonical(taskdir).into_os_string().into_vec();
        path.push(b'\n');
        // Of two that do so at once one is first, and the other one finds that.
        Draft::write(self.owner(), &path)?.commit_new()
    }

    /// Returns the task directory that it belongs to if that is not `taskdir`.
    pub fn other_owner(self, taskdir: &Path) -> Option<PathBuf> {
        let owner = durable_file::read(&self.owner()).ok()?;
        let owner = Path::new(OsStr::from_bytes(owner.strip_suffix(b"\n")?));
        (owner != canonical(taskdir)).then(|| owner.to_owned())
    }

    /// Removes the files that killed runners have left before they were in their places. Only
    /// for the holder of the lock.
    pub fn remove_drafts(self) {
        // Either directory may not be there, or not be readable: then there is nothing to do.
        let _ = durable_file::remove_drafts(self.0);
        let _ = durable_file::remove_drafts(&self.marks());
    }
}

/// What a run finds in its state directory.
#[derive(Debug)]
pub(crate) struct State {
    /// Which tasks are done for longer than a run.
    pub(crate) marks: Marks,
    /// Whether the halt task may run once more.
    pub(crate) halts: Halts,
}

impl State {
    /// The state that `settings` name; `None` when they name none.
    pub(crate) fn of(settings: &Settings) -> Option<State> {
        let directory = StateDir::of(settings)?;
        Some(State {
            marks: Marks::new(directory.marks()),
            halts: Halts {
                path: directory.halts(),
                max: settings.max_halts,
                period: settings.halt_period,
            },
        })
    }
}

/// A path that names the same directory wherever the runner was started.
pub fn canonical(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path);
    let canonical = fs::canonicalize(path).or_else(|_| absolute());
    canonical.unwrap_or_else(|_| path.to_owned())
}

/// Which time the machine is running for; `None` where the system does not say.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
