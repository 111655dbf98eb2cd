//! The writer of the journal.
//!
//! It has a thread: an event during the time limit of a task must not wait for a disk. Only
//! the sender of an end waits until that is on the disk.

use std::{
    io, mem,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError, RwLock,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use jiff::Timestamp;
use runner_config::name_text;
use runner_exec::{Event, RunId, StateDir, boot_id, canonical, host_name, machine_digest};

use crate::journal::{
    append::JournalFile,
    from_event::{is_flush_required, to_entry},
    record::{JournalEntry, Record, RunEntry},
};

/// Writes events to the journal of the state directory, if one is set.
pub struct JournalWriter {
    /// The absolute path of the task directory.
    taskdir: String,
    boot: String,
    /// The current run, or `None` if it has no journal.
    run: Mutex<Option<CurrentRun>>,
    /// This process has the lock, so it can rename the journal.
    has_lock: bool,
    /// Locked for reading while an end is being written to the disk.
    flushing: RwLock<()>,
    sender: Sender<Message>,
}

#[derive(Clone)]
struct CurrentRun {
    id: String,
    /// Size in bytes above which the journal is renamed, and its new path.
    rotation: Option<(u64, PathBuf)>,
}

enum Message {
    /// Writes the following lines to this file, or drops them.
    Open(Option<PathBuf>),
    /// Renames the journal to this path if it has more bytes than this.
    Rotate(u64, PathBuf),
    /// Writes a line. With a sender, flushes the file and then drops the sender.
    Append(String, Option<Sender<()>>),
}

impl JournalWriter {
    /// Starts the thread. `on_error` gets the path of the journal, the first write error, and the
    /// first error of a rename.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(
        taskdir: &Path,
        has_lock: bool,
        on_error: impl FnMut(&Path, JournalError) + Send + 'static,
    ) -> io::Result<JournalWriter> {
        let (sender, receiver) = channel();
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_lines(receiver, on_error))?;
        Ok(JournalWriter {
            taskdir: name_text(canonical(taskdir).as_os_str()).into_owned(),
            boot: boot_id().unwrap_or_default(),
            run: Mutex::new(None),
            has_lock,
            flushing: RwLock::new(()),
            sender,
        })
    }

    /// Writes an event. Waits until it is on the disk if it is an end.
    pub fn event(&self, event: &Event) {
        let mut current = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if let Event::RunStart { run, plan, .. } = event {
            let state_dir = StateDir::of(&plan.settings);
            let max = plan.settings.journal_size.filter(|_| self.has_lock);
            *current = state_dir.map(|state_dir| CurrentRun {
                id: run.to_string(),
                rotation: max.map(|max| (max, state_dir.old_journal())),
            });
            self.send(Message::Open(state_dir.map(StateDir::journal)));
        }
        let Some(run) = current.clone() else {
            return;
        };
        drop(current);
        let is_start = match event {
            // The first try starts with its run.
            Event::TryStart { try_num, .. } => *try_num > 1,
            event => matches!(event, Event::RunStart { .. }),
        };
        if let Some((max, old)) = run.rotation.filter(|_| is_start) {
            self.send(Message::Rotate(max, old));
        }
        // Nothing may start while another worker waits for the flush of an end.
        if let Event::TaskStart { .. } | Event::HookStart { .. } = event {
            drop(self.flushing.write());
        }
        let Some(entry) = to_entry(event, &self.taskdir) else {
            return;
        };
        let is_flush_required = is_flush_required(&entry);
        let line = record_now(run.id, self.boot.clone(), entry).to_line();
        if is_flush_required {
            let _flushing = self.flushing.read();
            let (sender, dropped) = channel();
            self.send(Message::Append(line, Some(sender)));
            let _ = dropped.recv();
        } else {
            self.send(Message::Append(line, None));
        }
    }

    fn send(&self, message: Message) {
        // The receiver exists as long as this sender.
        let _ = self.sender.send(message);
    }
}

/// Writes a refused start: exit status and reason.
///
/// # Errors
///
/// The journal of `state_dir` cannot be written.
pub fn add_refusal(state_dir: &Path, run: &RunId, status: u8, reason: &str) -> io::Result<()> {
    let entry = JournalEntry::Run(RunEntry::Refused {
        status,
        reason: reason.to_owned(),
        host: host_name(),
        machine: machine_digest(),
    });
    let record = record_now(run.to_string(), boot_id().unwrap_or_default(), entry);
    JournalFile::new(StateDir(state_dir).journal()).append(&record.to_line(), true)
}

fn record_now(run: String, boot: String, entry: JournalEntry) -> Record {
    Record {
        ts: Timestamp::now(),
        run,
        boot,
        entry,
    }
}

/// Error of the journal.
#[derive(Debug)]
pub enum JournalError {
    /// It cannot be written.
    Write(io::Error),
    /// It is too large and cannot be renamed.
    Rotate(io::Error),
}

fn write_lines(receiver: Receiver<Message>, mut on_error: impl FnMut(&Path, JournalError)) {
    let mut journal: Option<JournalFile> = None;
    let (mut has_failed, mut has_failed_to_rotate) = (false, false);
    for message in receiver {
        match (message, &mut journal) {
            (Message::Open(path), _) => {
                if journal.as_ref().map(JournalFile::path) != path.as_deref() {
                    journal = path.map(JournalFile::new);
                }
            }
            (Message::Rotate(max, old), Some(journal)) => {
                if let Err(error) = journal.rotate(max, &old)
                    && !mem::replace(&mut has_failed_to_rotate, true)
                {
                    on_error(journal.path(), JournalError::Rotate(error));
                }
            }
            (Message::Append(line, flushed), Some(journal)) => {
                if let Err(error) = journal.append(&line, flushed.is_some())
                    && !mem::replace(&mut has_failed, true)
                {
                    on_error(journal.path(), JournalError::Write(error));
                }
            }
            (Message::Rotate(..) | Message::Append(..), None) => {}
        }
    }
}
