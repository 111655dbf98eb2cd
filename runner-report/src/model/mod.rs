//! Runs, their history and statistics, built from the records of a journal.

pub(crate) mod cause;
pub(crate) mod end;
pub(crate) mod history;
mod machine;
pub(crate) mod now;
pub(crate) mod past;
pub(crate) mod run_details;
pub(crate) mod run_finder;
pub(crate) mod run_header;
pub(crate) mod run_selector;
pub(crate) mod runs_by_id;
pub(crate) mod task_statistics;
pub(crate) mod timeline;
