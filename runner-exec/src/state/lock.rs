//! The lock: one run per task directory at a time.
//!
//! The file is locked with flock, so it is free as soon as its process is gone. What is
//! written in it is for whoever comes next: the process that has the lock, and what it
//! runs, since that goes on when the runner is killed. That a process is about to start
//! is written before it does, its number after; so at no moment is one forgotten.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
    process::geteuid,
};

use super::{
    create_directory,
    holder::{Holder, Survivor, machine},
};
use crate::{Cancel, Event, Flag, Part, Signal, pause, process::wait_for_end};

/// The lock of a task directory, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    holder: Mutex<Holder>,
}

/// Who has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// The runner of this number; `None` when it has not said so yet.
    Runner(Option<i32>),
    /// A task of a runner that is gone, by its name and the number of its process.
    Task(String, i32),
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NoLock {
    /// Somebody else has it.
    Busy(Busy),
    /// The runner was asked to end while it waited.
    Asked,
    /// It cannot be had here.
    Failed(io::Error),
}

impl<E: Into<io::Error>> From<E> for NoLock {
    fn from(error: E) -> NoLock {
        NoLock::Failed(error.into())
    }
}

/// How long to wait for who has the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// So long; without a time there, for ever.
    Wait(Option<Duration>),
}

/// Where the lock of `taskdir` may be, the best place first.
pub fn lock_places(taskdir: &Path, state_dir: Option<&Path>) -> Vec<PathBuf> {
    let runtime = match geteuid().is_root() {
        true => Some(PathBuf::from("/run")),
        false => std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
    };
    // By its number on its file system, so that every path to it means the same lock.
    let id = fs::metadata(taskdir).map(|taskdir| (taskdir.dev(), taskdir.ino()));
    let runtime = runtime.filter(|runtime| runtime.is_absolute());
    let common = runtime.zip(id.ok()).map(|(runtime, (device, number))| {
        let name = format!("{device:x}-{number}.lock");
        runtime.join("runner").join(name)
    });
    let own = state_dir.map(|state_dir| state_dir.join("lock"));
    own.into_iter().chain(common).collect()
}

impl Lock {
    /// Takes the lock at `path`, or waits for it as long as `patience` lasts.
    ///
    /// # Errors
    ///
    /// Somebody has it, or it cannot be had.
    pub fn take(path: &Path, patience: Patience, cancel: &Cancel) -> Result<Lock, NoLock> {
        let deadline = match patience {
            Patience::None => Some(Instant::now()),
            Patience::Wait(time) => time.and_then(|time| Instant::now().checked_add(time)),
        };
        loop {
            let file = Arc::new(open(path)?);
            match flock(&*file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => wait_for_runner(&file, deadline, cancel)?,
                Err(error) => return Err(error.into()),
            }
            // The one who had it removes the file in the end.
            if !is_still_there(&file, path) {
                continue;
            }
            match Holder::read(&file).and_then(|holder| holder.survivor()) {
                None => {
                    let holder = Holder::new(machine());
                    holder.write(&file);
                    return Ok(Lock {
                        path: path.to_owned(),
                        file: file.try_clone()?,
                        holder: Mutex::new(holder),
                    });
                }
                // The lock is kept meanwhile: who comes next waits for this one.
                Some(task) => wait_for_task(&task, deadline, cancel)?,
            }
        }
    }

    /// Writes down what is running, for the case that this process is killed.
    pub fn event(&self, event: &Event) {
        let mut holder = self.lock();
        match event {
            Event::RunStart { run, .. } => holder.run = (*run).to_owned(),
            Event::TaskStart { task, .. } => holder.starts(task, Part::Task),
            Event::HookStart { task, phase, .. } => holder.starts(task, Part::Hook(*phase)),
            Event::HaltStart { task, .. } => holder.starts(task, Part::Halt),
            Event::Started {
                task, part, pid, ..
            } => holder.started(task, *part, *pid),
            // These need not be written: a process that is gone keeps nobody out.
            Event::TaskEnd { task, .. } => return holder.ended(task, Part::Task),
            Event::HookEnd { task, phase, .. } => return holder.ended(task, Part::Hook(*phase)),
            Event::HaltEnd { task, .. } => return holder.ended(task, Part::Halt),
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
        holder.write(&self.file);
    }

    fn lock(&self) -> MutexGuard<'_, Holder> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // As long as it is locked, it is nobody else's; unless somebody removed it before.
        if is_still_there(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        create_directory(directory)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
        .open(path)
}

fn is_still_there(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(path)) => (file.dev(), file.ino()) == (path.dev(), path.ino()),
        _ => false,
    }
}

/// Waits until the runner that has the lock lets go of it, and has it then.
fn wait_for_runner(
    file: &Arc<File>,
    deadline: Option<Instant>,
    cancel: &Cancel,
) -> Result<(), NoLock> {
    let left = left(deadline);
    if !left.is_zero() {
        let had = Arc::new(Flag::new()?);
        let (waiting, has) = (file.clone(), had.clone());
        // It ends with the program, at the latest.
        thread::Builder::new().spawn(move || {
            while flock(&*waiting, FlockOperation::LockExclusive) == Err(Errno::INTR) {}
            has.raise(Signal::TERM);
        })?;
        let cut = Some(had.clone());
        pause(
            left,
            &Cancel {
                cut,
                ..cancel.clone()
            },
        );
        if cancel.asked().is_some() {
            return Err(NoLock::Asked);
        }
        if had.raised().is_some() {
            return Ok(());
        }
    }
    let runner = Holder::read(file).map(|holder| holder.pid);
    Err(NoLock::Busy(Busy::Runner(runner)))
}

/// Waits until a task has ended whose runner was killed.
fn wait_for_task(
    task: &Survivor,
    deadline: Option<Instant>,
    cancel: &Cancel,
) -> Result<(), NoLock> {
    let has_ended = wait_for_end(&task.process, left(deadline), cancel);
    match (cancel.asked(), has_ended) {
        (Some(_), _) => Err(NoLock::Asked),
        (None, true) => Ok(()),
        (None, false) => {
            let busy = Busy::Task(task.name.clone(), task.process.pid);
            Err(NoLock::Busy(busy))
        }
    }
}

fn left(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    })
}
