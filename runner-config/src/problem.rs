//! Errors and warnings about a configuration or a plan: the place, the problem and its fix.
//!
//! They are collected, and not returned at the first one, so that a user sees all of them at
//! once.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::text::shown;

/// Place of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a file, counted from 1.
    File(Arc<Path>, u32),
    /// An option of the command line, such as `--set` or `-j`.
    Option(&'static str),
    /// None: it is the default of the setting.
    Default,
}

impl Origin {
    /// Resolves a path that is written here: a relative one against the directory of the file.
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

/// Severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// It is logged, and the chain starts nevertheless.
    Warning,
    /// It is not a problem. `--check` shows it, and `-v` logs it.
    Note,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its severity.
    pub severity: Severity,
    /// Its place, if it has one.
    pub origin: Option<Origin>,
    /// The message: lower case, no final stop, backticks around names.
    pub message: String,
    /// The fix, if it is known.
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

/// Problems, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds an error, and returns it so that a hint can be added.
    pub fn error(
        &mut self,
        origin: impl Into<Option<Origin>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Error, origin.into(), message.into())
    }

    /// Adds a warning, and returns it so that a hint can be added.
    pub fn warning(
        &mut self,
        origin: impl Into<Option<Origin>>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, origin.into(), message.into())
    }

    /// Adds a note, and returns it so that a hint can be added.
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

    /// Returns `true` if one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.has(Severity::Error)
    }

    /// Returns `true` if one of them is a warning.
    pub fn has_warnings(&self) -> bool {
        self.has(Severity::Warning)
    }

    fn has(&self, severity: Severity) -> bool {
        self.iter().any(|problem| problem.severity == severity)
    }

    /// Returns the problems, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Sorts them by their places; those without a place come last.
    pub fn sort(&mut self) {
        let place = |problem: &Problem| (problem.origin.is_none(), problem.origin.clone());
        self.0.sort_by_cached_key(place);
    }

    /// Appends the problems of `other`.
    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }
}

impl Problem {
    /// Sets the fix.
    pub fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}
