//! stdout or stderr, written to without a wait.

use std::{
    io::{stderr, stdout},
    os::fd::{AsFd, BorrowedFd},
};

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, fstat},
    io::Errno,
    process::getpgrp,
    termios::{LocalModes, isatty, tcgetattr, tcgetpgrp},
};

/// A pipe or a terminal that is writable takes so many bytes without a wait (PIPE_BUF).
pub(crate) const AT_ONCE: usize = 4096;

/// A reader who is slow is waited for when so much is there for him.
const FULL: usize = 256 * 1024;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Stdout,
    Stderr,
}

/// A stream of the runner, and what is still to be written to it.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) fd: BorrowedFd<'static>,
    is_terminal: bool,
    pub(super) has_colors: bool,
    /// Whether it never makes anybody wait.
    is_file: bool,
    /// Whether whoever read it is gone.
    pub(super) is_closed: bool,
    pub(super) text: Vec<u8>,
    written: usize,
}

impl Outlet {
    pub(super) fn new(to: To) -> Outlet {
        let (fd, has_colors) = match to {
            To::Stdout => (rustix::stdio::stdout(), has_colors(&stdout())),
            To::Stderr => (rustix::stdio::stderr(), has_colors(&stderr())),
        };
        let kind = fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
        Outlet {
            fd,
            is_terminal: isatty(fd),
            has_colors,
            is_file: kind == Ok(FileType::RegularFile),
            is_closed: false,
            text: Vec::new(),
            written: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }

    /// Writes `text` before everything else; for a few bytes to a terminal, when it can be
    /// written to.
    pub(super) fn at_once(&mut self, text: &str) {
        if !would_stop(self.fd) {
            let _ = rustix::io::write(self.fd, text.as_bytes());
        }
    }

    /// Writes what can be written without a wait.
    pub(super) fn write(&mut self) {
        while !self.is_empty() && is_writable(self.fd) {
            self.write_some();
        }
    }

    fn write_some(&mut self) {
        let left = &self.text[self.written..];
        let most = if self.is_file { left.len() } else { AT_ONCE };
        let piece = &left[..left.len().min(most)];
        // What would stop this process is lost, and not the chain.
        let written = match self.is_terminal && would_stop(self.fd) {
            true => Ok(piece.len()),
            false => rustix::io::write(self.fd, piece),
        };
        match written {
            Ok(bytes) => self.written += bytes,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => {
                self.is_closed = true;
                self.written = self.text.len();
            }
        }
        if self.written == self.text.len() {
            self.text.clear();
            self.written = 0;
        }
    }
}

/// Whether `stream` is a terminal that shows colours.
pub(crate) fn has_colors(stream: &impl RawStream) -> bool {
    stream.is_terminal() && AutoStream::choice(stream) != ColorChoice::Never
}

/// Whether writing would stop this process: a task has made itself the foreground of
/// the terminal, and let nobody else write there.
pub(crate) fn would_stop(terminal: impl AsFd) -> bool {
    tcgetpgrp(&terminal).is_ok_and(|foreground| foreground != getpgrp())
        && tcgetattr(&terminal).is_ok_and(|t| t.local_modes.contains(LocalModes::TOSTOP))
}

/// Whether `AT_ONCE` bytes can be written without a wait. One that is closed or in error
/// does not make anybody wait either.
pub(crate) fn is_writable(stream: impl AsFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
