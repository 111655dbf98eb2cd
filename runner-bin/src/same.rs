//! Whether two are the same file, pipe or terminal.

use std::path::Path;

use rustix::{
    fs::{Stat, stat},
    io::Result,
};

/// By what is known of both; nothing is the same as what cannot be looked at.
pub(crate) fn is_same(a: Result<Stat>, b: Result<Stat>) -> bool {
    let id = |stat: Stat| (stat.st_dev, stat.st_ino);
    a.map(id).is_ok_and(|a| b.map(id) == Ok(a))
}

/// Returns `true` if both paths lead to the same file.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    is_same(stat(a), stat(b))
}
