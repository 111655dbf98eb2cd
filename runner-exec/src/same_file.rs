//! Identity of files.

use std::{
    fs::{self, File, Metadata},
    io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::Path,
};

/// Returns `true` if both are the same file, pipe or terminal; `false` if the metadata of one
/// cannot be read.
pub fn is_same(a: io::Result<Metadata>, b: io::Result<Metadata>) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    a.map(id).is_ok_and(|a| b.map(id).is_ok_and(|b| a == b))
}

/// Returns `true` if both paths lead to the same file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    is_same(fs::metadata(a), fs::metadata(b))
}

/// Returns the metadata of an open file.
pub fn open_metadata(file: impl AsFd) -> io::Result<Metadata> {
    File::from(file.as_fd().try_clone_to_owned()?).metadata()
}
