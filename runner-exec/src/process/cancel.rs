//! How a process is asked to end before its time.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::event::{EventfdFlags, eventfd};

use super::{
    Children,
    poll::{from_now, wait_readable},
    supervise::{is_on_its_way, main_thread_is_awake},
};
use crate::process::outcome::Signal;

/// Raised once and never lowered, so that everybody who waits for it sees it.
#[derive(Debug)]
pub struct Flag {
    /// The signal it was raised with; 0 before that.
    signal: AtomicI32,
    /// Where the signal handler itself says which signal came, so that nobody can see
    /// what follows from the signal before the signal.
    handler: Option<Arc<AtomicUsize>>,
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
            handler: None,
            fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// A flag that also counts as raised once a signal handler has set `handler`.
    pub(super) fn with_handler(handler: Arc<AtomicUsize>) -> io::Result<Flag> {
        Ok(Flag {
            handler: Some(handler),
            ..Flag::new()?
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
        let handler = || {
            self.handler
                .as_ref()?
                .load(Ordering::SeqCst)
                .try_into()
                .ok()
        };
        match self.signal.load(Ordering::SeqCst) {
            0 => handler().filter(|&signal| signal != 0).map(Signal),
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
    /// Raised when the runner was asked to end.
    pub ask: Option<Arc<Flag>>,
    /// Raised when the chain does not wait for its running tasks any more.
    pub cut: Option<Arc<Flag>>,
    /// Raised when what runs is to be killed.
    pub kill: Option<Arc<Flag>>,
    /// The processes that run now.
    pub children: Arc<Children>,
}

impl Cancel {
    /// The signal with which the runner was asked to end.
    pub fn asked(&self) -> Option<Signal> {
        self.ask.as_ref()?.raised()
    }

    /// The same, but it takes a moment more to see a signal that was sent before this and
    /// has not been handled yet. For decisions that such a signal would change.
    pub fn asked_by_now(&self) -> Option<Signal> {
        let flag = self.ask.as_ref()?;
        if flag.raised().is_none() && is_on_its_way() {
            wait_readable(&[flag.as_fd()], from_now(Duration::from_secs(1)));
        } else if flag.raised().is_none() && main_thread_is_awake() {
            // It may have taken a signal and not come to its handler yet.
            wait_readable(&[flag.as_fd()], from_now(Duration::from_millis(50)));
        }
        flag.raised()
    }

    /// The signal with which a process is to be asked to end, for whatever reason.
    pub(crate) fn to_end(&self) -> Option<Signal> {
        self.asked().or_else(|| self.cut.as_ref()?.raised())
    }

    /// Whether what runs is to be killed.
    pub fn killed(&self) -> bool {
        self.kill
            .as_ref()
            .is_some_and(|flag| flag.raised().is_some())
    }

    /// The same, but for something that is to be started although others are
    /// asked to end.
    pub fn only_killed(&self) -> Cancel {
        Cancel {
            ask: None,
            cut: None,
            ..self.clone()
        }
    }

    pub(crate) fn end_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ask.iter().chain(&self.cut).map(|flag| flag.as_fd())
    }

    pub(crate) fn kill_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.kill.iter().map(|flag| flag.as_fd())
    }
}
