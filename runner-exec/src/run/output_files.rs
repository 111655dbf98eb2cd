//! The files that tasks write their outputs to, in a private directory.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where directories of killed runners are removed"
)]

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use runner_config::reason;
use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, openat, unlinkat},
    io::Errno,
    process::geteuid,
};

use crate::{
    private_directory::{PrivateDirectory, runtime_directory},
    run::outputs::{MAX_OUTPUT_FILE_BYTES, Variables, parse_outputs},
};

/// Beginning of the name of a directory.
const PREFIX: &str = "runner-outputs.";

/// The files of one run. Only the user of the runner can enter their directory.
pub(super) struct OutputFiles {
    directory: PrivateDirectory,
    number: AtomicU64,
}

/// The file of one start of a task. It does not exist until the task creates it.
pub(super) struct OutputFile<'a> {
    directory: &'a PrivateDirectory,
    name: OsString,
}

impl OutputFiles {
    /// Creates the directory. Removes those of killed runners where no other user can put one,
    /// which could be a mount that blocks.
    pub(super) fn new() -> io::Result<OutputFiles> {
        let runtime = runtime_directory();
        runtime.iter().for_each(|place| remove_abandoned(place));
        let others = [env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let places = runtime.into_iter().chain(others);
        let mut refused = io::ErrorKind::NotFound.into();
        for place in places.filter(|place| place.is_absolute()) {
            match PrivateDirectory::new_in(&place, PREFIX, 0o700) {
                Ok(directory) => {
                    return Ok(OutputFiles {
                        directory,
                        number: AtomicU64::new(1),
                    });
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Returns a file with a new name.
    pub(super) fn next(&self) -> OutputFile<'_> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        OutputFile {
            directory: &self.directory,
            name: number.to_string().into(),
        }
    }
}

/// Removes the directories that killed runners of this user have left in `place`: those that are
/// not locked.
fn remove_abandoned(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if !entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(lock) = openat(CWD, entry.path(), flags, Mode::empty()).map(File::from) else {
            continue;
        };
        let is_ours = (lock.metadata()).is_ok_and(|metadata| metadata.uid() == geteuid().as_raw());
        if is_ours && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl OutputFile<'_> {
    /// Returns its path.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// Reads and removes it. Never blocks.
    ///
    /// # Errors
    ///
    /// Its content or the file itself is wrong, for this reason.
    pub(super) fn take(&self) -> Result<Variables, String> {
        // A lease of a task would otherwise delay this, and a pipe would block it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let bytes = match openat(self.directory, &self.name, flags, Mode::empty()) {
            // The task has none, as most tasks.
            Err(Errno::NOENT) => return Ok(Variables::new()),
            Err(Errno::LOOP) => Err("its file is a symlink".to_owned()),
            Err(Errno::NXIO) => Err("its file is a socket".to_owned()),
            Err(error) => Err(unreadable(&error.into())),
            Ok(file) => read(file.into()),
        };
        self.remove();
        parse_outputs(&bytes?)
    }

    /// Removes it. A directory is removed with all files at the end of the run.
    pub(super) fn remove(&self) {
        let _ = unlinkat(self.directory, &self.name, AtFlags::empty());
    }
}

/// Reads a file, up to one byte more than its maximum size.
fn read(file: File) -> Result<Vec<u8>, String> {
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err("its file is not a regular file".to_owned());
    }
    if metadata.uid() != geteuid().as_raw() {
        return Err("its file belongs to another user".to_owned());
    }
    let mut bytes = Vec::new();
    let mut file = file.take(MAX_OUTPUT_FILE_BYTES as u64 + 1);
    let read = file.read_to_end(&mut bytes);
    read.map_err(|error| unreadable(&error))?;
    if bytes.len() > MAX_OUTPUT_FILE_BYTES {
        let max = MAX_OUTPUT_FILE_BYTES >> 10;
        return Err(format!("its file is larger than {max}K"));
    }
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot read its file: {}", reason(error))
}
