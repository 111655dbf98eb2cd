//! Parses the bytes of a journal into records.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use runner_exec::{StateDir, Trust, is_same, open_file};
use serde::de::IgnoredAny;

use crate::journal::record::Record;

/// Maximum length of a line; longer lines are skipped. After a power cut a file can contain
/// more NULs than fit into memory.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Write permission bits of group and others; the group bits also cover access control lists.
const OTHERS_CAN_WRITE: u32 = 0o022;

/// Begin of a line, as the runner writes it.
const BEGIN: &[u8] = b"{\"ts\":\"";

/// Size of the read buffer: few system calls for a long journal.
const BUFFER_BYTES: usize = 1 << 18;

/// The only user besides root who could write the journal, or `None` if others could, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author(pub Option<u32>);

/// Calls `each` for each record of the journal in `state_dir`.
///
/// # Errors
///
/// There is no journal, or it cannot be read.
pub fn read_journal(state_dir: &Path, mut each: impl FnMut(&Record)) -> io::Result<Author> {
    read_parts(state_dir, &mut each)
}

/// Reads both parts of a journal. There is one copy of this for all callers.
fn read_parts(state_dir: &Path, each: &mut dyn FnMut(&Record)) -> io::Result<Author> {
    let state_dir = StateDir(state_dir);
    let mut authors = Vec::new();
    for (file, path) in open_parts(state_dir)?.into_iter().zip(paths(state_dir)) {
        let Some(mut file) = file else {
            continue;
        };
        // From the open file: the path can name another file by now.
        let metadata = file.get_ref().metadata()?;
        RecordReader::default().read(&mut file, each)?;
        let is_private = metadata.mode() & OTHERS_CAN_WRITE == 0;
        let author = is_private.then_some(metadata.uid());
        authors.push(author.filter(|&author| is_authentic(&path, author)));
    }
    authors.dedup();
    match authors[..] {
        [] => Err(ErrorKind::NotFound.into()),
        [author] => Ok(Author(author)),
        _ => Ok(Author(None)),
    }
}

/// Returns the paths of the parts of a journal, the older one first.
fn paths(state_dir: StateDir) -> [PathBuf; 2] {
    [state_dir.old_journal(), state_dir.journal()]
}

/// Opens the parts of a journal that exist, the older one first.
pub(crate) fn open_parts(state_dir: StateDir) -> io::Result<[Option<BufReader<File>>; 2]> {
    let [old_path, path] = paths(state_dir);
    loop {
        let new = open(&path)?;
        let old = open(&old_path)?;
        // Otherwise the new part was renamed meanwhile, and `old` may be the same file.
        let is_unchanged = match &new {
            Some(new) => is_same(new.get_ref().metadata(), fs::metadata(&path)),
            None => !path.exists(),
        };
        if is_unchanged {
            return Ok([old, new]);
        }
    }
}

/// Returns `true` if only root and `author` can have made `author` the owner of the journal.
/// Otherwise another user could point root at a file of `/proc` or a FUSE mount. Readers
/// other than root see only files that they can read anyway.
fn is_authentic(path: &Path, author: u32) -> bool {
    let trust = Trust::of_root([author]);
    trust.is_none_or(|trust| trust.check().path(path).is_ok())
}

/// Opens a part of a journal, unless it does not exist.
fn open(path: &Path) -> io::Result<Option<BufReader<File>>> {
    match open_file(OpenOptions::new().read(true), path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        opened => Ok(Some(BufReader::with_capacity(BUFFER_BYTES, opened?))),
    }
}

/// Returns the last record of a line that is not JSON. Files can be joined after one whose last
/// line is incomplete. A string in JSON cannot contain the begin of a record, because its quotes
/// would be escaped.
fn after_torn(line: &[u8]) -> Option<&str> {
    let begins = line.windows(BEGIN.len()).rposition(|part| part == BEGIN)?;
    let is_torn = begins > 0 && serde_json::from_slice::<IgnoredAny>(line).is_err();
    str::from_utf8(&line[begins..]).ok().filter(|_| is_torn)
}

/// Splits a stream into lines and parses them. Keeps the last line if it is incomplete.
#[derive(Debug, Default)]
pub(crate) struct RecordReader {
    line: Vec<u8>,
    /// `true` while the rest of a line that is too long is skipped.
    is_too_long: bool,
}

impl RecordReader {
    /// Reads up to the current end, and calls `each` for each record. Lines that are not
    /// records are skipped.
    pub(crate) fn read(
        &mut self,
        from: &mut dyn BufRead,
        each: &mut dyn FnMut(&Record),
    ) -> io::Result<()> {
        self.read_lines(from, &mut |line| {
            let record = Record::parse(line);
            record.iter().for_each(&mut *each);
            record.is_ok()
        })
    }

    /// Reads up to the current end, and calls `each` for each line that is text; it returns
    /// `true` if the line is a record.
    pub(crate) fn read_lines(
        &mut self,
        from: &mut dyn BufRead,
        each: &mut dyn FnMut(&str) -> bool,
    ) -> io::Result<()> {
        loop {
            let room = MAX_LINE_BYTES - self.line.len();
            let mut part = (&mut *from).take(room as u64);
            let is_end = part.read_until(b'\n', &mut self.line)? == 0;
            let is_line = self.line.ends_with(b"\n");
            // The beginning of an object is not JSON, so an incomplete line is not taken for a
            // complete one.
            if (is_line || is_end)
                && !self.is_too_long
                && (str::from_utf8(&self.line).is_ok_and(&mut *each)
                    || after_torn(&self.line).is_some_and(&mut *each))
            {
                self.line.clear();
            }
            if is_line || self.line.len() == MAX_LINE_BYTES {
                self.is_too_long = !is_line;
                self.line.clear();
            }
            if is_end {
                return Ok(());
            }
        }
    }
}
