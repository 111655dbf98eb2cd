//! Files that are there as a whole or not at all, also after a power cut.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// Makes a directory, and those on the way to it, unless they are there.
///
/// # Errors
///
/// It cannot be made.
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

/// Makes `bytes` the content of the file at `path`.
///
/// # Errors
///
/// It cannot be written; what was there before is still there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    let draft = path.with_file_name(name);
    write(&draft, bytes)?;
    put(&draft, path)
}

/// Writes a file that is not in its place yet.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn write(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a file that was written into its place.
///
/// # Errors
///
/// It cannot be renamed, or its directory not be flushed.
pub(super) fn put(draft: &Path, path: &Path) -> io::Result<()> {
    fs::rename(draft, path)?;
    sync_directory(path)
}

/// Flushes the directory that the file at `path` stands in: without that, a file that
/// was made or renamed may be gone after a power cut.
///
/// # Errors
///
/// The directory cannot be opened or flushed.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}
