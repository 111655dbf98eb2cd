//! The main thread: it has the signals, and everything else is done beside it, so
//! that the third signal can end the program whatever the rest is doing.

use std::{
    io, panic,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize},
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
    Cancel, Children, Latch,
    proc::{Process, status_field},
};
use crate::process::outcome::Signal;

/// How the supervised work ended.
#[derive(Debug)]
pub enum Supervised<T> {
    /// By itself; it may have been asked to.
    Done(T),
    /// It was asked three times and is still at it. This signal was the third.
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
    ask: Arc<Latch<Signal>>,
    kill: Arc<Latch>,
    /// What the first and the second signal do.
    pub cancel: Cancel,
    /// What was changed in this process and is not undone by exec.
    pub original: Original,
}

impl Supervisor {
    /// Takes over the signals that ask a process to end. One that came in ignored
    /// stays so: `nohup` and a shell's `&` mean it. One that came in blocked does not.
    /// What tasks orphan becomes a child of this process from now on.
    ///
    /// # Errors
    ///
    /// The system refuses it.
    pub fn new() -> io::Result<Supervisor> {
        let ignored = ignored();
        let mut heard = [&ASKS[..], &[SIGTSTP]].concat();
        heard.retain(|&signal| !ignored(signal));
        // Ignored, the system would reap every child, and its status would be lost. As
        // process 1 this is the reaper of everything, and not only of what it runs.
        if ignored(SIGCHLD) || getpid() == Pid::INIT {
            heard.push(SIGCHLD);
        }
        // Where that cannot be had, orphans go to process 1, as they do without us.
        let _ = set_child_subreaper(Some(getpid()));
        let handled = Arc::new(AtomicUsize::new(0));
        for &signal in heard.iter().filter(|signal| ASKS.contains(signal)) {
            flag::register_usize(signal, handled.clone(), signal as usize)?;
        }
        survive(&STRAY)?;
        let signals = Signals::new(heard)?;
        // Now that there are handlers: one that waits would end this process without them.
        let original = Original(unblock()?);
        let children = Arc::new(Children::default());
        let _ = children.signals.set(signals.handle());
        let (ask, kill) = (Arc::new(Latch::new()?), Arc::new(Latch::new()?));
        Ok(Supervisor {
            signals,
            cancel: Cancel {
                ask: Some(ask.clone()),
                handled,
                cut: None,
                kill: Some(kill.clone()),
                children,
            },
            ask,
            kill,
            original,
        })
    }

    /// Does `work` on a thread of its own. The first signal asks it to end, the
    /// second kills what it runs, the third abandons it. `noticed` gets each request before it
    /// takes effect and must not wait; `applied` gets it afterwards.
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
                    self.cancel.children.reap_orphans();
                    self.cancel.children.look_for_stops();
                    continue;
                }
                SIGTSTP => {
                    self.cancel.children.suspend();
                    continue;
                }
                _ => count += 1,
            }
            let signal = Signal(signal);
            let request = StopRequest {
                signal,
                nth: count,
                // Afterwards what ran may have ended because of the signal.
                is_idle: self.cancel.children.is_idle(),
            };
            noticed(request);
            match count {
                1 => self.ask.set(signal),
                2 => self.kill.set(()),
                _ => {}
            }
            applied(request);
            if count > 2 {
                return Ok(Supervised::Abandoned(signal));
            }
        }
        // One that came in the last moment is not lost on who looks at the flag.
        if let Some(signal) = self.signals.pending().find(|signal| ASKS.contains(signal)) {
            self.ask.set(Signal(signal));
        }
        match worker.join() {
            Ok(done) => Ok(Supervised::Done(done)),
            Err(panic) => panic::resume_unwind(panic),
        }
    }
}

/// The signals that ask the runner to end.
const ASKS: [i32; 4] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT];

/// Signals that mean nothing to the runner, and that would end it as SIGKILL does: its tasks
/// would go on without anybody who knows their limits.
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

/// How this process was before there was a [`Supervisor`]: the signals that were blocked.
#[derive(Clone, Copy, Debug)]
pub struct Original(SigSet);

impl Original {
    /// Gives up being the reaper of orphans and blocks those signals again, for what is
    /// executed in place of the runner. On the main thread.
    pub fn restore(self) {
        let _ = set_child_subreaper(None);
        let _ = self.0.thread_set_mask();
    }
}

/// Lets the signals of the runner come to this thread: whoever started it may have
/// blocked them for a reason of its own, and every process inherits that. Returns what
/// was blocked before.
fn unblock() -> io::Result<SigSet> {
    let signals = [&ASKS[..], &[SIGTSTP, SIGCHLD]].concat().into_iter();
    let signals: SigSet = signals
        .map(NixSignal::try_from)
        .collect::<nix::Result<_>>()?;
    let blocked = SigSet::thread_get_mask()?;
    signals.thread_unblock()?;
    Ok(blocked)
}

/// Makes a write that exceeds the limit on the size of files (`RLIMIT_FSIZE`) fail with EFBIG,
/// as an error like any other, instead of killing this process.
///
/// # Errors
///
/// The system refuses it.
pub fn survive_file_size_limit() -> io::Result<()> {
    survive(&[SIGXFSZ])
}

/// Keeps signals from ending this process. With a handler, which exec resets: a signal that is
/// ignored would be ignored in tasks as well. One that came in ignored stays so.
fn survive(signals: &[i32]) -> io::Result<()> {
    let ignored = ignored();
    for &signal in signals.iter().filter(|&&signal| !ignored(signal)) {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Which signals this process ignores.
fn ignored() -> impl Fn(i32) -> bool {
    mask("SigIgn:")
}

/// Whether a signal that asks the runner to end has been sent to it, and its handler has
/// not run yet: the system may let others go first.
pub(super) fn is_on_its_way() -> bool {
    ASKS.into_iter().any(mask("ShdPnd:"))
}

/// Whether the main thread does anything but wait for signals.
pub(super) fn main_thread_is_awake() -> bool {
    Process::read(getpid().as_raw_pid()).is_some_and(|main| main.state != 'S')
}

/// A set of signals of this process, by its name in `/proc/self/status`.
fn mask(name: &str) -> impl Fn(i32) -> bool {
    let mask = status_field("self", name);
    let mask = mask.and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    move |signal| mask.unwrap_or_default() >> (signal - 1) & 1 == 1
}
