//! The main thread: it has the signals, and everything else is done beside it, so
//! that the third signal can end the program whatever the rest is doing.

use std::{fs, io, panic, sync::Arc, thread};

use rustix::process::{WaitId, WaitIdOptions, getpid, set_child_subreaper, waitid};
use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::{Handle, Signals},
};

use super::{Cancel, Flag};
use crate::Signal;

/// How the supervised work ended.
#[derive(Debug)]
pub enum Supervised<T> {
    /// By itself; it may have been asked to.
    Done(T),
    /// It was asked three times and is still at it. This signal was the third.
    Abandoned(Signal),
}

/// The signals of the runner.
#[derive(Debug)]
pub struct Supervisor {
    signals: Signals,
    ask: Arc<Flag>,
    kill: Arc<Flag>,
}

impl Supervisor {
    /// Takes over the signals that ask a process to end. One that came in ignored
    /// stays so: `nohup` and a shell's `&` mean it. What tasks orphan becomes a
    /// child of this process from now on.
    ///
    /// # Errors
    ///
    /// The system refuses it.
    pub fn new() -> io::Result<Supervisor> {
        let ignored = ignored();
        let mut signals = vec![SIGTERM];
        signals.extend(
            [SIGINT, SIGHUP, SIGQUIT]
                .into_iter()
                .filter(|&signal| !ignored(signal)),
        );
        if ignored(SIGCHLD) {
            // The system would reap every child by itself, and its status would be lost.
            signals.push(SIGCHLD);
        }
        // Where that cannot be had, orphans go to process 1, as they do without us.
        let _ = set_child_subreaper(Some(getpid()));
        Ok(Supervisor {
            signals: Signals::new(signals)?,
            ask: Arc::new(Flag::new()?),
            kill: Arc::new(Flag::new()?),
        })
    }

    /// What the first and the second signal do.
    pub fn cancel(&self) -> Cancel {
        Cancel {
            ask: vec![self.ask.clone()],
            kill: vec![self.kill.clone()],
        }
    }

    /// Does `work` on a thread of its own. The first signal asks it to end, the
    /// second kills what it runs, the third abandons it. `heard` is told of each
    /// signal and its number.
    ///
    /// # Errors
    ///
    /// There are no threads left.
    pub fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce() -> T + Send + 'static,
        heard: impl Fn(Signal, u32),
    ) -> io::Result<Supervised<T>> {
        let close = Close(self.signals.handle());
        let worker = thread::Builder::new()
            .name("drive".to_owned())
            .spawn(move || {
                let _close = close;
                work()
            })?;
        let mut count: u32 = 0;
        for signal in self.signals.forever() {
            reap_orphans();
            if signal == SIGCHLD {
                continue;
            }
            count += 1;
            let signal = Signal(signal);
            heard(signal, count);
            match count {
                1 => self.ask.raise(signal),
                2 => self.kill.raise(signal),
                _ => return Ok(Supervised::Abandoned(signal)),
            }
        }
        // One that came in the last moment is not lost on who looks at the flag.
        for signal in self.signals.pending().filter(|&signal| signal != SIGCHLD) {
            self.ask.raise(Signal(signal));
        }
        match worker.join() {
            Ok(done) => Ok(Supervised::Done(done)),
            Err(panic) => panic::resume_unwind(panic),
        }
    }
}

/// Ends the wait for signals when the work ends, also when it panics.
struct Close(Handle);

impl Drop for Close {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reaps the orphans that have ended. Tasks are children of other threads and are
/// not touched, since this asks for the children of the calling thread only.
fn reap_orphans() {
    let of_this_thread = WaitIdOptions::from_bits_retain(0x2000_0000); // __WNOTHREAD
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | of_this_thread;
    while matches!(waitid(WaitId::All, options), Ok(Some(_))) {}
}

/// Gives up being the reaper of orphans, for what is executed in place of the runner.
pub fn release_orphans() {
    let _ = set_child_subreaper(None);
}

/// Which signals this process ignores.
fn ignored() -> impl Fn(i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mask = mask.unwrap_or_default();
    move |signal| mask >> (signal - 1) & 1 == 1
}
