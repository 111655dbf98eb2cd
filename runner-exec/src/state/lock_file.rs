//! One file of a lock.
//!
//! flock needs an open descriptor and no permission beyond that, so a user who can read the
//! file can keep a runner out. A file is therefore made with mode 0600.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};

use super::{holder::Holder, obstacle::Obstacle};

/// A file that this process has locked, until it is dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    pub(super) file: File,
}

/// The result of an attempt to lock a file.
#[derive(Debug)]
pub(super) enum Attempt {
    Taken(LockFile),
    /// Another process is in the way.
    Blocked(Obstacle),
    /// There is no such file, and it cannot be made.
    Absent(io::Error),
}

impl LockFile {
    /// Locks the file at `path`, without waiting.
    ///
    /// # Errors
    ///
    /// There is a file, and it cannot be opened or locked.
    pub(super) fn take(path: &Path) -> io::Result<Attempt> {
        loop {
            let file = match open(path) {
                Ok(file) => file,
                Err(error) if is_absent(path) => return Ok(Attempt::Absent(error)),
                Err(error) => return Err(error),
            };
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // The process that had it removes the file at its end.
                Ok(()) if !is_at(&file, path) => continue,
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(Attempt::Blocked(Obstacle::runner(file))),
                Err(error) => return Err(error.into()),
            }
            let path = path.to_owned();
            let holder = Holder::read(&file);
            return Ok(match holder.and_then(Holder::survivor) {
                None => Attempt::Taken(LockFile { path, file }),
                // The file stays, for the next runner to find the task.
                Some(survivor) => Attempt::Blocked(Obstacle::task(survivor)),
            });
        }
    }

    /// Whether it is the file that others find at `path`.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path && is_at(&self.file, path)
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // While it is locked it is no other runner's, unless it was removed before.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens or makes the file at `path`.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).write(true).mode(0o600);
    options.custom_flags(flags.bits() as i32);
    loop {
        match options.create_new(false).open(path) {
            Ok(file) => {
                return match file.metadata()?.is_file() {
                    true => Ok(file),
                    false => Err(io::Error::other("it is not a regular file")),
                };
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        match options.create_new(true).open(path) {
            Ok(file) => {
                // The umask may have taken away too much. Some file systems have no modes.
                let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
                return Ok(file);
            }
            // Another runner was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether there is certainly no file at `path`.
fn is_absent(path: &Path) -> bool {
    let error = fs::symlink_metadata(path).err().map(|error| error.kind());
    matches!(error, Some(ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(path)) => (file.dev(), file.ino()) == (path.dev(), path.ino()),
        _ => false,
    }
}
