//! Files that are there as a whole or not at all, also after a power cut.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::process::Process;

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
    let draft = draft_of(path);
    write(&draft, bytes)?;
    put(&draft, path).inspect_err(|_| remove(&draft))
}

/// Makes the file at `path`, unless there is one.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path);
    write(&draft, bytes)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.and_then(|()| sync_directory(path)),
    }
}

/// The name under which a file is written before it is put into its place. Another
/// runner's is another one.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

/// Writes a file that is not in its place yet, and no other: one that a killed run left
/// is made anew, and a link is not followed.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn write(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(draft)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.inspect_err(|_| remove(draft))
}

/// Removes a draft that is not needed. If it stays, a later run removes it.
pub(super) fn remove(draft: &Path) {
    let _ = fs::remove_file(draft);
}

/// Removes what killed runners have left in `directory` of files that were not in their
/// places yet: their names begin with one of `prefixes`, then comes the runner's number.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where old drafts are looked for"
)]
pub(super) fn remove_drafts(directory: &Path, prefixes: &[&str]) -> io::Result<()> {
    let own = std::process::id() as i32;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let mut prefixes = prefixes.iter();
        let rest = prefixes.find_map(|prefix| name.to_str()?.strip_prefix(prefix));
        let pid = rest.and_then(|rest| rest.split('.').next()?.parse().ok());
        // This process has written none yet; an earlier one may have had its number.
        if pid.is_some_and(|pid| pid == own || Process::read(pid).is_none()) {
            remove(&entry.path());
        }
    }
    Ok(())
}

/// Reads a file of the state, of which none is large. What is no file would be waited
/// for, and is an error.
///
/// # Errors
///
/// It is not there, or cannot be read.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let file = open_file(OpenOptions::new().read(true), path)?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// No file of the state is as large.
pub(super) const LARGEST: u64 = 1 << 20;

/// Opens what has to be a regular file: a pipe would be waited for.
///
/// # Errors
///
/// It cannot be opened, or is something else.
pub fn open_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)?;
    let file_type = file.metadata()?.file_type();
    if file_type.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    match file_type.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
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
