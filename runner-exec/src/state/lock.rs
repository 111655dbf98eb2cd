//! The lock: one run per task directory at a time.
//!
//! It has two places, and a runner takes both: a runner with `state_dir` and one without
//! meet in the runtime directory; runners with different runtime directories (two users,
//! two containers) meet in the state directory. Version 0.1 took one of the two.
//!
//! The files are locked with flock, so they are free as soon as their process is gone. The
//! content of the first is for the next runner: the process that has the lock, and what it
//! runs, since that continues when the runner is killed. That a process is about to start
//! is written before it does, its number after; so at no moment is one forgotten.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{fs::OFlags, process::geteuid};

use super::{
    StateDir,
    holder::{Holder, Part},
    lock_file::{Attempt, LockFile},
    obstacle::{Busy, Obstacle},
};
use crate::{plan::task_name::TaskName, process::Cancel, run::run_id::RunId};

/// Bytes that are reserved in a file when it is locked, since the disk can fill up: some 60
/// lines.
const ROOM: usize = 4096;

/// The lock of a task directory, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    /// Lets a thread write the holder, where a disk may have to be waited for.
    write_later: Option<Sender<()>>,
}

#[derive(Debug)]
struct Held {
    /// Locked for moments only.
    holder: Mutex<Holder>,
    /// In the order in which they were taken. The first has the content.
    files: Mutex<Vec<LockFile>>,
}

/// The lock, and the places where there is none.
#[derive(Debug)]
pub struct Taken {
    /// `None` when there is no place for it.
    pub lock: Option<Lock>,
    /// The files that cannot be made, and why.
    pub absent: Vec<(PathBuf, io::Error)>,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NoLock {
    /// Another process has it.
    Busy(Busy),
    /// The runner was requested to end while it waited.
    Asked,
    /// This file cannot be locked, and another runner may have it.
    Failed(PathBuf, io::Error),
}

impl Lock {
    /// Takes the lock of `taskdir` in all its places, and waits until `timeout` for that;
    /// without one, forever. While it waits it has none of them.
    ///
    /// # Errors
    ///
    /// Another process has it, or may have it.
    pub fn take(
        taskdir: &Path,
        state_dir: Option<StateDir>,
        timeout: Option<Duration>,
        cancel: &Cancel,
    ) -> Result<Taken, NoLock> {
        let failed = |error| NoLock::Failed(taskdir.to_owned(), error);
        let deadline = timeout.and_then(|time| Instant::now().checked_add(time));
        loop {
            let mut files = Vec::new();
            let obstacle = match take_places(&mut files, taskdir, state_dir)? {
                Ok(mut absent) if files.is_empty() => {
                    let is_lack = |(_, error): &mut (PathBuf, io::Error)| is_lack(error);
                    let lack = absent.extract_if(.., is_lack).next();
                    return match lack {
                        Some((path, error)) => Err(NoLock::Failed(path, error)),
                        None => Ok(Taken { lock: None, absent }),
                    };
                }
                Ok(absent) => {
                    let is_on_disk = !files[0].is_in_memory();
                    let lock = Lock::new(files, is_on_disk).map_err(failed)?;
                    return Ok(Taken {
                        lock: Some(lock),
                        absent,
                    });
                }
                Err(obstacle) => obstacle,
            };
            drop(files);
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(NoLock::Busy(obstacle.busy));
            }
            obstacle.wait(deadline, cancel).map_err(failed)?;
            if cancel.asked().is_some() {
                return Err(NoLock::Asked);
            }
        }
    }

    fn new(files: Vec<LockFile>, is_on_disk: bool) -> io::Result<Lock> {
        let held = Arc::new(Held {
            holder: Mutex::new(Holder::new()),
            files: Mutex::new(files),
        });
        let mut write_later = None;
        if is_on_disk {
            let (sender, requests) = channel();
            let writer = held.clone();
            thread::Builder::new()
                .name("lock".to_owned())
                .spawn(move || requests.iter().for_each(|()| writer.write()))?;
            write_later = Some(sender);
        }
        Ok(Lock { held, write_later })
    }

    /// Takes the places of a further run, which can have another state directory, or another
    /// task directory under the same name.
    ///
    /// # Errors
    ///
    /// Another process has one of them, or it cannot be locked.
    pub fn add(&self, taskdir: &Path, state_dir: Option<StateDir>) -> Result<(), NoLock> {
        match take_places(&mut lock(&self.held.files), taskdir, state_dir)? {
            Ok(_) => Ok(()),
            Err(obstacle) => Err(NoLock::Busy(obstacle.busy)),
        }
    }

