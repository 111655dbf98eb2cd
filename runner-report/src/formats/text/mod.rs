//! Reports as text, for a terminal of 80 columns.

mod chart;
mod explanation;
mod fleet;
mod history;
mod run;
mod table;
mod tasks;
mod time_bar;

pub(crate) use self::{
    explanation::{
        because, cause_sentence, end_words, first_names, names_as, optional_failures, output_note,
    },
    run::run_facts,
};
pub use self::{fleet::fleet_text, history::history_text, run::run_text, tasks::tasks_text};

/// Preferred maximum width of a line. Long names can exceed it.
const MAX_COLUMNS: usize = 80;

/// Escapes control characters in text of the journal: names can contain anything.
pub(crate) fn printable(text: &str) -> String {
    runner_config::escape(text).into_owned()
}
