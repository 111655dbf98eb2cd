//! The process groups that run now, and the clock of their limits: what the main
//! thread has to know of what the workers have started.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

// rustix does not say which process has ended, and knows no session that was begun
// outside of the PID namespace, which has the number 0.
use nix::{
    sys::wait::{self, Id, WaitPidFlag},
    unistd::{getpid, getppid, getsid},
};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use signal_hook::{
    consts::{SIGCHLD, SIGSTOP},
    iterator::Handle,
};

use super::{
    Latch,
    pid::{reap, send},
    poll::{from_now, wait_readable},
    proc::{adopted, processes},
};
use crate::process::outcome::Signal;

/// The running process groups.
#[derive(Debug, Default)]
pub struct Children {
    /// Held by all who start a process, until it is registered. With all of it in
    /// hand, every child that is not registered is an orphan.
    starting: RwLock<()>,
    /// Whether orphans are to be reaped when a start is done.
    put_off: AtomicBool,
    state: Mutex<State>,
    /// With it the main thread is made to hear of children that end or stop.
    pub(super) signals: OnceLock<Handle>,
}

#[derive(Debug, Default)]
struct State {
    /// By their leaders. A latch is set when the leader is stopped because it wants the
    /// terminal; it is there only for one that has run for a while.
    groups: HashMap<Pid, Option<Arc<Latch<Signal>>>>,
    /// How long everything was stopped by now.
    stopped: Duration,
}

pub(crate) struct Starting<'a> {
    children: &'a Children,
    guard: Option<RwLockReadGuard<'a, ()>>,
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.guard = None;
        if self.children.put_off.load(Ordering::SeqCst) {
            self.children.reap_orphans();
        }
    }
}

impl<'a> Starting<'a> {
    pub(crate) fn register(self, leader: Pid) -> Registered<'a> {
        self.children.lock().groups.insert(leader, None);
        Registered {
            children: self.children,
            leader,
        }
    }
}

/// Takes the group out of the running ones when it is dropped.
pub(crate) struct Registered<'a> {
    children: &'a Children,
    /// The number of the process, and of its group.
    pub(crate) leader: Pid,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.children.lock().groups.remove(&self.leader);
    }
}

impl Children {
    /// Whether this process was started here, and is not over yet.
    pub(crate) fn has(&self, pid: i32) -> bool {
        Pid::from_raw(pid).is_some_and(|pid| self.lock().groups.contains_key(&pid))
    }

    /// Says that a process is being started, until it is registered or dropped.
    pub(crate) fn starting(&self) -> Starting<'_> {
        Starting {
            children: self,
            guard: Some(self.starting.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// Reaps the orphans that have ended; when something is being started just now, as
    /// soon as that is done. The statuses of registered processes stay.
    pub(crate) fn reap_orphans(&self) {
        self.put_off.store(true, Ordering::SeqCst);
        // Whoever has the lock sees that there is more to do when he lets go of it.
        while self.put_off.load(Ordering::SeqCst)
            && let Ok(_nothing_starts) = self.starting.try_write()
        {
            self.put_off.store(false, Ordering::SeqCst);
            while let Some(ended) = ended_child() {
                if self.has(ended.as_raw_pid()) {
                    // It hides those that ended after it, for as long as its group has
                    // its grace.
                    let adopted = adopted().unwrap_or_default().into_iter();
                    adopted.filter(|&pid| !self.has(pid)).for_each(reap);
                    break;
                }
                reap(ended.as_raw_pid());
            }
        }
    }

    /// The present, and the time for which everything was stopped by then. A deadline is so
    /// much later than it was when this was less.
    pub(crate) fn clock(&self) -> (Instant, Duration) {
        // While the main thread has stopped everything, it holds the lock; so no stop is between
        // the two.
        let state = self.lock();
        (Instant::now(), state.stopped)
    }

    /// Ends the wait of those that are stopped because they want the terminal.
    pub(super) fn look_for_stops(&self) {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        for (&leader, latch) in &self.lock().groups {
            if let Some(latch) = latch
                && let Ok(Some(status)) = waitid(WaitId::Pid(leader), options)
                && let Some(signal) = status.stopping_signal().map(Signal)
                && signal.wants_terminal()
            {
                latch.set(signal);
            }
        }
    }

    /// Stops everything and this process too, as Ctrl-Z asks, until it is continued.
    pub(super) fn suspend(&self) {
        if !can_be_continued() {
            return;
        }
        let _nothing_starts = self.stop_starting();
        let mut state = self.lock();
        let clock = Instant::now();
        for leader in state.groups.keys() {
            send(-leader.as_raw_pid(), Signal(SIGSTOP));
        }
        // To this thread, so that it has stopped before this returns.
        let _ = signal_hook::low_level::raise(SIGSTOP);
        state.stopped += clock.elapsed();
        for leader in state.groups.keys() {
            send(-leader.as_raw_pid(), Signal::CONT);
        }
    }

    /// Waits until nothing is being started any more. A child that Ctrl-Z has stopped
    /// between its birth and its exec holds up the thread that starts it, which could
    /// then not stop itself; it is in nobody's list, and goes on.
    fn stop_starting(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        // A start that takes longer, from a dead file system say, does not hold up all.
        for _ in 0..1000 {
            if let Ok(guard) = self.starting.try_write() {
                return Some(guard);
            }
            let me = getpid().as_raw();
            for child in processes().unwrap_or_default() {
                if child.parent == me && !self.has(child.pid) {
                    send(child.pid, Signal::CONT);
                }
            }
            wait_readable(&[], from_now(Duration::from_millis(1)));
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registered<'_> {
    /// Returns a latch that is set when the leader is stopped because it wants the
    /// terminal, also when it is stopped already. Fails without a file descriptor left.
    pub(crate) fn watch_stops(&self) -> io::Result<Arc<Latch<Signal>>> {
        let latch = Arc::new(Latch::new()?);
        let wants_terminal = Some(latch.clone());
        self.children
            .lock()
            .groups
            .insert(self.leader, wants_terminal);
        // Each signal costs something, so it is put off until a process has run for a while.
        if let Some(signals) = self.children.signals.get() {
            signals.add_signal(SIGCHLD)?;
        }
        // What ended or stopped before went unheard.
        self.children.reap_orphans();
        self.children.look_for_stops();
        Ok(latch)
    }
}

/// A child that has ended and is not reaped yet; it stays so.
fn ended_child() -> Option<Pid> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let ended = wait::waitid(Id::All, peek).ok()?.pid()?;
    Pid::from_raw(ended.as_raw())
}

/// Whether somebody is there to continue this process: a shell that watches it from
/// the same session.
fn can_be_continued() -> bool {
    let (parent, own) = (getppid(), getsid(None));
    parent.as_raw() != 0 && getsid(Some(parent)) == own && own != Ok(getpid())
}
