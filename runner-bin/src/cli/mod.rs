//! The command lines of the applets.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where RUNNER_CONFIG is read"
)]

pub(crate) mod report_args;

use std::{
    ffi::OsString,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, Parser, ValueEnum};
use runner_config::{Origin, Override, SETTINGS, Setting, parse_duration};
use runner_exec::user_id;

use crate::{config_file::lasting, exit::STATUSES};

/// Names of the applets; the first one is the default.
pub(crate) const APPLETS: [&str; 3] = ["runner", "runner-config", "runner-report"];

/// When the service counts as started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ready {
    // No doc comments: each would be two lines of `--help`.
    // The plan is ready and the lock is taken.
    #[default]
    Started,
    // The first run has finished.
    Finished,
}

/// Runs the executables of a directory in order, with retries.
#[derive(Debug, Parser)]
#[command(
    name = "runner",
    version,
    max_term_width = 100,
    override_usage = "runner [OPTIONS] TASKDIR [-- COMMAND [ARG...]]\n       \
                      runner [-c FILE] --list | --dry-run | --check | --graph | --drill --yes TASKDIR\n       \
                      runner [-c FILE] TASKDIR --env TASK | --only TASK | --forget TASK | --forget-all\n       \
                      runner [-c FILE] -g SECTION.KEY\n       \
                      runner --install-links DIR",
    after_help = STATUSES,
)]
pub(crate) struct RunnerArgs {
    #[command(flatten)]
    pub(crate) file: FileArg,

    /// Number of runs of the chain; 0 = no limit [default: 1]
    #[arg(
        short = 'n',
        long,
        default_value_t = 1,
        hide_default_value = true,
        value_parser = times,
        allow_negative_numbers = true,
        conflicts_with_all = ["only", "forget", "forget_all"]
    )]
    pub(crate) times: u32,

    /// Run the halt task after the last run too, if all runs have finished
    #[arg(short = 'H', long, conflicts_with_all = ["only", "forget", "forget_all"])]
    pub(crate) halt_after: bool,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    /// As root, also trust files of this user (name or number)
    #[arg(long, value_name = "USER", value_parser = user)]
    pub(crate) trust_owner: Vec<u32>,

    /// As root, also run files that another user can change
    #[arg(long, conflicts_with = "trust_owner")]
    pub(crate) insecure: bool,

    /// Log only warnings and errors; the output of tasks stays
    #[arg(short, long, overrides_with_all = ["quiet", "verbose"])]
    pub(crate) quiet: bool,

    /// Also log decisions and their reasons
    #[arg(short, long, overrides_with_all = ["quiet", "verbose"])]
    pub(crate) verbose: bool,

    /// Hide the progress line at the bottom of the terminal
    #[arg(long)]
    pub(crate) no_progress: bool,

    /// Also log to syslog
    #[arg(long)]
    pub(crate) syslog: bool,

    /// Moment to notify the service manager (systemd) [default: started]
    #[arg(
        long,
        value_name = "WHEN",
        default_value_t,
        hide_default_value = true,
        value_enum,
        conflicts_with = "mode"
    )]
    pub(crate) ready: Ready,

    /// Wait for a run of the same directory, forever or for this time (=10m)
    #[arg(
        long,
        value_name = "TIME",
        value_parser = parse_duration,
        num_args = 0..=1,
        require_equals = true
    )]
    pub(crate) wait_lock: Option<Option<Duration>>,

    /// Take no lock: another run of the same directory can be active
    #[arg(long, conflicts_with = "wait_lock")]
    pub(crate) no_lock: bool,

    /// List the tasks in order; run nothing
    #[arg(long, group = "mode", group = "question")]
    list: bool,

    /// Show each command and the origin of each setting; run nothing
    #[arg(long, group = "mode", group = "question")]
    dry_run: bool,

    /// Print the plan as a graph for graphviz; run nothing
    #[arg(long, group = "mode")]
    graph: bool,

    /// Show the environment of a task, with values; run nothing
    #[arg(long, group = "mode", group = "question", value_name = "TASK")]
    env: Option<String>,

    /// List all problems; run nothing. Exit status 0, 1 or 78 (errors)
    #[arg(long, group = "mode", group = "question")]
    check: bool,

    /// Find the tasks that fail when they are started again; needs `--yes`
    #[arg(
        long,
        group = "mode",
        group = "question",
        group = "confirmed",
        conflicts_with_all = ["times", "halt_after", "jobs"]
    )]
    pub(crate) drill: bool,

    /// Confirm `--drill`: it runs the tasks for real, most of them many times
    #[arg(long, requires = "confirmed")]
    pub(crate) yes: bool,

    /// Answer `--list`, `--dry-run`, `--env`, `--check` or `--drill` as JSON
    #[arg(long, requires = "question")]
    pub(crate) json: bool,

    /// Run one task with its hooks and limits, without the chain
    #[arg(long, group = "mode", value_name = "TASK")]
    pub(crate) only: Option<String>,

    /// Remove the mark of a task, so it runs again; run nothing
    #[arg(long, group = "mode", value_name = "TASK")]
    forget: Option<String>,

    /// Remove the marks of all tasks; run nothing
    #[arg(long, group = "mode")]
    forget_all: bool,

    /// Print the value of a key, as `runner-config -g` does
    #[arg(short = 'g', long = "get", group = "mode", value_name = "SECTION.KEY")]
    pub(crate) get: Option<String>,

    /// Create the links `runner-config` and `runner-report` in this directory
    #[arg(long, group = "mode", value_name = "DIR")]
    pub(crate) install_links: Option<PathBuf>,

    /// Directory with the tasks
    #[arg(
        required_unless_present_any = ["get", "install_links"],
        conflicts_with_all = ["get", "install_links"]
    )]
    pub(crate) taskdir: Option<PathBuf>,

    /// Command that replaces the runner if all runs have finished
    #[arg(last = true, conflicts_with = "mode")]
    pub(crate) command: Vec<OsString>,
}

