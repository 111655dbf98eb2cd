//! The journal: its lines, the one writer of it, and the way back.

pub(crate) mod append;
pub(crate) mod follow;
mod from_event;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod writer;
