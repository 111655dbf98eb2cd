//! File names that are left out in task directories and `include_dir`: those of editors, package
//! managers and disabled files.

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

/// Returns the reason for which a file of this name is left out, or `None` if it is not.
pub fn left_out(name: &OsStr) -> Option<String> {
    let name = name.as_encoded_bytes();
    let start = STARTS
        .iter()
        .find(|start| name.starts_with(start.as_bytes()));
    let ending = ENDINGS.iter().find(|end| name.ends_with(end.as_bytes()));
    let infix = INFIXES.iter().find(|infix| {
        let mut parts = name.windows(infix.len());
        parts.any(|part| part == infix.as_bytes())
    });
    (start.map(|start| format!("its name starts with `{start}`")))
        .or_else(|| Some(format!("its name ends in `{}`", ending?)))
        .or_else(|| Some(format!("its name contains `{}`", infix?)))
}
