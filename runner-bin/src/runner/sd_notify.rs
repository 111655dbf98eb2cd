//! What a service manager wants to know, by the protocol of sd_notify(3).
#![expect(
    clippy::disallowed_methods,
    reason = "this is where NOTIFY_SOCKET is read"
)]

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use runner_config::format_duration;
use runner_exec::{ChainEnd, Event, Limits, Signal};

use crate::cli::Ready;

/// The service manager that started this process.
pub(crate) struct Notify {
    socket: UnixDatagram,
    when: Ready,
    is_ready: AtomicBool,
    try_num: AtomicU32,
    max_tries: AtomicU32,
}

impl Notify {
    /// The service manager, when there is one that wants to know.
    pub(crate) fn new(when: Ready) -> Option<Notify> {
        let path = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        Some(Notify {
            // Whoever calls the runner in a service by hand may have its variable, and
            // not its socket.
            socket: connect(&path).ok()?,
            when,
            is_ready: AtomicBool::new(false),
            try_num: AtomicU32::new(0),
            max_tries: AtomicU32::new(0),
        })
    }

    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::RunStart { plan, .. } => {
                let max_tries = plan.settings.task.max_tries.number();
                self.max_tries.store(max_tries, Ordering::Relaxed);
                if self.when == Ready::Started {
                    self.ready();
                }
            }
            Event::TryStart { try_num, .. } => {
                self.try_num.store(*try_num, Ordering::Relaxed);
            }
            Event::TaskStart { task, limits, .. } => {
                self.starts(&format!("{}: {task}", self.this_try()), limits);
            }
            Event::HookStart { task, limits, .. } => {
                self.starts(&format!("{}: hook of {task}", self.this_try()), limits);
            }
            Event::HaltStart { task, limits, .. } => {
                self.starts(&format!("halt task {task}"), limits);
            }
            Event::Wait { time, before } => {
                let (what, time_left) = (before.as_str(), format_duration(*time));
                self.says(&format!("next {what} in {time_left}"), Some(*time));
            }
            Event::RunEnd {
                end: ChainEnd::Finished { .. },
                ..
            } => self.ready(),
            // A service manager has nothing to do with other events.
            _ => {}
        }
    }

    /// The runner was asked to end, for the first time.
    pub(crate) fn stopping(&self, signal: Signal) {
        self.send(&format!("STOPPING=1\nSTATUS=ending, because of {signal}"));
    }

    fn ready(&self) {
        if !self.is_ready.swap(true, Ordering::Relaxed) {
            self.send("READY=1");
        }
    }

    fn starts(&self, status: &str, limits: &Limits) {
        self.says(status, limits.longest());
    }

    /// Says what goes on, and how long that may take at most.
    pub(crate) fn says(&self, status: &str, longest: Option<Duration>) {
        // What has no limit takes for ever. A moment more is for what comes between.
        let longest = longest.map_or(Duration::MAX, |time| time.saturating_add(MARGIN));
        let microseconds = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX - 1);
        self.send(&format!(
            "STATUS={status}\nEXTEND_TIMEOUT_USEC={microseconds}"
        ));
    }

    fn send(&self, message: &str) {
        if self.socket.send(message.as_bytes()).is_err() {
            // A manager that does not read misses something, and is not waited for again.
            let _ = self.socket.set_nonblocking(true);
        }
    }

    /// The number of the try, and the maximum, for people.
    fn this_try(&self) -> String {
        let try_num = self.try_num.load(Ordering::Relaxed);
        match self.max_tries.load(Ordering::Relaxed) {
            0 => format!("try {try_num}"),
            max => format!("try {try_num} of {max}"),
        }
    }
}

/// So long is waited for a manager that has not read what was said before.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between a start or a wait and the next one there is little to do, on a machine that
/// may be busy.
const MARGIN: Duration = Duration::from_secs(30);

fn connect(path: &OsStr) -> io::Result<UnixDatagram> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}
