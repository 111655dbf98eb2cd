//! What the runner says: lines on stderr, and to syslog when that is wanted.

use std::{
    io::{self, IsTerminal},
    path::Path,
    sync::Mutex,
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use jiff::ZonedDateTime;
use once_cell::sync::OnceCell;
use runner_config::{Problem, Problems, Severity, format_duration};
use runner_exec::{
    Before, ChainEnd, Consequence, Count, Event, Fate, HaltReason, Next, Outcome, Phase, Process,
    TaskResult, tail,
};
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};

use crate::stderr::Stderr;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Info,
    Detail,
}

pub(crate) struct Log {
    verbosity: Verbosity,
    stderr: Stderr,
    /// Whether lines begin with the time.
    stamped: bool,
    /// Whether stderr is a terminal that shows colours; asked when first needed.
    color: OnceCell<bool>,
    syslog: Option<Mutex<Logger<LoggerBackend, Formatter3164>>>,
}

impl Log {
    /// A log for questions and answers: its lines have no time.
    pub(crate) fn plain(verbosity: Verbosity) -> Log {
        Log {
            verbosity,
            stderr: Stderr::default(),
            stamped: false,
            color: OnceCell::new(),
            syslog: None,
        }
    }

    /// A log for runs: its lines begin with the time.
    pub(crate) fn stamped(verbosity: Verbosity) -> Log {
        Log {
            stamped: true,
            ..Log::plain(verbosity)
        }
    }

    /// Says everything to syslog as well, when there is one.
    pub(crate) fn with_syslog(mut self) -> Log {
        let formatter = Formatter3164 {
            facility: Facility::LOG_DAEMON,
            hostname: None,
            process: "runner".to_owned(),
            pid: std::process::id(),
        };
        match syslog::unix(formatter) {
            Ok(logger) => self.syslog = Some(Mutex::new(logger)),
            Err(error) => self.warning(&format!("there is no syslog to write to: {error}")),
        }
        self
    }

    pub(crate) fn error(&self, text: &str) {
        self.say(Level::Error, text);
    }

    pub(crate) fn warning(&self, text: &str) {
        self.say(Level::Warning, text);
    }

    pub(crate) fn info(&self, text: &str) {
        self.say(Level::Info, text);
    }

    pub(crate) fn detail(&self, text: &str) {
        self.say(Level::Detail, text);
    }

