//! Notifications for a service manager, see sd_notify(3).
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
use runner_exec::{ChainEnd, Event, HookOf, Limits, Signal};

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
    /// Returns the service manager, if NOTIFY_SOCKET names one.
    pub(crate) fn new(when: Ready) -> Option<Notify> {
        let path = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        Some(Notify {
            // A runner that is started by hand can have the variable of a service, but no access
            // to its socket.
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
            Event::HookStart { hook, limits } => {
                let status = match hook {
                    HookOf::Task(task, _) => format!("{}: hook of {task}", self.this_try()),
                    HookOf::Run(phase) => format!("run hook ({})", phase.as_str()),
                };
                self.starts(&status, limits);
            }
            Event::HaltStart { task, limits, .. } => {
                self.starts(&format!("halt task {task}"), limits);
            }
            Event::Wait { time, before } => {
                let (what, time_left) = (before.as_str(), format_duration(*time));
                self.status(&format!("next {what} in {time_left}"), Some(*time));
            }
            Event::RunEnd {
                end: ChainEnd::Finished { .. },
                ..
            } => self.ready(),
            // Other events do not matter to a service manager.
            _ => {}
        }
    }

    /// Notifies of the first request to end.
    pub(crate) fn stopping(&self, signal: Signal) {
        self.send(&format!("STOPPING=1\nSTATUS=ending because of {signal}"));
    }

    fn ready(&self) {
        if !self.is_ready.swap(true, Ordering::Relaxed) {
            self.send("READY=1");
        }
    }

    fn starts(&self, status: &str, limits: &Limits) {
        self.status(status, limits.longest());
    }

    /// Notifies of the status, and of the maximum time until the next notification.
    pub(crate) fn status(&self, status: &str, longest: Option<Duration>) {
        // Without a limit it is forever.
        let longest = longest.map_or(Duration::MAX, |time| time.saturating_add(MARGIN));
        let microseconds = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX - 1);
        self.send(&format!(
            "STATUS={status}\nEXTEND_TIMEOUT_USEC={microseconds}"
        ));
    }

    fn send(&self, message: &str) {
        if self.socket.send(message.as_bytes()).is_err() {
            // A manager that does not read in time gets no further notifications.
            let _ = self.socket.set_nonblocking(true);
        }
    }

    /// Returns the number of the try and the maximum, for people.
    fn this_try(&self) -> String {
        let try_num = self.try_num.load(Ordering::Relaxed);
        match self.max_tries.load(Ordering::Relaxed) {
            0 => format!("try {try_num}"),
            max => format!("try {try_num} of {max}"),
        }
    }
}

/// Timeout for a manager that does not read its socket.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Additional time for the work of the runner itself between two notifications, on a machine that
/// can be busy.
const MARGIN: Duration = Duration::from_secs(30);

fn connect(path: &OsStr) -> io::Result<UnixDatagram> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    Ok(socket)
}
