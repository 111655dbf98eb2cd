//! Edge: a journal as it grows, is moved away, and begins anew.

use std::{
    fs::{self, File},
    io::{self, BufReader, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use runner_exec::StateDir;

use crate::journal::{
    reader::{Reader, open},
    record::Record,
};

#[derive(Debug)]
pub(crate) struct Follow {
    path: PathBuf,
    file: Option<BufReader<File>>,
    reader: Reader,
}

impl Follow {
    /// The journal of `state_dir`, which need not be there yet.
    pub(crate) fn new(state_dir: &Path) -> Follow {
        Follow {
            path: StateDir(state_dir).journal(),
            file: None,
            reader: Reader::default(),
        }
    }

    /// Reads on to the present end.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&Record)) -> io::Result<()> {
        // The old file has to be read to its end before the new one is.
        loop {
            if let Some(file) = &mut self.file {
                self.reader.read(file, &mut each)?;
            }
            if self.is_current()? {
                return Ok(());
            }
            self.file = match open(&self.path) {
                // It was moved away just now; whatever has its name next is a change.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                opened => Some(opened?),
            };
            self.reader = Reader::default();
        }
    }

    /// Whether the file that is open is the one that has the name now, or none has it.
    fn is_current(&mut self) -> io::Result<bool> {
        let opened = self.file.as_ref().map(|file| file.get_ref().metadata());
        let opened = opened.transpose()?;
        let named = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // What is deleted holds its directory, whose end would go unnoticed.
                if opened.is_some_and(|opened| opened.nlink() == 0) {
                    self.file = None;
                }
                return Ok(true);
            }
            named => named?,
        };
        let (Some(opened), Some(file)) = (opened, &mut self.file) else {
            return Ok(false);
        };
        let is_same = (opened.dev(), opened.ino()) == (named.dev(), named.ino());
        // A file that is shorter than what was read of it was written anew.
        Ok(is_same && file.stream_position()? <= named.len())
    }
}