    /// Says each problem and how to mend it.
    pub(crate) fn problems(&self, mut problems: Problems) {
        problems.sort();
        for problem in problems.iter() {
            let Problem { severity, hint, .. } = problem;
            let level = match severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Note => Level::Detail,
            };
            let hint = hint.as_ref().map(|hint| format!("\n{HINT}{hint}"));
            self.say(level, &format!("{problem}{}", hint.unwrap_or_default()));
        }
    }

    fn say(&self, level: Level, text: &str) {
        let least = match level {
            Level::Error | Level::Warning => Verbosity::Quiet,
            Level::Info => Verbosity::Normal,
            Level::Detail => Verbosity::Verbose,
        };
        if self.verbosity < least {
            return;
        }
        let mut line = String::new();
        if self.stamped {
            let now = ZonedDateTime::now().strftime("%H:%M:%S").to_string();
            line += &self.styled(Style::new().dimmed(), &now);
            line += " ";
        }
        line += &match level {
            Level::Error => self.styled(AnsiColor::Red.on_default().bold(), "error: "),
            Level::Warning => self.styled(AnsiColor::Yellow.on_default(), "warning: "),
            Level::Info | Level::Detail => String::new(),
        };
        line += text;
        line += "\n";
        self.stderr.write(&line);
        if let Some(syslog) = &self.syslog {
            let mut syslog = match syslog.lock() {
                Ok(syslog) => syslog,
                Err(poisoned) => poisoned.into_inner(),
            };
            for line in text.lines() {
                let _ = match level {
                    Level::Error => syslog.err(line),
                    Level::Warning => syslog.warning(line),
                    Level::Info => syslog.info(line),
                    Level::Detail => syslog.debug(line),
                };
            }
        }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        let shows = || {
            let stderr = io::stderr();
            stderr.is_terminal() && AutoStream::choice(&stderr) != ColorChoice::Never
        };
        match self.color.get_or_init(shows) {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    /// Says what happened, and what comes next.
    pub(crate) fn event(&self, event: &Event) {
        let (level, text) = sentence(event);
        self.say(level, &text);
    }

    /// Says where the tasks come from.
    pub(crate) fn sources(&self, taskdir: &Path, config: Option<&Path>) {
        let taskdir = taskdir.display();
        self.detail(&match config {
            Some(config) => format!("tasks of `{taskdir}`, configured by `{}`", config.display()),
            None => format!("tasks of `{taskdir}`, without a configuration file"),
        });
    }
}

const HINT: &str = "  hint: ";

fn sentence(event: &Event) -> (Level, String) {
    match event {
        Event::RunStart { run, tasks } => (
            Level::Info,
            format!("run {run} starts: {}", count(*tasks, "task")),
        ),
        Event::TryStart { try_num } => (Level::Detail, format!("try {try_num} starts")),
        Event::TaskStart { task, .. } => (Level::Info, format!("`{task}` starts")),
        Event::HookEnd {
            task,
            phase,
            outcome,
            elapsed,
            limit,
        } => {
            let side = match phase {
                Phase::Pre => "before",
                Phase::Post => "after",
            };
            let what = did(outcome, *elapsed, *limit, "hook_time");
            match outcome {
                Outcome::Exited(0) => (Level::Detail, format!("hook {side} `{task}` {what}")),
                _ => (
                    Level::Warning,
                    format!("hook {side} `{task}` {what}; the chain goes on all the same"),
                ),
            }
        }
        Event::TaskEnd {
            task,
            outcome,
            elapsed,
            limit,
            next,
            result,
            output,
            ..
        } => {
            let what = did(outcome, *elapsed, *limit, "max_time");
            let (level, next) = then(*next);
            let output = match (output, result) {
                (Some(output), TaskResult::Retry) => last_lines(output),
                (Some(_) | None, _) => String::new(),
            };
            (
                level,
                format!("`{task}` {what}{next}{}{output}", hint(outcome)),
            )
        }
        Event::NoLog { path, error } => {
            let (path, why) = (path.display(), runner_config::reason(error));
            (
                Level::Error,
                format!("cannot write the log `{path}`: {why}; tasks write to stdout instead"),
            )
        }
        Event::Left {
            task,
            processes,
            fate,
        } => {
            let names: Vec<String> = processes.iter().map(Process::to_string).collect();
            let these = format!(
                "{}: {}",
                count(processes.len(), "process"),
                names.join(", ")
            );
            match fate {
                Fate::Ended => (Level::Info, format!("`{task}` left {these}; ended")),
                Fate::LeftAlone => (Level::Warning, format!("`{task}` left {these}; left alone")),
                Fate::Unknown => (
                    Level::Warning,
                    format!("`{task}` may have left {these}; left alone"),
                ),
                Fate::Undying => {
                    let states: Vec<String> = processes
                        .iter()
                        .map(|process| process.state.to_string())
                        .collect();
                    let states = states.join(", ");
                    (
                        Level::Error,
                        format!(
                            "`{task}` cannot be ended, not even by SIGKILL: {these} (state {states})"
                        ),
                    )
                }
            }
        }
        Event::Wait { time, before } => {
            let time = match time.is_zero() {
                true => "at once".to_owned(),
                false => format!("in {}", format_duration(*time)),
            };
            match before {
                Before::Try => (Level::Detail, format!("next try {time}")),
                Before::Run => (Level::Info, format!("next run {time}")),
            }
        }
        Event::HaltStart { task, reason } => {
            let reason = because(*reason);
            (
                Level::Info,
                format!("halt task `{task}` starts, because {reason}"),
            )
        }
        Event::HaltEnd {
            task,
            outcome,
            elapsed,
            limit,
        } => {
            let what = did(outcome, *elapsed, *limit, "max_time");
            let level = match outcome {
                Outcome::Exited(0) => Level::Info,
                _ => Level::Error,
            };
            (level, format!("halt task `{task}` {what}{}", hint(outcome)))
        }
        Event::HaltMissing { reason } => {
            let reason = because(*reason);
            (
                Level::Warning,
                format!("the halt task would run now, because {reason}, but there is none"),
            )
        }
        Event::RunEnd { end, elapsed } => {
            let time = format_duration(*elapsed);
            match end {
                ChainEnd::Finished { failed: 0 } => (Level::Info, format!("finished after {time}")),
                ChainEnd::Finished { failed } => {
                    let failures = count(*failed, "failure");
                    (
                        Level::Warning,
                        format!(
                            "finished after {time}, with {failures} of tasks that are not required"
                        ),
                    )
                }
                ChainEnd::GaveUp => (Level::Error, format!("gave up after {time}")),
                ChainEnd::Halted => (Level::Warning, format!("halted after {time}")),
                ChainEnd::Stopped => (Level::Warning, format!("stopped after {time}")),
                ChainEnd::Interrupted => (Level::Warning, format!("interrupted after {time}")),
            }
        }
        Event::Asked { signal, nth } => {
            let what = match nth {
                1 => "ending what runs; once more kills it",
                2 => "killing what runs",
                _ => "leaving at once",
            };
            (Level::Warning, format!("got {signal}: {what}"))
        }
    }
}

/// The predicate of a sentence about a process.
fn did(outcome: &Outcome, elapsed: Duration, limit: Option<Duration>, setting: &str) -> String {
    let time = format_duration(elapsed);
    match outcome {
        Outcome::Exited(0) => format!("is done after {time}"),
        Outcome::Exited(code) => format!("exited with {code} after {time}"),
        Outcome::Signaled(signal) if signal.wants_terminal() => {
            format!("wanted the terminal, which no task has ({signal}); it was ended after {time}")
        }
        Outcome::Signaled(signal) => format!("was ended by {signal} after {time}"),
        Outcome::TimedOut => {
            let limit = format_duration(limit.unwrap_or_default());
            format!("ran longer than `{setting}` ({limit}); its process group was ended")
        }
        Outcome::NotStarted(failure) => format!("did not start: {}", failure.reason),
    }
}

fn hint(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotStarted(failure) => failure
            .hint
            .map(|hint| format!("\n{HINT}{hint}"))
            .unwrap_or_default(),
        Outcome::Exited(_) | Outcome::Signaled(_) | Outcome::TimedOut => String::new(),
    }
}

