//! Reports for people, on a terminal of 80 columns.

mod chart;
mod history;
mod run;
mod table;
mod tasks;
mod time_bar;

pub(crate) use self::run::run_facts;
pub use self::{history::history_text, run::run_text, tasks::tasks_text};

/// What a line may take, where nothing forces it to take more.
const MAX_COLUMNS: usize = 80;

/// Text of the journal without what a terminal would obey: names may hold anything.
pub(crate) fn printable(text: &str) -> String {
    runner_config::escape(text).into_owned()
}
