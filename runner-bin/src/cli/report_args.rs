//! The command line of `runner-report`.

use std::{path::PathBuf, time::Duration};

use clap::{
    ArgGroup, Parser,
    builder::{PossibleValuesParser, TypedValueParser},
};
use runner_config::parse_duration;
use runner_report::{
    Allowance, FORMATS, FleetAnswer, Format, History, Now, RunSelector, TaskStatistics,
};

use crate::cli::FileArg;

/// Arguments that `--fleet` excludes. With them, clap does not check that `--fleet` is given.
const NOT_FLEET: [&str; 7] = [
    "history",
    "tasks",
    "wait",
    "config",
    "state_dir",
    "run",
    "this_boot",
];

const STATUSES: &str = "\
Exit status:
    0  the question was answered
   64  wrong usage
   66  no journal, or no such run in it
   71  the system refused something needed
   78  the configuration is wrong, or names no `state_dir`
With --fleet:
    1  hosts are not ready, more than --allow permits
   66  there is nothing to read, or a PATH does not exist
With --wait the status of the run, or of its start if that was refused, and:
    1  the run was cut off: its runner ended without a record
    2  the same, but its halt task had started
  124  the timeout passed";

/// Answers questions about past and present runs, from the journal.
#[derive(Debug, Parser)]
#[command(
    name = "runner-report",
    version,
    max_term_width = 100,
    override_usage = "runner-report [-c FILE | --state-dir DIR] [--run ID|-N] [--this-boot] [--format FORMAT]\n       \
                      runner-report [-c FILE | --state-dir DIR] --history | --tasks [--this-boot] [--format FORMAT]\n       \
                      runner-report [-c FILE | --state-dir DIR] --wait [--run ID|-N] [--timeout TIME]\n       \
                      runner-report --fleet PATH... [--expect FILE] [--within TIME] [--allow N|N%] [--not-ready | --format FORMAT]",
    after_help = STATUSES,
    group = ArgGroup::new("question"),
)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) file: FileArg,

    /// Directory of the journal [default: `state_dir` of the configuration]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Run to show or wait for: its id, -1 for the last, -2 for the one before
    #[arg(
        long,
        value_name = "ID|-N",
        conflicts_with_all = ["history", "tasks"],
        allow_hyphen_values = true,
        value_parser = which
    )]
    pub(crate) run: Option<RunSelector>,

    /// Show only what happened since the machine started
    #[arg(long, conflicts_with = "wait")]
    pub(crate) this_boot: bool,

    /// List all runs, one per line, the last one at the end
    #[arg(long, group = "question")]
    history: bool,

    /// Show how often each task ran and failed, and how long it took
    #[arg(long, group = "question")]
    tasks: bool,

    /// Wait for the end of the current run, or of the next one if none is running
    #[arg(long, group = "question")]
    wait: bool,

    /// Maximum time to wait
    #[arg(
        long,
        value_name = "TIME",
        requires = "wait",
        conflicts_with_all = ["history", "tasks", "fleet"],
        value_parser = time
    )]
    pub(crate) timeout: Option<Duration>,

    /// Show the state of many machines, from their journals: files, directories that are searched
    /// three levels deep for `*.jsonl` and `*.jsonl.old`, or - for stdin
    #[arg(
        long,
        group = "question",
        value_name = "PATH",
        num_args = 1..,
        conflicts_with_all = ["config", "state_dir", "run", "this_boot"]
    )]
    pub(crate) fleet: Vec<PathBuf>,

    /// File with the names of hosts, one per line; those without a journal are missing
    #[arg(long, value_name = "FILE", requires = "fleet", conflicts_with_all = NOT_FLEET)]
    pub(crate) expect: Option<PathBuf>,

    /// Count a host as silent if its last record is older than this
    #[arg(long, value_name = "TIME", requires = "fleet", conflicts_with_all = NOT_FLEET, value_parser = time)]
    pub(crate) within: Option<Duration>,

    /// Number of hosts that need not be ready, or their part of all hosts [default: 0]
    #[arg(long, value_name = "N|N%", requires = "fleet", conflicts_with_all = NOT_FLEET, value_parser = allowance)]
    pub(crate) allow: Option<Allowance>,

    /// Print only the names of the hosts that are not ready, one per line
    #[arg(long, requires = "fleet", conflicts_with_all = NOT_FLEET, conflicts_with = "format")]
    pub(crate) not_ready: bool,

    /// Format of the answer
    #[arg(long, value_parser = formats(), default_value = FORMATS[0].0, conflicts_with = "wait")]
    format: Format,
}

/// The question, and the format of the answer.
pub(crate) enum ReportQuestion {
    /// About the journals of many machines.
    Fleet(fn(&FleetAnswer) -> String),
    /// About one journal.
    Journal(JournalQuestion),
}

/// A question about one journal.
pub(crate) enum JournalQuestion {
    Run(RunSelector, Format),
    History(fn(&History, &Now) -> String),
    Tasks(fn(&[TaskStatistics]) -> String),
    Wait(Option<RunSelector>),
}

impl ReportArgs {
    /// Returns the question, or the error about the arguments.
    pub(crate) fn question(&self) -> Result<ReportQuestion, String> {
        if self.wait {
            return Ok(ReportQuestion::Journal(JournalQuestion::Wait(
                self.run.clone(),
            )));
        }
        let is_fleet = !self.fleet.is_empty();
        let is_run = !(is_fleet || self.history || self.tasks);
        Ok(ReportQuestion::Journal(match self.format {
            format if is_run => {
                let which = self.run.clone().unwrap_or(RunSelector::FromEnd(1));
                JournalQuestion::Run(which, format)
            }
            Format::Any { fleet, .. } if is_fleet => return Ok(ReportQuestion::Fleet(fleet)),
            Format::Any { history, .. } if self.history => JournalQuestion::History(history),
            Format::Any { tasks, .. } => JournalQuestion::Tasks(tasks),
            Format::OneRun(_) => {
                return Err(format!(
                    "only one run has the formats {}: the last one, or that of `--run`",
                    formats_of_one_run()
                ));
            }
        }))
    }
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new(FORMATS.iter().map(|(name, _)| *name));
    names.try_map(|name| {
        let format = FORMATS.iter().find(|(known, _)| *known == name);
        format.map(|(_, format)| *format).ok_or("unknown format")
    })
}

/// Returns the names of the formats that show one run only, as a list in a sentence.
fn formats_of_one_run() -> String {
    let formats = FORMATS.iter();
    let formats = formats.filter(|(_, format)| matches!(format, Format::OneRun(_)));
    let names: Vec<&str> = formats.map(|(name, _)| *name).collect();
    let names = names.join(", ");
    match names.rsplit_once(", ") {
        Some((first, last)) => format!("{first} and {last}"),
        None => names,
    }
}

fn which(text: &str) -> Result<RunSelector, &'static str> {
    match (text, text.strip_prefix('-').map(str::parse)) {
        (_, Some(Ok(back))) if back > 0 => Ok(RunSelector::FromEnd(back)),
        (id, None) if !id.is_empty() => Ok(RunSelector::Id(id.to_owned())),
        _ => Err("write the id of a run, or -1 for the last one, -2 for the one before"),
    }
}

fn allowance(text: &str) -> Result<Allowance, &'static str> {
    Allowance::parse(text).ok_or("write a number of hosts, or a percentage such as 5%")
}

fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|expected| format!("write {expected}"))
}
