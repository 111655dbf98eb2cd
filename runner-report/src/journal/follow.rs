//! Reads a journal while it grows, is rotated, and is truncated.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use runner_exec::{StateDir, is_same};

use crate::journal::{
    reader::{RecordReader, open_parts},
    record::Record,
};

/// Reader of a journal that is still being written.
#[derive(Debug)]
pub struct JournalFollower {
    state_dir: PathBuf,
    /// The file that is read.
    file: Option<BufReader<File>>,
    /// The older part, which was read. It stays open, so that no other file gets its inode number.
    old: Option<BufReader<File>>,
    reader: RecordReader,
}

impl JournalFollower {
    /// Follows the journal of `state_dir`, which does not have to exist yet.
    pub fn new(state_dir: &Path) -> JournalFollower {
        JournalFollower {
            state_dir: state_dir.to_owned(),
            file: None,
            old: None,
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
            match self.next()? {
                None => return self.close_deleted(),
                next => self.file = next,
            }
            self.reader = RecordReader::default();
        }
    }

    /// Returns the file to read after the open one, if it exists. That is the older part, if the
    /// journal was renamed twice since the last read.
    fn next(&mut self) -> io::Result<Option<BufReader<File>>> {
        let [old, new] = open_parts(StateDir(&self.state_dir))?;
        if let Some(part) = &old {
            let is_part = |read: &BufReader<File>| {
                is_same(read.get_ref().metadata(), part.get_ref().metadata())
            };
            if !self.file.iter().chain(&self.old).any(is_part) {
                return Ok(old);
            }
        }
        self.old = old;
        Ok(new)
    }

    /// Returns `true` if the path still names the open file.
    fn is_current(&mut self) -> io::Result<bool> {
        let Some(file) = &mut self.file else {
            return Ok(false);
        };
        let named = match fs::metadata(StateDir(&self.state_dir).journal()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            named => named?,
        };
        let (opened, length) = (file.get_ref().metadata(), named.len());
        // A file that is shorter than the position of the reader was truncated.
        Ok(is_same(opened, Ok(named)) && file.stream_position()? <= length)
    }

    /// Closes deleted files: inotify would not report the end of their directory otherwise.
    fn close_deleted(&mut self) -> io::Result<()> {
        for file in [&mut self.file, &mut self.old] {
            if let Some(open) = file
                && open.get_ref().metadata()?.nlink() == 0
            {
                *file = None;
            }
        }
        Ok(())
    }
}
