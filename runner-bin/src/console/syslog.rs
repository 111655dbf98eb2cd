//! Messages to syslog. A thread writes them, so a blocked syslog does not block the chain. It
//! connects again if syslog was restarted.

use std::{
    io::{self, Write},
    os::unix::net::{UnixDatagram, UnixStream},
    sync::mpsc::{Sender, SyncSender, channel, sync_channel},
    thread,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

use crate::console::level::Level;

/// Socket of syslog, see syslog(3).
const SOCKET: &str = "/dev/log";

/// Number of the facility `daemon`, shifted to its place before the severity.
const DAEMON: u8 = 3 << 3;

/// Maximum number of lines that wait for a slow reader; further ones are lost.
const MAX_LINES: usize = 10_000;

/// Maximum wait for a slow reader at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct SystemLog {
    zone: TimeZone,
    lines: SyncSender<Message>,
}

enum Message {
    /// A line in the form of RFC 3164.
    Line(String),
    /// Dropped when everything before it has been written.
    Flush(#[expect(dead_code, reason = "it is dropped")] Sender<()>),
}

impl SystemLog {
    /// Connects to the syslog of this machine. Its lines have the time in `zone`.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn connect(zone: TimeZone) -> io::Result<SystemLog> {
        let mut connection = Connection::new()?;
        let (lines, receiver) = sync_channel(MAX_LINES);
        // Without a thread, all messages are dropped.
        let _ = thread::Builder::new().spawn(move || {
            for message in receiver {
                if let Message::Line(line) = message
                    && connection.write(&line).is_err()
                    && let Ok(again) = Connection::new()
                {
                    connection = again;
                    let _ = connection.write(&line);
                }
            }
        });
        Ok(SystemLog { zone, lines })
    }

    pub(crate) fn write(&self, level: Level, text: &str) {
        let now = Timestamp::now().to_zoned_datetime(self.zone.clone());
        let (priority, now) = (DAEMON | level.severity(), now.strftime("%b %e %H:%M:%S"));
        let line = format!("<{priority}>{now} runner[{}]: {text}", std::process::id());
        let _ = self.lines.try_send(Message::Line(line));
    }

    /// Waits until everything is written, with a timeout.
    pub(crate) fn flush(&self) {
        let (done, flushed) = channel();
        if self.lines.try_send(Message::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Drop for SystemLog {
    fn drop(&mut self) {
        self.flush();
    }
}

enum Connection {
    Datagram(UnixDatagram),
    /// syslog-ng can be configured so.
    Stream(UnixStream),
}

impl Connection {
    fn new() -> io::Result<Connection> {
        let socket = UnixDatagram::unbound()?;
        match socket.connect(SOCKET) {
            Ok(()) => Ok(Connection::Datagram(socket)),
            Err(error) => UnixStream::connect(SOCKET)
                .map(Connection::Stream)
                .map_err(|_| error),
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        match self {
            Connection::Datagram(socket) => socket.send(line.as_bytes()).map(|_| ()),
            // A NUL ends the line.
            Connection::Stream(stream) => stream.write_all(format!("{line}\0").as_bytes()),
        }
    }
}
