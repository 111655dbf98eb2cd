//! Commands to paste into a shell.

use std::ffi::OsString;

use runner_config::{is_hidden, shown};

/// Quotes a command for a shell; words with control characters as `$'…'` of bash.
pub(crate) fn quoted(words: &[OsString]) -> String {
    let quoted = words.iter().map(|word| match word.to_str() {
        Some(text) if !text.contains(is_hidden) => shell_words::quote(text).into_owned(),
        Some(_) | None => format!("$'{}'", shown(word.as_ref()).replace('\'', r"\'")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}
