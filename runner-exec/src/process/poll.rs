//! Waits for descriptors, for a time on the monotonic clock, or for both. Polls only if the
//! system allows nothing else.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where a wait that cannot be ended is a short one"
)]

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{Latch, StopSignals};

/// Time between two looks at descriptors that the system does not let this process wait for.
pub(crate) const POLL_FALLBACK_INTERVAL: Duration = Duration::from_millis(10);

/// Maximum time between the end of one process and the look at all: ends seldom come alone.
const NEXT_END_TIMEOUT: Duration = Duration::from_millis(10);

/// Waits until one of `fds` is readable or `deadline` has come; without a deadline, forever.
/// Returns for each descriptor whether it is readable.
///
/// If the system refuses to watch them, this returns after [`POLL_FALLBACK_INTERVAL`], and the
/// caller checks its condition itself.
pub(crate) fn wait_readable(fds: &[BorrowedFd], deadline: Option<Instant>) -> Vec<bool> {
    let polled = fds
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN));
    let mut polled: Vec<PollFd> = polled.collect();
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        // Too large for a timespec: wait without a timeout.
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut polled, timeout.as_ref()) {
            Err(Errno::INTR) => continue,
            Ok(_) => return polled.iter().map(|fd| !fd.revents().is_empty()).collect(),
            // A filter forbids it, there is no memory, or the limit of descriptors was lowered
            // below the number of `fds`.
            Err(_) => {
                thread::sleep(POLL_FALLBACK_INTERVAL.min(left.unwrap_or(Duration::MAX)));
                return vec![false; fds.len()];
            }
        }
    }
}

/// Returns the instant `time` from now; `None` if it is too far in the future.
pub(crate) fn from_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// A timeout that also ends at a request of `stop`. Ctrl-Z stops its clock.
pub(crate) struct Countdown {
    time: Option<Duration>,
    start: Instant,
    stopped_before: Duration,
    stop: StopSignals,
}

impl Countdown {
    /// Starts the clock; without a time only `stop` ends it.
    pub(crate) fn start(time: Option<Duration>, stop: StopSignals) -> Countdown {
        let (start, stopped_before) = stop.children.clock();
        Countdown {
            time,
            start,
            stopped_before,
            stop,
        }
    }

    /// Returns the time since its start, without the time for which Ctrl-Z stopped it.
    pub(crate) fn elapsed(&self) -> Duration {
        let (now, stopped) = self.stop.children.clock();
        let elapsed = now.saturating_duration_since(self.start);
        elapsed.saturating_sub(stopped.saturating_sub(self.stopped_before))
    }

    /// Returns `true` if its time has passed.
    pub(crate) fn has_ended(&self) -> bool {
        self.time.is_some_and(|time| time <= self.elapsed())
    }

    /// Returns the time until its end; `None` without a time.
    pub(crate) fn left(&self) -> Option<Duration> {
        Some(self.time?.saturating_sub(self.elapsed()))
    }

    /// Returns its end, if Ctrl-Z does not move it.
    fn end(&self) -> Option<Instant> {
        from_now(self.left()?)
    }

    /// Waits until one of `fds` is readable or `next` has come, and returns for each whether it
    /// is readable; `None` once the time is over or `stop` requested the end.
    pub(crate) fn wait(&self, fds: &[BorrowedFd], next: Option<Instant>) -> Option<Vec<bool>> {
        let all = [fds, &self.stop.fds()].concat();
        let mut readable = wait_readable(&all, next.into_iter().chain(self.end()).min());
        readable.truncate(fds.len());
        let is_over = self.stop.end_signal().is_some() || self.stop.is_killed() || self.has_ended();
        (!is_over).then_some(readable)
    }

    /// Waits until all `ends` are readable or `next` has come. Returns `false` once the time is
    /// over or `stop` requested the end.
    pub(crate) fn wait_for_ends(&self, mut ends: Vec<OwnedFd>, mut next: Option<Instant>) -> bool {
        loop {
            let fds: Vec<BorrowedFd> = ends.iter().map(AsFd::as_fd).collect();
            let Some(readable) = self.wait(&fds, next) else {
                return false;
            };
            let mut readable = readable.into_iter();
            ends.retain(|_| readable.next() != Some(true));
            let next = next.get_or_insert_with(|| Instant::now() + NEXT_END_TIMEOUT);
            if ends.is_empty() || *next <= Instant::now() {
                return true;
            }
        }
    }
}

/// Waits for `time`, or until `stop` requests the end.
pub fn pause(time: Duration, stop: &StopSignals) {
    let countdown = Countdown::start(Some(time), stop.clone());
    while countdown.wait(&[], None).is_some() {}
}

/// Waits until `latch` is set, `time` has passed or `stop` requests the end.
pub fn pause_until(latch: &Latch, time: Duration, stop: &StopSignals) {
    let countdown = Countdown::start(Some(time), stop.clone());
    while latch.get().is_none() && countdown.wait(&[latch.as_fd()], None).is_some() {}
}
