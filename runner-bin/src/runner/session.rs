//! The lock of a run, its part of the state directory, and the receivers of its events.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use runner_config::{Problems, Severity, reason, shown};
use runner_exec::{
    Busy, Event, Lock, NoLock, Plan, RunId, StateDir, StopRequest, StopSignals, Taken, is_lack,
};
use runner_report::{JournalError, JournalWriter};

use crate::{
    console::{
        log::Log,
        messages::{HINT, count},
    },
    exit::Exit,
    runner::sd_notify::Notify,
};

pub(crate) struct Session {
    pub(crate) taskdir: PathBuf,
    /// The journal gets the events (not with `--only`).
    pub(crate) has_journal: bool,
    pub(crate) no_lock: bool,
    /// The wait for the lock: none, for this time, or forever.
    pub(crate) wait_lock: Option<Option<Duration>>,
    /// The service manager, if it wants to be notified.
    pub(crate) notify: Option<Notify>,
    pub(crate) log: Arc<Log>,
}

/// The result of taking the lock.
pub(crate) struct Locked {
    pub(crate) lock: Option<Lock>,
    /// Another runner had it, so the loaded plan can be outdated.
    pub(crate) waited: bool,
}

impl Session {
    /// Records a refused start in the journal. Returns the exit status.
    pub(crate) fn refuse(&self, state_dir: Option<&Path>, exit: Exit, why: &str) -> Exit {
        if let Some(state_dir) = state_dir.filter(|_| self.has_journal) {
            let id = RunId::new(Timestamp::now(), rand::random());
            let made = StateDir(state_dir).create(&self.taskdir);
            let written =
                made.and_then(|()| runner_report::add_refusal(state_dir, &id, exit.status(), why));
            if let Err(error) = written {
                no_journal(&self.log, state_dir, &error);
            }
        }
        exit
    }

    /// Takes the lock of the tasks of `plan`.
    ///
    /// # Errors
    ///
    /// Another process has it, or a signal requested the end. Nothing must run then.
    pub(crate) fn lock(&self, plan: &Plan, stop: &StopSignals) -> Result<Locked, Exit> {
        let mut waited = false;
        if self.no_lock {
            return Ok(Locked { lock: None, waited });
        }
        let state_dir = StateDir::of(&plan.settings);
        if let Some(state_dir) = state_dir {
            // If this fails, the lock is in the runtime directory only, and the journal reports
            // the reason.
            let _ = state_dir.create(&self.taskdir);
        }
        let take = |timeout| Lock::take(&self.taskdir, state_dir, timeout, stop);
        let mut taken = take(Some(Duration::ZERO));
        if let (Err(NoLock::Busy(busy)), Some(timeout)) = (&taken, self.wait_lock) {
            let (holder, _) = self.holder(busy);
            self.log.info(&format!("{holder}; waiting for it"));
            if let Some(notify) = &self.notify {
                notify.status("waiting for another run", timeout);
            }
            waited = true;
            taken = take(timeout);
        }
        let Taken { lock, absent } = match (taken, stop.requested()) {
            (Ok(taken), _) => taken,
            (Err(NoLock::Interrupted), Some(signal)) => return Err(Exit::Signaled(signal)),
            (Err(reason), _) => {
                let (exit, why) = self.log_no_lock(&reason);
                return Err(self.refuse(state_dir.map(|it| it.0), exit, &why));
            }
        };
        for (place, error) in absent {
            let (place, why) = (shown(&place), reason(&error));
            let message = format!("cannot lock `{place}`: {why}");
            if is_lack(&error) {
                self.log.warning(&message)
            } else {
                self.log.detail(&message)
            }
        }
        if lock.is_none() {
            self.log
                .detail("there is no lock, so another run of the same tasks can start");
        }
        Ok(Locked { lock, waited })
    }

