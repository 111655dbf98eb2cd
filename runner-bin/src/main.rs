//! The multicall binary: `runner`, `runner-config` and `runner-report` by the name it is
//! called by.

mod address_space;
mod applet;
mod args;
mod config;
mod console;
mod exit;
mod report;
mod runner;
mod same;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    applet::start(env::args_os().collect()).into()
}