    /// Writes the id of the run that starts.
    pub(crate) fn start_run(&self, run: &RunId) {
        lock(&self.held.holder).run = run.to_string();
        self.held.write();
    }

    /// Writes that a process is about to start, for the case that this one is killed.
    pub(crate) fn starting(&self, task: &TaskName, part: Part) {
        lock(&self.held.holder).starting(task, part);
        self.held.write();
    }

    /// Writes the number of the process, without a wait for a disk: the limit of the process
    /// counts.
    pub(crate) fn started(&self, task: &TaskName, part: Part, pid: i32) {
        lock(&self.held.holder).started(task, part, pid);
        match &self.write_later {
            Some(write_later) => drop(write_later.send(())),
            None => self.held.write(),
        }
    }

    /// The process has ended. That need not be written where there is its number: a process
    /// that is gone keeps nobody out.
    pub(crate) fn ended(&self, task: &TaskName, part: Part) {
        if !lock(&self.held.holder).ended(task, part) {
            self.held.write();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The last first: a runner that has the first finds the others free.
        let mut files = lock(&self.held.files);
        while files.pop().is_some() {}
    }
}

impl Held {
    fn write(&self) {
        if let Some(first) = lock(&self.files).first() {
            let text = lock(&self.holder).text();
            // Without that the lock holds all the same.
            let _ = first.write(&text);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the places that are not among `files` yet. Returns those where there can be none, and
/// why; or the first that another process has.
fn take_places(
    files: &mut Vec<LockFile>,
    taskdir: &Path,
    state_dir: Option<StateDir>,
) -> Result<Result<Vec<(PathBuf, io::Error)>, Obstacle>, NoLock> {
    let mut absent = Vec::new();
    let mut runtime = runtime_place(taskdir);
    if let Some(directory) = runtime.as_deref().and_then(Path::parent) {
        let closed = close_to_others(directory);
        let closed = closed.map_err(|error| NoLock::Failed(directory.to_owned(), error))?;
        if let Some(error) = closed {
            absent.extend(runtime.take().zip(Some(error)));
        }
    }
    let text = Holder::new().text();
    for path in runtime.into_iter().chain(state_dir.map(StateDir::lock)) {
        if files.iter().any(|file| file.is_at(&path)) {
            continue;
        }
        match LockFile::take(&path) {
            Ok(Attempt::Taken(file)) => match file.write(&format!("{text:\n<ROOM$}")) {
                Err(error) if files.is_empty() && error.kind() != ErrorKind::FileTooLarge => {
                    absent.push((path, error));
                }
                // The limit of this process, and not a lack of the machine.
                Ok(()) | Err(_) => files.push(file),
            },
            Ok(Attempt::Absent(error)) => absent.push((path, error)),
            Ok(Attempt::Blocked(obstacle)) => return Ok(Err(obstacle)),
            Err(error) => return Err(NoLock::Failed(path, error)),
        }
    }
    Ok(Ok(absent))
}

/// Returns `true` if a lock could be there, but the machine has no room for it now. Another
/// user can have filled it up, so that is not the same as no place for a lock.
pub fn is_lack(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::PermissionDenied
    )
}

/// The place in the directory that is empty after a boot.
fn runtime_place(taskdir: &Path) -> Option<PathBuf> {
    let runtime = match geteuid().is_root() {
        true => PathBuf::from("/run"),
        false => PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?),
    };
    let directory = runtime.is_absolute().then(|| runtime.join("runner"))?;
    // `su` keeps the variable, and the new user cannot enter the directory.
    let is_closed = fs::symlink_metadata(&directory)
        .is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    // By its number on its file system, so that every path to it means the same lock.
    let taskdir = fs::metadata(taskdir).ok().filter(|_| !is_closed)?;
    let name = format!("{:x}-{}.lock", taskdir.dev(), taskdir.ino());
    Some(directory.join(name))
}

/// Makes `directory`, and lets no other user enter it. Returns the error if it cannot be made.
fn close_to_others(directory: &Path) -> io::Result<Option<io::Error>> {
    let made = DirBuilder::new().mode(0o700).create(directory);
    if made.is_err() && !directory.exists() {
        return Ok(made.err());
    }
    let directory = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits() as i32)
        .open(directory)?;
    let metadata = directory.metadata()?;
    if metadata.uid() != geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o7777 != 0o700 {
        // Version 0.1 made it for everybody. On a read-only file system it stays so.
        let _ = directory.set_permissions(Permissions::from_mode(0o700));
    }
    Ok(None)
}
