//! Lines to stderr, from threads that must not wait: a limit has to fire while
//! nobody reads the pipe, or while a console is held with Ctrl-S.

use std::{
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use once_cell::sync::OnceCell;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::getpgrp,
    termios::{LocalModes, tcgetattr, tcgetpgrp},
};

/// A pipe that is writable takes so many bytes without a wait (PIPE_BUF).
const AT_ONCE: usize = 4096;

/// In the end, so long is waited for somebody to read what was said.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes at once as long as that needs no wait, and through a thread from the first
/// time on that it would.
#[derive(Default)]
pub(crate) struct Stderr {
    queue: Mutex<Option<Queue>>,
    terminal: OnceCell<bool>,
}

struct Queue {
    lines: Sender<Vec<u8>>,
    /// Closed when the thread has written everything.
    done: Receiver<()>,
}

impl Stderr {
    pub(crate) fn write(&self, line: &str) {
        if self.would_stop() {
            return;
        }
        let mut queue = self.lock();
        let mut rest = line.as_bytes();
        if queue.is_none() {
            while !rest.is_empty() && is_writable() {
                let piece;
                (piece, rest) = rest.split_at(rest.len().min(AT_ONCE));
                // Whoever closed stderr does not want to know.
                let _ = io::stderr().write_all(piece);
            }
        }
        if !rest.is_empty() {
            let queue = queue.get_or_insert_with(Queue::start);
            let _ = queue.lines.send(rest.to_vec());
        }
    }

    /// Whether writing would stop this process: a task has made itself the foreground of
    /// the terminal, and let nobody else write there. The line is lost, and not the chain.
    fn would_stop(&self) -> bool {
        let stderr = io::stderr();
        *self.terminal.get_or_init(|| stderr.is_terminal())
            && tcgetpgrp(&stderr).is_ok_and(|foreground| foreground != getpgrp())
            && tcgetattr(&stderr).is_ok_and(|t| t.local_modes.contains(LocalModes::TOSTOP))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was said last is not lost on a reader who is only slow.
impl Drop for Stderr {
    fn drop(&mut self) {
        if let Some(Queue { lines, done }) = self.lock().take() {
            drop(lines);
            let _ = done.recv_timeout(PATIENCE);
        }
    }
}

impl Queue {
    fn start() -> Queue {
        let (lines, to_write) = channel::<Vec<u8>>();
        let (writing, done) = channel();
        // Without a thread the lines are lost, and nothing waits.
        let _ = thread::Builder::new()
            .name("stderr".to_owned())
            .spawn(move || {
                for line in to_write {
                    let _ = io::stderr().write_all(&line);
                }
                drop(writing);
            });
        Queue { lines, done }
    }
}

fn is_writable() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::OUT)];
    // One that is closed or in error does not make anybody wait either.
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
