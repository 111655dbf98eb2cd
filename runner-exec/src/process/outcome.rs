//! What a process did.

use std::fmt;

use signal_hook::consts::{SIGCONT, SIGKILL, SIGTERM, SIGTTIN, SIGTTOU};

/// Highest number of a signal: MIPS has 128 of them.
const MAX_SIGNAL: i32 = 128;

/// What a process did. What the chain does about it is a [`crate::chain::verdict::Verdict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ended by itself, with this exit code.
    Exited(u8),
    /// A signal ended it.
    Signaled(Signal),
    /// It ran longer than it may, and was ended.
    TimedOut,
    /// It did not start.
    NotStarted(StartFailure),
}

/// Why a process did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFailure {
    /// The end of the sentence "it did not start: …".
    pub reason: String,
    /// How to mend it, when that is known.
    pub hint: Option<&'static str>,
}

impl StartFailure {
    pub(crate) fn new(reason: impl Into<String>, hint: impl Into<Option<&'static str>>) -> Self {
        StartFailure {
            reason: reason.into(),
            hint: hint.into(),
        }
    }
}

impl Outcome {
    /// Reads what [`Display`](fmt::Display) writes; `why` is the reason of a process that
    /// did not start.
    pub fn parse(text: &str, why: &str) -> Option<Outcome> {
        let outcome = match text.split_once(':').unwrap_or((text, "")) {
            ("exited", code) => Outcome::Exited(code.parse().ok()?),
            ("signaled", name) => Outcome::Signaled(Signal::parse(name)?),
            ("timed-out", _) => Outcome::TimedOut,
            ("not-started", _) => Outcome::NotStarted(StartFailure::new(why, None)),
            _ => return None,
        };
        // Anything more would be lost.
        Some(outcome).filter(|outcome| outcome.to_string() == text)
    }
}

/// The number of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub i32);

impl Signal {
    /// What asks a process to end.
    pub const TERM: Signal = Signal(SIGTERM);
    pub(crate) const KILL: Signal = Signal(SIGKILL);
    pub(crate) const CONT: Signal = Signal(SIGCONT);

    fn parse(name: &str) -> Option<Signal> {
        let mut signals = (0..=MAX_SIGNAL).map(Signal);
        signals.find(|signal| signal.to_string() == name)
    }

    /// Whether it stops a process of the background that wants the terminal. It ends
    /// none, so an [`Outcome`] with it is of one that was ended because it was stopped.
    pub fn wants_terminal(self) -> bool {
        [SIGTTIN, SIGTTOU].contains(&self.0)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "SIG{}", self.0),
        }
    }
}

/// The form that hooks see in `RUNNER_OUTCOME`: `exited:1`, `signaled:SIGSEGV`,
/// `timed-out`, `not-started`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Outcome::Exited(code) => write!(f, "exited:{code}"),
            Outcome::Signaled(signal) => write!(f, "signaled:{signal}"),
            Outcome::TimedOut => f.write_str("timed-out"),
            Outcome::NotStarted(_) => f.write_str("not-started"),
        }
    }
}
