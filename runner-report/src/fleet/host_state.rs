//! States of hosts.

/// State of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostState {
    /// All tasks are done.
    Ready,
    /// All tasks are done, but some that are not required failed.
    ReadyWithFailures,
    /// The chain ended early, or its start was refused.
    NotReady,
    /// The halt task ran, or the machine went down while it ran.
    Halted,
    /// The last run has no end.
    Unfinished,
    /// There is no record of the requested time.
    Silent,
    /// The host is expected, and has no journal.
    Missing,
    /// A journal of the host cannot be read.
    Unreadable,
}

impl HostState {
    /// All states, in the order of an answer.
    pub(crate) const ALL: [HostState; 8] = [
        HostState::Ready,
        HostState::ReadyWithFailures,
        HostState::NotReady,
        HostState::Halted,
        HostState::Unfinished,
        HostState::Silent,
        HostState::Missing,
        HostState::Unreadable,
    ];

    /// Returns `true` if the chain has finished.
    pub fn is_ready(self) -> bool {
        matches!(self, HostState::Ready | HostState::ReadyWithFailures)
    }

    /// Returns the word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            HostState::Ready => "ready",
            HostState::ReadyWithFailures => "ready-with-failures",
            HostState::NotReady => "not-ready",
            HostState::Halted => "halted",
            HostState::Unfinished => "unfinished",
            HostState::Silent => "silent",
            HostState::Missing => "missing",
            HostState::Unreadable => "unreadable",
        }
    }
}
