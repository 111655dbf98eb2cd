//! Questions about a plan, which run nothing.

/// A question about what would be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which tasks, in which order?
    List,
    /// With which commands and settings?
    DryRun,
    /// How do they hang together?
    Graph,
    /// What does this task see?
    Env(String),
    /// What is wrong?
    Check,
}