/// Answers questions about the configuration.
#[derive(Debug, Parser)]
#[command(
    name = "runner-config",
    version,
    max_term_width = 100,
    override_usage = "runner-config [-c FILE] -g SECTION.KEY [--default VALUE]\n       \
                      runner-config [-c FILE] --list [SECTION] [--show-origin] [--format FORMAT]\n       \
                      runner-config [-c FILE] --check\n       \
                      runner-config --settings",
    after_help = "Tasks call it as `$RUNNER_CONFIG_CMD -g SECTION.KEY`.\n\n\
                  Exit status: 0 found, 1 not found, 64 wrong usage, 78 the configuration is wrong"
)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) file: FileArg,

    #[command(flatten)]
    pub(crate) mode: ConfigMode,

    /// Print this value and exit with 0 if the key is missing
    #[arg(
        long,
        conflicts_with_all = ["list", "check", "settings"],
        value_name = "VALUE",
        allow_hyphen_values = true
    )]
    pub(crate) default: Option<String>,

    /// Show where each value was written
    #[arg(long, conflicts_with_all = ["get", "check", "settings"])]
    pub(crate) show_origin: bool,

    /// Format of the list; `ini` is one file that reads back the same
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["get", "check", "settings"])]
    format: ListFormat,

    /// Short for `--format json`: one object, section, key, value
    #[arg(long, conflicts_with_all = ["get", "check", "settings", "format"])]
    json: bool,
}

/// Format of a list of keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    // No comments, since they would make `--help` several times as long.
    #[default]
    Text,
    Json,
    Ini,
}

impl ConfigArgs {
    /// Format of the list.
    pub(crate) fn format(&self) -> ListFormat {
        if self.json {
            ListFormat::Json
        } else {
            self.format
        }
    }

    /// Parses the arguments `-c FILE -g KEY`, which tasks use; `None` for all others. Building
    /// clap's parser would take a tenth of the time of such an answer.
    pub(crate) fn of_a_task(args: &[OsString]) -> Option<(&Path, &str)> {
        let [_, config, file, get, key] = args else {
            return None;
        };
        let is_value = |arg: &OsString| !matches!(arg.as_encoded_bytes(), [] | [b'-', ..]);
        if config != "-c" || get != "-g" || !is_value(file) || !is_value(key) {
            return None;
        }
        Some((file.as_ref(), key.to_str()?))
    }
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct ConfigMode {
    /// Print the value of a key
    #[arg(short = 'g', long = "get", value_name = "SECTION.KEY")]
    pub(crate) get: Option<String>,

    /// List all keys and values, or those of a section
    #[arg(short, long, value_name = "SECTION")]
    pub(crate) list: Option<Option<String>>,

    /// List all problems; exit status 0, 1 (warnings) or 78 (errors)
    #[arg(long)]
    pub(crate) check: bool,

    /// List every setting: name, default, meaning
    #[arg(long)]
    pub(crate) settings: bool,
}

/// A question about the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `--list`.
    List,
    /// `--dry-run`.
    DryRun,
    /// `--graph`.
    Graph,
    /// `--env`, with the task.
    Env(String),
    /// `--check`.
    Check,
}