/// What a task that failed wrote last.
fn last_lines(output: &Path) -> String {
    let path = output.display();
    match tail(output) {
        Ok(lines) if lines.is_empty() => format!("\n  it wrote nothing to `{path}`"),
        Ok(lines) => {
            let lines: String = lines.iter().map(|line| format!("\n  | {line}")).collect();
            format!("\n  the end of `{path}`:{lines}")
        }
        Err(error) => {
            let why = runner_config::reason(&error);
            format!("\n  cannot read its output `{path}`: {why}")
        }
    }
}

/// What comes after the end of a task, as the rest of a sentence.
fn then(next: Next) -> (Level, String) {
    match next {
        Next::Nothing => (Level::Info, String::new()),
        Next::Chain(consequence) => match consequence {
            Consequence::GoOn => (Level::Info, String::new()),
            Consequence::Pass => (
                Level::Warning,
                "; it is not required, so the chain goes on".to_owned(),
            ),
            Consequence::GiveUp => (Level::Error, "; giving up".to_owned()),
            Consequence::Stop => (Level::Warning, "; stopping, as it asks".to_owned()),
            Consequence::Halt => (Level::Warning, "; halting, as it asks".to_owned()),
            Consequence::Retry | Consequence::Interrupt => (Level::Warning, String::new()),
        },
        Next::Retry {
            wait,
            from_failed,
            others,
            count,
        } => {
            let from = match from_failed {
                true => "from there",
                false => "from the beginning",
            };
            let when = match (others, wait.is_zero()) {
                (true, _) => "when the others have ended".to_owned(),
                (false, true) => "at once".to_owned(),
                (false, false) => format!("in {}", format_duration(wait)),
            };
            let count = match count {
                Count::Try(next, 0) => format!("try {next}"),
                Count::Try(next, most) => format!("try {next} of {most}"),
                Count::Failure(failures, 0) => format!("failure {failures}"),
                Count::Failure(failures, most) => format!("failure {failures} of {most}"),
            };
            (
                Level::Warning,
                format!("; trying again {from} {when} ({count})"),
            )
        }
    }
}

fn because(reason: HaltReason) -> &'static str {
    match reason {
        HaltReason::Halted => "a task asked for it",
        HaltReason::GaveUp => "the tries are used up",
        HaltReason::HaltAfter => "the last run has finished",
    }
}

fn count(number: usize, what: &str) -> String {
    match (number, what) {
        (1, _) => format!("1 {what}"),
        (_, "process") => format!("{number} processes"),
        _ => format!("{number} {what}s"),
    }
}
