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

use super::{Cancel, Children};

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

/// A time that is to pass while nothing is stopped: Ctrl-Z stops it too.
pub(crate) struct Countdown<'a> {
    time: Option<Duration>,
    start: Instant,
    children: &'a Children,
    stopped_before: Duration,
}

impl<'a> Countdown<'a> {
    /// Begins now; without a time it never ends.
    pub(crate) fn start(time: Option<Duration>, children: &'a Children) -> Countdown<'a> {
        Countdown {
            time,
            start: Instant::now(),
            stopped_before: children.stopped(),
            children,
        }
    }

    fn stopped(&self) -> Duration {
        self.children.stopped() - self.stopped_before
    }

    /// When it ends, as far as it is known now.
    pub(crate) fn end(&self) -> Option<Instant> {
        let end = self.start.checked_add(self.time?)?;
        end.checked_add(self.stopped())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end().is_some_and(|end| end <= Instant::now())
    }

    /// How much of it has passed.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.stopped())
    }
}

/// Lets `time` pass, unless `cancel` asks for the end before.
pub fn pause(time: Duration, cancel: &Cancel) {
    let fds: Vec<BorrowedFd> = cancel.end_fds().chain(cancel.kill_fds()).collect();
    let countdown = Countdown::start(Some(time), &cancel.children);
    while !wait_readable(&fds, countdown.end()).contains(&true) && !countdown.has_ended() {}
}
