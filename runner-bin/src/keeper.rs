//! What a run leaves for others to find: its lock, and what the journal says of it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Problems, Severity, reason};
use runner_exec::{
    Busy, Cancel, Event, Lock, NoLock, Patience, Plan, Signal, create_state_dir, lock_places,
    other_owner,
};
use runner_report::Journal;

use crate::{exit::Exit, log::Log, notify::Notify, run::run_id, sentence::HINT};

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
    pub(crate) lock: Option<Lock>,
    /// Whether it was waited for, so that what was read before may be old.
    pub(crate) waited: bool,
}

impl Keeper {
    /// Remembers that nothing was run, and says what that means for the exit status.
    pub(crate) fn refuse(&self, state_dir: Option<&Path>, exit: Exit, why: &str) -> Exit {
        if let Some(state_dir) = state_dir.filter(|_| self.remembers) {
            let made = create_state_dir(state_dir, &self.taskdir);
            let written = made
                .and_then(|()| runner_report::refused(state_dir, &run_id(), exit.status(), why));
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
        let state_dir = plan.settings.state_dir.as_deref();
        if let Some(state_dir) = state_dir {
            // Without it the lock is elsewhere, and the journal says why.
            let _ = create_state_dir(state_dir, &self.taskdir);
        }
        for place in lock_places(&self.taskdir, state_dir) {
            let mut taken = Lock::take(&place, Patience::None, cancel);
            if let (Err(NoLock::Busy(busy)), Patience::Wait(time)) = (&taken, patience) {
                let (who, _) = self.sentence(busy);
                self.log.info(&format!("{who}; waiting for it"));
                if let Some(notify) = &self.notify {
                    notify.says("waiting for another run", time);
                }
                waited = true;
                taken = Lock::take(&place, patience, cancel);
            }
            match (taken, cancel.asked()) {
                (Ok(lock), _) => {
                    let lock = Some(lock);
                    return Ok(Locked { lock, waited });
                }
                (Err(NoLock::Asked), Some(signal)) => return Err(Exit::Signaled(signal)),
                (Err(NoLock::Asked), None) => unreachable!("only a signal asks"),
                (Err(NoLock::Busy(busy)), _) => {
                    let (who, cure) = self.sentence(&busy);
                    self.log.error(&format!("{who}\n{HINT}{cure}"));
                    return Err(self.refuse(state_dir, Exit::Busy, &who));
                }
                (Err(NoLock::Failed(error)), _) => {
                    let (place, why) = (place.display(), reason(&error));
                    self.log.detail(&format!("cannot lock `{place}`: {why}"));
                }
            }
        }
        self.log
            .detail("there is no lock, so another run of the same tasks may go on");
        Ok(Locked { lock: None, waited })
    }

    /// Makes the state directory of `plan` that of the tasks.
    ///
    /// # Errors
    ///
    /// Another task directory was first; then nothing is to be run.
    pub(crate) fn own_state(&self, plan: &Plan) -> Result<(), Exit> {
        let Some(state_dir) = &plan.settings.state_dir else {
            return Ok(());
        };
        // Without it there is no journal, which says why.
        let _ = create_state_dir(state_dir, &self.taskdir);
        match other_owner(state_dir, &self.taskdir) {
            None => Ok(()),
            Some(owner) => {
                let owner = owner.display();
                self.log
                    .error(&format!("`state_dir` has just become that of `{owner}`"));
                Err(Exit::Config)
            }
        }
    }

    /// The main thread heard a signal.
    pub(crate) fn heard(&self, signal: Signal, nth: u32) {
        if let Some(notify) = self.notify.as_ref().filter(|_| nth == 1) {
            notify.stopping(signal);
        }
    }

    /// Who has the lock, and what to do about it.
    fn sentence(&self, busy: &Busy) -> (String, String) {
        let taskdir = runner_config::shown(&self.taskdir);
        let beside = "`--no-lock` runs beside it";
        match busy {
            Busy::Runner(pid) => {
                let pid = pid.map(|pid| format!(" (process {pid})"));
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
            crate::sentence::count(more, "more error")
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
        lock: Option<Lock>,
        with_journal: bool,
        log: &Arc<Log>,
    ) -> std::io::Result<Record> {
        let log = log.clone();
        let failed = move |path: &Path, error: &std::io::Error| no_journal(&log, path, error);
        Ok(Record {
            lock: lock.map(Arc::new),
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
    let (path, why) = (path.display(), reason(error));
    log.error(&format!(
        "cannot write the journal `{path}`: {why}; what happens is not remembered"
    ));
}
