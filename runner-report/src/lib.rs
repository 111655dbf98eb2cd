//! What is remembered of runs: events in, the journal and reports of it out.

mod record;

pub use crate::record::{Entry, Record, Text, VERSION};