#[derive(Args, Debug)]
pub(crate) struct FileArg {
    /// Configuration file [default: the one that RUNNER_CONFIG names, or none]
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl FileArg {
    /// Returns the configuration file, if there is one.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let named = || std::env::var_os("RUNNER_CONFIG").filter(|name| !name.is_empty());
        let path = self.config.clone().or_else(|| named().map(PathBuf::from));
        path.map(lasting)
    }
}

impl RunnerArgs {
    /// Returns the task whose mark is to be removed, or `Some(None)` for all marks.
    pub(crate) fn forgets(&self) -> Option<Option<&str>> {
        match &self.forget {
            None if self.forget_all => Some(None),
            task => task.as_deref().map(Some),
        }
    }

    /// Returns the question about the plan; `None` if tasks are to be run.
    pub(crate) fn question(&self) -> Option<Question> {
        let env = self.env.clone().map(Question::Env);
        let flags = [
            (self.list, Question::List),
            (self.dry_run, Question::DryRun),
            (self.graph, Question::Graph),
            (self.check, Question::Check),
        ];
        let flag = flags.into_iter().find(|(given, _)| *given);
        env.or(flag.map(|(_, question)| question))
    }
}

/// Settings from `-j` and `--set`, in the order of the command line: the last value of a key
/// counts.
#[derive(Clone, Debug)]
pub(crate) struct Overrides(pub(crate) Vec<Override>);

impl Args for Overrides {
    fn augment_args(command: Command) -> Command {
        let arg = |name| Arg::new(name).long(name).action(ArgAction::Append);
        command
            .arg(
                arg("jobs")
                    .short('j')
                    .value_name("JOBS")
                    .value_parser(jobs)
                    .allow_negative_numbers(true)
                    .help("Maximum number of tasks that run at the same time"),
            )
            .arg(
                arg("set").value_name("KEY=VALUE").value_parser(set).help(
                    "Override a setting of `[runner]`; all are in `runner-config --settings`",
                ),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Overrides::augment_args(command)
    }
}

impl FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Overrides, Error> {
        let of = |name| {
            let places = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<Override>(name).into_iter().flatten();
            places.zip(values.cloned())
        };
        let mut overrides: Vec<_> = of("jobs").chain(of("set")).collect();
        overrides.sort_by_key(|(place, _)| *place);
        let overrides = overrides.into_iter().map(|(_, value)| value);
        Ok(Overrides(overrides.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Overrides::from_arg_matches(matches)?;
        Ok(())
    }
}

fn set(text: &str) -> Result<Override, &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok(Override {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            origin: Origin::Option("--set"),
        }),
        Some(_) | None => Err("write KEY=VALUE"),
    }
}

fn times(text: &str) -> Result<u32, &'static str> {
    text.parse()
        .map_err(|_| "write a whole number; 0 = no limit")
}

fn jobs(text: &str) -> Result<Override, &'static str> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) => Ok(Override {
            key: "jobs".to_owned(),
            value: jobs.to_string(),
            origin: Origin::Option("-j"),
        }),
        Err(_) => Err("write a whole number of 1 or more"),
    }
}

fn user(name: &str) -> Result<u32, &'static str> {
    user_id(name).ok_or("there is no such user in /etc/passwd; write a number")
}

/// Returns the table of all settings: name, default, meaning.
pub(crate) fn settings() -> String {
    let row = |it: &Setting| format!("{:<14}  {:<8}  {}\n", it.name, it.default, it.meaning);
    SETTINGS.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn what_tasks_ask_is_read_as_clap_reads_it() {
        let values = ["runner.cfg", "hg.remote", "", "=", "-", "--", "-x"].map(OsString::from);
        let values: Vec<_> = (values.into_iter())
            .chain([OsString::from_vec(vec![0xff])])
            .collect();
        let pairs = (values.iter()).flat_map(|a| values.iter().map(move |b| (a, b)));
        let mut read = 0;
        for (file, key) in pairs {
            let [name, c, g] = ["runner-config", "-c", "-g"].map(OsString::from);
            let args = [name, c, file.clone(), g, key.clone()];
            if let Some((file, key)) = ConfigArgs::of_a_task(&args) {
                let claps = ConfigArgs::try_parse_from(&args).unwrap();
                assert_eq!(claps.file.config.as_deref(), Some(file));
                assert_eq!(claps.mode.get.as_deref(), Some(key));
                read += 1;
            }
        }
        // Four of the values can be a file, and three of them can be a key.
        assert_eq!(read, 12);
    }
}
