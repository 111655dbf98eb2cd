//! Lines to syslog, each by a thread of its own: a syslog that nobody reads holds up
//! nothing, and one that was started anew is found again.

use syslog::{Error, Facility, Formatter3164, Logger, LoggerBackend, Severity};

use crate::console::queue::Queue;

type Connection = Logger<LoggerBackend, Formatter3164>;

pub(crate) struct SystemLog(Queue<(Severity, String)>);

impl SystemLog {
    /// Connects to the syslog of this machine.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn connect() -> Result<SystemLog, Error> {
        let mut connection = connect()?;
        Ok(SystemLog(Queue::start(
            move |(severity, line): (_, String)| {
                if write(&mut connection, severity, &line).is_err()
                    && let Ok(again) = connect()
                {
                    connection = again;
                    let _ = write(&mut connection, severity, &line);
                }
            },
        )))
    }

    pub(crate) fn write(&self, severity: Severity, line: &str) {
        self.0.send((severity, line.to_owned()));
    }

    /// Waits, for a while, until everything is written.
    pub(crate) fn flush(&self) {
        self.0.flush();
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
