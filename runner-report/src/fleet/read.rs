//! Finds the journals of many hosts, and reads them.
#![expect(
    clippy::disallowed_methods,
    reason = "`--fleet` searches directories for journals"
)]

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, ErrorKind, Read},
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use runner_config::name_text;
use runner_exec::open_file;

use crate::{fleet::collector::FleetCollector, journal::reader::RecordReader};

/// Levels of directories that are searched.
const MAX_LEVELS: usize = 3;

/// Size of the read buffer: most of many journals are small.
const BUFFER_BYTES: usize = 1 << 16;

/// Name of the journal in a state directory.
const OWN_JOURNAL: &str = "journal.jsonl";

const JOURNAL: &str = ".jsonl";
const OLD: &str = ".old";

/// Receives what cannot be read.
type OnError<'a> = &'a mut dyn FnMut(&Path, &io::Error);

impl FleetCollector {
    /// Reads journals: files, each with its older part; directories that contain them; or `-` for
    /// stdin.
    ///
    /// # Errors
    ///
    /// A file or directory does not exist.
    // Inlined into another crate, it would not be built for size any more.
    #[inline(never)]
    pub fn read(&mut self, path: &Path, on_error: OnError) -> io::Result<()> {
        if path.as_os_str() == "-" {
            self.add_source("-".to_owned());
            let stdin = io::stdin().as_fd().try_clone_to_owned();
            let read = stdin.and_then(|stdin| self.read_file(stdin.into(), u64::MAX));
            self.note(path, read, on_error);
            return Ok(());
        }
        match fs::metadata(path) {
            Err(error) if is_missing(&error) && !older_part(path).is_file() => return Err(error),
            Ok(metadata) if metadata.is_dir() => self.search(path, MAX_LEVELS, on_error),
            Ok(_) | Err(_) => self.read_parts(&without_old(path), on_error),
        }
        Ok(())
    }

    /// Reads the journals in `directory`, down to this many levels. Links to directories are not
    /// followed: they can form a circle.
    fn search(&mut self, directory: &Path, levels: usize, on_error: OnError) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return self.note_directory(directory, error, on_error),
        };
        for entry in entries {
            let entry = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)));
            let (path, kind) = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.note_directory(directory, error, on_error);
                    continue;
                }
            };
            if kind.is_dir() && levels > 1 {
                self.search(&path, levels - 1, on_error);
            }
            let journal = without_old(&path);
            // The older part is read with the newer one.
            let is_first = journal == path || !journal.is_file();
            // A link that cannot be followed is unreadable.
            let is_file = kind.is_file() || kind.is_symlink() && !path.is_dir();
            if is_file && is_first && journal.as_os_str().as_bytes().ends_with(JOURNAL.as_bytes()) {
                self.read_parts(&journal, on_error);
            }
        }
    }

    /// Reads a journal, the older part first.
    fn read_parts(&mut self, path: &Path, on_error: OnError) {
        let directory = directory_name(path.parent().unwrap_or(path));
        if path.ends_with(OWN_JOURNAL) {
            self.add_journal(directory);
        } else {
            self.add_source(directory);
        }
        let old_path = older_part(path);
        // Opened first: if it is renamed now, it is read twice, and not left out.
        let current = open_file(OpenOptions::new().read(true), path);
        let old = open_file(OpenOptions::new().read(true), &old_path);
        for (path, file) in [(&*old_path, old), (path, current)] {
            let read = file.and_then(|file| {
                // A file that grows is read up to its present end.
                let size = file.metadata()?.len();
                self.read_file(file, size)
            });
            self.note(path, read, on_error);
        }
    }

    fn read_file(&mut self, file: File, size: u64) -> io::Result<()> {
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file.take(size));
        RecordReader::default().read_lines(&mut file, &mut |line| self.add_line(line))
    }

    fn note_directory(&mut self, directory: &Path, error: io::Error, on_error: OnError) {
        self.add_source(directory_name(directory));
        self.note(directory, Err(error), on_error);
    }

    fn note(&mut self, path: &Path, read: io::Result<()>, on_error: OnError) {
        match read {
            // There is only one part, or it was removed meanwhile.
            Err(error) if error.kind() != ErrorKind::NotFound => {
                self.mark_unreadable();
                on_error(path, &error);
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// Returns the path of a journal, also for that of its older part.
fn without_old(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let journal = bytes.strip_suffix(OLD.as_bytes());
    PathBuf::from(OsStr::from_bytes(journal.unwrap_or(bytes)))
}

/// Returns the path of the older part of a journal.
fn older_part(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(OLD);
    PathBuf::from(path)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Returns the name of a directory, also of `.` and `..`.
fn directory_name(directory: &Path) -> String {
    let full = match directory.file_name() {
        Some(_) => directory.to_owned(),
        None if directory.as_os_str().is_empty() => fs::canonicalize(".").unwrap_or_default(),
        None => fs::canonicalize(directory).unwrap_or_default(),
    };
    name_text(full.file_name().unwrap_or(full.as_os_str())).into_owned()
}
