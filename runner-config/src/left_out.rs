//! Names that editors, package managers and people give to files that are not
//! meant to be used. Task directories and `include_dir` leave out the same ones.

use std::ffi::OsStr;

const STARTS: [&str; 3] = [".", "#", "README"];

const ENDINGS: [&str; 13] = [
    "~",
    ".bak",
    ".orig",
    ".rej",
    ".swp",
    ".tmp",
    ".old",
    ".off",
    ".save",
    ".dist",
    ".disabled",
    ".sample",
    ".example",
];

const INFIXES: [&str; 3] = [".dpkg-", ".rpm", ".ucf-"];

/// Why a file of this name is left out, or `None` when it is not.
pub fn left_out(name: &OsStr) -> Option<String> {
    let name = name.as_encoded_bytes();
    if let Some(start) = STARTS
        .iter()
        .find(|start| name.starts_with(start.as_bytes()))
    {
        return Some(format!("its name starts with `{start}`"));
    }
    if let Some(ending) = ENDINGS
        .iter()
        .find(|ending| name.ends_with(ending.as_bytes()))
    {
        return Some(format!("its name ends in `{ending}`"));
    }
    let has = |infix: &&&str| {
        let mut parts = name.windows(infix.len());
        parts.any(|part| part == infix.as_bytes())
    };
    let infix = INFIXES.iter().find(has)?;
    Some(format!("its name has `{infix}` in it"))
}
