//! The multicall binary: `runner`, `runner-config` and `runner-report` by the name it is
//! called by.

mod address_space;
mod applet;
mod args;
mod config;
mod exit;
mod hand_over;
mod keeper;
mod links;
mod load;
mod log;
mod notify;
mod out;
mod progress;
mod queue;
mod report;
mod run;
mod same;
mod screen;
mod sentence;
mod show;
mod stderr;
mod system_log;
mod trusted;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    applet::start(env::args_os().collect()).into()
}
