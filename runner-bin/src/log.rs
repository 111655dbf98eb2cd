//! What the runner says: lines on stderr, and to syslog when that is wanted.

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use jiff::ZonedDateTime;
use once_cell::sync::OnceCell;
use runner_config::{Problem, Problems, Severity};
use runner_exec::{Event, Signal};

use crate::{
    sentence::{HINT, sentence},
    stderr::Stderr,
    system_log::SystemLog,
};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
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
    syslog: Option<SystemLog>,
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
        match SystemLog::connect() {
            Ok(syslog) => self.syslog = Some(syslog),
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
        if self.wants(level) {
            self.stderr.write(&self.line(level, text));
            self.to_syslog(level, text);
        }
    }

    fn wants(&self, level: Level) -> bool {
        let least = match level {
            Level::Error | Level::Warning => Verbosity::Quiet,
            Level::Info => Verbosity::Normal,
            Level::Detail => Verbosity::Verbose,
        };
        self.verbosity >= least
    }

    fn line(&self, level: Level, text: &str) -> String {
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
        line + text + "\n"
    }

    fn to_syslog(&self, level: Level, text: &str) {
        let Some(syslog) = &self.syslog else {
            return;
        };
        let severity = match level {
            Level::Error => syslog::Severity::LOG_ERR,
            Level::Warning => syslog::Severity::LOG_WARNING,
            Level::Info => syslog::Severity::LOG_INFO,
            Level::Detail => syslog::Severity::LOG_DEBUG,
        };
        text.lines().for_each(|line| syslog.write(severity, line));
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

    /// Says what the main thread heard, without a wait: the next signal may come.
    pub(crate) fn heard(&self, signal: Signal, nth: u32) {
        let (level, text) = sentence(&Event::Asked { signal, nth });
        if self.wants(level) {
            self.stderr.write_later(&self.line(level, &text));
            self.to_syslog(level, &text);
        }
    }

    /// Waits, for a while, until everything that was said is written.
    pub(crate) fn flush(&self) {
        self.stderr.flush();
        if let Some(syslog) = &self.syslog {
            syslog.flush();
        }
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
