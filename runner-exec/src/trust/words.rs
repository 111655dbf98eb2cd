//! The words of a command that can name a file that is run: the program, a script, a program
//! behind `env`. Words are not interpreted: a file in `sh -c ". ./file"` is not found.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// A file that a word can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A path with a slash, whether it exists or not.
    Path(PathBuf),
    /// A word without a slash: a file in the working directory, if it exists.
    Bare(OsString),
}

/// Returns the files that the arguments of a program can name. Web addresses, stdin, stdout and
/// stderr are left out.
pub fn named<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> Vec<Named> {
    let mut found = Vec::new();
    (words.into_iter()).for_each(|word| name(word.as_bytes(), &mut found));
    found
}

fn name(word: &[u8], found: &mut Vec<Named>) {
    if word.is_empty() || word.windows(3).any(|part| part == b"://") || is_own_stream(word) {
        return;
    }
    let is_option = word[0] == b'-';
    let value = position(word, b'=').map(|equals| &word[equals + 1..]);
    match (value, position(word, b'/')) {
        // The value of an option, as in `--rcfile=PATH`.
        (Some(_), _) if is_option => {}
        (_, None) => found.push(Named::Bare(owned(word))),
        (_, Some(slash)) => {
            found.push(Named::Path(owned(word).into()));
            // As in `-f/PATH`.
            if is_option && slash > 0 {
                found.push(Named::Path(owned(&word[slash..]).into()));
            }
        }
    }
    if let Some(value) = value {
        name(value, found);
    }
}

/// The words behind an `env`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// The program, if it has no slash, which `env` looks up in `PATH`.
    pub program: Option<OsString>,
    /// The `PATH` that it sets.
    pub path: Option<OsString>,
    /// The directory that it changes to, against which relative paths are resolved.
    pub directory: Option<OsString>,
    /// All words, with the value of `-S` split.
    pub words: Vec<OsString>,
}

/// Options of `env` whose value is the next word.
const WITH_VALUE: [&[u8]; 6] = [b"-u", b"--unset", b"-a", b"--argv0", b"-C", b"--chdir"];

/// Returns what the first `env` among these words would start; `None` without one.
pub fn behind_env(words: &[OsString]) -> Option<Env> {
    let is_env = |word: &OsString| Path::new(word).file_name() == Some(OsStr::new("env"));
    let start = words.iter().position(is_env)?;
    let words: Vec<OsString> = words[start + 1..]
        .iter()
        .flat_map(|word| split(word))
        .collect();
    let mut env = Env::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let bytes = word.as_bytes();
        let value = || position(bytes, b'=').map(|equals| owned(&bytes[equals + 1..]));
        if WITH_VALUE.contains(&bytes) {
            let value = rest.next().cloned();
            if matches!(bytes, b"-C" | b"--chdir") {
                env.directory = value;
            }
        } else if bytes.starts_with(b"--c") {
            env.directory = value();
        } else if let Some(directory) = bytes.strip_prefix(b"-C") {
            env.directory = Some(owned(directory));
        } else if bytes.starts_with(b"PATH=") {
            env.path = value();
        } else if !bytes.starts_with(b"-") && !bytes.contains(&b'=') {
            env.program = Some(word.clone()).filter(|_| !bytes.contains(&b'/'));
            break;
        }
    }
    env.words = words;
    Some(env)
}

/// Splits the value of `-S` as `env` does; every other word stays.
fn split(word: &OsStr) -> Vec<OsString> {
    let bytes = word.as_bytes();
    let short = || {
        let at = position(bytes, b'S')?;
        let is_flags = bytes.starts_with(b"-") && bytes[1..at].iter().all(u8::is_ascii_alphabetic);
        is_flags.then(|| &bytes[at + 1..])
    };
    // It can be abbreviated.
    let long = || {
        let equals = position(bytes, b'=')?;
        let name = &bytes[..equals];
        (name.len() > 2 && b"--split-string".starts_with(name)).then(|| &bytes[equals + 1..])
    };
    match long().or_else(short) {
        Some(value) => split_argument(OsStr::from_bytes(value)),
        // The value of a `-S` that is a word of its own.
        None if bytes.iter().any(|byte| b" \\'\"".contains(byte)) => split_argument(word),
        None => vec![word.to_owned()],
    }
}

/// Splits the argument of a `#!` line, which the kernel passes as one word, at blanks, quotes
/// and escapes. What was quoted is also returned whole.
pub fn split_argument(argument: &OsStr) -> Vec<OsString> {
    let bytes = argument.as_bytes();
    let quoted = bytes.split(|byte| b"'\"".contains(byte)).skip(1).step_by(2);
    let quoted = quoted.filter(|part| part.contains(&b' '));
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"'\"".contains(byte);
    let parts = bytes.split(is_end).flat_map(|part| {
        let mut pieces = part.split(|&byte| byte == b'\\');
        let first = pieces.next();
        // A letter behind the backslash belongs to it: `\_` is a blank.
        let rest = pieces.filter_map(|piece| piece.get(1..));
        first.into_iter().chain(rest)
    });
    let parts = quoted.chain(parts).filter(|part| !part.is_empty());
    parts.map(owned).collect()
}

fn is_own_stream(word: &[u8]) -> bool {
    let own = word.strip_prefix(b"/dev/").unwrap_or_default();
    matches!(
        own,
        b"stdin" | b"stdout" | b"stderr" | b"fd/0" | b"fd/1" | b"fd/2"
    )
}

fn position(word: &[u8], byte: u8) -> Option<usize> {
    word.iter().position(|&found| found == byte)
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}
