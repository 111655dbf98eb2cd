//! The log: messages to stderr, and to syslog on request.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the environment of stderr and the time zone are read"
)]

use std::{
    env, fs,
    io::{self, IsTerminal},
    path::Path,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, tz::TimeZone};
use once_cell::sync::OnceCell;
use runner_config::{
    Problem, Problems, Severity, escape, escape_lines, format_duration, reason, shown,
};
use runner_exec::{
    Event, HookOf, Outcome, OutputLine, StopRequest, StopSignals, Streams, TaskName, last_lines,
};

use crate::console::{
    endings::Endings,
    level::{Level, Verbosity},
    messages::{HINT, is_routine, message, repeated, signal_message},
    progress::Progress,
    screen::{Screen, To, has_colors},
    stderr::Stderr,
    syslog::SystemLog,
};

/// Maximum time at exit without progress of the reader of stdout or stderr.
const READER_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Plain,
    /// The time of day, for a terminal.
    TimeOfDay,
    /// Date, time and offset (RFC 3339), for a file that is read later.
    DateTime,
    /// The priority, see sd-daemon(3). The journal of systemd adds the time itself.
    Priority,
}

pub(crate) struct Log {
    verbosity: Verbosity,
    stderr: Stderr,
    /// Beginning of lines.
    begin: Begin,
    /// The local time zone; read at the first use.
    zone: OnceCell<TimeZone>,
    /// stderr is a terminal that shows colours; checked at the first use.
    color: OnceCell<bool>,
    syslog: Option<SystemLog>,
    /// Set if stderr is a terminal that shows the progress line.
    progress: Option<Progress>,
    endings: Endings,
    /// The first signal, which can be logged by the thread that logs the end of the run.
    first_signal: OnceLock<StopRequest>,
    /// The number of the last signal that was logged.
    logged_signal: Mutex<u32>,
    /// A log of a task that cannot be written was reported, which happens once.
    has_reported_no_log: AtomicBool,
    /// A task hook, or a run hook, that cannot start was reported, which happens once per run.
    has_reported_no_hook: [AtomicBool; 2],
}

impl Log {
    /// Creates a log for answers: its lines have no time.
    pub(crate) fn plain(verbosity: Verbosity) -> Log {
        Log {
            verbosity,
            stderr: Stderr::default(),
            begin: Begin::Plain,
            zone: OnceCell::new(),
            color: OnceCell::new(),
            syslog: None,
            progress: None,
            endings: Endings::default(),
            first_signal: OnceLock::new(),
            logged_signal: Mutex::new(0),
            has_reported_no_log: AtomicBool::new(false),
            has_reported_no_hook: Default::default(),
        }
    }

    /// Creates a log for runs: its lines begin with the time, or with a priority for a service
    /// manager. On request it also writes to syslog and shows the progress line.
    pub(crate) fn stamped(verbosity: Verbosity, syslog: bool, progress: bool) -> Log {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let is_terminal = io::stderr().is_terminal();
        let has_progress = progress && is_terminal && !is_dumb && verbosity > Verbosity::Quiet;
        let mut log = Log {
            begin: if is_terminal {
                Begin::TimeOfDay
            } else if is_journal() {
                Begin::Priority
            } else {
                Begin::DateTime
            },
            progress: has_progress.then(Progress::default),
            ..Log::plain(verbosity)
        };
        if syslog {
            match SystemLog::connect(local_zone()) {
                Ok(syslog) => log.syslog = Some(syslog),
                Err(error) => {
                    log.warning(&format!("cannot log to syslog: {}", reason(&error)));
                }
            }
        }
        log
    }

    pub(crate) fn error(&self, text: &str) {
        self.message(Level::Error, text);
    }

    pub(crate) fn warning(&self, text: &str) {
        self.message(Level::Warning, text);
    }

    pub(crate) fn info(&self, text: &str) {
        self.message(Level::Info, text);
    }

    pub(crate) fn detail(&self, text: &str) {
        self.message(Level::Detail, text);
    }

