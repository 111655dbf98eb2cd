//! What must not make anybody wait is passed on by a thread of its own.

use std::{
    sync::mpsc::{Sender, SyncSender, channel, sync_channel},
    thread,
    time::Duration,
};

/// So much is kept for a reader who is slow; what comes then is lost.
const MOST: usize = 10_000;

/// In the end, so long is waited for a reader who is slow.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread, and what it has to pass on.
pub(crate) struct Queue<T>(SyncSender<Message<T>>);

enum Message<T> {
    Pass(T),
    /// Everything before this has been passed on when the sender is dropped.
    Flush(#[expect(dead_code, reason = "it is dropped")] Sender<()>),
}

/// What was said last is not lost on a reader who is only slow.
impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl<T> Queue<T> {
    /// Waits until everything is passed on, for a while.
    pub(crate) fn flush(&self) {
        let (done, flushed) = channel();
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(PATIENCE);
        }
    }
}

impl<T: Send + 'static> Queue<T> {
    /// Starts the thread, which calls `pass` for each.
    pub(crate) fn start(mut pass: impl FnMut(T) + Send + 'static) -> Queue<T> {
        let (sender, receiver) = sync_channel(MOST);
        // Without a thread everything is lost, and nothing waits.
        let _ = thread::Builder::new().spawn(move || {
            for message in receiver {
                match message {
                    Message::Pass(one) => pass(one),
                    Message::Flush(_) => {}
                }
            }
        });
        Queue(sender)
    }

    pub(crate) fn send(&self, one: T) {
        let _ = self.0.try_send(Message::Pass(one));
    }
}
