//! stdout or stderr, written to without a wait.

use std::{
    io::{IoSlice, stderr, stdout},
    os::fd::{AsFd, BorrowedFd},
};

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use runner_exec::{is_same, open_metadata};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, fstat},
    io::{Errno, ReadWriteFlags, pwritev2},
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
    /// How many bytes were written to it by now, or given up.
    total: usize,
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
            total: 0,
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
        self.write_what_fits();
        while !self.is_empty() && is_writable(self.fd) {
            self.write_some();
        }
    }

    /// Writes what fits, in one piece. A poll does not say how much that is, only the
    /// system does; where it cannot (named pipes, all of them before Linux 6.4), nothing is
    /// written here.
    fn write_what_fits(&mut self) {
        if self.is_empty() || self.is_file || self.is_terminal {
            return;
        }
        let left = [IoSlice::new(self.left())];
        // The flag of this one write: O_NONBLOCK would hold for all who have the stream.
        if let Ok(bytes) = pwritev2(self.fd, &left, u64::MAX, ReadWriteFlags::NOWAIT) {
            self.went(bytes);
        }
    }

    fn write_some(&mut self) {
        let left = self.left();
        let most = if self.is_file { left.len() } else { AT_ONCE };
        let piece = &left[..left.len().min(most)];
        // What would stop this process is lost, and not the chain.
        let written = match self.is_terminal && would_stop(self.fd) {
            true => Ok(piece.len()),
            false => rustix::io::write(self.fd, piece),
        };
        match written {
            Ok(bytes) => self.went(bytes),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // There may be room again; a task that is told apart must not end because of it.
            Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => self.went(piece.len()),
            Err(_) => {
                self.is_closed = true;
                self.went(self.left().len());
            }
        }
    }

    /// How many bytes were written by now, or given up.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// How many there will be when all that is there now is written.
    pub(super) fn goal(&self) -> usize {
        self.total.wrapping_add(self.left().len())
    }

    fn left(&self) -> &[u8] {
        &self.text[self.written..]
    }

    /// So many bytes need not be written any more.
    fn went(&mut self, bytes: usize) {
        self.written += bytes;
        self.total = self.total.wrapping_add(bytes);
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
/// does not make anybody wait either, and where the system refuses to tell, it is better to
/// wait than to lose every line.
pub(crate) fn is_writable(stream: impl AsFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec::default())) != Ok(0)
}

/// Whether stdout and stderr are the same file, pipe or terminal.
pub(super) fn lead_to_the_same() -> bool {
    is_same(open_metadata(stdout()), open_metadata(stderr()))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{PipeWriter, Read, pipe},
        thread,
    };

    use super::*;

    #[test]
    fn a_pipe_takes_what_fits_and_later_the_rest() {
        let (mut reader, writer) = pipe().unwrap();
        let writer: &'static PipeWriter = Box::leak(Box::new(writer));
        let written: Vec<u8> = (0..300_000_u32).map(|n| (n >> 4) as u8).collect();
        let mut outlet = Outlet {
            fd: writer.as_fd(),
            is_terminal: false,
            has_colors: false,
            is_file: false,
            is_closed: false,
            text: written.clone(),
            written: 0,
            total: 0,
        };
        // Nobody reads, and nobody waits.
        outlet.write();
        assert!(0 < outlet.written && outlet.written < written.len());
        let mut seen = vec![0; written.len()];
        thread::scope(|scope| {
            scope.spawn(|| reader.read_exact(&mut seen).unwrap());
            while !outlet.is_empty() {
                outlet.write();
            }
        });
        assert!(seen == written);
    }
}
