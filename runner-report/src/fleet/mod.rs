//! One answer about many machines, from their journals.
//!
//! `read` finds and reads the journals. `collector` folds their records into runs, in any order
//! and any number of times, and keeps the few runs of each host that can be its last start.
//! `verdict` reads the state of a host from that start, and `answer` is what formats show.

pub(crate) mod allowance;
pub(crate) mod answer;
mod boots;
mod clock;
pub(crate) mod collector;
pub(crate) mod host;
pub(crate) mod host_state;
pub(crate) mod read;
mod run;
mod source;
mod verdict;
