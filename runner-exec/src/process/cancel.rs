//! How a process is asked to end before its time.

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
    poll::wait_readable,
    supervise::{is_on_its_way, main_thread_is_awake},
};
use crate::process::outcome::Signal;

/// What can end a process before its time.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    /// Set when the runner was asked to end, with the first signal that did.
    pub ask: Option<Arc<Latch<Signal>>>,
    /// The number of a signal as its handler sets it, so that nobody can see what follows from
    /// the signal before the signal; 0 before that.
    pub handled: Arc<AtomicUsize>,
    /// Set when the chain does not wait for its running tasks any more.
    pub cut: Option<Arc<Latch>>,
    /// Set when what runs is to be killed.
    pub kill: Option<Arc<Latch>>,
    /// The processes that run now.
    pub children: Arc<Children>,
}

impl Cancel {
    /// The signal with which the runner was asked to end.
    pub fn asked(&self) -> Option<Signal> {
        let handled = || match self.handled.load(Ordering::SeqCst) {
            0 => None,
            signal => signal.try_into().ok().map(Signal),
        };
        self.ask.as_ref()?.get().copied().or_else(handled)
    }

    /// The same, but it takes a moment more to see a signal that was sent before this and
    /// has not been handled yet. For decisions that such a signal would change.
    pub fn asked_by_now(&self) -> Option<Signal> {
        let ask = self.ask.as_ref()?;
        let time = match self.asked() {
            None if is_on_its_way() => Duration::from_secs(1),
            // It may have taken a signal and not come to its handler yet.
            None if main_thread_is_awake() => Duration::from_millis(50),
            asked => return asked,
        };
        let deadline = Instant::now() + time;
        while self.asked().is_none() && Instant::now() < deadline {
            wait_readable(&[ask.as_fd()], Some(deadline));
        }
        self.asked()
    }

    /// The signal with which a process is to be asked to end, for whatever reason.
    pub(crate) fn to_end(&self) -> Option<Signal> {
        let is_cut = self.cut.as_ref().is_some_and(|cut| cut.get().is_some());
        self.asked().or(is_cut.then_some(Signal::TERM))
    }

    /// Whether what runs is to be killed.
    pub fn killed(&self) -> bool {
        self.kill.as_ref().is_some_and(|kill| kill.get().is_some())
    }

    /// The same, but for something that is to be started although others are
    /// asked to end.
    pub fn only_killed(&self) -> Cancel {
        Cancel {
            kill: self.kill.clone(),
            ..self.never()
        }
    }

    /// The same processes, but nothing ends them before their time.
    pub(super) fn never(&self) -> Cancel {
        Cancel {
            children: self.children.clone(),
            ..Cancel::default()
        }
    }

    /// Descriptors that become readable when it asks for the end.
    pub(crate) fn fds(&self) -> Vec<BorrowedFd<'_>> {
        let latches = self.cut.iter().chain(&self.kill);
        let fds = latches.map(|latch| latch.as_fd());
        fds.chain(self.ask.iter().map(|ask| ask.as_fd())).collect()
    }
}
