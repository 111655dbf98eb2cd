//! Requests to end processes, from signals and from the chain.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Children, Latch,
    main_thread::{is_main_thread_awake, is_stop_signal_pending},
    poll::wait_readable,
};
use crate::process::outcome::Signal;

/// Requests to end processes. All clones share the same latches.
#[derive(Clone, Debug, Default)]
pub struct StopSignals {
    /// Set by the first signal that requests the end of the runner.
    pub request: Option<Arc<Latch<Signal>>>,
    /// The number of that signal, set in its handler; 0 before. So no thread can see an effect of
    /// the signal before the signal itself.
    pub handled_signal: Arc<AtomicUsize>,
    /// Set when the chain ends its running tasks.
    pub cut: Option<Arc<Latch>>,
    /// Set when running processes must be killed.
    pub kill: Option<Arc<Latch>>,
    /// The running processes.
    pub children: Arc<Children>,
}

impl StopSignals {
    /// Returns the signal that requested the end of the runner.
    pub fn requested(&self) -> Option<Signal> {
        let handled = || match self.handled_signal.load(Ordering::SeqCst) {
            0 => None,
            signal => signal.try_into().ok().map(Signal),
        };
        self.request.as_ref()?.get().copied().or_else(handled)
    }

    /// Returns the signal that requested the end of the runner, and waits for one that was sent
    /// before this call and is not handled yet. For decisions that such a signal changes, such as
    /// running the halt task.
    pub fn requested_by_now(&self) -> Option<Signal> {
        let request = self.request.as_ref()?;
        let time = match self.requested() {
            None if is_stop_signal_pending() => Duration::from_secs(1),
            // It can have received a signal whose handler has not run yet.
            None if is_main_thread_awake() => Duration::from_millis(50),
            signal => return signal,
        };
        let deadline = Instant::now() + time;
        while self.requested().is_none() && Instant::now() < deadline {
            wait_readable(&[request.as_fd()], Some(deadline));
        }
        self.requested()
    }

    /// Returns the signal to send to running processes, for any request but a kill.
    pub(crate) fn end_signal(&self) -> Option<Signal> {
        let is_cut = self.cut.as_ref().is_some_and(|cut| cut.get().is_some());
        self.requested().or(is_cut.then_some(Signal::TERM))
    }

    /// Returns `true` if running processes must be killed.
    pub fn is_killed(&self) -> bool {
        self.kill.as_ref().is_some_and(|kill| kill.get().is_some())
    }

    /// Returns only the kill request, for a process that runs although the end was requested.
    pub fn kill_only(&self) -> StopSignals {
        StopSignals {
            kill: self.kill.clone(),
            ..self.without_requests()
        }
    }

    /// Returns the same processes without any request.
    pub(super) fn without_requests(&self) -> StopSignals {
        StopSignals {
            children: self.children.clone(),
            ..StopSignals::default()
        }
    }

    /// Returns the descriptors that become readable at a request.
    pub(crate) fn fds(&self) -> Vec<BorrowedFd<'_>> {
        let latches = self.cut.iter().chain(&self.kill);
        let fds = latches.map(|latch| latch.as_fd());
        fds.chain(self.request.iter().map(|request| request.as_fd()))
            .collect()
    }
}
