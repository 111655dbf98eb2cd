//! Files that exist completely or not at all, also after a power cut.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::fs::OFlags;

use crate::process::Process;

/// Maximum size of a file of the state, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// A written file that is not at its final path yet. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Draft {
    draft: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Writes a draft of the file at `path`, and flushes it.
    pub(super) fn write(path: PathBuf, bytes: &[u8], mode: u32) -> io::Result<Draft> {
        let draft = draft_beside(&path)?;
        let draft = Draft { draft, path };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let mut file = options.open(&draft.draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(draft)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames the draft to its final path, and flushes the directory.
    pub(crate) fn commit(&self) -> io::Result<()> {
        fs::rename(&self.draft, &self.path)?;
        sync_directory(&self.path)
    }

    /// Commits the draft, unless the final path exists.
    pub(super) fn commit_new(&self) -> io::Result<()> {
        match fs::hard_link(&self.draft, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked.and_then(|()| sync_directory(&self.path)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a commit it does not exist. If this fails, a later run removes it.
        let _ = fs::remove_file(&self.draft);
    }
}

/// Returns a path for a draft of the file at `path`, which no task and no other runner uses. A
/// draft of a killed runner is removed; a link is not followed.
pub(super) fn draft_beside(path: &Path) -> io::Result<PathBuf> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_file_name(format!(".new.{}.{number}", process::id()));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(draft),
    }
}

/// Removes the drafts that killed runners have left in `directory`.
pub(super) fn remove_drafts(directory: &Path) -> io::Result<()> {
    // Version 0.1 named its drafts after the file, except those of marks.
    let prefixes = [".new.", ".taskdir.", ".halts.", ".lock."];
    let own = process::id() as i32;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let rest = prefixes.into_iter();
        let rest = rest
            .filter_map(|prefix| name.to_str()?.strip_prefix(prefix))
            .next();
        let pid = rest.and_then(|rest| rest.split('.').next()?.parse().ok());
        // This process has not written one yet, but an earlier one can have had its number.
        if pid.is_some_and(|pid| pid == own || Process::read(pid).is_none()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Reads a regular file of the state.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open_file(OpenOptions::new().read(true), path)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a regular file. Does not block on a pipe.
///
/// # Errors
///
/// It cannot be opened, or is not a regular file.
pub fn open_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits() as i32;
    let file = options.custom_flags(flags).open(path)?;
    let file_type = file.metadata()?.file_type();
    if file_type.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !file_type.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// Creates a directory and its parents, unless they exist.
///
/// # Errors
///
/// It cannot be created.
pub fn create_directory(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Ok(()),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        Err(_) => {
            DirBuilder::new().recursive(true).mode(0o755).create(path)?;
            sync_directory(path)
        }
    }
}

/// Flushes the directory of the file at `path`. Without it, a file that was created or renamed
/// can be gone after a power cut.
///
/// # Errors
///
/// The directory cannot be opened or flushed.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
