//! Tests of the public interface of the crate.

mod dialect;
mod durations;
mod names;
mod text;
