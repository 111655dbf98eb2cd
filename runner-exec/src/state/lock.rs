//! The lock: one run per task directory at a time.
//!
//! It has two places, and a runner takes both: a runner with `state_dir` and one without
//! meet in the runtime directory; runners with different runtime directories (two users,
//! two containers) meet in the state directory. Version 0.1 took one of the two.
//!
//! The files are locked with flock, so they are free as soon as their process is gone. The
//! content of the first is for the next runner: the process that has the lock, and the
//! processes that it runs, which continue when it is killed. The line of a process is written
//! before its start, and its number after it, so no process is missing at any moment.

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
use crate::{
    plan::task_name::TaskName, private_directory::runtime_directory, process::StopSignals,
    run::run_id::RunId,
};

/// Bytes to reserve in a file when it is locked (about 60 lines), since the disk can fill up.
const ROOM: usize = 4096;

/// The lock of a task directory, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    /// Sends the holder to a thread that writes it, if the file is on a disk, which can block.
    write_later: Option<Sender<()>>,
}

#[derive(Debug)]
struct Held {
    /// The content of the first file.
    holder: Mutex<Holder>,
    /// The files in the order in which they were locked. The first has the content.
    files: Mutex<Vec<LockFile>>,
}

/// The lock, and the places without a lock.
#[derive(Debug)]
pub struct Taken {
    /// `None` if no place could have a lock.
    pub lock: Option<Lock>,
    /// The files that cannot be created, and the errors.
    pub absent: Vec<(PathBuf, io::Error)>,
}

/// Reason for which the lock was not taken.
#[derive(Debug)]
pub enum NoLock {
    /// Another process has it.
    Busy(Busy),
    /// A signal requested the end during the wait.
    Interrupted,
    /// This file cannot be locked, and another runner could have it.
    Failed(PathBuf, io::Error),
}

impl Lock {
    /// Takes the lock of `taskdir` in all its places, and waits until `timeout` for that;
    /// without one, forever. While it waits it has none of them.
    ///
    /// # Errors
    ///
    /// Another process has it, or could have it.
    pub fn take(
        taskdir: &Path,
        state_dir: Option<StateDir>,
        timeout: Option<Duration>,
        stop: &StopSignals,
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
            obstacle.wait(deadline, stop).map_err(failed)?;
            if stop.requested().is_some() {
                return Err(NoLock::Interrupted);
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
        match take_places(&mut lock_mutex(&self.held.files), taskdir, state_dir)? {
            Ok(_) => Ok(()),
            Err(obstacle) => Err(NoLock::Busy(obstacle.busy)),
        }
    }

    /// Writes the id of the run that starts.
    pub(crate) fn start_run(&self, run: &RunId) {
        lock_mutex(&self.held.holder).run = run.to_string();
        self.held.write();
    }

    /// Records a process that is about to start, in case this runner is killed.
    pub(crate) fn starting(&self, task: &TaskName, part: Part) {
        lock_mutex(&self.held.holder).starting(task, part);
        self.held.write();
    }

    /// Records the number of a process. Does not wait for a disk, as the limit of the process
    /// counts already.
    pub(crate) fn started(&self, task: &TaskName, part: Part, pid: i32) {
        lock_mutex(&self.held.holder).started(task, part, pid);
        match &self.write_later {
            Some(write_later) => drop(write_later.send(())),
            None => self.held.write(),
        }
    }

    /// Records the end of a process. The file is written only if it has a line without a number:
    /// a number of an ended process does not block the next runner.
    pub(crate) fn ended(&self, task: &TaskName, part: Part) {
        if !lock_mutex(&self.held.holder).ended(task, part) {
            self.held.write();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The last one first: a runner that locks the first finds the others free.
        let mut files = lock_mutex(&self.held.files);
        while files.pop().is_some() {}
    }
}

impl Held {
    fn write(&self) {
        if let Some(first) = lock_mutex(&self.files).first() {
            let text = lock_mutex(&self.holder).text();
            // If this fails, the lock is effective nevertheless.
            let _ = first.write(&text);
        }
    }
}

fn lock_mutex<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks the places that are not among `files` yet. Returns the places that cannot have a lock,
/// with their errors; or the first that another process has.
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
                // A limit of this process, not a full machine.
                Ok(()) | Err(_) => files.push(file),
            },
            Ok(Attempt::Absent(error)) => absent.push((path, error)),
            Ok(Attempt::Blocked(obstacle)) => return Ok(Err(obstacle)),
            Err(error) => return Err(NoLock::Failed(path, error)),
        }
    }
    Ok(Ok(absent))
}

/// Returns `true` if the place can have a lock, but the disk is full now. Another user can have
/// filled it, so this is not the same as a place without a lock.
pub fn is_lack(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::PermissionDenied
    )
}

/// Returns the place in the runtime directory.
fn runtime_place(taskdir: &Path) -> Option<PathBuf> {
    let directory = runtime_directory()?.join("runner");
    // `su` keeps the variable, and the new user cannot enter the directory.
    let is_closed = fs::symlink_metadata(&directory)
        .is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    // Named by device and inode, so that every path to the directory means the same lock.
    let taskdir = fs::metadata(taskdir).ok().filter(|_| !is_closed)?;
    let name = format!("{:x}-{}.lock", taskdir.dev(), taskdir.ino());
    Some(directory.join(name))
}

/// Creates `directory` with mode 0700. Returns the error if it cannot be created.
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
        // Version 0.1 created it with mode 0755. On a read-only file system this stays.
        let _ = directory.set_permissions(Permissions::from_mode(0o700));
    }
    Ok(None)
}
