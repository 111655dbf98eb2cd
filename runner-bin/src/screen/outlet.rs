//! stdout or stderr, written to without a wait.

use std::os::fd::BorrowedFd;

use rustix::{
    fs::{FileType, fstat},
    io::Errno,
    stdio::{stderr, stdout},
    termios::isatty,
};

use crate::stderr::would_stop;

/// A pipe or a terminal that is writable takes so many bytes without a wait (PIPE_BUF).
const AT_ONCE: usize = 4096;

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
    pub(super) is_terminal: bool,
    /// Whether it never makes anybody wait.
    is_file: bool,
    /// Whether whoever read it is gone.
    pub(super) is_closed: bool,
    pub(super) text: Vec<u8>,
    written: usize,
}

impl Outlet {
    pub(super) fn new(to: To) -> Outlet {
        let fd = match to {
            To::Stdout => stdout(),
            To::Stderr => stderr(),
        };
        let kind = fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
        Outlet {
            fd,
            is_terminal: isatty(fd),
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

    /// Writes `text` before everything else; for a few bytes, when it can be written to.
    pub(super) fn at_once(&mut self, text: &str) {
        if !would_stop(self.fd) {
            let _ = rustix::io::write(self.fd, text.as_bytes());
        }
    }

    /// Writes some of what is there; for when it can be written to.
    pub(super) fn write(&mut self) {
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
