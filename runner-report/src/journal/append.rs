//! Appends lines to the file of the journal.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use runner_exec::{create_directory, is_same, open_file, sync_directory};

/// A file for appending. It is opened again when its path names another file.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    file: Option<File>,
    /// Length after the last complete write. If the file has another length, its last line can
    /// be incomplete, after a failed write of this or another runner.
    end: u64,
}

impl JournalFile {
    /// Creates a writer for the journal at `path`, which is opened at the first line.
    pub fn new(path: PathBuf) -> JournalFile {
        JournalFile {
            path,
            file: None,
            end: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the journal to `old` if it has more than `max` bytes. Only the holder of the lock
    /// can call this: two renames would lose the first of the two files.
    ///
    /// # Errors
    ///
    /// It cannot be renamed.
    pub(crate) fn rotate(&self, max: u64, old: &Path) -> io::Result<()> {
        let is_large = |it: fs::Metadata| it.is_file() && it.len() > max;
        if !fs::metadata(&self.path).is_ok_and(is_large) {
            return Ok(());
        }
        fs::rename(&self.path, old)?;
        sync_directory(&self.path)
    }

    /// Appends `line`, which ends in a line feed. Flushes it to the disk if `flush` is set.
    ///
    /// # Errors
    ///
    /// The line cannot be written. Later calls try again.
    pub fn append(&mut self, line: &str, flush: bool) -> io::Result<()> {
        let (mut file, length) = match self.file.take().and_then(|file| self.if_current(file)) {
            Some(open) => open,
            None => self.open()?,
        };
        let mut last = [0];
        let is_torn = length > 0
            && length != self.end
            && (file.read_exact_at(&mut last, length - 1).is_err() || last != *b"\n");
        // One write, so that a line of another runner cannot get in between.
        let text = if is_torn { &format!("\n{line}") } else { line };
        let written = file.write_all(text.as_bytes());
        if written.is_ok() {
            self.end = length + text.len() as u64;
        }
        let flushed = written.and_then(|()| if flush { file.sync_data() } else { Ok(()) });
        self.file = Some(file);
        flushed
    }

    /// Returns the file and its length if `path` still names it: it can be renamed.
    fn if_current(&self, file: File) -> Option<(File, u64)> {
        let open = file.metadata().ok()?;
        let length = open.len();
        is_same(Ok(open), fs::metadata(&self.path)).then_some((file, length))
    }

    fn open(&mut self) -> io::Result<(File, u64)> {
        let is_new = !self.path.exists();
        if let Some(state_dir) = self.path.parent() {
            create_directory(state_dir)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o644);
        let file = open_file(&mut options, &self.path)?;
        if is_new {
            sync_directory(&self.path)?;
        }
        self.end = 0;
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}
