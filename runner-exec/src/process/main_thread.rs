//! The main thread: it handles the signals. All other work is done by other threads, so the third
//! signal can end the program at any time.

use std::{
    io, panic,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

// rustix leaves the signal mask to the C library.
use nix::sys::signal::{SigSet, Signal as NixSignal};
use rustix::process::{Pid, getpid, set_child_subreaper};
use signal_hook::{
    consts::{
        SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1,
        SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
    },
    flag,
    iterator::{Handle, Signals},
};

use super::{
    Children, Latch, StopSignals,
    proc::{Process, status_field},
};
use crate::process::outcome::Signal;

/// End of the supervised work.
#[derive(Debug)]
pub enum Supervised<T> {
    /// It ended, by itself or at a request.
    Done(T),
    /// It did not end after two requests. This signal was the third.
    Abandoned(Signal),
}

/// A signal that requests the end of the runner.
#[derive(Clone, Copy, Debug)]
pub struct StopRequest {
    /// The signal.
    pub signal: Signal,
    /// Its number, from 1.
    pub nth: u32,
    /// No process ran when it came.
    pub is_idle: bool,
}

/// The signals of the runner.
#[derive(Debug)]
pub struct Supervisor {
    signals: Signals,
    request: Arc<Latch<Signal>>,
    kill: Arc<Latch>,
    /// The requests that signals set.
    pub stop: StopSignals,
    /// The preparation of this process for exec.
    pub original: Original,
}

impl Supervisor {
    /// Installs handlers for the signals that request an end. A signal that was ignored at the
    /// start stays ignored (`nohup`, `&` of a shell); one that was blocked is unblocked. From now
    /// on orphans of tasks become children of this process.
    ///
    /// # Errors
    ///
    /// The system refuses it.
    pub fn new() -> io::Result<Supervisor> {
        let ignored = ignored();
        let mut handled_signals = [&STOP_SIGNALS[..], &[SIGTSTP]].concat();
        handled_signals.retain(|&signal| !ignored(signal));
        // If it is ignored, the kernel reaps every child, and its status is lost. Process 1 must
        // reap all orphans, and not only those of its tasks.
        if ignored(SIGCHLD) || getpid() == Pid::INIT {
            handled_signals.push(SIGCHLD);
        }
        // If this fails, orphans become children of process 1, as without a runner.
        let _ = set_child_subreaper(Some(getpid()));
        let handled = Arc::new(AtomicUsize::new(0));
        let exits_at_once = Arc::new(AtomicBool::new(false));
        for &signal in handled_signals
            .iter()
            .filter(|signal| STOP_SIGNALS.contains(signal))
        {
            // Handlers run in this order, so the last of them cannot fail before the exit.
            flag::register_conditional_shutdown(signal, 128 + signal, exits_at_once.clone())?;
            flag::register_usize(signal, handled.clone(), signal as usize)?;
        }
        survive(&STRAY)?;
        let signals = Signals::new(handled_signals)?;
        // Only after the handlers are installed: a pending signal would end this process.
        let original = Original {
            mask: unblock()?,
            exits_at_once,
        };
        let children = Arc::new(Children::default());
        let _ = children.signals.set(signals.handle());
        let (request, kill) = (Arc::new(Latch::new()?), Arc::new(Latch::new()?));
        Ok(Supervisor {
            signals,
            stop: StopSignals {
                request: Some(request.clone()),
                handled_signal: handled,
                cut: None,
                kill: Some(kill.clone()),
                children,
            },
            request,
            kill,
            original,
        })
    }

    /// Does `work` on a thread of its own. The first signal requests its end, the second kills
    /// its processes, the third abandons it. `noticed` gets each request before it takes effect
    /// and must not block; `applied` gets it afterwards.
    ///
    /// # Errors
    ///
    /// There are no threads left.
    pub fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce() -> T + Send + 'static,
        noticed: impl Fn(StopRequest),
        applied: impl Fn(StopRequest),
    ) -> io::Result<Supervised<T>> {
        let close = Close(self.signals.handle());
        let worker = thread::Builder::new().name("drive".to_owned());
        let worker = worker.spawn(move || {
            let _close = close;
            work()
        })?;
        let mut count: u32 = 0;
        for signal in self.signals.forever() {
            match signal {
                SIGCHLD => {
                    self.stop.children.reap_orphans();
                    self.stop.children.look_for_stops();
                    continue;
                }
                SIGTSTP => {
                    self.stop.children.suspend();
                    continue;
                }
                _ => count += 1,
            }
            let signal = Signal(signal);
            let request = StopRequest {
                signal,
                nth: count,
                // Before the request takes effect: afterwards, processes end because of it.
                is_idle: self.stop.children.is_idle(),
            };
            noticed(request);
            match count {
                1 => self.request.set(signal),
                2 => self.kill.set(()),
                _ => {}
            }
            applied(request);
            if count > 2 {
                return Ok(Supervised::Abandoned(signal));
            }
        }
        // A signal of the last moment must be in the flag for those that read it.
        if let Some(signal) = self
            .signals
            .pending()
            .find(|signal| STOP_SIGNALS.contains(signal))
        {
            self.request.set(Signal(signal));
        }
        match worker.join() {
            Ok(done) => Ok(Supervised::Done(done)),
            Err(panic) => panic::resume_unwind(panic),
        }
    }
}

