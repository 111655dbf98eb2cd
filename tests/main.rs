//! Stories: whole behaviours of the real program.

mod chain;
mod support;
