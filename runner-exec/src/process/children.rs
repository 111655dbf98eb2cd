//! The running process groups, and the clock of their limits, shared by the workers that start
//! them and the main thread that has the signals.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

// rustix does not return which process has ended, and does not support a session that was
// started outside the PID namespace (number 0).
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
    /// Read lock: a process is being started and is not registered yet. Write lock: none is, so
    /// every child that is not registered is an orphan.
    starting: RwLock<()>,
    /// Orphans must be reaped when a start is done.
    reap_deferred: AtomicBool,
    state: Mutex<State>,
    /// Adds signals that the main thread handles, such as SIGCHLD.
    pub(super) signals: OnceLock<Handle>,
}

#[derive(Debug, Default)]
struct State {
    /// The groups by their leaders. The latch is set when the leader is stopped because it wants
    /// the terminal; only a group that has run for a while has one.
    groups: HashMap<Pid, Option<Arc<Latch<Signal>>>>,
    /// Total time for which Ctrl-Z has stopped everything.
    stopped: Duration,
}

pub(crate) struct Starting<'a> {
    children: &'a Children,
    guard: Option<RwLockReadGuard<'a, ()>>,
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.guard = None;
        if self.children.reap_deferred.load(Ordering::SeqCst) {
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

/// A running group. Dropping it removes it from the running groups.
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
    /// Returns `true` if the process leads a running group.
    pub(crate) fn has(&self, pid: i32) -> bool {
        Pid::from_raw(pid).is_some_and(|pid| self.lock().groups.contains_key(&pid))
    }

    /// Begins the start of a process, which lasts until it is registered or dropped.
    pub(crate) fn starting(&self) -> Starting<'_> {
        Starting {
            children: self,
            guard: Some(self.starting.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// Reaps the orphans that have ended, or does so at the end of a start if one is in
    /// progress. Does not reap registered processes.
    pub(crate) fn reap_orphans(&self) {
        self.reap_deferred.store(true, Ordering::SeqCst);
        // The thread that has the lock checks `reap_deferred` after it has released it.
        while self.reap_deferred.load(Ordering::SeqCst)
            && let Ok(_nothing_starts) = self.starting.try_write()
        {
            self.reap_deferred.store(false, Ordering::SeqCst);
            while let Some(ended) = ended_child() {
                if self.has(ended.as_raw_pid()) {
                    // `waitid` returns it again and again until it is reaped, which can be
                    // after the grace of its group. So look at the others one by one.
                    let adopted = adopted().unwrap_or_default().into_iter();
                    adopted.filter(|&pid| !self.has(pid)).for_each(reap);
                    break;
                }
                reap(ended.as_raw_pid());
            }
        }
    }

    /// Returns `true` if no process runs or is being started.
    pub(super) fn is_idle(&self) -> bool {
        let Ok(nothing_starts) = self.starting.try_write() else {
            return false;
        };
        let is_idle = self.lock().groups.is_empty();
        drop(nothing_starts);
        // Another thread can have left that to this one, which had the lock.
        if self.reap_deferred.load(Ordering::SeqCst) {
            self.reap_orphans();
        }
        is_idle
    }

    /// Returns the current time, and the total time for which Ctrl-Z has stopped everything. A
    /// deadline moves by as much as the latter grows.
    pub(crate) fn clock(&self) -> (Instant, Duration) {
        // The main thread holds the lock during a stop, so both values are consistent.
        let state = self.lock();
        (Instant::now(), state.stopped)
    }

    /// Sets the latches of groups that are stopped because they want the terminal.
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

    /// Stops all groups and this process (Ctrl-Z), until it is continued.
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
        // `raise` signals this thread, so the process has stopped before it returns.
        let _ = signal_hook::low_level::raise(SIGSTOP);
        state.stopped += clock.elapsed();
        for leader in state.groups.keys() {
            send(-leader.as_raw_pid(), Signal::CONT);
        }
    }

    /// Waits until no process is being started. A child that Ctrl-Z stops between fork and exec
    /// blocks the thread that starts it, and so would block this wait; it is continued.
    fn stop_starting(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        // A start that takes longer (from a dead file system) must not block Ctrl-Z.
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
    /// Returns a latch that is set when the leader is stopped because it wants the terminal,
    /// also if it is stopped already.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left.
    pub(crate) fn watch_stops(&self) -> io::Result<Arc<Latch<Signal>>> {
        let latch = Arc::new(Latch::new()?);
        let wants_terminal = Some(latch.clone());
        self.children
            .lock()
            .groups
            .insert(self.leader, wants_terminal);
        // Each SIGCHLD has a cost, so it is handled only once a process has run for a while.
        if let Some(signals) = self.children.signals.get() {
            signals.add_signal(SIGCHLD)?;
        }
        // There was no notification of earlier ends and stops.
        self.children.reap_orphans();
        self.children.look_for_stops();
        Ok(latch)
    }
}

/// Returns a child that has ended, without reaping it.
fn ended_child() -> Option<Pid> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let ended = wait::waitid(Id::All, peek).ok()?.pid()?;
    Pid::from_raw(ended.as_raw())
}

/// Returns `true` if a shell in the same session can continue this process.
fn can_be_continued() -> bool {
    let (parent, own) = (getppid(), getsid(None));
    parent.as_raw() != 0 && getsid(Some(parent)) == own && own != Ok(getpid())
}
