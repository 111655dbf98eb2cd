//! From the bytes of a journal to its records, as far as it is written.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use runner_exec::{StateDir, Trust, open_file};

use crate::journal::record::Record;

/// A longer line is none of ours, and may be longer than the memory is large: after a
/// power cut a file may have any number of NULs in it.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The permission to write of everybody but the owner, also by an access control list.
const OTHERS_CAN_WRITE: u32 = 0o022;

/// Few system calls for a long journal.
const BUFFER_BYTES: usize = 1 << 18;

/// The user who alone can have written a journal, or `None` if others could write it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author(pub Option<u32>);

/// Hands each record of the journal in `state_dir` to `each`.
///
/// # Errors
///
/// There is no journal, or it cannot be read.
pub fn read_journal(state_dir: &Path, each: impl FnMut(&Record)) -> io::Result<Author> {
    let path = StateDir(state_dir).journal();
    let mut journal = open(&path)?;
    // Of the file that is read, and not of what has its name by then.
    let metadata = journal.get_ref().metadata()?;
    RecordReader::default().read(&mut journal, each)?;
    let is_private = metadata.mode() & OTHERS_CAN_WRITE == 0;
    let author = is_private.then_some(metadata.uid());
    Ok(Author(author.filter(|&author| is_authentic(&path, author))))
}

/// Returns `true` if nobody but root and `author` can have made the journal belong to `author`.
/// Another user can let root read a link to a file of `/proc`, or a FUSE mount. For other
/// readers that shows only what they can read themselves.
fn is_authentic(path: &Path, author: u32) -> bool {
    let trust = Trust::of_root([author]);
    trust.is_none_or(|trust| trust.check().path(path).is_ok())
}

pub(crate) fn open(path: &Path) -> io::Result<BufReader<File>> {
    let file = open_file(OpenOptions::new().read(true), path)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// The line that is being read.
#[derive(Debug, Default)]
pub(crate) struct RecordReader {
    line: Vec<u8>,
    /// Whether its beginning was thrown away.
    is_too_long: bool,
}

impl RecordReader {
    /// Reads on to the present end, and hands each record to `each`. What is no record is
    /// passed over.
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
            // What is only the beginning of an object is no JSON, so a line that was not
            // written to its end is not mistaken for one that was.
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
