//! Waiting: for descriptors, for a time on the monotonic clock, for both; never
//! by looking again and again.

use std::{
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::Cancel;

/// Waits until one of `fds` is readable or `deadline` has come; without one, for
/// ever. Says of each descriptor whether it is readable.
pub(crate) fn wait_readable(fds: &[BorrowedFd], deadline: Option<Instant>) -> Vec<bool> {
    let mut polled: Vec<PollFd> = fds
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // What does not fit into a timespec is not lived to see.
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut polled, timeout.as_ref()) {
            Err(Errno::INTR) => continue,
            // Without memory for the call itself nothing can be waited for: ask again.
            Err(_) | Ok(_) => {
                return polled.iter().map(|fd| !fd.revents().is_empty()).collect();
            }
        }
    }
}

/// The time that is `time` from now, or never.
pub(crate) fn from_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// Lets `time` pass, unless `cancel` asks for the end before.
pub fn pause(time: Duration, cancel: &Cancel) {
    let fds: Vec<BorrowedFd> = cancel.ask_fds().chain(cancel.kill_fds()).collect();
    wait_readable(&fds, from_now(time));
}
