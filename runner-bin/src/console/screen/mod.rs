//! stdout and stderr: the lines of the runner, those of several tasks at once, and a line at
//! the bottom of a terminal.
//!
//! Everything to write is in one place behind a lock, so that nothing is mixed. Under the lock
//! nobody waits for a reader: the caller writes what can be written at once, so that it stands
//! in order with what a task writes there itself, and a thread reads what tasks write and
//! writes the rest. What a process wrote stands above the line that says that it has ended.

mod bar;
mod lines;
mod outlet;
mod work;

use std::{
    fs::File,
    io, mem,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use once_cell::sync::OnceCell;
use runner_exec::{Cancel, Latch, Streams, pause, pause_until};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::Errno,
};

pub(crate) use self::{bar::Bar, outlet::has_colors};
use self::{outlet::To, work::Work};

/// Maximum wait for a slow reader at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Time between two looks at descriptors that the system does not let this process wait for.
const POLL_FALLBACK_INTERVAL: Duration = Duration::from_millis(10);

/// stdout and stderr. Nothing is asked of the system before there is something to write.
#[derive(Default)]
pub(crate) struct Screen(OnceCell<Arc<Shared>>);

/// What the callers share with the thread.
struct Shared {
    work: Mutex<Work>,
    /// Lines of a caller that cannot wait even for the lock.
    later: Mutex<Vec<u8>>,
    /// Wakes the thread, which is started when it is first needed; `None` if it cannot be.
    thread: OnceCell<Option<Arc<OwnedFd>>>,
}

impl Screen {
    fn shared(&self) -> &Arc<Shared> {
        self.0.get_or_init(|| {
            Arc::new(Shared {
                work: Mutex::new(Work::new()),
                later: Mutex::default(),
                thread: OnceCell::new(),
            })
        })
    }

    /// Changes the work, and does at once what needs no wait.
    fn change<T>(&self, change: impl FnOnce(&mut Work) -> T) -> T {
        let shared = self.shared();
        let mut work = shared.lock();
        let changed = change(&mut work);
        work.step();
        let needs_thread = work.needs_thread();
        drop(work);
        if needs_thread {
            shared.wake();
        }
        changed
    }

    /// Writes `line` to stderr.
    pub(crate) fn write(&self, line: &str) {
        self.change(|work| work.line(line.as_bytes()));
    }

    /// Has `line` written; for the main thread, on which the signals wait.
    pub(crate) fn write_later(&self, line: &[u8]) {
        self.shared().later().extend_from_slice(line);
        self.shared().wake();
    }

    /// Returns `true` if tasks write through it, so that what is not written yet may be theirs.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.get().is_some_and(|shared| shared.lock().is_shared())
    }

    /// Streams whose lines are shown with `name` before them.
    ///
    /// # Errors
    ///
    /// There are no descriptors or threads left.
    pub(crate) fn streams(&self, name: &str) -> io::Result<Streams> {
        if self.shared().thread().is_none() {
            return Err(io::Error::other("nobody could read them"));
        }
        self.change(|work| {
            let stdout = File::from(work.pipe(name, To::Stdout)?);
            let stderr = File::from(work.pipe(name, To::Stderr)?);
            Ok(Streams { stdout, stderr })
        })
    }

    /// Leaves room for `names` before the lines of tasks.
    pub(crate) fn align(&self, names: impl Iterator<Item = String>) {
        self.change(|work| work.align(names));
    }

    /// Has `bar` stand at the bottom of the terminal.
    pub(crate) fn show(&self, bar: Bar) {
        self.change(|work| work.show(bar));
    }

    /// Takes away what stands at the bottom of the terminal, before another process writes
    /// there.
    pub(crate) fn hide(&self) {
        self.change(Work::hide);
    }

    /// Waits until everything that is there now is written, or until `cancel` asks for the end,
    /// at most for `time`. Returns `true` if it is written.
    pub(crate) fn drain(&self, time: Duration, cancel: &Cancel) -> bool {
        let Ok(written) = Latch::new().map(Arc::new) else {
            return false;
        };
        self.change(|work| work.set_when_written(written.clone()));
        pause_until(&written, time, cancel);
        written.get().is_some()
    }

    /// How many bytes were written by now: the reader is there as long as this grows.
    pub(crate) fn written(&self) -> u64 {
        self.shared().lock().written()
    }

    /// Waits, for a while, until everything is written.
    pub(crate) fn flush(&self) {
        if self.0.get().is_some() {
            self.drain(FLUSH_TIMEOUT, &Cancel::default());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Shared {
    /// Takes the lock, and with it what was to be written later.
    fn lock(&self) -> MutexGuard<'_, Work> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let later = mem::take(&mut *self.later());
        if !later.is_empty() {
            work.line(&later);
        }
        work
    }

    fn later(&self) -> MutexGuard<'_, Vec<u8>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(self: &Arc<Shared>) {
        if let Some(wake) = self.thread() {
            // It counts up, which cannot fail before it is read.
            let _ = rustix::io::write(wake, &1_u64.to_ne_bytes());
        }
    }

    fn thread(self: &Arc<Shared>) -> Option<&OwnedFd> {
        let thread = self.thread.get_or_init(|| self.start().ok());
        thread.as_deref()
    }

    fn start(self: &Arc<Shared>) -> io::Result<Arc<OwnedFd>> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (shared, woken) = (self.clone(), wake.clone());
        let thread = thread::Builder::new().name("screen".to_owned());
        // It ends with the program.
        thread.spawn(move || {
            loop {
                shared.wait(&woken);
                let mut work = shared.lock();
                work.read();
                work.step();
            }
        })?;
        Ok(wake)
    }

    /// Waits until there is something to do.
    fn wait(&self, woken: &OwnedFd) {
        let (pipes, outlets, until) = {
            let work = self.lock();
            (work.open_pipes(), work.unwritten(), work.next_time())
        };
        let mut fds = vec![PollFd::new(woken, PollFlags::IN)];
        fds.extend(pipes.iter().map(|pipe| PollFd::new(&**pipe, PollFlags::IN)));
        fds.extend(
            outlets
                .into_iter()
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT)),
        );
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
        if poll(&mut fds, timeout.as_ref()).is_err_and(|error| error != Errno::INTR) {
            // Forbidden, or with more descriptors than a lowered limit allows.
            pause(POLL_FALLBACK_INTERVAL, &Cancel::default());
        }
        let _ = rustix::io::read(woken, &mut [0; 8]);
    }
}
