//! The choice of a run in a journal.

/// Choice of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunSelector {
    /// Position from the end; 1 is the last run.
    FromEnd(usize),
    /// Run with this id.
    Id(String),
}
