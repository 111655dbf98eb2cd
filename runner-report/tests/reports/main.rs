//! From the lines of a journal to what is reported of it.
#![expect(
    clippy::disallowed_methods,
    reason = "journals are written and read here"
)]

/// Compares a text with the snapshot of this name. A macro, so that the file names the
/// source of the story.
macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!(
            {
                snapshot_path => "../../../snapshots",
                prepend_module_to_snapshot => false,
                omit_expression => true,
            },
            { insta::assert_snapshot!($name, $text) }
        );
    };
}

mod append;
mod clock;
mod follow;
mod history;
mod journal;
mod json;
mod layout;
mod page;
mod reading;
mod record;
mod runs;
mod tasks;
mod text;
mod wait;
