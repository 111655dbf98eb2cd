//! Reports from the lines of a journal.
#![expect(
    clippy::disallowed_methods,
    reason = "the tests write and read journals"
)]

/// Compares a text with the snapshot of this name. It is a macro, so that the snapshot names the
/// file of the test.
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
mod cause;
mod clock;
mod fleet;
mod follow;
mod glance;
mod history;
mod journal;
mod json;
mod junit;
mod layout;
mod md;
mod page;
mod reading;
mod record;
mod runs;
mod tasks;
mod text;
mod wait;
