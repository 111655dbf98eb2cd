//! `log_dir`: the directory for the output of tasks, one file per task and try. The file itself
//! is stdout and stderr of the task, so nothing copies the output.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where old logs are found"
)]

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Seek, SeekFrom},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

use crate::{
    plan::task_name::TaskName,
    run::{
        output_line::{OutputLine, last_lines},
        run_id::RunId,
    },
};

/// Maximum number of bytes in the shown end of an output.
const TAIL_BYTES: u64 = 64 * 1024;

/// Maximum number of bytes in a file name (NAME_MAX).
const MAX_FILE_NAME: usize = 255;

/// The logs of one run.
#[derive(Clone, Debug)]
pub struct Logs {
    directory: PathBuf,
}

impl Logs {
    /// Creates the directory of the run `id` in `log_dir`, and removes the oldest ones so that
    /// `keep` are left; 0 keeps all.
    ///
    /// # Errors
    ///
    /// The directory cannot be created.
    pub fn create(log_dir: &Path, id: &RunId, keep: u32) -> io::Result<Logs> {
        let directory = log_dir.join(id.as_str());
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(&directory)?;
        if keep > 0 {
            // The next run tries again.
            let _ = remove_old(log_dir, id, keep);
        }
        Ok(Logs { directory })
    }

    /// Returns the file for the output of `task` in try `try_num`: `TASK.TRY.log`, or a shortened
    /// name with a hash if that is too long for a file name.
    pub fn path(&self, task: &TaskName, try_num: u32) -> PathBuf {
        let name = task.as_os_str().as_bytes();
        let mut end = format!(".{try_num}.log");
        let mut kept = name.len();
        if name.len() + end.len() > MAX_FILE_NAME {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            end = format!("~{:016x}{end}", hasher.finish());
            let is_start = |cut: &usize| name[*cut] & 0xc0 != 0x80;
            // Not within a character.
            let room = MAX_FILE_NAME - end.len();
            kept = (1..=room).rev().find(is_start).unwrap_or(room);
        }
        let file = [&name[..kept], end.as_bytes()].concat();
        self.directory.join(OsStr::from_bytes(&file))
    }
}

/// Creates the file at `path` for the output of a task. Fails if the path exists: a task can have
/// put a pipe there, which would block the runner, or a link, which would lead to another file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o640)
        .open(path)
}

/// Removes the oldest runs, but never `own`: the clock could have been set back.
fn remove_old(log_dir: &Path, own: &RunId, keep: u32) -> io::Result<()> {
    let names = fs::read_dir(log_dir)?
        .flatten()
        .map(|entry| entry.file_name());
    // Only directories that are named like a run are removed.
    let runs = names.filter_map(|name| RunId::parse(name.to_str()?));
    let mut runs: Vec<RunId> = runs.filter(|run| run != own).collect();
    // A run that is later than this one is from a clock that was ahead. It comes first, or it
    // would be the newest for years.
    runs.sort();
    runs.sort_by_key(|run| run <= own);
    let old = (runs.len() + 1).saturating_sub(keep as usize);
    for run in &runs[..old] {
        // If one cannot be removed, the others still are.
        let _ = fs::remove_dir_all(log_dir.join(run.as_str()));
    }
    Ok(())
}

/// Returns the last lines of the file at `path`, escaped for a terminal. Does not block on a
/// pipe and does not follow a link that the task has put there. With `owner`, the file must
/// belong to that user.
///
/// # Errors
///
/// It cannot be read, is not a regular file, or belongs to another user.
pub fn tail(path: &Path, owner: Option<u32>) -> io::Result<Vec<OutputLine>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::LOOP | Errno::NXIO) => not_regular(),
            _ => error,
        })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    if owner.is_some_and(|owner| owner != metadata.uid()) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let length = metadata.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    // It can grow meanwhile.
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(last_lines(&bytes))
}

fn not_regular() -> io::Error {
    io::Error::other("it is not a regular file")
}
