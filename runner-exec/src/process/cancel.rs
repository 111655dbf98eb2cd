//! How a process is asked to end before its time.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
};

use rustix::event::{EventfdFlags, eventfd};

use super::Children;
use crate::Signal;

/// Raised once and never lowered, so that everybody who waits for it sees it.
#[derive(Debug)]
pub struct Flag {
    /// The signal it was raised with; 0 before that.
    signal: AtomicI32,
    fd: OwnedFd,
}

impl Flag {
    /// A flag that is not raised.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left.
    pub fn new() -> io::Result<Flag> {
        Ok(Flag {
            signal: AtomicI32::new(0),
            fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Raises the flag; a later call changes nothing.
    pub fn raise(&self, signal: Signal) {
        let first = self
            .signal
            .compare_exchange(0, signal.0, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        if first {
            // Writing to an eventfd that nobody reads cannot fail the first time.
            let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
        }
    }

    /// The signal it was raised with.
    pub fn raised(&self) -> Option<Signal> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(Signal(signal)),
        }
    }
}

impl AsFd for Flag {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What can end a process before its time.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    /// Each of them asks it to end, with the signal it was raised with.
    pub ask: Vec<Arc<Flag>>,
    /// Each of them kills it.
    pub kill: Vec<Arc<Flag>>,
    /// The processes that run now.
    pub children: Arc<Children>,
}

impl Cancel {
    /// The signal with which it is asked to end, if it is.
    pub fn asked(&self) -> Option<Signal> {
        self.ask.iter().find_map(|flag| flag.raised())
    }

    /// Whether it is to be killed.
    pub fn killed(&self) -> bool {
        self.kill.iter().any(|flag| flag.raised().is_some())
    }

    /// The same, but for something that is to be started although others are
    /// asked to end.
    pub fn only_killed(&self) -> Cancel {
        Cancel {
            ask: Vec::new(),
            ..self.clone()
        }
    }

    pub(crate) fn ask_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ask.iter().map(|flag| flag.as_fd())
    }

    pub(crate) fn kill_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.kill.iter().map(|flag| flag.as_fd())
    }
}
