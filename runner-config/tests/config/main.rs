//! Promises of the crate, as a user of it sees them.

mod dialect;
mod durations;
mod names;
mod text;
