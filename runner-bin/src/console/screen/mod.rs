//! stdout and stderr, shared by several tasks, the messages of the runner, and the progress line
//! at the bottom of a terminal.
//!
//! As soon as it is used, one thread writes everything, so lines are never mixed, and no other
//! thread waits for a reader. The output of a process comes before the message about its end.

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

use self::work::Work;
pub(crate) use self::{
    bar::Bar,
    outlet::{NONBLOCKING_BYTES, To, has_colors, is_writable, would_stop},
};

/// Maximum number of messages that wait for a slow reader; further ones are lost.
const MAX_MESSAGES: usize = 10_000;

/// Maximum width of the column of names. A longer name moves only its own lines to the right.
const MAX_NAME_WIDTH: usize = 32;

/// Maximum wait for the progress line to be erased before a task writes to the terminal.
const ERASE_TIMEOUT: Duration = Duration::from_millis(100);

/// Maximum wait for the last output of the deciding task.
const LAST_OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// The end of the output of a task.
pub(crate) struct LastOutput {
    pub(crate) bytes: Vec<u8>,
    /// Nothing else was shown after it.
    pub(crate) is_last: bool,
}

/// The thread that writes to stdout and stderr.
pub(crate) struct Screen {
    sender: Sender<Message>,
    wake: Arc<OwnedFd>,
    /// Number of messages that are not written yet.
    lines: Arc<AtomicUsize>,
    /// Number of bytes that were written.
    written: Arc<AtomicUsize>,
    /// Tasks write through it.
    is_shared: AtomicBool,
    /// The progress line can be on the terminal.
    has_bar: AtomicBool,
}

/// A message to the thread.
enum Message {
    /// Write this message of the runner.
    Line(Vec<u8>),
    /// Read the output of a process.
    Read { from: OwnedFd, name: String, to: To },
    /// The process with this name has ended. If there is a sender, send the end of its output.
    End(String, Option<Sender<LastOutput>>),
    /// Minimum width of the column of names.
    Align(usize),
    /// Show the progress line.
    Show(Bar),
    /// Erase the progress line, then drop the sender.
    Hide(#[expect(dead_code, reason = "it is dropped")] Sender<()>),
    /// Set the latch once everything before it is written.
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

    /// Returns `true` if no task writes through it, it has nothing to write, and it shows no
    /// progress line. Then messages are written directly.
    pub(crate) fn is_idle(&self) -> bool {
        let is_used = self.is_shared() || self.has_bar.load(Ordering::SeqCst);
        !is_used && self.lines.load(Ordering::SeqCst) == 0
    }

    /// Returns `true` if tasks write through it.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::SeqCst)
    }

    /// Writes `line` to stderr.
    pub(crate) fn line(&self, line: &[u8]) {
        if self.lines.fetch_add(1, Ordering::SeqCst) < MAX_MESSAGES {
            self.send(Message::Line(line.to_owned()));
        } else {
            self.lines.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Creates streams whose lines are prefixed with `name`. Those of stdout go to `stdout_to`.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub(crate) fn streams(&self, name: &str, stdout_to: To) -> io::Result<Streams> {
        self.is_shared.store(true, Ordering::SeqCst);
        let stream = |to| {
            let (from, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            fcntl_setfl(&from, OFlags::NONBLOCK)?;
            let name = name.to_owned();
            io::Result::Ok((Message::Read { from, name, to }, File::from(writer)))
        };
        let (read_stdout, stdout) = stream(stdout_to)?;
        let (read_stderr, stderr) = stream(To::Stderr)?;
        self.send(read_stdout);
        self.send(read_stderr);
        Ok(Streams { stdout, stderr })
    }

    /// Drops the kept output of a process that has ended.
    pub(crate) fn end(&self, name: String) {
        self.send(Message::End(name, None));
    }

    /// Returns the end of the output of a process that has ended; `None` if the thread does not
    /// answer in time.
    pub(crate) fn last_output(&self, name: String) -> Option<LastOutput> {
        let (sender, answer) = channel();
        self.send(Message::End(name, Some(sender)));
        answer.recv_timeout(LAST_OUTPUT_TIMEOUT).ok()
    }

    /// Makes the column of names wide enough for `names`.
    pub(crate) fn align(&self, names: impl Iterator<Item = String>) {
        let widest = names.map(|name| name.width()).max().unwrap_or(0);
        self.send(Message::Align(widest.min(MAX_NAME_WIDTH)));
    }

    /// Shows the progress line.
    pub(crate) fn show(&self, bar: Bar) {
        self.has_bar.store(true, Ordering::SeqCst);
        self.send(Message::Show(bar));
    }

    /// Erases the progress line before another process writes to the terminal.
    pub(crate) fn hide(&self) {
        if !self.has_bar.swap(false, Ordering::SeqCst) {
            return;
        }
        let (gone, is_gone) = channel();
        self.send(Message::Hide(gone));
        let _ = is_gone.recv_timeout(ERASE_TIMEOUT);
    }

    /// Waits until everything up to now is written, at most for `time`, or until `stop` requests the
    /// end. Returns `true` if it is written.
    pub(crate) fn drain(&self, time: Duration, stop: &StopSignals) -> bool {
        let Ok(written) = Latch::new().map(Arc::new) else {
            return false;
        };
        self.send(Message::Written(written.clone()));
        pause_until(&written, time, stop);
        written.get().is_some()
    }

    /// Returns the number of written bytes. While it grows, the reader makes progress.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    fn send(&self, message: Message) {
        if self.sender.send(message).is_ok() {
            // Adding to an eventfd cannot fail before 2^64 - 1.
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }
}
