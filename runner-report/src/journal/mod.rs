//! The journal: the type of its lines, its writer, and its readers.

pub(crate) mod append;
pub(crate) mod follow;
mod from_event;
pub(crate) mod glance;
mod parse;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod writer;
