//! `runner-report --fleet`: one answer about many machines.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    path::Path,
};

use jiff::Timestamp;
use runner_config::{escape, reason, shown};
use runner_exec::open_file;
use runner_report::{Allowance, FleetAnswer, FleetCollector};

use crate::{
    cli::report_args::ReportArgs,
    console::{answer::answer, log::Log},
    exit::Exit,
};

/// Maximum number of names in a message.
const MAX_NAMES: usize = 3;

/// Answers the question of `args`; `show` is the format of the answer.
pub(crate) fn start(args: &ReportArgs, show: fn(&FleetAnswer) -> String, log: &Log) -> Exit {
    let expected = match args.expect.as_deref().map(read_names).transpose() {
        Ok(expected) => expected.unwrap_or_default(),
        Err((path, error)) => return log_unreadable(path, &error, Exit::NoInput, log),
    };
    let mut collector = FleetCollector::new(Timestamp::now());
    for path in &args.fleet {
        let read = collector.read(path, &mut |path, error| {
            log_unreadable(path, error, Exit::NotReady, log);
        });
        if let Err(error) = read {
            return log_unreadable(path, &error, Exit::NoInput, log);
        }
    }
    let is_empty = collector.is_empty();
    let names: Vec<&str> = expected.lines().filter_map(expected_name).collect();
    let fleet = collector.finish(&names, args.within);
    let exit = if is_empty {
        log.error("there is no journal to read");
        Exit::NoInput
    } else if fleet.is_ready(args.allow.unwrap_or(Allowance::Hosts(0))) {
        Exit::Finished
    } else {
        Exit::NotReady
    };
    if args.not_ready {
        answer(&plain_names(&fleet, log), exit, log)
    } else if fleet.hosts.is_empty() {
        exit
    } else {
        answer(&show(&fleet), exit, log)
    }
}

/// Returns the names of the hosts that are not ready, one per line. Only plain words are
/// printed: to other programs, another name can be a pattern that means many hosts.
fn plain_names(fleet: &FleetAnswer, log: &Log) -> String {
    let (plain, others): (Vec<_>, Vec<_>) =
        fleet.not_ready().partition(|host| host.has_plain_name());
    let mut names: Vec<&str> = plain.iter().map(|host| &*host.name).collect();
    // Two machines can have one name.
    names.dedup();
    if !others.is_empty() {
        let first = others.iter().take(MAX_NAMES);
        let first: Vec<String> = first
            .map(|host| format!("`{}`", escape(&host.name)))
            .collect();
        log.warning(&format!(
            "left out {} of the hosts, because their names are not plain words: {}",
            others.len(),
            first.join(", ")
        ));
    }
    names.iter().map(|name| format!("{name}\n")).collect()
}

/// Reads a file with a name on each line.
fn read_names(path: &Path) -> Result<String, (&Path, io::Error)> {
    let file = open_file(OpenOptions::new().read(true), path);
    let mut text = Vec::new();
    let read = file.and_then(|mut file| file.read_to_end(&mut text));
    read.map_err(|error| (path, error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Returns the name in a line, unless it is empty or a comment.
fn expected_name(line: &str) -> Option<&str> {
    let name = line.split('#').next().unwrap_or_default().trim();
    Some(name).filter(|name| !name.is_empty())
}

fn log_unreadable(path: &Path, error: &io::Error, exit: Exit, log: &Log) -> Exit {
    log.error(&format!("cannot read `{}`: {}", shown(path), reason(error)));
    exit
}
