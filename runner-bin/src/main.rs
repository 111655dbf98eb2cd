//! The multicall binary: `runner`, `runner-config` and `runner-report` by the name it is
//! called by.

mod address_space;
mod applet;
mod args;
mod config;
mod console;
mod exit;
mod hand_over;
mod keeper;
mod links;
mod load;
mod notify;
mod report;
mod run;
mod same;
mod show;
mod trusted;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    applet::start(env::args_os().collect()).into()
}
