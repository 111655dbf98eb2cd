//! The outcome of a process.

use std::fmt;

use runner_config::format_duration;
use signal_hook::consts::{SIGCONT, SIGKILL, SIGTERM, SIGTTIN, SIGTTOU};

use super::{LimitSetting, TimeLimit};

/// Highest number of a signal: MIPS has 128 of them.
const MAX_SIGNAL: i32 = 128;

/// End of a process. [`crate::chain::verdict::Verdict`] is what the chain does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ended by itself, with this exit code.
    Exited(u8),
    /// A signal ended it.
    Signaled(Signal),
    /// It exceeded its time limit and was ended.
    TimedOut,
    /// It did not start.
    NotStarted(StartFailure),
    /// It exited with a code of success, but its outputs are wrong for this reason.
    BadOutput(String),
}

/// Reason of a process that did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFailure {
    /// The end of the sentence "it did not start: …".
    pub reason: String,
    /// The fix, if it is known.
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
    /// Parses the text of [`Display`](fmt::Display); `why` is the reason of a process that did
    /// not start, or of a bad output.
    pub fn parse(text: &str, why: &str) -> Option<Outcome> {
        let outcome = match text.split_once(':').unwrap_or((text, "")) {
            ("exited", code) => Outcome::Exited(code.parse().ok()?),
            ("signaled", name) => Outcome::Signaled(Signal::parse(name)?),
            ("timed-out", _) => Outcome::TimedOut,
            ("not-started", _) => Outcome::NotStarted(StartFailure::new(why, None)),
            ("bad-output", _) => Outcome::BadOutput(why.to_owned()),
            _ => return None,
        };
        // A text with anything else would not read back the same.
        Some(outcome).filter(|outcome| outcome.to_string() == text)
    }

    /// Returns `true` if the process was ended because the time of its run was over.
    pub fn is_end_of_run(&self, limit: Option<TimeLimit>) -> bool {
        let is_of_run = limit.is_some_and(|limit| limit.setting == LimitSetting::MaxRunTime);
        is_of_run && *self == Outcome::TimedOut
    }

    /// Returns the predicate of a sentence about it. With `survived`, some of its processes
    /// survived SIGKILL.
    pub fn predicate(&self, limit: Option<TimeLimit>, survived: bool) -> String {
        match (self, survived) {
            (Outcome::Exited(code), _) => format!("exited with {code}"),
            (Outcome::Signaled(signal), true) => {
                format!("got {signal}, but some of its processes survived")
            }
            (Outcome::Signaled(signal), false) if signal.wants_terminal() => {
                format!("wanted the terminal, which no task has ({signal})")
            }
            (Outcome::Signaled(signal), false) => format!("was ended by {signal}"),
            (Outcome::TimedOut, _) => match limit {
                Some(TimeLimit {
                    time,
                    setting: LimitSetting::MaxRunTime,
                }) => {
                    let time = format_duration(time);
                    format!("was still running after `max_run_time` ({time})")
                }
                Some(TimeLimit { time, setting }) => {
                    let (setting, time) = (setting.as_str(), format_duration(time));
                    format!("ran longer than `{setting}` ({time})")
                }
                None => "timed out".to_owned(),
            },
            (Outcome::NotStarted(failure), _) => format!("did not start: {}", failure.reason),
            (Outcome::BadOutput(why), _) => format!("wrote a bad output: {why}"),
        }
    }
}

/// The number of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub i32);

impl Signal {
    /// The usual request to end.
    pub const TERM: Signal = Signal(SIGTERM);
    pub(crate) const KILL: Signal = Signal(SIGKILL);
    pub(crate) const CONT: Signal = Signal(SIGCONT);

    fn parse(name: &str) -> Option<Signal> {
        let mut signals = (0..=MAX_SIGNAL).map(Signal);
        signals.find(|signal| signal.to_string() == name)
    }

    /// Returns `true` if it stops a background process that wants the terminal. It does not
    /// end a process; an [`Outcome`] with it means that the runner ended a stopped process.
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

/// The form of `RUNNER_OUTCOME` and of the journal: `exited:1`, `signaled:SIGSEGV`, `timed-out`,
/// `not-started`, `bad-output`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Outcome::Exited(code) => write!(f, "exited:{code}"),
            Outcome::Signaled(signal) => write!(f, "signaled:{signal}"),
            Outcome::TimedOut => f.write_str("timed-out"),
            Outcome::NotStarted(_) => f.write_str("not-started"),
            Outcome::BadOutput(_) => f.write_str("bad-output"),
        }
    }
}
