//! Lines to stderr. They are written at once as long as that needs no wait, so that
//! they stand in order with what tasks write there, and else by the screen's thread: the
//! chain goes on while nobody reads the pipe, or while a console is held with Ctrl-S.

use std::{
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use once_cell::sync::OnceCell;
use runner_exec::StopSignals;

use crate::console::screen::{AT_ONCE, Screen, is_writable, would_stop};

/// In the end, so long is waited for a reader who is slow.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Stderr {
    /// Started when it is first needed; `None` when it could not be.
    screen: OnceCell<Option<Screen>>,
    is_terminal: OnceCell<bool>,
}

impl Stderr {
    /// Writes `line`, at once if it can be.
    pub(crate) fn write(&self, line: &str) {
        let mut rest = line.as_bytes();
        while self.is_ours() && !rest.is_empty() && is_writable(stderr()) {
            // The line is lost, and not the chain.
            if *self.is_terminal.get_or_init(|| stderr().is_terminal()) && would_stop(stderr()) {
                return;
            }
            let piece;
            (piece, rest) = rest.split_at(rest.len().min(AT_ONCE));
            // Whoever closed stderr does not want to know.
            let _ = stderr().write_all(piece);
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
            screen.drain(PATIENCE, &StopSignals::default());
        }
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        self.flush();
    }
}
