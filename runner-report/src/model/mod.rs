//! What records are folded into: runs, their histories and statistics.

mod alive;
pub(crate) mod by_run;
pub(crate) mod end;
pub(crate) mod history;
pub(crate) mod now;
pub(crate) mod run;
pub(crate) mod run_header;
pub(crate) mod select;
pub(crate) mod task_stats;
pub(crate) mod timeline;
