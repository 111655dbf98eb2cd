//! The process that has a lock, and the wait for its end.

use std::{fs::File, io, os::fd::AsFd, sync::Arc, thread, time::Instant};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::holder::Holder;
use crate::process::{Latch, Process, StopSignals, wait_readable, watch};

/// The process that has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// A runner.
    Runner {
        /// Its number; `None` if it has not written it yet.
        pid: Option<i32>,
        /// The id of its run, if one has started.
        run: Option<String>,
    },
    /// A task whose runner is gone: its name and process number.
    Task(String, i32),
}

/// A lock that another process has, or a task that is still running without its runner.
#[derive(Debug)]
pub(super) struct Obstacle {
    pub(super) busy: Busy,
    /// The obstacle ends when this file is unlocked.
    locked: Option<File>,
    /// The obstacle ends when this process has ended.
    process: Option<Process>,
}

impl Obstacle {
    /// Creates the obstacle of a runner that has locked `file`. `process` is set if another user
    /// could lock the file next, so that its end counts, and not the lock.
    pub(super) fn runner(file: File, process: Option<Process>) -> Obstacle {
        let holder = Holder::read(&file);
        let pid = holder.as_ref().map(|holder| holder.pid);
        let run = holder.map(|holder| holder.run);
        Obstacle {
            busy: Busy::Runner {
                pid,
                run: run.filter(|run| !run.is_empty()),
            },
            locked: Some(file),
            process,
        }
    }

    pub(super) fn task((name, process): (String, Process)) -> Obstacle {
        Obstacle {
            busy: Busy::Task(name, process.pid),
            locked: None,
            process: Some(process),
        }
    }

    /// Waits for its end, until `deadline`, or until `stop` requests the end. Does not take the
    /// lock: a waiting process must not have a lock that another one could wait for.
    pub(super) fn wait(self, deadline: Option<Instant>, stop: &StopSignals) -> io::Result<()> {
        let exit = match &self.process {
            None => None,
            Some(process) => match watch(process) {
                None => return Ok(()),
                exit => exit,
            },
        };
        let free = Arc::new(Latch::new()?);
        if let Some(file) = self.locked {
            let free = free.clone();
            // The thread ends with the program, at the latest.
            thread::Builder::new().spawn(move || {
                while flock(&file, FlockOperation::LockExclusive) == Err(Errno::INTR) {}
                drop(file);
                free.set(());
            })?;
        }
        let mut fds = vec![free.as_fd()];
        fds.extend(exit.iter().map(AsFd::as_fd));
        fds.extend(stop.fds());
        wait_readable(&fds, deadline);
        Ok(())
    }
}
