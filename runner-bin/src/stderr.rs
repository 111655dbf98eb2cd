//! Lines to stderr. They are written at once as long as that needs no wait, so that
//! they stand in order with what tasks write there, and by a thread from then on: the
//! chain goes on while nobody reads the pipe, or while a console is held with Ctrl-S.

use std::{
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
};

use once_cell::sync::OnceCell;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::getpgrp,
    termios::{LocalModes, tcgetattr, tcgetpgrp},
};

use crate::queue::Queue;

/// A pipe that is writable takes so many bytes without a wait (PIPE_BUF).
const AT_ONCE: usize = 4096;

#[derive(Default)]
pub(crate) struct Stderr {
    queue: OnceCell<Queue<Vec<u8>>>,
    terminal: OnceCell<bool>,
}

impl Stderr {
    /// Writes `line`, at once if it can be.
    pub(crate) fn write(&self, line: &str) {
        let mut rest = line.as_bytes();
        while self.queue.get().is_none() && !rest.is_empty() && is_writable() {
            if self.would_stop() {
                return;
            }
            let piece;
            (piece, rest) = rest.split_at(rest.len().min(AT_ONCE));
            // Whoever closed stderr does not want to know.
            let _ = io::stderr().write_all(piece);
        }
        if !rest.is_empty() {
            self.queue().send(rest.to_vec());
        }
    }

    /// Has `line` written; for the main thread, on which the signals wait.
    pub(crate) fn write_later(&self, line: &str) {
        if !self.would_stop() {
            self.queue().send(line.as_bytes().to_vec());
        }
    }

    /// Waits, for a while, until everything is written.
    pub(crate) fn flush(&self) {
        if let Some(queue) = self.queue.get() {
            queue.flush();
        }
    }

    fn queue(&self) -> &Queue<Vec<u8>> {
        let write = |line: Vec<u8>| drop(io::stderr().write_all(&line));
        self.queue.get_or_init(|| Queue::start(write))
    }

    /// Whether writing would stop this process: a task has made itself the foreground of
    /// the terminal, and let nobody else write there. The line is lost, and not the chain.
    fn would_stop(&self) -> bool {
        let stderr = io::stderr();
        *self.terminal.get_or_init(|| stderr.is_terminal())
            && tcgetpgrp(&stderr).is_ok_and(|foreground| foreground != getpgrp())
            && tcgetattr(&stderr).is_ok_and(|t| t.local_modes.contains(LocalModes::TOSTOP))
    }
}

fn is_writable() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
    // One that is closed or in error does not make anybody wait either.
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
