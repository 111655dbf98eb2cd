//! The multicall binary: `runner`, `runner-config` and `runner-report`, by its name.

mod address_space;
mod applet;
mod cli;
mod config_applet;
mod config_file;
mod console;
mod exit;
mod fleet_report;
mod install_links;
mod report_applet;
mod runner;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    applet::start(env::args_os().collect()).into()
}
