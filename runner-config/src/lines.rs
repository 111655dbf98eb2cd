//! The dialect: from the text of one file to its sections and keys.
//!
//! An accepted file reads exactly as with Python 3's `configparser.RawConfigParser`
//! (`strict=False`, `optionxform = str`, UTF-8); `ci/dialect.py` compares the two. A refused
//! line is reported with its number and a fix. The rules, in the order in which they are tried
//! on each line:
//!
//! 1. A line that begins, after blanks, with `#` or `;` is a comment. A value can continue after
//!    it.
//! 2. An empty line is part of the value above, and trailing ones are dropped.
//! 3. A line that is indented deeper than the line of the key continues the value.
//! 4. `[name]` begins a section.
//! 5. Everything up to the first `=` or `:` is a key, the rest its value.

use std::{borrow::Cow, iter, mem, path::Path, sync::Arc};

use crate::problem::{Origin, Problem, Problems};

/// Item of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'t> {
    Section {
        name: &'t str,
        line: u32,
    },
    /// A key of the last section; a section comes before every key.
    Key {
        key: &'t str,
        value: Cow<'t, str>,
        line: u32,
    },
}

/// Parses the text of `file` and returns its items in their order. Errors are added to `problems`.
pub(crate) fn scan<'t>(
    bytes: &'t [u8],
    file: &Arc<Path>,
    problems: &mut Problems,
) -> Vec<Item<'t>> {
    let mut scanner = Scanner {
        file,
        problems,
        found: Vec::new(),
        section: None,
        empty: None,
        indent: 0,
        headless: false,
        foreign: false,
        lost: false,
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            for (number, line) in (1..).zip(text.split('\n')) {
                scanner.line(number, line.strip_suffix('\r').unwrap_or(line));
            }
        }
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|&&byte| byte == b'\n').count() as u32 + 1;
            let byte = bytes[error.valid_up_to()];
            let origin = Origin::File(file.clone(), line);
            scanner
                .problems
                .error(origin, format!("not UTF-8: found the byte 0x{byte:02X}"))
                .hint("save the file as UTF-8");
        }
    }
    scanner.found
}

struct Scanner<'a, 't> {
    file: &'a Arc<Path>,
    problems: &'a mut Problems,
    found: Vec<Item<'t>>,
    /// The name of the current section.
    section: Option<&'t str>,
    /// Number of empty lines after the value above, if it can continue after them.
    empty: Option<usize>,
    /// The indentation of the last line with a section or key.
    indent: usize,
    /// A key before the first section was reported, which happens only once.
    headless: bool,
    /// The file is in another format.
    foreign: bool,
    /// The header of the current section is wrong, so its keys are left out.
    lost: bool,
}

impl<'t> Scanner<'_, 't> {
    fn line(&mut self, number: u32, line: &'t str) {
        let content = line.trim();
        if let Some(c) = line.chars().find(|&c| c.is_control() && c != '\t') {
            let found = u32::from(c);
            self.error(number, format!("control character U+{found:04X}"))
                .hint("remove it; a value cannot contain one");
            self.lost |= content.starts_with('[');
            return;
        }
        if content.starts_with(['#', ';']) {
            return;
        }
        if content.is_empty() {
            self.empty = self.empty.map(|empty| empty + 1);
            return;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if let Some(empty) = self.empty
            && indent > self.indent
        {
            self.empty = Some(0);
            if let Some(Item::Key { value, .. }) = self.found.last_mut()
                && !self.lost
            {
                let value = value.to_mut();
                value.extend(iter::repeat_n('\n', empty + 1));
                value.push_str(content);
            }
            return;
        }
        self.indent = indent;
        match header(content) {
            Some(header) => self.header(number, header),
            None => self.option(number, content),
        }
    }

    fn header(&mut self, number: u32, (name, behind): (&'t str, &str)) {
        let written = || format!("section header `[{name}]`");
        if behind.contains(']') || name.contains(']') {
            self.error(number, "section header with a second `]`")
                .hint("a section's name cannot contain `]`; put a comment on its own line");
        } else if !behind.is_empty() && !behind.starts_with(['#', ';']) {
            self.error(
                number,
                format!(
                    "{} is followed by something that is not a comment",
                    written()
                ),
            )
            .hint("put it on its own line");
        } else if name.trim() != name {
            let trimmed = name.trim();
            self.error(
                number,
                format!("{} has blanks inside the brackets", written()),
            )
            .hint(format!("write `[{trimmed}]`"));
        }
        // Also after an error, so that the keys of the section are not reported too.
        self.empty = None;
        self.section = Some(name);
        self.lost = false;
        self.found.push(Item::Section { name, line: number });
    }

    fn option(&mut self, number: u32, content: &'t str) {
        if self.section.is_none() && self.is_foreign(number, content) {
            return;
        }
        let Some((key, value)) = content.split_once(['=', ':']) else {
            let header = content.starts_with('[');
            // A line in [env], or before the first section, can be a part of a password that
            // lost its indentation, so it is not shown.
            let message = match (header, self.section) {
                (true, Some("env")) => "section header without a closing `]`".to_owned(),
                (true, _) => format!("section header `{content}` has no closing `]`"),
                (false, Some("env") | None) => "line without `=` or `:`".to_owned(),
                (false, Some(_)) => format!("`{content}` has no `=` or `:`"),
            };
            self.error(number, message)
                .hint("write `[section]` or `key = value`; indent a line that continues a value");
            self.lost |= header;
            return;
        };
        // The error above does not end a value: Python reports errors in the same way.
        self.empty = None;
        let key = key.trim_end();
        if self.section.is_none() {
            if !mem::replace(&mut self.headless, true) {
                self.error(
                    number,
                    format!("`{key}` is before the first section header"),
                )
                .hint("put a line such as `[runner]` above it");
            }
        } else if key.is_empty() {
            self.error(number, "no name before the `=` or `:`")
                .hint("write `key = value`");
        } else {
            self.empty = Some(0);
            if !self.lost {
                let value = Cow::Borrowed(value.trim());
                let line = number;
                self.found.push(Item::Key { key, value, line });
            }
        }
    }

    /// Returns `true` if the text before the first section is in another format. This is reported
    /// once, and the lines after it are not.
    fn is_foreign(&mut self, number: u32, content: &str) -> bool {
        let format = match content {
            _ if self.foreign => return true,
            _ if content.starts_with(['{', '"']) => "JSON",
            "---" => "YAML",
            _ if content.ends_with(':') || content.starts_with("- ") => "YAML",
            _ => return false,
        };
        self.foreign = true;
        self.error(
            number,
            format!("this looks like {format}, and the runner reads INI"),
        )
        .hint("write a line `[runner]`, and below it lines such as `max_tries = 5`");
        true
    }

    fn error(&mut self, line: u32, message: impl Into<String>) -> &mut Problem {
        self.problems
            .error(Origin::File(self.file.clone(), line), message)
    }
}

/// Splits `[name] rest` as Python does: the name is everything up to the last `]`, at least one
/// character. A name that contains `]` is refused later.
fn header(content: &str) -> Option<(&str, &str)> {
    let (name, behind) = content.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some((name, behind.trim_start()))
}
