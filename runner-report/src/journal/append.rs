//! The file of the journal, to which lines are appended.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use runner_exec::{create_directory, is_same, open_file, sync_directory};

/// A file that lines are appended to, for as long as it is there under its name.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    file: Option<File>,
    /// Its length after the last line that was written here. Where it has another one, the
    /// last line may be torn: a write here or of another runner was cut short.
    end: u64,
}

impl JournalFile {
    /// The journal at `path`, which is opened when it is first needed.
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

    /// Appends `line`, which has its end, and lets it reach the disk when `flush` says so.
    ///
    /// # Errors
    ///
    /// It cannot be written. The next one may be.
    pub fn append(&mut self, line: &str, flush: bool) -> io::Result<()> {
        let (mut file, length) = match self.file.take().and_then(|file| self.if_current(file)) {
            Some(open) => open,
            None => self.open()?,
        };
        let mut last = [0];
        let is_torn = length > 0
            && length != self.end
            && (file.read_exact_at(&mut last, length - 1).is_err() || last != *b"\n");
        // In one piece, so that another runner's line cannot stand within it.
        let line = match is_torn {
            true => format!("\n{line}"),
            false => line.to_owned(),
        };
        let written = file.write_all(line.as_bytes());
        if written.is_ok() {
            self.end = length + line.len() as u64;
        }
        let flushed = written.and_then(|()| match flush {
            true => file.sync_data(),
            false => Ok(()),
        });
        self.file = Some(file);
        flushed
    }

    /// The open file and its length, if it still has the name: logrotate moves it away.
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