    /// Logs the reason for which there is no lock. Returns it with the exit status.
    fn log_no_lock(&self, no_lock: &NoLock) -> (Exit, String) {
        let (exit, why, hint) = match no_lock {
            NoLock::Interrupted => unreachable!("the caller handles the signal"),
            NoLock::Busy(busy) => {
                let (holder, hint) = self.holder(busy);
                (Exit::Busy, holder, hint)
            }
            NoLock::Failed(place, error) => (
                Exit::System,
                format!("cannot lock `{}`: {}", shown(place), reason(error)),
                "`--no-lock` runs without a lock".to_owned(),
            ),
        };
        self.log.error(&format!("{why}\n{HINT}{hint}"));
        (exit, why)
    }

    /// Claims the state directory of `plan` for its tasks, and locks it.
    ///
    /// # Errors
    ///
    /// Another task directory or another runner has it. Nothing must run then.
    pub(crate) fn own_state(&self, plan: &Plan, lock: Option<&Lock>) -> Result<(), Exit> {
        let state_dir = StateDir::of(&plan.settings);
        if let Some(state_dir) = state_dir {
            // If this fails, there is no journal, which is reported with the reason.
            let _ = state_dir.create(&self.taskdir);
            if let Some(owner) = state_dir.other_owner(&self.taskdir) {
                let owner = shown(&owner);
                self.log.error(&format!(
                    "`state_dir` now belongs to the task directory `{owner}`"
                ));
                return Err(Exit::Config);
            }
        }
        let added = lock.map_or(Ok(()), |lock| lock.add(&self.taskdir, state_dir));
        added.map_err(|reason| self.log_no_lock(&reason).0)
    }

    /// Describes the process that has the lock, and how to get the lock.
    fn holder(&self, busy: &Busy) -> (String, String) {
        let taskdir = shown(&self.taskdir);
        let beside = "`--no-lock` runs alongside it";
        match busy {
            Busy::Runner { pid, run } => {
                let run = run.as_ref().map(|run| format!(", run {run}"));
                let run = run.unwrap_or_default();
                let pid = pid.map(|pid| format!(" (pid {pid}{run})"));
                let pid = pid.unwrap_or_default();
                (
                    format!("another runner{pid} is running the tasks in `{taskdir}`"),
                    format!("`--wait-lock` waits for it, {beside}"),
                )
            }
            Busy::Task(task, pid) => (
                format!("`{task}` (pid {pid}) is still running; its runner was killed"),
                format!("`kill -- -{pid}` ends it, `--wait-lock` waits for it, {beside}"),
            ),
        }
    }

    /// Returns the sink that passes each event to all receivers.
    ///
    /// # Errors
    ///
    /// There are no threads left.
    pub(crate) fn sink(
        &self,
        with_journal: bool,
        has_lock: bool,
    ) -> io::Result<impl Fn(&Event) + Sync> {
        let log = self.log.clone();
        let failed = move |path: &Path, error| match error {
            JournalError::Write(error) => no_journal(&log, path, &error),
            JournalError::Rotate(error) => {
                let (path, why) = (shown(path), reason(&error));
                log.error(&format!(
                    "cannot rename the journal `{path}`, which is larger than `journal_size`: {why}"
                ));
            }
        };
        let start = || JournalWriter::start(&self.taskdir, has_lock, failed);
        let journal = with_journal.then(start).transpose()?;
        Ok(move |event: &Event| {
            if let Some(journal) = &journal {
                journal.event(event);
            }
            self.log.event(event);
            if let Some(notify) = &self.notify {
                notify.event(event);
            }
        })
    }

    pub(crate) fn on_signal(&self, request: StopRequest) {
        self.log.on_signal(request);
        if let Some(notify) = self.notify.as_ref().filter(|_| request.nth == 1) {
            notify.stopping(request.signal);
        }
    }
}

/// Returns the first error, as a sentence: the reason for which nothing can run.
pub(crate) fn first_error(problems: &Problems) -> String {
    let is_error = |severity| severity == Severity::Error;
    let mut errors = problems.iter().filter(|problem| is_error(problem.severity));
    let first = errors.next().map(ToString::to_string).unwrap_or_default();
    match errors.count() {
        0 => first,
        more => format!("{first}, and {}", count(more, "more error")),
    }
}

fn no_journal(log: &Log, path: &Path, error: &io::Error) {
    let (path, why) = (shown(path), reason(error));
    log.error(&format!(
        "cannot write the journal `{path}`: {why}; this run is not recorded"
    ));
}
