//! `state_dir`: what outlives a run. The journal in it is somebody else's.

mod durable_file;
mod halts;
mod holder;
mod lock;
mod lock_file;
mod marks;
mod obstacle;

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use runner_config::Settings;

pub use self::{
    durable_file::{create_directory, open_file, sync_directory},
    lock::{Lock, NoLock, Patience, Taken, is_lack},
    marks::Marks,
    obstacle::Busy,
};
pub(crate) use self::{halts::Halts, marks::Mark};

/// The file that says which task directory the state belongs to.
const OWNER: &str = "taskdir";

/// What a run finds in its state directory.
#[derive(Debug)]
pub struct State {
    /// Which tasks are done for longer than a run.
    pub marks: Marks,
    /// Whether the halt task may run once more.
    pub(crate) halts: Halts,
}

impl State {
    /// The state that `settings` name; `None` when they name none.
    pub fn of(settings: &Settings) -> Option<State> {
        let directory = settings.state_dir.as_deref()?;
        Some(State {
            marks: Marks::new(directory),
            halts: Halts::new(directory, settings.max_halts, settings.halt_period),
        })
    }
}

/// Makes the state directory of `taskdir`, unless it is there.
///
/// # Errors
///
/// It cannot be made, or not be written.
pub fn create_state_dir(state_dir: &Path, taskdir: &Path) -> io::Result<()> {
    durable_file::create_directory(state_dir)?;
    let owner = state_dir.join(OWNER);
    if owner.symlink_metadata().is_ok() {
        return Ok(());
    }
    let mut path = canonical(taskdir).into_os_string().into_vec();
    path.push(b'\n');
    // Of two that do so at once one is first, and the other one finds that.
    durable_file::create(&owner, &path)
}

/// Removes the drafts of files that killed runners have left in `state_dir`. Only for the
/// holder of the lock.
pub fn remove_drafts(state_dir: &Path) {
    // Either directory may not be there, or not be readable: then there is nothing to do.
    let _ = durable_file::remove_drafts(state_dir, &[".taskdir.", ".halts.", ".lock."]);
    let _ = durable_file::remove_drafts(&state_dir.join("done"), &[marks::DRAFT]);
}

/// The other task directory that `state_dir` belongs to, if it does.
pub fn other_owner(state_dir: &Path, taskdir: &Path) -> Option<PathBuf> {
    let mut options = OpenOptions::new();
    let file = durable_file::open_file(options.read(true), &state_dir.join(OWNER)).ok()?;
    let mut owner = Vec::new();
    file.take(durable_file::LARGEST)
        .read_to_end(&mut owner)
        .ok()?;
    let owner = Path::new(OsStr::from_bytes(owner.strip_suffix(b"\n")?));
    (owner != canonical(taskdir)).then(|| owner.to_owned())
}

/// The file to remove for a state directory to belong to nobody.
pub fn owner_file(state_dir: &Path) -> PathBuf {
    state_dir.join(OWNER)
}

/// A path that names the same directory wherever the runner was started.
pub fn canonical(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path);
    let canonical = fs::canonicalize(path).or_else(|_| absolute());
    canonical.unwrap_or_else(|_| path.to_owned())
}

/// The files of a state directory that are read or written, some of which may not be
/// there, and the directory of the marks.
pub fn state_files(state_dir: &Path) -> (Vec<PathBuf>, PathBuf) {
    let files = [OWNER, "halts", "lock", "journal.jsonl"];
    let files = files.map(|name| state_dir.join(name)).to_vec();
    (files, state_dir.join("done"))
}

/// Which time the machine is running for; `None` where the system does not say.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
