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
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::{fs::OFlags, process::geteuid};

use super::{
    StateDir,
    holder::{Holder, machine},
    lock_file::{Attempt, LockFile},
    obstacle::{Busy, Obstacle},
};
use crate::{
    process::Cancel,
    run::{
        event::{Event, Part},
        run_id::RunId,
    },
};

/// The lock of a task directory, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    holder: Holder,
    /// In the order in which they were taken. The first has the content.
    files: Vec<LockFile>,
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

/// How long to wait for a lock that another process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// For this time, or forever.
    Wait(Option<Duration>),
}

impl Lock {
    /// Takes the lock of `taskdir` in all its places, or waits as long as `patience` lasts.
    /// While it waits it has none of them.
    ///
    /// # Errors
    ///
    /// Another process has it, or may have it.
    pub fn take(
        taskdir: &Path,
        state_dir: Option<StateDir>,
        patience: Patience,
        cancel: &Cancel,
    ) -> Result<Taken, NoLock> {
        let deadline = match patience {
            Patience::None => Some(Instant::now()),
            Patience::Wait(time) => time.and_then(|time| Instant::now().checked_add(time)),
        };
        loop {
            let obstacle = match take_all(taskdir, state_dir)? {
                Ok(taken) => return Ok(taken),
                Err(obstacle) => obstacle,
            };
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(NoLock::Busy(obstacle.busy));
            }
            let waited = obstacle.wait(deadline, cancel);
            waited.map_err(|error| NoLock::Failed(taskdir.to_owned(), error))?;
            if cancel.asked().is_some() {
                return Err(NoLock::Asked);
            }
        }
    }

    /// Takes the places of a further run, which can have another state directory, or another
    /// task directory under the same name.
    ///
    /// # Errors
    ///
    /// Another process has one of them, or it cannot be locked.
    pub fn add(&self, taskdir: &Path, state_dir: Option<StateDir>) -> Result<(), NoLock> {
        let mut held = self.lock();
        for path in runtime_place(taskdir)
            .into_iter()
            .chain(state_dir.map(StateDir::lock))
        {
            if held.files.iter().any(|file| file.is_at(&path)) {
                continue;
            }
            match LockFile::take(&path) {
                Ok(Attempt::Taken(file)) => {
                    Holder::new(machine()).write(&file.file);
                    held.files.push(file);
                }
                Ok(Attempt::Absent(_)) => {}
                Ok(Attempt::Blocked(obstacle)) => return Err(NoLock::Busy(obstacle.busy)),
                Err(error) => return Err(NoLock::Failed(path, error)),
            }
        }
        Ok(())
    }

    /// Writes the id of the run that starts.
    pub fn start_run(&self, run: &RunId) {
        let mut held = self.lock();
        held.holder.run = run.to_string();
        held.write();
    }

    /// Writes down what is running, for the case that this process is killed.
    pub fn event(&self, event: &Event) {
        let mut held = self.lock();
        let holder = &mut held.holder;
        match event {
            Event::RunStart { run, .. } => {
                drop(held);
                return self.start_run(run);
            }
            Event::TaskStart { task, .. } => holder.starts(task, Part::Task),
            Event::HookStart { task, phase, .. } => holder.starts(task, Part::Hook(*phase)),
            Event::HaltStart { task, .. } => holder.starts(task, Part::Halt),
            Event::Started {
                task, part, pid, ..
            } => holder.started(task, *part, *pid),
            // These need not be written where there is a number: a process that is gone keeps
            // nobody out.
            Event::TaskEnd { task, .. } if !holder.ended(task, Part::Task) => return,
            Event::HookEnd { task, phase, .. } if !holder.ended(task, Part::Hook(*phase)) => return,
            Event::HaltEnd { task, .. } if !holder.ended(task, Part::Halt) => return,
            Event::TaskEnd { .. } | Event::HookEnd { .. } | Event::HaltEnd { .. } => {}
            Event::TryStart { .. }
            | Event::NoLog { .. }
            | Event::NoMark { .. }
            | Event::Left { .. }
            | Event::Wait { .. }
            | Event::HaltMissing { .. }
            | Event::HaltWithheld { .. }
            | Event::NoHaltCount { .. }
            | Event::RunEnd { .. }
            | Event::Asked { .. } => return,
        }
        held.write();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn write(&self) {
        if let Some(first) = self.files.first() {
            self.holder.write(&first.file);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The last first: a runner that has the first finds the others free.
        while self.files.pop().is_some() {}
    }
}

/// Takes all places, or none.
fn take_all(
    taskdir: &Path,
    state_dir: Option<StateDir>,
) -> Result<Result<Taken, Obstacle>, NoLock> {
    let mut absent = Vec::new();
    let mut runtime = runtime_place(taskdir);
    if let Some(directory) = runtime.as_deref().and_then(Path::parent) {
        let closed = close_to_others(directory);
        let closed = closed.map_err(|error| NoLock::Failed(directory.to_owned(), error))?;
        if let Some(error) = closed {
            absent.extend(runtime.take().zip(Some(error)));
        }
    }
    let mut held = Held {
        holder: Holder::new(machine()),
        files: Vec::new(),
    };
    for path in runtime.into_iter().chain(state_dir.map(StateDir::lock)) {
        match LockFile::take(&path) {
            Ok(Attempt::Taken(file)) => match held.holder.reserve(&file.file) {
                Ok(()) => held.files.push(file),
                // The limit of this process, and not a lack of the machine.
                Err(error) if error.kind() == ErrorKind::FileTooLarge => held.files.push(file),
                Err(error) => absent.push((path, error)),
            },
            Ok(Attempt::Absent(error)) => absent.push((path, error)),
            Ok(Attempt::Blocked(obstacle)) => return Ok(Err(obstacle)),
            Err(error) => return Err(NoLock::Failed(path, error)),
        }
    }
    let is_lack = |(_, error): &mut (PathBuf, io::Error)| is_lack(error);
    if held.files.is_empty()
        && let Some((path, error)) = absent.extract_if(.., is_lack).next()
    {
        return Err(NoLock::Failed(path, error));
    }
    let lock = (!held.files.is_empty()).then(|| Lock {
        held: Mutex::new(held),
    });
    Ok(Ok(Taken { lock, absent }))
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
