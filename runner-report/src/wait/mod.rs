//! Waits for the end of a run, without polling at intervals.

pub(crate) mod watch;

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use runner_exec::boot_id;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::{
    journal::follow::JournalFollower,
    model::{history::History, now::Now, run_header::RunHeader, run_selector::RunSelector},
    wait::watch::{WaitEnd, WaitState},
};

/// Waits for the end of a run of the journal in `state_dir`, at most for `timeout`. Returns at
/// once if it has ended.
///
/// Without a selector it is the current run, or the next one if none is current. A run that is
/// selected by its id need not have started. Returns `None` if there is no run at the selected
/// position.
///
/// # Errors
///
/// The directory does not exist or is removed, the journal cannot be read, or a system call
/// fails.
pub fn wait_for_run_end(
    state_dir: &Path,
    selector: Option<RunSelector>,
    timeout: Option<Duration>,
) -> io::Result<Option<WaitEnd>> {
    // Too large for a deadline: wait without one.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    // Before the journal is read, so that no change is missed.
    let changes = DirectoryWatch::new(state_dir)?;
    let mut journal = JournalFollower::new(state_dir);
    let state = match selector {
        // The first read of the loop is of the whole journal.
        Some(RunSelector::Id(id)) => Some(WaitState::Start(Some(id))),
        Some(RunSelector::FromEnd(position)) => {
            WaitState::from_end(position, &history(&mut journal)?)
        }
        None => {
            let history = history(&mut journal)?;
            Some(WaitState::new(&history, &Now::read(history.open())))
        }
    };
    let Some(mut state) = state else {
        return Ok(None);
    };
    let mut runner: Option<RunnerExit> = None;
    loop {
        // Checked before the journal is read, so that the last record of the runner is seen.
        let is_gone = runner.as_ref().map_or(Ok(false), RunnerExit::is_gone)?;
        journal.read(|record| state.apply(record))?;
        match state {
            WaitState::Done(end) => return Ok(Some(end)),
            WaitState::Run(header) if is_gone && header.has_halt_started => {
                return Ok(Some(WaitEnd::WentDown(header.run)));
            }
            WaitState::Run(header) if is_gone => return Ok(Some(WaitEnd::CutOff(header.run))),
            WaitState::Run(ref header) if runner.is_none() && !is_unknown(header) => {
                runner = Some(RunnerExit::of(header)?);
                continue;
            }
            WaitState::Run(_) | WaitState::Start(_) => {}
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(Some(WaitEnd::TimeUp));
        }
        changes.wait(runner.as_ref(), deadline)?;
    }
}

/// Reads the runs up to now.
fn history(journal: &mut JournalFollower) -> io::Result<History> {
    let mut history = History::default();
    journal.read(|record| history.apply(record))?;
    Ok(history)
}

/// Returns `true` if the run can be alive, but the start with its process was rotated away.
fn is_unknown(header: &RunHeader) -> bool {
    header.process.is_none() && is_of_this_boot(header)
}

fn is_of_this_boot(header: &RunHeader) -> bool {
    header.boot == boot_id().unwrap_or_default()
}

/// A pidfd of a runner, which is readable after its end, or `None` if the runner is gone.
struct RunnerExit(Option<OwnedFd>);

impl RunnerExit {
    fn of(header: &RunHeader) -> io::Result<RunnerExit> {
        // After a reboot, another process can have the number. The journal can hold any number,
        // and `from_raw` must not get a negative one.
        let process = header.process.filter(|process| process.pid > 0);
        let process = process.filter(|_| is_of_this_boot(header));
        let Some((process, pid)) = process.and_then(|it| Some((it, Pid::from_raw(it.pid)?))) else {
            return Ok(RunnerExit(None));
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // Checked with the pidfd open: before, the pid could have been reused.
            Ok(fd) => Ok(RunnerExit(process.is_alive().then_some(fd))),
            Err(Errno::SRCH) => Ok(RunnerExit(None)),
            Err(error) => Err(error.into()),
        }
    }

    fn is_gone(&self) -> io::Result<bool> {
        let Some(fd) = &self.0 else {
            return Ok(true);
        };
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        poll_until(&mut fds, Some(Instant::now()))?;
        Ok(!fds[0].revents().is_empty())
    }
}

/// An inotify watch for changes in a directory.
struct DirectoryWatch(OwnedFd);

impl DirectoryWatch {
    fn new(directory: &Path) -> io::Result<DirectoryWatch> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let events = WatchFlags::ONLYDIR
            | WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE;
        inotify::add_watch(&fd, directory, events)?;
        Ok(DirectoryWatch(fd))
    }

    /// Waits for a change, for the end of `runner`, or for `deadline`.
    fn wait(&self, runner: Option<&RunnerExit>, deadline: Option<Instant>) -> io::Result<()> {
        let mut fds = vec![PollFd::new(&self.0, PollFlags::IN)];
        let runner = runner.and_then(|runner| runner.0.as_ref());
        fds.extend(runner.map(|fd| PollFd::new(fd, PollFlags::IN)));
        poll_until(&mut fds, deadline)?;
        self.drain()
    }

    /// Reads the pending events, so that the descriptor becomes readable for new ones only.
    fn drain(&self) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut changes = inotify::Reader::new(self.0.as_fd(), &mut buffer);
        loop {
            match changes.next() {
                Ok(change) if change.events().contains(ReadFlags::IGNORED) => {
                    return Err(io::ErrorKind::NotFound.into());
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn poll_until(fds: &mut [PollFd], deadline: Option<Instant>) -> io::Result<()> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}
