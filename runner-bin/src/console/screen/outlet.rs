//! stdout or stderr, written without blocking.

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

/// Number of bytes that a writable pipe or terminal accepts without blocking (PIPE_BUF).
pub(crate) const NONBLOCKING_BYTES: usize = 4096;

/// Number of unwritten bytes above which no further output of tasks is read.
const MAX_UNWRITTEN_BYTES: usize = 256 * 1024;

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Stdout,
    Stderr,
}

/// A stream of the runner, and the text that is not written yet.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) fd: BorrowedFd<'static>,
    is_terminal: bool,
    pub(super) has_colors: bool,
    /// It is a regular file, which never blocks.
    is_file: bool,
    /// Its reader is gone.
    pub(super) is_closed: bool,
    pub(super) text: Vec<u8>,
    written: usize,
    /// Number of bytes that were written, or dropped.
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
        self.text.len() >= MAX_UNWRITTEN_BYTES
    }

    /// Writes a few bytes to a terminal that is writable, before all other text.
    pub(super) fn at_once(&mut self, text: &str) {
        if !would_stop(self.fd) {
            let _ = rustix::io::write(self.fd, text.as_bytes());
        }
    }

    /// Writes as much as possible without blocking.
    pub(super) fn write(&mut self) {
        self.write_what_fits();
        while !self.is_empty() && is_writable(self.fd) {
            self.write_some();
        }
    }

    /// Writes as much as fits, with one call. A poll does not report how much that is. Where the
    /// kernel does not support it (named pipes; all pipes before Linux 6.4), it writes nothing.
    fn write_what_fits(&mut self) {
        if self.is_empty() || self.is_file || self.is_terminal {
            return;
        }
        let left = [IoSlice::new(self.left())];
        // A flag of this write alone: O_NONBLOCK would apply to all processes with this stream.
        if let Ok(bytes) = pwritev2(self.fd, &left, u64::MAX, ReadWriteFlags::NOWAIT) {
            self.went(bytes);
        }
    }

    fn write_some(&mut self) {
        let left = self.left();
        let max = if self.is_file {
            left.len()
        } else {
            NONBLOCKING_BYTES
        };
        let piece = &left[..left.len().min(max)];
        // Drop text rather than let the terminal stop the runner.
        let written = if self.is_terminal && would_stop(self.fd) {
            Ok(piece.len())
        } else {
            rustix::io::write(self.fd, piece)
        };
        match written {
            Ok(bytes) => self.went(bytes),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // There can be room again later. A task must not get SIGPIPE for a full disk.
            Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => self.went(piece.len()),
            Err(_) => {
                self.is_closed = true;
                self.went(self.left().len());
            }
        }
    }

    /// Returns the number of bytes that were written, or dropped.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Returns the total once the present text is written.
    pub(super) fn goal(&self) -> usize {
        self.total.wrapping_add(self.left().len())
    }

    fn left(&self) -> &[u8] {
        &self.text[self.written..]
    }

    /// Removes `bytes` that were written or dropped.
    fn went(&mut self, bytes: usize) {
        self.written += bytes;
        self.total = self.total.wrapping_add(bytes);
        if self.written == self.text.len() {
            self.text.clear();
            self.written = 0;
        }
    }
}

/// Returns `true` if `stream` is a terminal that shows colours.
pub(crate) fn has_colors(stream: &impl RawStream) -> bool {
    stream.is_terminal() && AutoStream::choice(stream) != ColorChoice::Never
}

/// Returns `true` if writing would stop this process (SIGTTOU): a task has made itself the
/// foreground group, and set `tostop`.
pub(crate) fn would_stop(terminal: impl AsFd) -> bool {
    tcgetpgrp(&terminal).is_ok_and(|foreground| foreground != getpgrp())
        && tcgetattr(&terminal).is_ok_and(|t| t.local_modes.contains(LocalModes::TOSTOP))
}

/// Returns `true` if [`NONBLOCKING_BYTES`] can be written without blocking. Also `true` for a
/// closed stream, and if the system refuses to poll: blocking is better than losing every line.
pub(crate) fn is_writable(stream: impl AsFd) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec::default())) != Ok(0)
}

/// Returns `true` if stdout and stderr are the same file, pipe or terminal.
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
        // Without a reader it does not block.
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
