//! The file of the journal, as whoever writes it sees it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use runner_exec::{create_directory, open_file, sync_directory};

/// The name of the journal in its state directory.
pub const JOURNAL: &str = "journal.jsonl";

/// A file that lines are appended to, for as long as it is there under its name.
#[derive(Debug)]
pub(crate) struct JournalFile {
    path: PathBuf,
    file: Option<File>,
    /// Whether the last line may have no end.
    torn: bool,
}

impl JournalFile {
    /// The journal in `state_dir`, which is opened when it is first needed.
    pub(crate) fn new(state_dir: &Path) -> JournalFile {
        JournalFile {
            path: state_dir.join(JOURNAL),
            file: None,
            torn: false,
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
    pub(crate) fn append(&mut self, line: &str, flush: bool) -> io::Result<()> {
        if !self.is_still_there() {
            self.open()?;
        }
        let Some(mut file) = self.file.as_ref() else {
            return Ok(());
        };
        // In one piece, so that another runner's line cannot stand within it.
        let line = match self.torn {
            true => format!("\n{line}"),
            false => line.to_owned(),
        };
        self.torn = true;
        file.write_all(line.as_bytes())?;
        self.torn = false;
        match flush {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    /// Whether the file that is open has the name still: logrotate moves it away.
    fn is_still_there(&self) -> bool {
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        match (open, fs::metadata(&self.path)) {
            (Some(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
            _ => false,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        self.file = None;
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
        let mut last = [b'\n'];
        if let Some(end) = file.metadata()?.len().checked_sub(1) {
            file.read_exact_at(&mut last, end)?;
        }
        self.torn = last != *b"\n";
        self.file = Some(file);
        Ok(())
    }
}
