//! Stories: tests of the real program, one binary for all of them.
#![expect(
    clippy::disallowed_methods,
    reason = "stories start programs and read what they leave"
)]

mod architecture;
mod chain;
mod chaos;
mod cli;
mod completions;
mod config_cmd;
mod discovery;
mod drill;
mod ends;
mod hooks;
mod lock;
mod logs;
mod manual;
mod names;
mod output;
mod outputs;
mod parallel;
mod processes;
mod readme;
mod report;
mod resources;
mod run_time;
mod service;
mod settings;
mod show;
mod snapshots;
mod state;
mod support;
mod trust;
mod upgrade;
