//! What a run leaves for others to find: its lock, and what the journal says of it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Problems, Severity, reason, shown};
use runner_exec::{
    Busy, Cancel, Event, Lock, NoLock, Patience, Plan, Signal, StateDir, Taken, is_lack,
};
use runner_report::Journal;

use crate::{
    console::{log::Log, messages::HINT},
    exit::Exit,
    runner::{new_run_id, sd_notify::Notify},
};

/// What is known of it before there is a run.
pub(crate) struct Keeper {
    pub(crate) taskdir: PathBuf,
    /// Whether the journal is to hear of it.
    pub(crate) remembers: bool,
    /// Whether a lock is wanted, and how long it is waited for.
    pub(crate) patience: Option<Patience>,
    /// The service manager, when one wants to know.
    pub(crate) notify: Option<Notify>,
    pub(crate) log: Arc<Log>,
}

/// A lock that was had, or not, and how.
pub(crate) struct Locked {
    pub(crate) lock: Option<Arc<Lock>>,
    /// Whether it was waited for, so that what was read before may be old.
    pub(crate) waited: bool,
}

impl Keeper {
    /// Remembers that nothing was run, and says what that means for the exit status.
    pub(crate) fn refuse(&self, state_dir: Option<&Path>, exit: Exit, why: &str) -> Exit {
        if let Some(state_dir) = state_dir.filter(|_| self.remembers) {
            let made = StateDir(state_dir).create(&self.taskdir);
            let written = made.and_then(|()| {
                runner_report::refused(state_dir, &new_run_id(), exit.status(), why)
            });
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
    /// Somebody else has it, or the runner was asked to end; then nothing is to be run.
    pub(crate) fn lock(&self, plan: &Plan, cancel: &Cancel) -> Result<Locked, Exit> {
        let mut waited = false;
        let Some(patience) = self.patience else {
            return Ok(Locked { lock: None, waited });
        };
        let state_dir = StateDir::of(&plan.settings);
        if let Some(state_dir) = state_dir {
            // Without it the lock is elsewhere, and the journal says why.
            let _ = state_dir.create(&self.taskdir);
        }
        let take = |patience| Lock::take(&self.taskdir, state_dir, patience, cancel);
        let mut taken = take(Patience::None);
        if let (Err(NoLock::Busy(busy)), Patience::Wait(time)) = (&taken, patience) {
            let (who, _) = self.sentence(busy);
            self.log.info(&format!("{who}; waiting for it"));
            if let Some(notify) = &self.notify {
                notify.says("waiting for another run", time);
            }
            waited = true;
            taken = take(patience);
        }
        let Taken { lock, absent } = match (taken, cancel.asked()) {
            (Ok(taken), _) => taken,
            (Err(NoLock::Asked), Some(signal)) => return Err(Exit::Signaled(signal)),
            (Err(no_lock), _) => {
                let (exit, why) = self.no_lock(&no_lock);
                return Err(self.refuse(state_dir.map(|it| it.0), exit, &why));
            }
        };
        for (place, error) in absent {
            let (place, why) = (shown(&place), reason(&error));
            let message = format!("cannot lock `{place}`: {why}");
            match is_lack(&error) {
                true => self.log.warning(&message),
                false => self.log.detail(&message),
            }
        }
        if lock.is_none() {
            self.log
                .detail("there is no lock, so another run of the same tasks may go on");
        }
        let lock = lock.map(Arc::new);
        Ok(Locked { lock, waited })
    }

    /// Logs why there is no lock. Returns what it means for the exit status, and why.
    fn no_lock(&self, no_lock: &NoLock) -> (Exit, String) {
        let (exit, why, hint) = match no_lock {
            NoLock::Asked => unreachable!("only a signal asks"),
            NoLock::Busy(busy) => {
                let (who, hint) = self.sentence(busy);
                (Exit::Busy, who, hint)
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

    /// Makes the state directory of `plan` that of the tasks, and takes its part of `lock`.
    ///
    /// # Errors
    ///
    /// Another task directory was first, or another runner has it; then nothing is to be
    /// run.
    pub(crate) fn own_state(&self, plan: &Plan, lock: Option<&Lock>) -> Result<(), Exit> {
        let state_dir = StateDir::of(&plan.settings);
        if let Some(state_dir) = state_dir {
            // Without it there is no journal, which says why.
            let _ = state_dir.create(&self.taskdir);
            if let Some(owner) = state_dir.other_owner(&self.taskdir) {
                let owner = shown(&owner);
                self.log
                    .error(&format!("`state_dir` has just become that of `{owner}`"));
                return Err(Exit::Config);
            }
        }
        let added = lock.map_or(Ok(()), |lock| lock.add(&self.taskdir, state_dir));
        added.map_err(|no_lock| self.no_lock(&no_lock).0)
    }

    /// The main thread heard a signal.
    pub(crate) fn heard(&self, signal: Signal, nth: u32) {
        if let Some(notify) = self.notify.as_ref().filter(|_| nth == 1) {
            notify.stopping(signal);
        }
    }

    /// Who has the lock, and what to do about it.
    fn sentence(&self, busy: &Busy) -> (String, String) {
        let taskdir = shown(&self.taskdir);
        let beside = "`--no-lock` runs beside it";
        match busy {
            Busy::Runner { pid, run } => {
                let run = run.as_ref().map(|run| format!(", run {run}"));
                let run = run.unwrap_or_default();
                let pid = pid.map(|pid| format!(" (process {pid}{run})"));
                let pid = pid.unwrap_or_default();
                (
                    format!("another runner{pid} runs the tasks of `{taskdir}`"),
                    format!("`--wait-lock` waits for it, {beside}"),
                )
            }
            Busy::Task(task, pid) => (
                format!("`{task}` (process {pid}) still runs, whose runner was killed"),
                format!("`kill -- -{pid}` ends it, `--wait-lock` waits for it, {beside}"),
            ),
        }
    }
}

/// Why nothing can be run, in a sentence: the first thing that is wrong.
pub(crate) fn first_error(problems: &Problems) -> String {
    let is_error = |severity| severity == Severity::Error;
    let mut errors = problems.iter().filter(|problem| is_error(problem.severity));
    let first = errors.next().map(ToString::to_string).unwrap_or_default();
    match errors.count() {
        0 => first,
        more => format!(
            "{first}, and {}",
            crate::console::messages::count(more, "more error")
        ),
    }
}

/// Hears of a run and writes it down where others look.
pub(crate) struct Record {
    lock: Option<Arc<Lock>>,
    journal: Option<Journal>,
}

impl Record {
    /// The record of runs of `taskdir`. `lock` is kept as long as this.
    ///
    /// # Errors
    ///
    /// There are no threads left.
    pub(crate) fn start(
        taskdir: &Path,
        lock: Option<Arc<Lock>>,
        with_journal: bool,
        log: &Arc<Log>,
    ) -> std::io::Result<Record> {
        let log = log.clone();
        let failed = move |path: &Path, error: &std::io::Error| no_journal(&log, path, error);
        Ok(Record {
            lock,
            journal: match with_journal {
                true => Some(Journal::start(taskdir, failed)?),
                false => None,
            },
        })
    }

    pub(crate) fn event(&self, event: &Event) {
        match (&self.lock, &self.journal, event) {
            // The lock may be on a disk, and a limit counts.
            (
                Some(lock),
                Some(journal),
                Event::Started {
                    task,
                    part,
                    try_num,
                    pid,
                },
            ) => {
                let (lock, task) = (lock.clone(), (*task).clone());
                let (part, try_num, pid) = (*part, *try_num, *pid);
                journal.later(move || {
                    let task = &task;
                    lock.event(&Event::Started {
                        task,
                        part,
                        try_num,
                        pid,
                    });
                });
            }
            (Some(lock), _, _) => lock.event(event),
            (None, _, _) => {}
        }
        if let Some(journal) = &self.journal {
            journal.event(event);
        }
    }
}

fn no_journal(log: &Log, path: &Path, error: &std::io::Error) {
    let (path, why) = (shown(path), reason(error));
    log.error(&format!(
        "cannot write the journal `{path}`: {why}; what happens is not remembered"
    ));
}
