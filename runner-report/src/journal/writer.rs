//! The one writer of the journal.
//!
//! It has a thread of its own: what is said while a limit counts must not wait for a
//! disk. Whoever says the end of something waits until that is on the disk.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use jiff::Timestamp;
use runner_config::name_text;
use runner_exec::{Event, RunId, StateDir, boot_id, canonical};

use crate::journal::{
    append::JournalFile,
    from_event::{entry, is_flushed},
    record::{Entry, Record},
};

/// Writes what happens into the journal of the state directory, where there is one.
pub struct Journal {
    /// The absolute path of the task directory.
    taskdir: String,
    boot: String,
    /// There while a run goes on that has a journal.
    run: Mutex<Option<String>>,
    /// How many ends are not on the disk yet.
    pending: AtomicUsize,
    sender: Sender<Message>,
}

enum Message {
    /// From now on lines go to this file, or nowhere.
    Open(Option<PathBuf>),
    Append {
        line: String,
    },
    /// The same, and flush it; then this is dropped.
    Flush {
        line: String,
        flushed: Sender<()>,
    },
    /// Everything before this is done when this is dropped.
    Pass(#[expect(dead_code, reason = "it is dropped")] Sender<()>),
    /// Something else that must not make anybody wait.
    Do(Box<dyn FnOnce() + Send>),
}

impl Journal {
    /// A journal of the runs of `taskdir`. `failed` is told, once, that it cannot be
    /// written: where, and why.
    ///
    /// # Errors
    ///
    /// There are no threads left.
    pub fn start(
        taskdir: &Path,
        failed: impl FnMut(&Path, &io::Error) + Send + 'static,
    ) -> io::Result<Journal> {
        let (sender, receiver) = channel();
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(receiver, failed))?;
        Ok(Journal {
            taskdir: name_text(canonical(taskdir).as_os_str()).into_owned(),
            boot: boot_id().unwrap_or_default(),
            run: Mutex::new(None),
            pending: AtomicUsize::new(0),
            sender,
        })
    }

    /// Writes down what happened. Returns when that is on the disk, if it is an end.
    pub fn event(&self, event: &Event) {
        let mut current = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::RunStart { run, plan, .. } = event {
            let path = StateDir::of(&plan.settings).map(StateDir::journal);
            *current = path.is_some().then(|| run.to_string());
            self.send(Message::Open(path));
        }
        let Some(run) = current.clone() else {
            return;
        };
        drop(current);
        self.before_a_start(event);
        let Some(entry) = entry(event, &self.taskdir) else {
            return;
        };
        let flush = is_flushed(&entry);
        let line = record(&run, &self.boot, entry).line();
        match flush {
            false => self.send(Message::Append { line }),
            true => {
                self.pending.fetch_add(1, Ordering::SeqCst);
                self.wait_for(|flushed| Message::Flush { line, flushed });
                self.pending.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Lets nothing start while an end is on its way to the disk: with several workers,
    /// another one may have said it.
    fn before_a_start(&self, event: &Event) {
        let starts = matches!(event, Event::TaskStart { .. } | Event::HookStart { .. });
        if starts && self.pending.load(Ordering::SeqCst) > 0 {
            self.wait_for(Message::Pass);
        }
    }

    /// Sends a message, and waits until what was given to it is dropped.
    fn wait_for(&self, message: impl FnOnce(Sender<()>) -> Message) {
        let (held, dropped) = channel();
        self.send(message(held));
        let _ = dropped.recv();
    }

    /// Does `work` on the writer's thread, after all that was said before.
    pub fn later(&self, work: impl FnOnce() + Send + 'static) {
        self.send(Message::Do(Box::new(work)));
    }

    fn send(&self, message: Message) {
        // The thread ends after this.
        let _ = self.sender.send(message);
    }
}

/// Writes down that a run never started: its exit status, and why.
///
/// # Errors
///
/// The journal of `state_dir` cannot be written.
pub fn refused(state_dir: &Path, run: &RunId, status: u8, reason: &str) -> io::Result<()> {
    let reason = reason.into();
    let boot = boot_id().unwrap_or_default();
    let record = record(run.as_str(), &boot, Entry::Refused { status, reason });
    JournalFile::new(StateDir(state_dir).journal()).append(&record.line(), true)
}

fn record<'a>(run: &'a str, boot: &'a str, entry: Entry<'a>) -> Record<'a> {
    Record {
        ts: Timestamp::now(),
        run: run.into(),
        boot: boot.into(),
        entry,
    }
}

fn write(receiver: Receiver<Message>, mut failed: impl FnMut(&Path, &io::Error)) {
    let mut journal: Option<JournalFile> = None;
    let mut has_failed = false;
    let mut append = |journal: &mut Option<JournalFile>, line: &str, flush| {
        if let Some(journal) = journal
            && let Err(error) = journal.append(line, flush)
            && !has_failed
        {
            has_failed = true;
            failed(journal.path(), &error);
        }
    };
    for message in receiver {
        match message {
            Message::Open(path) => {
                if journal.as_ref().map(JournalFile::path) != path.as_deref() {
                    journal = path.map(JournalFile::new);
                }
            }
            Message::Append { line } => append(&mut journal, &line, false),
            Message::Flush { line, flushed } => {
                append(&mut journal, &line, true);
                drop(flushed);
            }
            Message::Pass(_) => {}
            Message::Do(work) => work(),
        }
    }
}
