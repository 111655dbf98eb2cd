//! Reads a journal while it grows, is rotated, and is truncated.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use runner_exec::{StateDir, is_same};

use crate::journal::{
    reader::{RecordReader, open},
    record::Record,
};

/// Reader of a journal that is still being written.
#[derive(Debug)]
pub struct JournalFollower {
    path: PathBuf,
    file: Option<BufReader<File>>,
    reader: RecordReader,
}

impl JournalFollower {
    /// Follows the journal of `state_dir`, which does not have to exist yet.
    pub fn new(state_dir: &Path) -> JournalFollower {
        JournalFollower {
            path: StateDir(state_dir).journal(),
            file: None,
            reader: RecordReader::default(),
        }
    }

    /// Reads up to the current end, and calls `each` for each new record.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn read(&mut self, mut each: impl FnMut(&Record)) -> io::Result<()> {
        loop {
            // Checked before the file is read: a line can be appended just before the file is
            // renamed, and the old file must be read to its end before the new one.
            let is_current = self.is_current()?;
            if let Some(file) = &mut self.file {
                self.reader.read(file, &mut each)?;
            }
            if is_current {
                return Ok(());
            }
            match open(&self.path) {
                Err(error) if error.kind() == ErrorKind::NotFound => return self.close_deleted(),
                opened => self.file = Some(opened?),
            }
            self.reader = RecordReader::default();
        }
    }

    /// Returns `true` if the path still names the open file.
    fn is_current(&mut self) -> io::Result<bool> {
        let Some(file) = &mut self.file else {
            return Ok(false);
        };
        let named = match fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            named => named?,
        };
        let (opened, length) = (file.get_ref().metadata(), named.len());
        // A file that is shorter than the position of the reader was truncated.
        Ok(is_same(opened, Ok(named)) && file.stream_position()? <= length)
    }

    /// Closes a deleted file: inotify would not report the end of its directory otherwise.
    fn close_deleted(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file
            && file.get_ref().metadata()?.nlink() == 0
        {
            self.file = None;
        }
        Ok(())
    }
}
