//! One file of a lock.
//!
//! flock needs only an open descriptor, so a user who can read the file can block a runner. So
//! the file is created with mode 0600, and a file with another mode or owner is not used.
//! Version 0.1 created it with 0644: a process of another user can have such a file open for
//! any time, and have its lock or wait for it. A change of the mode would not end that. So the
//! file is replaced:
//!
//! - If no process has its lock, this process takes it first, so no runner has it.
//! - If a process has its lock, `/proc/locks` names that process. A runner of version 0.1 was
//!   started by this user, by root or by the owner of the file, and blocks this one. Any other
//!   process does not.
//!
//! An unknown process (no `/proc`, another PID namespace) counts as a runner.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, FlockOperation, FsWord, OFlags, RenameFlags, flock, fstatfs, renameat_with},
    io::Errno,
    process::{Pid, geteuid, test_kill_process},
};

use super::{
    durable_file::{MAX_FILE_BYTES, draft_beside},
    holder::Holder,
    obstacle::Obstacle,
};
use crate::{
    process::{Process, flock_holders, real_user},
    same_file::is_same,
};

/// See `statfs(2)`.
const TMPFS_MAGIC: FsWord = 0x0102_1994;

/// Maximum number of looks for the process that has a lock, which can change meanwhile.
const MAX_LOOKS: u32 = 100;

/// A file that this process has locked, until it is dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
}

/// The result of an attempt to lock a file.
#[derive(Debug)]
pub(super) enum Attempt {
    Taken(LockFile),
    /// Another process has it.
    Blocked(Obstacle),
    /// There is no such file, and it cannot be created.
    Absent(io::Error),
}

impl LockFile {
    /// Locks the file at `path`, without waiting.
    ///
    /// # Errors
    ///
    /// The file exists, but cannot be opened or locked.
    pub(super) fn take(path: &Path) -> io::Result<Attempt> {
        let mut looks = 0;
        loop {
            let (file, is_private) = match open(path) {
                Ok(opened) => opened,
                Err(error) if is_absent(path) => return Ok(Attempt::Absent(error)),
                Err(error) => return Err(error),
            };
            let is_locked = match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // The process that had it removes the file at its end.
                Ok(()) if !is_at(&file, path) => continue,
                Ok(()) => true,
                Err(Errno::WOULDBLOCK) => false,
                Err(error) => return Err(error.into()),
            };
            match (is_locked, is_private) {
                (true, true) => {
                    let path = path.to_owned();
                    let holder = Holder::read(&file);
                    return Ok(match holder.and_then(Holder::survivor) {
                        None => Attempt::Taken(LockFile { path, file }),
                        // The file stays, for the next runner to find the task.
                        Some(survivor) => Attempt::Blocked(Obstacle::task(survivor)),
                    });
                }
                (false, true) => return Ok(Attempt::Blocked(Obstacle::runner(file, None))),
                (true, false) => replace(path, &file, is_locked)?,
                (false, false) => match Suspect::of(&file)? {
                    Suspect::Stranger => replace(path, &file, is_locked)?,
                    Suspect::Unknown if looks < MAX_LOOKS => looks += 1,
                    Suspect::Unknown => return Ok(Attempt::Blocked(Obstacle::runner(file, None))),
                    Suspect::Runner(process) => {
                        return Ok(Attempt::Blocked(Obstacle::runner(file, process)));
                    }
                },
            }
        }
    }

    /// Writes the text at the beginning of the file, with one call. A rest of the old text follows
    /// after the empty line at the end.
    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        self.file.write_all_at(text.as_bytes(), 0)
    }

    /// Returns `true` if a write does not wait for a disk.
    pub(super) fn is_in_memory(&self) -> bool {
        fstatfs(&self.file).is_ok_and(|it| it.f_type == TMPFS_MAGIC)
    }

    /// Returns `true` if `path` leads to this file.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path && is_at(&self.file, path)
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // No other runner has it while it is locked, unless it was removed before.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens or creates the file at `path`. Also returns `true` if only this user could open it since
/// it was created.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).write(true).mode(0o600);
    options.custom_flags(flags.bits() as i32);
    loop {
        match options.create_new(false).open(path) {
            Ok(file) => {
                let metadata = file.metadata()?;
                if !metadata.is_file() {
                    return Err(io::Error::other("it is not a regular file"));
                }
                let is_closed = metadata.mode() & 0o077 == 0;
                let is_own = metadata.uid() == geteuid().as_raw();
                return Ok((file, is_closed && is_own));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        match options.create_new(true).open(path) {
            Ok(file) => {
                // The umask can have removed too much. Some file systems have no modes.
                let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
                return Ok((file, true));
            }
            // Another runner was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns `true` if there is certainly no file at `path`.
fn is_absent(path: &Path) -> bool {
    let error = fs::symlink_metadata(path).err().map(|error| error.kind());
    matches!(error, Some(ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn is_at(file: &File, path: &Path) -> bool {
    is_same(file.metadata(), fs::symlink_metadata(path))
}

/// The process that has locked a file which other users can open.
enum Suspect {
    /// It can be a runner; `None` if it is not visible.
    Runner(Option<Process>),
    /// It was started by a user whose runner could not have this file.
    Stranger,
    /// It has just unlocked the file, or is not visible.
    Unknown,
}

impl Suspect {
    fn of(file: &File) -> io::Result<Suspect> {
        let metadata = file.metadata()?;
        let Ok(holders) = flock_holders(metadata.ino()) else {
            return Ok(Suspect::Unknown);
        };
        let users = [0, geteuid().as_raw(), metadata.uid()];
        let has_runner = |pid: &&i32| match real_user(**pid) {
            Some(user) => users.contains(&user),
            // It has ended, or is hidden from this user (`hidepid`).
            None => {
                Pid::from_raw(**pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
            }
        };
        Ok(match holders.iter().find(has_runner) {
            Some(pid) => Suspect::Runner(Process::read(*pid)),
            None if holders.is_empty() => Suspect::Unknown,
            None => Suspect::Stranger,
        })
    }
}

/// Replaces `old` at `path` by a new file with the same content, unless another runner has done
/// so.
fn replace(path: &Path, old: &File, is_locked: bool) -> io::Result<()> {
    let draft = draft_beside(path)?;
    let (new, _) = open(&draft)?;
    let mut content = Vec::new();
    old.take(MAX_FILE_BYTES).read_to_end(&mut content)?;
    new.write_all_at(&content, 0)?;
    // No other runner locks it at its temporary path.
    flock(&new, FlockOperation::NonBlockingLockExclusive)?;
    let exchange = || renameat_with(CWD, &draft, CWD, path, RenameFlags::EXCHANGE);
    let done = match exchange() {
        // Restore the file of a runner that was faster.
        Ok(()) if !is_at(old, &draft) => exchange(),
        done => done,
    };
    let done = match done {
        // A file system without exchange. The lock keeps other runners from `path`.
        Err(Errno::INVAL) if is_locked => return fs::rename(&draft, path),
        // It was removed; the next attempt finds no file or a new one.
        Err(Errno::NOENT) => Ok(()),
        done => done.map_err(io::Error::from),
    };
    fs::remove_file(&draft)?;
    done
}
