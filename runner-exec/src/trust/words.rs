//! The words of a command that could name something that is run: the program, a script, a
//! program behind `env`. A word is not understood, only looked at; `sh -c ". ./file"` hides
//! a file from this.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// Something that a word could name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A path with a slash, whether it exists or not.
    Path(PathBuf),
    /// A word without a slash: a file in the working directory, if it is there.
    Bare(OsString),
}

/// Returns what the arguments of a program could name. Web addresses name nothing, and
/// neither do stdin, stdout and stderr.
pub fn named<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> Vec<Named> {
    let mut found = Vec::new();
    for word in words {
        name(word.as_bytes(), &mut found);
    }
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

/// Returns the programs that `env` would look up in `PATH`, behind each word that is `env`.
/// Its options are not parsed, so a few words too many are returned; `PATH` is `None` unless
/// one of the words sets it.
pub fn behind_env(words: &[OsString]) -> (Vec<OsString>, Option<OsString>) {
    let is_env = |word: &OsString| Path::new(word).file_name() == Some(OsStr::new("env"));
    let Some(env) = words.iter().position(is_env) else {
        return (Vec::new(), None);
    };
    let mut path = None;
    let mut programs = Vec::new();
    for word in words[env + 1..].iter().flat_map(|word| split(word)) {
        let bytes = word.as_bytes();
        if let Some(value) = bytes.strip_prefix(b"PATH=") {
            path = Some(owned(value));
        } else if !bytes.contains(&b'/') && !bytes.contains(&b'=') && !bytes.starts_with(b"-") {
            programs.push(word);
        }
    }
    (programs, path)
}

/// Splits a word as `env` does with the value of `-S`. Where the word is none, that finds
/// nothing that would not be found otherwise.
fn split(word: &OsStr) -> Vec<OsString> {
    let bytes = word.as_bytes();
    let short = || {
        let at = position(bytes, b'S')?;
        let is_flags = bytes.starts_with(b"-") && bytes[1..at].iter().all(u8::is_ascii_alphabetic);
        is_flags.then(|| &bytes[at + 1..])
    };
    let value = bytes.strip_prefix(b"--split-string=").or_else(short);
    split_argument(OsStr::from_bytes(value.unwrap_or(bytes)))
}

/// Splits the argument of a `#!` line, which the kernel passes as one word, at blanks and
/// quotes.
pub fn split_argument(argument: &OsStr) -> Vec<OsString> {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"'\"".contains(byte);
    let parts = argument.as_bytes().split(is_end);
    parts.filter(|part| !part.is_empty()).map(owned).collect()
}

fn is_own_stream(word: &[u8]) -> bool {
    let own = word.strip_prefix(b"/dev/").unwrap_or_default();
    [
        &b"stdin"[..],
        b"stdout",
        b"stderr",
        b"fd/0",
        b"fd/1",
        b"fd/2",
    ]
    .contains(&own)
}

fn position(word: &[u8], byte: u8) -> Option<usize> {
    word.iter().position(|&found| found == byte)
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_paths_and_bare_files() {
        let path = |text: &str| Named::Path(text.into());
        let bare = |text: &str| Named::Bare(text.into());
        for (word, expected) in [
            ("/srv/hook.sh", vec![path("/srv/hook.sh")]),
            ("./hook", vec![path("./hook")]),
            ("hook.sh", vec![bare("hook.sh")]),
            ("-x", vec![bare("-x")]),
            ("--rcfile=/a/b", vec![path("/a/b")]),
            ("--rcfile=b", vec![bare("b")]),
            ("A=/a/b", vec![path("A=/a/b"), path("/a/b")]),
            ("A=B=/a", vec![path("A=B=/a"), path("B=/a"), path("/a")]),
            ("-f/a/b", vec![path("-f/a/b"), path("/a/b")]),
            ("--a=-f/b", vec![path("-f/b"), path("/b")]),
            ("https://example.org/x", vec![]),
            ("--url=https://example.org/x", vec![]),
            ("/dev/stderr", vec![]),
            ("--log=/dev/stdout", vec![]),
            ("/dev/fd/3", vec![path("/dev/fd/3")]),
            ("/dev/null", vec![path("/dev/null")]),
            ("", vec![]),
            ("A=", vec![bare("A=")]),
        ] {
            assert_eq!(named([OsStr::new(word)]), expected, "{word}");
        }
    }

    #[test]
    fn programs_behind_env_are_found() {
        for (words, programs, path) in [
            (&["env", "python3"][..], &["python3"][..], None),
            (&["/usr/bin/env", "-i", "A=b", "x"], &["x"], None),
            (&["busybox", "env", "x", "y"], &["x", "y"], None),
            (&["env", "-S", "x -u"], &["x"], None),
            (&["env", "-Sx -u"], &["x"], None),
            (&["env", "-vS'x' y"], &["x", "y"], None),
            (&["env", "--split-string=A=b x"], &["x"], None),
            (&["env", "PATH=/a:/b", "x"], &["x"], Some("/a:/b")),
            (&["env", "/a/x"], &[], None),
            (&["nice", "x"], &[], None),
            (&[], &[], None),
        ] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let programs: Vec<OsString> = programs.iter().map(OsString::from).collect();
            assert_eq!(
                behind_env(&words),
                (programs, path.map(OsString::from)),
                "{words:?}"
            );
        }
    }

    #[test]
    fn the_argument_of_a_hashbang_line_is_split_at_blanks() {
        let words = split_argument(OsStr::new("-S  python3 -u"));
        assert_eq!(words, ["-S", "python3", "-u"]);
    }
}
