//! Reads processes from `/proc`.
#![expect(clippy::disallowed_methods, reason = "this is where /proc is read")]

use std::{
    fmt, fs,
    io::{self, ErrorKind},
};

use runner_config::{bytes_text, escape};
use rustix::{
    io::Errno,
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};

/// A process, as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// The first 15 bytes of the name of its program.
    pub name: String,
    /// Its state as `/proc` gives it: `R`, `S`, `D`, `T`, `Z` and others, or
    /// [`Process::UNKNOWN_STATE`].
    pub state: char,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    threads: i32,
    /// Time of its start, in clock ticks since the boot.
    pub started: u64,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.name.is_empty() {
            write!(f, "{} (not seen in `/proc`)", self.pid)
        } else {
            write!(f, "{} `{}`", self.pid, escape(&self.name))
        }
    }
}

impl Process {
    /// The state of a process that `/proc` does not show.
    pub const UNKNOWN_STATE: char = '?';

    /// Returns `true` if it has not ended. A process whose first thread has ended looks like a
    /// zombie while its other threads run.
    pub fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X') || self.threads > 1
    }

    /// Creates a process that exists but that `/proc` hides from this user (`hidepid`). Only its
    /// number or that of its group is known.
    pub(crate) fn hidden(pid: i32) -> Process {
        Process {
            pid,
            name: String::new(),
            state: Process::UNKNOWN_STATE,
            parent: 0,
            group: pid,
            session: 0,
            threads: 1,
            started: 0,
        }
    }

    /// Returns the number of the process that traces this one: a debugger, or `strace`.
    pub fn tracer(&self) -> Option<i32> {
        let tracer = status_field(self.pid, "TracerPid:")?;
        tracer.parse().ok().filter(|&tracer| tracer != 0)
    }

    /// Reads the process with this number; `None` if there is none, or if it is hidden.
    pub fn read(pid: i32) -> Option<Process> {
        Process::try_read(pid).ok()?
    }

    fn try_read(pid: i32) -> io::Result<Option<Process>> {
        match fs::read(format!("/proc/{pid}/stat")) {
            Ok(stat) => Ok(Process::parse(&bytes_text(&stat))),
            // It has ended meanwhile, or is hidden by `hidepid=2`.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Parses a line of `/proc/PID/stat`, see proc(5). The name is in brackets and can contain
    /// any character, also brackets.
    fn parse(stat: &str) -> Option<Process> {
        let (before, after) = stat.rsplit_once(')')?;
        let (pid, name) = before.split_once(" (")?;
        let mut fields = after.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        // Fields 20 and 22; the session was field 6.
        let threads = fields.nth(20 - 7)?.parse().ok()?;
        let started = fields.nth(22 - 21)?.parse().ok()?;
        Some(Process {
            pid: pid.parse().ok()?,
            name: name.to_owned(),
            state,
            parent,
            group,
            session,
            threads,
            started,
        })
    }
}

/// Removes the `known` ones from `processes`.
pub(crate) fn without(mut processes: Vec<Process>, known: &[Process]) -> Vec<Process> {
    processes.retain(|process| known.iter().all(|known| known.pid != process.pid));
    processes
}

/// Returns the time in clock ticks since the boot, the unit of start times in `/proc`.
pub(crate) fn ticks() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let per_second = clock_ticks_per_second();
    let fraction = now.tv_nsec as u64 * per_second / 1_000_000_000;
    now.tv_sec as u64 * per_second + fraction
}

/// Returns every process that this user can see, without those that end meanwhile. If `/proc` is
/// mounted with `hidepid`, processes of other users and setuid programs are missing. Fails
/// without `/proc`, or without a file descriptor left.
pub(crate) fn processes() -> io::Result<Vec<Process>> {
    // One descriptor at a time: there may be few.
    let entries = fs::read_dir("/proc")?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let pids: Vec<i32> = pids.collect();
    let read = |pid| match Process::try_read(pid) {
        // `hidepid=1` lists processes that cannot be read; `hidepid=2` does not list them.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        read => read.transpose(),
    };
    pids.into_iter().filter_map(read).collect()
}

