//! stdout and stderr, when more than one thing is shown on them: the lines of several
//! tasks at once, those of the runner between them, and a line at the bottom of a terminal.
//!
//! One thread does it all, so that nothing is mixed, and nobody else waits for a reader.
//! What a process wrote stands above the line that says that it has ended.

mod bar;
mod lines;
mod outlet;
mod tail;
mod work;

use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use runner_exec::{Latch, StopSignals, Streams, pause_until};
use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{OFlags, fcntl_setfl},
    pipe::{PipeFlags, pipe_with},
};
use unicode_width::UnicodeWidthStr;

pub(crate) use self::{
    bar::Bar,
    outlet::{AT_ONCE, has_colors, is_writable, would_stop},
};
use self::{outlet::To, work::Work};

/// So many lines are kept for a reader who is slow; what comes then is lost.
const MOST: usize = 10_000;

/// Longer names do not push the lines of others to the right.
const WIDEST: usize = 32;

/// For a line that is in the way of a task, so long is waited until it is gone.
const MOMENT: Duration = Duration::from_millis(100);

/// Maximum wait for the end of the output of the task that decides how the run ends.
const LAST_OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// The end of the output of a task.
pub(crate) struct LastOutput {
    pub(crate) bytes: Vec<u8>,
    /// Nothing else was shown after it.
    pub(crate) is_last: bool,
}

/// The thread that has stdout and stderr.
pub(crate) struct Screen {
    sender: Sender<Message>,
    wake: Arc<OwnedFd>,
    /// How many lines are under way.
    lines: Arc<AtomicUsize>,
    /// How many bytes were written.
    written: Arc<AtomicUsize>,
    /// Whether tasks write through it.
    is_shared: AtomicBool,
    /// Whether something stands at the bottom of the terminal.
    has_bar: AtomicBool,
}

/// What the thread is told.
enum Message {
    /// A line of the runner's own.
    Line(Vec<u8>),
    /// From now on it reads this, too.
    Read { from: OwnedFd, name: String, to: To },
    /// The process with this name has ended. If there is a sender, it gets the end of its output.
    End(String, Option<Sender<LastOutput>>),
    /// Names are at least so wide.
    Align(usize),
    /// What stands at the bottom of the terminal.
    Show(Bar),
    /// Nothing stands there when this has been dropped.
    Hide(#[expect(dead_code, reason = "it is dropped")] Sender<()>),
    /// To be raised when all that came before is written.
    Written(Arc<Latch>),
}

impl Screen {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// There are no descriptors or threads left.
    pub(crate) fn start() -> io::Result<Screen> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let lines = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = channel();
        let written = Arc::new(AtomicUsize::new(0));
        let work = Work::new(receiver, wake.clone(), lines.clone(), written.clone());
        thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || work.run())?;
        Ok(Screen {
            sender,
            wake,
            lines,
            written,
            is_shared: AtomicBool::new(false),
            has_bar: AtomicBool::new(false),
        })
    }

    /// Whether it has nothing to write, and shows nothing.
    pub(crate) fn is_idle(&self) -> bool {
        let is_used = self.is_shared() || self.has_bar.load(Ordering::SeqCst);
        !is_used && self.lines.load(Ordering::SeqCst) == 0
    }

    /// Whether tasks write through it, so that what is not written yet may be theirs.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::SeqCst)
    }

    /// Writes `line` to stderr.
    pub(crate) fn line(&self, line: &[u8]) {
        match self.lines.fetch_add(1, Ordering::SeqCst) < MOST {
            true => self.tell(Message::Line(line.to_owned())),
            false => {
                self.lines.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Streams whose lines are shown with `name` before them.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub(crate) fn streams(&self, name: &str) -> io::Result<Streams> {
        self.is_shared.store(true, Ordering::SeqCst);
        let stream = |to| {
            let (from, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            fcntl_setfl(&from, OFlags::NONBLOCK)?;
            let name = name.to_owned();
            io::Result::Ok((Message::Read { from, name, to }, File::from(writer)))
        };
        let (read_stdout, stdout) = stream(To::Stdout)?;
        let (read_stderr, stderr) = stream(To::Stderr)?;
        self.tell(read_stdout);
        self.tell(read_stderr);
        Ok(Streams { stdout, stderr })
    }

    /// Drops what is kept of the output of a process that has ended.
    pub(crate) fn end(&self, name: String) {
        self.tell(Message::End(name, None));
    }

    /// Returns the end of the output of a process that has ended; `None` if the thread does not
    /// come to it in time.
    pub(crate) fn last_output(&self, name: String) -> Option<LastOutput> {
        let (sender, answer) = channel();
        self.tell(Message::End(name, Some(sender)));
        answer.recv_timeout(LAST_OUTPUT_TIMEOUT).ok()
    }

    /// Leaves room for `names` before the lines of tasks.
    pub(crate) fn align(&self, names: impl Iterator<Item = String>) {
        let widest = names.map(|name| name.width()).max().unwrap_or(0);
        self.tell(Message::Align(widest.min(WIDEST)));
    }

    /// Has `bar` stand at the bottom of the terminal.
    pub(crate) fn show(&self, bar: Bar) {
        self.has_bar.store(true, Ordering::SeqCst);
        self.tell(Message::Show(bar));
    }

    /// Takes away what stands at the bottom of the terminal, before somebody else writes
    /// there.
    pub(crate) fn hide(&self) {
        if !self.has_bar.swap(false, Ordering::SeqCst) {
            return;
        }
        let (gone, is_gone) = channel();
        self.tell(Message::Hide(gone));
        let _ = is_gone.recv_timeout(MOMENT);
    }

    /// Waits until everything is written that is there now, or until `stop` asks for the end; at most for
    /// `time`. Returns whether it is written.
    pub(crate) fn drain(&self, time: Duration, stop: &StopSignals) -> bool {
        let Ok(written) = Latch::new().map(Arc::new) else {
            return false;
        };
        self.tell(Message::Written(written.clone()));
        pause_until(&written, time, stop);
        written.get().is_some()
    }

    /// How many bytes were written by now: the reader is there as long as this grows.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    fn tell(&self, message: Message) {
        if self.sender.send(message).is_ok() {
            // It counts up, which cannot fail before it is read.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }
}
