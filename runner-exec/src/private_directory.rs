//! Directories for one user: the runtime directory, and private directories, which are new, removed
//! at the end, and locked meanwhile.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where XDG_RUNTIME_DIR is read, and private directories are locked"
)]

use std::{
    env,
    fs::{self, File, Permissions},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use tempfile::TempDir;

use crate::same_file::is_same;

/// Returns the directory in which only this user, or root, creates files, and which is empty after
/// a boot; `None` if there is none.
pub(crate) fn runtime_directory() -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some("/run".into());
    }
    let named = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    named.filter(|directory| directory.is_absolute())
}

/// A directory that is removed when it is dropped. Programs that clean temporary directories,
/// such as systemd-tmpfiles, keep it while it is locked.
#[derive(Debug)]
pub struct PrivateDirectory {
    directory: TempDir,
    lock: File,
}

impl PrivateDirectory {
    /// Creates a directory in `place`, whose name begins with `prefix`.
    ///
    /// # Errors
    ///
    /// It cannot be created, or a cleaner removed it at once.
    pub fn new_in(place: &Path, prefix: &str, mode: u32) -> io::Result<PrivateDirectory> {
        let directory = tempfile::Builder::new()
            .prefix(prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place)?;
        // The umask has no effect on this.
        fs::set_permissions(directory.path(), Permissions::from_mode(mode))?;
        let lock = File::open(directory.path())?;
        // On a file system without locks, no cleaner checks for them.
        let _ = flock(&lock, FlockOperation::NonBlockingLockShared);
        if !is_same(fs::symlink_metadata(directory.path()), lock.metadata()) {
            return Err(io::Error::other("another process removed it"));
        }
        Ok(PrivateDirectory { directory, lock })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// The directory itself, whatever is at its path.
impl AsFd for PrivateDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }
}