/// Returns the children of the main thread. Orphans become its children; tasks are started by
/// other threads. Fails if the kernel has no such lists, or without a file descriptor left.
pub(crate) fn adopted() -> io::Result<Vec<i32>> {
    let main = std::process::id();
    let pids = fs::read_to_string(format!("/proc/self/task/{main}/children"))?;
    let pids = pids.split_whitespace();
    Ok(pids.filter_map(|pid| pid.parse().ok()).collect())
}

/// Returns the processes that locked a file of this inode number with flock, on any file system:
/// the device in `/proc/locks` is not always that of stat (btrfs, overlayfs). Processes of a
/// PID namespace that is not visible here are missing. Fails without `/proc`, or without a file
/// descriptor left.
pub(crate) fn flock_holders(inode: u64) -> io::Result<Vec<i32>> {
    let locks = fs::read_to_string("/proc/locks")?;
    let holders = locks.lines().map(|line| flock_holder(line, inode));
    Ok(holders.flatten().collect())
}

/// Returns the process of a line of `/proc/locks` about this inode, see proc(5). The line of a
/// process that waits has `->` in place of the kind of lock.
fn flock_holder(line: &str, inode: u64) -> Option<i32> {
    let mut fields = line.split_whitespace().skip(1);
    let is_flock = fields.next()? == "FLOCK";
    let pid = fields.nth(2)?.parse().ok()?;
    let (_, found) = fields.next()?.rsplit_once(':')?;
    (is_flock && found.parse() == Ok(inode)).then_some(pid)
}

/// Returns the user that started a process; a set-user-ID program does not change it.
pub(crate) fn real_user(pid: i32) -> Option<u32> {
    let users = status_field(pid, "Uid:")?;
    users.split_whitespace().next()?.parse().ok()
}

/// Returns a field of `/proc/PID/status`. `name` has the colon; `pid` can be `self`.
pub(super) fn status_field(pid: impl fmt::Display, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = status.lines().find_map(|line| line.strip_prefix(name));
    field.map(|field| field.trim().to_owned())
}

/// Returns the values of the environment variables `names` of a process, or `None` if its
/// environment cannot be read.
pub(crate) fn variables<const N: usize>(
    pid: i32,
    names: [&str; N],
) -> Option<[Option<Vec<u8>>; N]> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    Some(names.map(|name| {
        let mut variables = environ.split(|&byte| byte == 0);
        variables.find_map(|variable| {
            let value = variable.strip_prefix(name.as_bytes())?;
            value.strip_prefix(b"=").map(<[u8]>::to_vec)
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_contain_brackets_and_blanks() {
        let line = "42 (a) (b) S 7 41 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        let process = Process::parse(line).unwrap();
        assert_eq!(process.to_string(), "42 `a) (b`");
        assert_eq!((process.state, process.parent), ('S', 7));
        assert_eq!((process.group, process.session), (41, 40));
        assert_eq!(process.started, 123_456);
    }

    #[test]
    fn known_processes_are_removed() {
        let [one, other] = [Process::hidden(7), Process::hidden(8)];
        assert_eq!(without(vec![one.clone(), other.clone()], &[one]), [other]);
    }

    #[test]
    fn a_line_about_a_lock_names_its_holder() {
        for (line, expected) in [
            ("1: FLOCK  ADVISORY  WRITE 42 08:02:131 0 EOF", Some(42)),
            ("1: FLOCK  ADVISORY  READ  42 00:1b:131 0 EOF", Some(42)),
            ("1: -> FLOCK  ADVISORY  WRITE 42 08:02:131 0 EOF", None),
            ("1: POSIX  ADVISORY  WRITE 42 08:02:131 0 EOF", None),
            ("1: FLOCK  ADVISORY  WRITE 42 08:02:1310 0 EOF", None),
            ("1: FLOCK", None),
        ] {
            assert_eq!(flock_holder(line, 131), expected, "{line}");
        }
    }
}