/// Signals that request the end of the runner.
const STOP_SIGNALS: [i32; 4] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT];

/// Signals without a meaning for the runner, which would kill it without handlers. Its tasks would
/// continue without limits.
const STRAY: [i32; 7] = [
    SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGXCPU,
];

/// Ends the wait for signals when the work ends, also when it panics.
struct Close(Handle);

impl Drop for Close {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The original state of this process, for the program that replaces the runner.
#[derive(Clone, Debug)]
pub struct Original {
    /// The signal mask before a [`Supervisor`] changed it.
    mask: SigSet,
    /// Makes a signal end this process in its handler.
    exits_at_once: Arc<AtomicBool>,
}

impl Original {
    /// From now on a signal ends this process at once with 128 + its number: exec would forget a
    /// request that no thread has seen.
    pub fn exit_at_signals(&self) {
        self.exits_at_once.store(true, Ordering::SeqCst);
    }

    /// Restores the signal mask and ends the role of a subreaper. Must run on the main thread.
    pub fn restore(self) {
        let _ = set_child_subreaper(None);
        let _ = self.mask.thread_set_mask();
    }
}

/// Unblocks the signals of the runner in this thread: the process that started the runner can
/// have blocked them. Returns the mask before.
fn unblock() -> io::Result<SigSet> {
    let signals = [&STOP_SIGNALS[..], &[SIGTSTP, SIGCHLD]]
        .concat()
        .into_iter();
    let signals: SigSet = signals
        .map(NixSignal::try_from)
        .collect::<nix::Result<_>>()?;
    let blocked = SigSet::thread_get_mask()?;
    signals.thread_unblock()?;
    Ok(blocked)
}

/// Makes a write beyond the limit on file sizes (`RLIMIT_FSIZE`) fail with EFBIG, instead of
/// killing this process.
///
/// # Errors
///
/// The system refuses it.
pub fn survive_file_size_limit() -> io::Result<()> {
    survive(&[SIGXFSZ])
}

/// Keeps signals from ending this process, by a handler, which exec resets: ignored signals
/// would be ignored in tasks too. A signal that was ignored at the start stays ignored.
fn survive(signals: &[i32]) -> io::Result<()> {
    let ignored = ignored();
    for &signal in signals.iter().filter(|&&signal| !ignored(signal)) {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Returns the set of signals that this process ignores.
fn ignored() -> impl Fn(i32) -> bool {
    mask("SigIgn:")
}

/// Returns `true` if a stop signal was sent to this process and its handler has not run yet.
pub(super) fn is_stop_signal_pending() -> bool {
    STOP_SIGNALS.into_iter().any(mask("ShdPnd:"))
}

/// Returns `true` if the main thread does not wait for signals.
pub(super) fn is_main_thread_awake() -> bool {
    Process::read(getpid().as_raw_pid()).is_some_and(|main| main.state != 'S')
}

/// Returns a set of signals of this process, by its name in `/proc/self/status`.
fn mask(name: &str) -> impl Fn(i32) -> bool {
    let mask = status_field("self", name);
    let mask = mask.and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    move |signal| mask.unwrap_or_default() >> (signal - 1) & 1 == 1
}
