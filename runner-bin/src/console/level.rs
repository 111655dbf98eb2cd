//! Level of a message, and the verbosity of the log.

/// Verbosity of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
    Detail,
}

impl Level {
    /// Returns the severity in syslog(3) and sd-daemon(3).
    pub(crate) fn severity(self) -> u8 {
        match self {
            Level::Error => 3,
            Level::Warning => 4,
            Level::Info => 6,
            Level::Detail => 7,
        }
    }
}
