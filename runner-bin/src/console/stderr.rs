//! Messages on stderr. They are written directly if that does not block, so they are in order
//! with the output of tasks. Otherwise the thread of [`Screen`] writes them: the chain continues
//! while nothing reads the pipe, or while Ctrl-S holds the terminal.

use std::{
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use once_cell::sync::OnceCell;
use runner_exec::StopSignals;

use crate::console::screen::{NONBLOCKING_BYTES, Screen, is_writable, would_stop};

/// Maximum wait at exit for a slow reader.
const EXIT_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Stderr {
    /// Started at the first use; `None` if that failed.
    screen: OnceCell<Option<Screen>>,
    is_terminal: OnceCell<bool>,
}

impl Stderr {
    /// Writes `line`, directly if possible.
    pub(crate) fn write(&self, line: &str) {
        let mut rest = line.as_bytes();
        while self.can_write_directly() && !rest.is_empty() && is_writable(stderr()) {
            // Drop the line rather than let the terminal stop the runner.
            if *self.is_terminal.get_or_init(|| stderr().is_terminal()) && would_stop(stderr()) {
                return;
            }
            let piece;
            (piece, rest) = rest.split_at(rest.len().min(NONBLOCKING_BYTES));
            // An error means that stderr is closed.
            let _ = stderr().write_all(piece);
        }
        if !rest.is_empty() {
            self.write_later(rest);
        }
    }

    /// Lets the thread write `line`. For the main thread, which must not block: it has the signals.
    pub(crate) fn write_later(&self, line: &[u8]) {
        if let Some(screen) = self.screen() {
            screen.line(line);
        }
    }

    /// Returns `true` if the thread has nothing to write at the same time.
    fn can_write_directly(&self) -> bool {
        self.started_screen().is_none_or(Screen::is_idle)
    }

    /// Returns the screen, and starts its thread if necessary.
    pub(crate) fn screen(&self) -> Option<&Screen> {
        self.screen.get_or_init(|| Screen::start().ok()).as_ref()
    }

    /// Returns the screen, if its thread was started.
    pub(crate) fn started_screen(&self) -> Option<&Screen> {
        self.screen.get()?.as_ref()
    }

    /// Waits until everything is written, with a timeout.
    pub(crate) fn flush(&self) {
        if let Some(screen) = self.started_screen() {
            screen.drain(EXIT_FLUSH_TIMEOUT, &StopSignals::default());
        }
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.flush();
    }
}
