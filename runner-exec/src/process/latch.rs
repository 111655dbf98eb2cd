//! Something that happens once, and that threads can wait for.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::OnceLock,
};

use rustix::event::{EventfdFlags, eventfd};

/// Set once and never cleared, so that everybody who waits for it sees it. Its descriptor
/// becomes readable then.
#[derive(Debug)]
pub struct Latch<T = ()> {
    value: OnceLock<T>,
    fd: OwnedFd,
}

impl<T> Latch<T> {
    /// A latch that is not set.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left.
    pub fn new() -> io::Result<Latch<T>> {
        Ok(Latch {
            value: OnceLock::new(),
            fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Sets the latch; a later call changes nothing.
    pub fn set(&self, value: T) {
        if self.value.set(value).is_ok() {
            // Writing to an eventfd that nobody reads cannot fail the first time.
            let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
        }
    }

    /// Returns what it was set to.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }
}

impl<T> AsFd for Latch<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
