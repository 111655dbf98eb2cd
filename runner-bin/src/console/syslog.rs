//! Messages to syslog. A thread writes them, so a blocked syslog does not block the chain. It
//! connects again if syslog was restarted.

use std::{
    sync::mpsc::{Sender, SyncSender, channel, sync_channel},
    thread,
    time::Duration,
};

use syslog::{Error, Facility, Formatter3164, Logger, LoggerBackend, Severity};

/// Maximum number of lines that wait for a slow reader; further ones are lost.
const MAX_LINES: usize = 10_000;

/// Maximum wait for a slow reader at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

type Connection = Logger<LoggerBackend, Formatter3164>;

pub(crate) struct SystemLog(SyncSender<Message>);

enum Message {
    Line(Severity, String),
    /// Dropped when everything before it has been written.
    Flush(#[expect(dead_code, reason = "it is dropped")] Sender<()>),
}

impl SystemLog {
    /// Connects to the syslog of this machine.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn connect() -> Result<SystemLog, Error> {
        let mut connection = connect()?;
        let (sender, receiver) = sync_channel(MAX_LINES);
        // Without a thread, all messages are dropped.
        let _ = thread::Builder::new().spawn(move || {
            for message in receiver {
                if let Message::Line(severity, line) = message
                    && write(&mut connection, severity, &line).is_err()
                    && let Ok(again) = connect()
                {
                    connection = again;
                    let _ = write(&mut connection, severity, &line);
                }
            }
        });
        Ok(SystemLog(sender))
    }

    pub(crate) fn write(&self, severity: Severity, line: &str) {
        let _ = self.0.try_send(Message::Line(severity, line.to_owned()));
    }

    /// Waits until everything is written, with a timeout.
    pub(crate) fn flush(&self) {
        let (done, flushed) = channel();
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Drop for SystemLog {
    fn drop(&mut self) {
        self.flush();
    }
}

fn connect() -> Result<Connection, Error> {
    syslog::unix(Formatter3164 {
        facility: Facility::LOG_DAEMON,
        hostname: None,
        process: "runner".to_owned(),
        pid: std::process::id(),
    })
}

fn write(connection: &mut Connection, severity: Severity, line: &str) -> Result<(), Error> {
    match severity {
        Severity::LOG_ERR => connection.err(line),
        Severity::LOG_WARNING => connection.warning(line),
        Severity::LOG_DEBUG => connection.debug(line),
        _ => connection.info(line),
    }
}
