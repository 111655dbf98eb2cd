//! The name of a task: its file name, its number and its short name.

use std::{
    borrow::Cow,
    cmp::Ordering,
    ffi::{OsStr, OsString},
    fmt,
};

use runner_config::{escape, name_text};

/// File name of a task. Names sort like tasks: by leading number, then byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskName(OsString);

impl TaskName {
    /// Creates the name of a task from the name of its file.
    pub fn new(file_name: impl Into<OsString>) -> TaskName {
        TaskName(file_name.into())
    }

    /// Returns the name of the file.
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }

    /// Returns the leading number: all leading digits, of any length, without leading zeros.
    /// `None` if the name does not start with a digit.
    pub fn number(&self) -> Option<&[u8]> {
        let name = self.0.as_encoded_bytes();
        let digits = &name[..leading_digits(name)];
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        (!digits.is_empty()).then(|| &digits[zeros..])
    }

    /// Returns the name without a leading number and `-` or `_`, and without the last extension:
    /// `clobber` for `3-clobber.sh`. `None` if it is not UTF-8, as no configuration can name it.
    pub fn short(&self) -> Option<&str> {
        self.0.to_str().map(short_of)
    }

    /// Returns `true` if `name` is its file name or its short name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.0 == name || self.short() == Some(name)
    }

    /// Returns the text of the name, as `Display` writes it.
    pub fn shown(&self) -> Cow<'_, str> {
        match name_text(&self.0) {
            Cow::Borrowed(text) => escape(text),
            Cow::Owned(text) => Cow::Owned(escape(&text).into_owned()),
        }
    }

    fn level(&self) -> (bool, usize, &[u8]) {
        match self.number() {
            Some(number) => (false, number.len(), number),
            None => (true, 0, &[]),
        }
    }

    /// Returns `true` if both have the same leading number.
    pub fn same_level(&self, other: &TaskName) -> bool {
        self.level() == other.level()
    }
}

/// Returns the short name of a file with this name.
pub(crate) fn short_of(name: &str) -> &str {
    let digits = leading_digits(name.as_bytes());
    let stem = match name[digits..].strip_prefix(['-', '_']) {
        Some(rest) if digits > 0 && !rest.is_empty() => rest,
        _ => name,
    };
    match stem.rfind('.') {
        Some(dot) if dot > 0 => &stem[..dot],
        Some(_) | None => stem,
    }
}

fn leading_digits(name: &[u8]) -> usize {
    name.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

impl Ord for TaskName {
    fn cmp(&self, other: &TaskName) -> Ordering {
        let (a, b) = (self.0.as_encoded_bytes(), other.0.as_encoded_bytes());
        self.level().cmp(&other.level()).then_with(|| a.cmp(b))
    }
}

impl PartialOrd for TaskName {
    fn partial_cmp(&self, other: &TaskName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Writes the name on one line, safe for a terminal.
impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.shown())
    }
}
