//! What is remembered of runs: events in, the journal and reports of it out.

mod file;
mod from_event;
mod journal;
mod record;

pub use crate::{
    journal::{Journal, refused},
    record::{Entry, Record, Text, VERSION},
};
