//! What is wrong with a configuration or a plan, where, and what to write instead.
//!
//! Problems are collected rather than returned at the first one, since a person
//! who fixes a file wants to see all of them at once.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::text::shown;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a file, counted from 1.
    File(Arc<Path>, u32),
    /// An option of the command line, such as `--set` or `-j`.
    Option(&'static str),
    /// Nowhere: it is the default of the setting.
    Default,
}

impl Origin {
    /// The path that `written` means here: a relative one counts from the directory of the
    /// file.
    pub(crate) fn resolve(&self, written: &Path) -> PathBuf {
        match self {
            Origin::File(file, _) => file.with_file_name(written),
            Origin::Option(_) | Origin::Default => written.to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Origin::File(file, line) => write!(f, "{}:{line}", shown(file)),
            Origin::Option(name) => f.write_str(name),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// Whether a problem keeps the chain from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// It is said, and the chain starts all the same.
    Warning,
    /// It is said to those who want to know more; nothing is wrong.
    Note,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether it keeps the chain from starting.
    pub severity: Severity,
    /// Where it was written, if it was written anywhere.
    pub origin: Option<Origin>,
    /// What is wrong: lower case, no final stop, backticks round names.
    pub message: String,
    /// How to fix it, when that is known.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// All that was found wrong, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds an error; the returned problem is there to be given a hint.
    pub fn error(
        &mut self,
        origin: impl Into<Option<Origin>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Error, origin.into(), message.into())
    }

    /// Adds a warning; the returned problem is there to be given a hint.
    pub fn warning(
        &mut self,
        origin: impl Into<Option<Origin>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, origin.into(), message.into())
    }

    /// Adds something that is worth knowing and not wrong.
    pub fn note(
        &mut self,
        origin: impl Into<Option<Origin>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Note, origin.into(), message.into())
    }

    fn add(&mut self, severity: Severity, origin: Option<Origin>, message: String) -> &mut Problem {
        self.0.push(Problem {
            severity,
            origin,
            message,
            hint: None,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// Whether one of them keeps the chain from starting.
    pub fn has_errors(&self) -> bool {
        self.has(Severity::Error)
    }

    /// Whether one of them is a warning.
    pub fn has_warnings(&self) -> bool {
        self.has(Severity::Warning)
    }

    fn has(&self, severity: Severity) -> bool {
        self.iter().any(|problem| problem.severity == severity)
    }

    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Puts them in the order in which they are written, and those that are written
    /// nowhere behind them.
    pub fn sort(&mut self) {
        let place = |problem: &Problem| (problem.origin.is_none(), problem.origin.clone());
        self.0.sort_by_cached_key(place);
    }

    /// Takes over the problems of `other`.
    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }
}

impl Problem {
    /// Adds how to fix it.
    pub fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}
