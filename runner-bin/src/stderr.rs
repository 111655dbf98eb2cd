//! Lines to stderr. They are written at once as long as that needs no wait, so that
//! they stand in order with what tasks write there, and else by the screen's thread: the
//! chain goes on while nobody reads the pipe, or while a console is held with Ctrl-S.

use std::{
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use once_cell::sync::OnceCell;
use runner_exec::Cancel;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::getpgrp,
    termios::{LocalModes, tcgetattr, tcgetpgrp},
};

use crate::screen::Screen;

/// A pipe that is writable takes so many bytes without a wait (PIPE_BUF).
const AT_ONCE: usize = 4096;

/// In the end, so long is waited for a reader who is slow.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Stderr {
    /// Started when it is first needed; `None` when it could not be.
    screen: OnceCell<Option<Screen>>,
}

impl Stderr {
    /// Writes `line`, at once if it can be.
    pub(crate) fn write(&self, line: &str) {
        let mut rest = line.as_bytes();
        while self.is_ours() && !rest.is_empty() && is_writable() {
            if would_stop(io::stderr().as_fd()) {
                return;
            }
            let piece;
            (piece, rest) = rest.split_at(rest.len().min(AT_ONCE));
            // Whoever closed stderr does not want to know.
            let _ = io::stderr().write_all(piece);
        }
        if !rest.is_empty() {
            self.write_later(rest);
        }
    }

    /// Has `line` written; for the main thread, on which the signals wait.
    pub(crate) fn write_later(&self, line: &[u8]) {
        if let Some(screen) = self.screen() {
            screen.line(line);
        }
    }

    /// Whether nothing of the screen's thread could come in between.
    fn is_ours(&self) -> bool {
        self.started_screen().is_none_or(Screen::is_idle)
    }

    /// The thread that writes when others write, too.
    pub(crate) fn screen(&self) -> Option<&Screen> {
        self.screen.get_or_init(|| Screen::start().ok()).as_ref()
    }

    /// The thread that writes, when it was started before.
    pub(crate) fn started_screen(&self) -> Option<&Screen> {
        self.screen.get()?.as_ref()
    }

    /// Waits, for a while, until everything is written.
    pub(crate) fn flush(&self) {
        if let Some(screen) = self.started_screen() {
            screen.drain(PATIENCE, &Cancel::default());
        }
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Whether writing would stop this process: a task has made itself the foreground of
/// the terminal, and let nobody else write there.
pub(crate) fn would_stop(terminal: BorrowedFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground != getpgrp())
        && tcgetattr(terminal).is_ok_and(|t| t.local_modes.contains(LocalModes::TOSTOP))
}

fn is_writable() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
    // One that is closed or in error does not make anybody wait either.
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
