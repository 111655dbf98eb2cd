//! Parses the bytes of a journal into records.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use runner_exec::{StateDir, Trust, open_file};

use crate::journal::record::Record;

/// Maximum length of a line; longer lines are skipped. After a power cut a file can contain
/// more NULs than fit into memory.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Write permission bits of group and others; the group bits also cover access control lists.
const OTHERS_CAN_WRITE: u32 = 0o022;

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
pub fn read_journal(state_dir: &Path, each: impl FnMut(&Record)) -> io::Result<Author> {
    let path = StateDir(state_dir).journal();
    let mut journal = open(&path)?;
    // From the open file: the path can name another file by now.
    let metadata = journal.get_ref().metadata()?;
    RecordReader::default().read(&mut journal, each)?;
    let is_private = metadata.mode() & OTHERS_CAN_WRITE == 0;
    let author = is_private.then_some(metadata.uid());
    Ok(Author(author.filter(|&author| is_authentic(&path, author))))
}

/// Returns `true` if only root and `author` can have made `author` the owner of the journal.
/// Otherwise another user could point root at a file of `/proc` or a FUSE mount. Readers
/// other than root see only files that they can read anyway.
fn is_authentic(path: &Path, author: u32) -> bool {
    let trust = Trust::of_root([author]);
    trust.is_none_or(|trust| trust.check().path(path).is_ok())
}

pub(crate) fn open(path: &Path) -> io::Result<BufReader<File>> {
    let file = open_file(OpenOptions::new().read(true), path)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
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
        from: &mut impl BufRead,
        mut each: impl FnMut(&Record),
    ) -> io::Result<()> {
        loop {
            let room = MAX_LINE_BYTES - self.line.len();
            let mut part = from.by_ref().take(room as u64);
            let is_end = part.read_until(b'\n', &mut self.line)? == 0;
            let is_line = self.line.ends_with(b"\n");
            // The beginning of an object is not JSON, so an incomplete line is not taken for a
            // complete one.
            if (is_line || is_end)
                && !self.is_too_long
                && let Ok(line) = str::from_utf8(&self.line)
                && let Ok(record) = Record::parse(line)
            {
                each(&record);
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