    /// Logs each problem with its hint.
    pub(crate) fn problems(&self, mut problems: Problems) {
        problems.sort();
        for problem in problems.iter() {
            let Problem { severity, hint, .. } = problem;
            let level = match severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Note => Level::Detail,
            };
            let hint = hint
                .as_deref()
                .map(|hint| format!("\n{HINT}{}", escape(hint)));
            let problem = problem.to_string();
            self.message(level, &(escape(&problem) + &*hint.unwrap_or_default()));
        }
    }

    fn message(&self, level: Level, text: &str) {
        let is_wanted = self.wants(level);
        // With `-q` too, a message that is not shown separates the output of tasks.
        if is_wanted || level == Level::Info {
            self.endings.count_message();
        }
        if is_wanted {
            self.write(level, text);
        }
    }

    fn write(&self, level: Level, text: &str) {
        let text = &escape_lines(text);
        self.stderr.write(&self.line(level, text));
        self.to_syslog(level, text);
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
        let format = match self.begin {
            Begin::Priority => {
                let priority = level.severity();
                let lines = text.lines().map(|line| format!("<{priority}>{line}\n"));
                return lines.collect();
            }
            Begin::Plain => None,
            Begin::TimeOfDay => Some("%H:%M:%S"),
            Begin::DateTime => Some("%Y-%m-%dT%H:%M:%S%:z"),
        };
        let mut line = String::new();
        if let Some(format) = format {
            let now = Timestamp::now().to_zoned_datetime(self.zone.get_or_init(local_zone).clone());
            let now = now.strftime(format).to_string();
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
        text.lines().for_each(|line| syslog.write(level, line));
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if *self.color.get_or_init(|| has_colors(&io::stderr())) {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Logs an event, and updates the progress line.
    pub(crate) fn event(&self, event: &Event) {
        if let Event::RunStart { plan, .. } | Event::DrillStart { plan, .. } = event {
            let is_prefixed = plan.settings.jobs > 1 || matches!(event, Event::DrillStart { .. });
            if is_prefixed && let Some(screen) = self.stderr.screen() {
                let tasks = plan.tasks.iter().chain(&plan.halt);
                screen.align(tasks.map(|task| task.name.to_string()));
            }
            let hooks = [&plan.task_hook, &plan.run_hook];
            for (reported, hook) in self.has_reported_no_hook.iter().zip(hooks) {
                let is_missing = hook.as_ref().is_some_and(|hook| hook.is_missing);
                reported.store(is_missing, Ordering::Relaxed);
            }
        }
        if let (Some(progress), Some(screen)) = (&self.progress, self.screen_for(event)) {
            progress.event(event, screen);
        }
        let screen = self.stderr.started_screen();
        let screen = screen.filter(|screen| screen.is_shared());
        self.endings.keep(event, screen);
        // The most frequent events, whose text is not needed then.
        if self.verbosity == Verbosity::Quiet && is_routine(event) {
            return;
        }
        // Further ones have the same cause.
        let reported = match event {
            Event::NoLog { .. } => Some(&self.has_reported_no_log),
            Event::HookEnd {
                hook,
                outcome: Outcome::NotStarted(_),
                ..
            } => {
                let is_of_run = matches!(hook, HookOf::Run(_));
                Some(&self.has_reported_no_hook[usize::from(is_of_run)])
            }
            _ => None,
        };
        if reported.is_some_and(|reported| reported.swap(true, Ordering::Relaxed)) {
            return;
        }
        // The main thread can be slower, but the signal is logged first.
        if let Event::RunEnd {
            signal: Some(signal),
            ..
        }
        | Event::DrillEnd {
            signal: Some(signal),
            ..
        } = *event
        {
            self.on_signal(*self.first_signal.get_or_init(|| StopRequest {
                signal,
                nth: 1,
                is_idle: true,
            }));
        }
        if let Event::RunEnd {
            decided_by: Some(deciding),
            ..
        } = event
        {
            let task = deciding.task.to_string();
            if let Some(lines) = self.endings.to_repeat(&task) {
                self.write(Level::Info, &repeated(&task, &lines));
            }
        }
        if let Some((level, text)) = message(event) {
            self.message(level, &text);
        }
    }

    /// Returns the screen. Its thread starts with the first event that can show the progress line.
    fn screen_for(&self, event: &Event) -> Option<&Screen> {
        match event {
            Event::RunStart { .. } | Event::DrillStart { .. } | Event::Wait { .. } => {
                self.stderr.screen()
            }
            _ => self.stderr.started_screen(),
        }
    }

    /// Creates streams for a process of `task`, whose lines are prefixed with its name. With
    /// `stdout_to` stderr, nothing of it goes to stdout.
    pub(crate) fn streams(&self, task: &TaskName, stdout_to: To) -> io::Result<Streams> {
        match self.stderr.screen() {
            Some(screen) => screen.streams(&task.to_string(), stdout_to),
            None => Err(io::Error::other("cannot start the output thread")),
        }
    }

    /// Returns the last lines of a process of `task` that has ended and wrote to [`Log::streams`].
    pub(crate) fn last_lines(&self, task: &TaskName) -> Vec<OutputLine> {
        let screen = self.stderr.started_screen();
        let output = screen.and_then(|screen| screen.last_output(task.to_string()));
        output.map_or(Vec::new(), |output| last_lines(&output.bytes))
    }

    /// Waits until the output of tasks is written, until `stop` requests the end, or until the
    /// reader makes no progress for [`READER_STALL_TIMEOUT`].
    pub(crate) fn drain(&self, stop: &StopSignals) {
        let screen = self.stderr.started_screen();
        let Some(screen) = screen.filter(|screen| screen.is_shared()) else {
            return;
        };
        loop {
            let before = screen.written();
            let is_written = screen.drain(READER_STALL_TIMEOUT, stop);
            if is_written || stop.requested().is_some() {
                return;
            }
            if screen.written() == before {
                let time = format_duration(READER_STALL_TIMEOUT);
                return self.warning(&format!(
                    "stdout or stderr was not read for {time}; the last output of tasks is lost"
                ));
            }
        }
    }

    /// Keeps a signal that is about to take effect, until [`Log::on_signal`] logs it.
    pub(crate) fn remember_signal(&self, request: StopRequest) {
        let _ = self.first_signal.set(request);
    }

    /// Logs a signal once. Does not block: the next signal can come at any time.
    pub(crate) fn on_signal(&self, request: StopRequest) {
        let text = signal_message(request);
        let line = self.line(Level::Warning, &text);
        let logged = self.logged_signal.lock();
        let mut logged = logged.unwrap_or_else(PoisonError::into_inner);
        if *logged < request.nth {
            *logged = request.nth;
            self.endings.count_message();
            self.stderr.write_later(line.as_bytes());
            self.to_syslog(Level::Warning, &text);
        }
    }

    /// Waits until all messages are written, with a timeout.
    pub(crate) fn flush(&self) {
        self.stderr.flush();
        if let Some(syslog) = &self.syslog {
            syslog.flush();
        }
    }

    /// Logs the task directory and the configuration file.
    pub(crate) fn sources(&self, taskdir: &Path, config: Option<&Path>) {
        let taskdir = shown(taskdir);
        self.detail(&match config {
            Some(config) => format!(
                "task directory `{taskdir}`, configuration file `{}`",
                shown(config)
            ),
            None => format!("task directory `{taskdir}`, no configuration file"),
        });
    }
}

/// Returns the local time zone. `TimeZone::system` would look it up by name, which takes 40 times
/// as long: it lists the whole time zone database.
pub(crate) fn local_zone() -> TimeZone {
    let file = || fs::read("/etc/localtime").ok();
    let zone = env::var_os("TZ").is_none().then(file).flatten();
    let zone = zone.and_then(|zone| TimeZone::tzif("local", &zone).ok());
    zone.unwrap_or_else(TimeZone::system)
}

/// Returns `true` if stderr is the journal of systemd, see `JOURNAL_STREAM` in systemd.exec(5).
fn is_journal() -> bool {
    let there = env::var("JOURNAL_STREAM").unwrap_or_default();
    let here = || rustix::fs::fstat(io::stderr()).ok();
    !there.is_empty() && here().is_some_and(|it| there == format!("{}:{}", it.st_dev, it.st_ino))
}
