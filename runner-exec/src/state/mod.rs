//! `state_dir`: the state that outlives a run.
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

use runner_config::{Settings, reason};
use rustix::system::uname;

use crate::{digest::short_digest, plan::Plan, run::outputs::Outputs};

use self::{durable_file::Draft, halts::Halts};

pub(crate) use self::holder::Part;
pub use self::{
    durable_file::{create_directory, open_file, sync_directory},
    lock::{Lock, NoLock, Taken, is_lack},
    marks::{Marks, distrusted_marks},
    obstacle::Busy,
};

/// The state directory of a task directory.
#[derive(Clone, Copy, Debug)]
pub struct StateDir<'a>(pub &'a Path);

impl<'a> StateDir<'a> {
    /// Returns the state directory of `settings`, if there is one.
    pub fn of(settings: &'a Settings) -> Option<StateDir<'a>> {
        settings.state_dir.as_deref().map(StateDir)
    }

    /// Returns the path of the file that runners lock.
    pub fn lock(self) -> PathBuf {
        self.0.join("lock")
    }

    /// Returns the path of the directory with the marks.
    pub fn marks(self) -> PathBuf {
        self.0.join("done")
    }

    /// Returns the path of the directory with the outputs of tasks that have a mark.
    pub fn outputs(self) -> PathBuf {
        self.0.join("outputs")
    }

    /// Returns the path of the file with the times of halts.
    pub fn halts(self) -> PathBuf {
        self.0.join("halts")
    }

    /// Returns the path of the journal, one line for each event of all runs.
    pub fn journal(self) -> PathBuf {
        self.0.join("journal.jsonl")
    }

    /// Returns the path of the part of the journal before [`StateDir::journal`].
    pub fn old_journal(self) -> PathBuf {
        self.0.join("journal.jsonl.old")
    }

    /// Returns the path of the file that names the task directory. Without this file, the state
    /// does not belong to a task directory.
    pub fn owner(self) -> PathBuf {
        self.0.join("taskdir")
    }

    /// Creates it for `taskdir`, unless it exists.
    ///
    /// # Errors
    ///
    /// It cannot be created or written.
    pub fn create(self, taskdir: &Path) -> io::Result<()> {
        create_directory(self.0)?;
        if self.owner().symlink_metadata().is_ok() {
            return Ok(());
        }
        let mut path = canonical(taskdir).into_os_string().into_vec();
        path.push(b'\n');
        // If two runners do this at the same time, the second one finds the file of the first.
        Draft::write(self.owner(), &path, 0o644)?.commit_new()
    }

    /// Returns the task directory that it belongs to, if that is not `taskdir`.
    pub fn other_owner(self, taskdir: &Path) -> Option<PathBuf> {
        let owner = durable_file::read(&self.owner()).ok()?;
        let owner = Path::new(OsStr::from_bytes(owner.strip_suffix(b"\n")?));
        (owner != canonical(taskdir)).then(|| owner.to_owned())
    }

    /// Removes the drafts of killed runners. Only the holder of the lock can call this.
    pub fn remove_drafts(self) {
        for directory in [self.0, &self.marks(), &self.outputs()] {
            // A directory that is missing or not readable has nothing to remove.
            let _ = durable_file::remove_drafts(directory);
        }
    }
}

/// State of a run.
#[derive(Debug)]
pub(crate) struct State {
    /// Marks of tasks that earlier runs have done.
    pub(crate) marks: Marks,
    /// Count of halts.
    pub(crate) halts: Halts,
}

impl State {
    /// Returns the state in the state directory of `settings`, if there is one.
    pub(crate) fn of(settings: &Settings) -> Option<State> {
        let directory = StateDir::of(settings)?;
        Some(State {
            marks: Marks::new(directory),
            halts: Halts {
                path: directory.halts(),
                max: settings.max_halts,
                period: settings.halt_period,
            },
        })
    }
}

/// Returns the outputs of the tasks that earlier runs have done, as far as they can be read.
pub fn stored_outputs(plan: &Plan) -> Outputs {
    let Some(State { marks, .. }) = State::of(&plan.settings) else {
        return Outputs::new(plan.nodes.clone());
    };
    marks.stored_outputs(plan, &marks.done(plan), |_, _| ())
}

/// Returns an absolute path of a directory, without symlinks if they can be resolved.
pub fn canonical(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path);
    let canonical = fs::canonicalize(path).or_else(|_| absolute());
    canonical.unwrap_or_else(|_| path.to_owned())
}

/// Returns the id of the current boot; `None` if the kernel has none.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Returns the id of this machine, which a copy of its disk does not have.
///
/// # Errors
///
/// There is none. The text says what is wrong with `/etc/machine-id`.
pub fn machine_id() -> Result<String, String> {
    match durable_file::read(Path::new("/etc/machine-id")) {
        Ok(text) => parse_machine_id(&String::from_utf8_lossy(&text)).map_err(str::to_owned),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("does not exist".to_owned()),
        Err(error) => Err(format!("cannot be read: {}", reason(&error))),
    }
}

/// Returns 12 hex digits that distinguish this machine from others, or an empty text if it has no
/// id. The id itself is confidential; see machine-id(5).
pub fn machine_digest() -> String {
    let id = machine_id().ok();
    id.map_or_else(String::new, |id| {
        short_digest(&format!("runner machine {id}"))
    })
}

/// Returns the host name.
pub fn host_name() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// Returns the id in the text of `/etc/machine-id`; see machine-id(5).
fn parse_machine_id(text: &str) -> Result<String, &'static str> {
    match text.lines().next().unwrap_or_default().trim() {
        "" => Err("is empty"),
        "uninitialized" => Err("is `uninitialized`"),
        id => Ok(id.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_id_is_the_first_line_unless_it_says_that_there_is_none() {
        for (text, id) in [
            ("3d12\n", Ok("3d12")),
            (" 3d12 \nrest\n", Ok("3d12")),
            ("3d12", Ok("3d12")),
            ("", Err("is empty")),
            ("\n", Err("is empty")),
            ("uninitialized\n", Err("is `uninitialized`")),
        ] {
            assert_eq!(parse_machine_id(text), id.map(str::to_owned), "{text:?}");
        }
    }
}
