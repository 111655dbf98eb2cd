//! The process groups that run now, and the clock of their limits: what the main
//! thread has to know of what the workers have started.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

// rustix does not say which process has ended, and knows no session that was begun
// outside of the PID namespace, which has the number 0.
use nix::{
    sys::wait::{self, Id, WaitPidFlag},
    unistd::getsid,
};
use rustix::process::{
    Pid, Signal as Raw, WaitId, WaitIdOptions, getpid, getppid, kill_process, kill_process_group,
    waitid,
};
use signal_hook::{
    consts::{SIGCHLD, SIGSTOP},
    iterator::Handle,
};

use super::{
    Flag,
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
    signals: OnceLock<Handle>,
}

#[derive(Debug, Default)]
struct State {
    groups: Vec<Group>,
    /// How long everything was stopped by now.
    stopped: Duration,
}

#[derive(Debug)]
struct Group {
    leader: Pid,
    /// Raised when the leader is stopped because it wants the terminal; there only
    /// for one that has run for a while.
    wants_terminal: Option<Arc<Flag>>,
}

/// A process is being started.
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
    /// It has been started.
    pub(crate) fn register(self, leader: Pid) -> Registered<'a> {
        self.children.lock().groups.push(Group {
            leader,
            wants_terminal: None,
        });
        Registered {
            children: self.children,
            leader,
        }
    }
}

/// Takes the group out of the running ones when it is dropped.
pub(crate) struct Registered<'a> {
    children: &'a Children,
    leader: Pid,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut state = self.children.lock();
        state.groups.retain(|group| group.leader != self.leader);
    }
}

impl Children {
    pub(super) fn heard_through(&self, signals: Handle) {
        let _ = self.signals.set(signals);
    }

    /// Whether this process was started here, and is not over yet.
    pub(crate) fn has(&self, pid: i32) -> bool {
        let state = self.lock();
        state
            .groups
            .iter()
            .any(|group| group.leader.as_raw_pid() == pid)
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

    /// How long everything was stopped by now: a deadline lies so much later than
    /// it did when this was less.
    pub(crate) fn stopped(&self) -> Duration {
        // While the main thread has stopped everything, it holds the lock.
        self.lock().stopped
    }

    /// From now on the main thread is told of children that end or stop. That costs
    /// something at every end, so it is put off until a process has run for a while.
    pub(crate) fn hear_of_ends(&self) -> io::Result<()> {
        match self.signals.get() {
            Some(signals) => signals.add_signal(SIGCHLD),
            None => Ok(()),
        }
    }

    /// Ends the wait of those that are stopped because they want the terminal.
    pub(super) fn look_for_stops(&self) {
        for group in &self.lock().groups {
            let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
            if let Some(flag) = &group.wants_terminal
                && let Ok(Some(status)) = waitid(WaitId::Pid(group.leader), options)
                && let Some(signal) = status.stopping_signal().map(Signal)
                && signal.wants_terminal()
            {
                flag.raise(signal);
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
        for group in &state.groups {
            let _ = kill_process_group(group.leader, Raw::STOP);
        }
        // To this thread, so that it has stopped before this returns.
        let _ = signal_hook::low_level::raise(SIGSTOP);
        state.stopped += clock.elapsed();
        for group in &state.groups {
            let _ = kill_process_group(group.leader, Raw::CONT);
        }
    }

    /// Waits until nothing is being started any more. A child that Ctrl-Z has stopped
    /// between its birth and its exec holds up the thread that starts it, which could
    /// then not stop itself; it is in nobody's list, and goes on.
    fn stop_starting(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        // A start that takes longer, from a dead file system say, does not hold up all.
        for _ in 0..1000 {
            match self.starting.try_write() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            let me = getpid().as_raw_pid();
            for child in processes().unwrap_or_default() {
                if child.parent == me
                    && !self.has(child.pid)
                    && let Some(pid) = Pid::from_raw(child.pid)
                {
                    let _ = kill_process(pid, Raw::CONT);
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
    /// The number of the process, and of its group.
    pub(crate) fn leader(&self) -> Pid {
        self.leader
    }

    /// Returns a flag that is raised when the leader is stopped because it wants the
    /// terminal, also when it is stopped already.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left.
    pub(crate) fn watch_stops(&self) -> io::Result<Arc<Flag>> {
        let flag = Arc::new(Flag::new()?);
        let mut state = self.children.lock();
        for group in &mut state.groups {
            if group.leader == self.leader {
                group.wants_terminal = Some(flag.clone());
            }
        }
        drop(state);
        self.children.hear_of_ends()?;
        // What ended or stopped before went unheard.
        self.children.reap_orphans();
        self.children.look_for_stops();
        Ok(flag)
    }
}

/// A child that has ended and is not reaped yet; it stays so.
fn ended_child() -> Option<Pid> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let ended = wait::waitid(Id::All, peek).ok()?.pid()?;
    Pid::from_raw(ended.as_raw())
}

/// Reaps a child of ours, if it has ended.
pub(super) fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be that another thread was faster.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let _ = waitid(WaitId::Pid(pid), options);
    }
}

/// Whether somebody is there to continue this process: a shell that watches it from
/// the same session.
fn can_be_continued() -> bool {
    let session = |pid: Pid| getsid(Some(nix::unistd::Pid::from_raw(pid.as_raw_pid()))).ok();
    let own = session(getpid());
    getppid().is_some_and(|parent| session(parent) == own)
        && own.is_none_or(|own| own.as_raw() != getpid().as_raw_pid())
}
