//! An event that happens once, and that threads can wait for.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::OnceLock,
};

use rustix::event::{EventfdFlags, eventfd};

/// A value that is set once and never cleared. Its descriptor becomes readable at that moment,
/// and stays so for every thread that waits.
#[derive(Debug)]
pub struct Latch<T = ()> {
    value: OnceLock<T>,
    fd: OwnedFd,
}

impl<T> Latch<T> {
    /// Creates a latch that is not set.
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
            // The first write to an eventfd that nothing reads cannot fail.
            let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
        }
    }

    /// Returns the value, if it is set.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }
}

impl<T> AsFd for Latch<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
