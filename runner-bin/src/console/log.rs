//! What the runner says: lines on stderr, and to syslog when that is wanted.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where stderr and the time zone are looked at: TERM, JOURNAL_STREAM, TZ"
)]

use std::{
    env, fs,
    io::{self, IsTerminal},
    path::Path,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, tz::TimeZone};
use once_cell::sync::OnceCell;
use runner_config::{Problem, Problems, Severity, escape, escape_lines, format_duration, shown};
use runner_exec::{
    Event, Next, Outcome, StopRequest, StopSignals, Streams, TaskName, last_lines, tail,
};

use crate::console::{
    level::{Level, Verbosity},
    messages::{HINT, goes_on, repeated, sentence, signal_sentence},
    progress::Progress,
    screen::{Screen, has_colors},
    stderr::Stderr,
    syslog::SystemLog,
};

/// Maximum time at the end without any progress of a reader of stdout or stderr.
const READER_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Plain,
    /// With the time of day, for a terminal.
    TimeOfDay,
    /// With date, time and offset (RFC 3339), for what is read later.
    DateTime,
    /// With the priority, as sd-daemon(3) has it. The journal knows the time.
    Priority,
}

/// The end of the output of a task that can be the one that decides how the run ends.
struct Ending {
    task: String,
    lines: Vec<String>,
    /// The number of messages that there are as long as nothing is shown after it.
    last_at: Option<usize>,
}

pub(crate) struct Log {
    verbosity: Verbosity,
    stderr: Stderr,
    /// How lines begin.
    begin: Begin,
    /// The local time zone; read when first needed.
    zone: OnceCell<TimeZone>,
    /// Whether stderr is a terminal that shows colours; asked when first needed.
    color: OnceCell<bool>,
    syslog: Option<SystemLog>,
    /// There when the end of a terminal shows what goes on.
    progress: Option<Progress>,
    /// The number of messages that could be shown.
    messages: AtomicUsize,
    endings: Mutex<Vec<Ending>>,
    /// The first signal, which can be logged by the thread that logs the end of the run.
    first_signal: OnceLock<StopRequest>,
    /// The number of the last signal that was logged.
    logged_signal: Mutex<u32>,
    /// That a task has no log is reported once.
    has_said_no_log: AtomicBool,
    /// That a hook cannot start is reported once in a run.
    has_said_no_hook: AtomicBool,
}

impl Log {
    /// A log for questions and answers: its lines have no time.
    pub(crate) fn plain(verbosity: Verbosity) -> Log {
        Log {
            verbosity,
            stderr: Stderr::default(),
            begin: Begin::Plain,
            zone: OnceCell::new(),
            color: OnceCell::new(),
            syslog: None,
            progress: None,
            messages: AtomicUsize::new(0),
            endings: Mutex::new(Vec::new()),
            first_signal: OnceLock::new(),
            logged_signal: Mutex::new(0),
            has_said_no_log: AtomicBool::new(false),
            has_said_no_hook: AtomicBool::new(false),
        }
    }

    /// A log for runs: its lines begin with the time, or with what a service manager wants to
    /// read there. It also writes to syslog and shows the progress where that is wanted and
    /// possible.
    pub(crate) fn stamped(verbosity: Verbosity, syslog: bool, progress: bool) -> Log {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let is_terminal = io::stderr().is_terminal();
        let has_progress = progress && is_terminal && !is_dumb && verbosity > Verbosity::Quiet;
        let mut log = Log {
            begin: match is_terminal {
                true => Begin::TimeOfDay,
                false if is_journal() => Begin::Priority,
                false => Begin::DateTime,
            },
            progress: has_progress.then(Progress::default),
            ..Log::plain(verbosity)
        };
        if syslog {
            match SystemLog::connect() {
                Ok(syslog) => log.syslog = Some(syslog),
                Err(error) => log.warning(&format!("cannot log to syslog: {error}")),
            }
        }
        log
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
            let hint = hint
                .as_deref()
                .map(|hint| format!("\n{HINT}{}", escape(hint)));
            let problem = problem.to_string();
            self.say(level, &(escape(&problem) + &*hint.unwrap_or_default()));
        }
    }

    fn say(&self, level: Level, text: &str) {
        let is_wanted = self.wants(level);
        // Where only warnings are shown, output of tasks can be between two of them.
        if is_wanted || level == Level::Info {
            self.messages.fetch_add(1, Ordering::SeqCst);
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
                let priority = severity(level) as u8;
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
        let severity = severity(level);
        text.lines().for_each(|line| syslog.write(severity, line));
    }

    fn styled(&self, style: Style, text: &str) -> String {
        match self.color.get_or_init(|| has_colors(&io::stderr())) {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    /// Says what happened, and what comes next.
    pub(crate) fn event(&self, event: &Event) {
        if let Event::RunStart { plan, .. } = event {
            if plan.settings.jobs > 1
                && let Some(screen) = self.stderr.screen()
            {
                let tasks = plan.tasks.iter().chain(&plan.halt);
                screen.align(tasks.map(|task| task.name.to_string()));
            }
            let is_said = plan.hook_is_missing;
            self.has_said_no_hook.store(is_said, Ordering::Relaxed);
        }
        if let (Some(progress), Some(screen)) = (&self.progress, self.screen_for(event)) {
            progress.event(event, screen);
        }
        self.keep_ending(event);
        // Most events are of this kind, and to put them into words takes a while.
        if self.verbosity == Verbosity::Quiet && goes_on(event) {
            return;
        }
        // All of a kind have the same cause.
        let said = match event {
            Event::NoLog { .. } => Some(&self.has_said_no_log),
            Event::HookEnd {
                outcome: Outcome::NotStarted(_),
                ..
            } => Some(&self.has_said_no_hook),
            _ => None,
        };
        if said.is_some_and(|said| said.swap(true, Ordering::Relaxed)) {
            return;
        }
        // The main thread may not have come to it yet.
        if let Event::RunEnd {
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
            self.repeat_ending(&deciding.task.to_string());
        }
        if let Some((level, text)) = sentence(event) {
            self.say(level, &text);
        }
    }

    /// Keeps the end of the output of a task that can decide how the run ends, before the message
    /// about its end.
    fn keep_ending(&self, event: &Event) {
        let screen = self.stderr.started_screen();
        let screen = screen.filter(|screen| screen.is_shared());
        let (task, output) = match event {
            Event::RunStart { .. } => return self.endings().clear(),
            Event::TaskEnd {
                task,
                next: Next::Chain(consequence),
                output,
                ..
            } if consequence.cuts_short() => (task.to_string(), output),
            Event::TaskEnd { task, .. }
            | Event::HookEnd { task, .. }
            | Event::HaltEnd { task, .. } => {
                screen.inspect(|screen| screen.end(task.to_string()));
                return;
            }
            _ => return,
        };
        // That message is one more.
        let messages = self.messages.load(Ordering::SeqCst) + 1;
        let last = screen.and_then(|screen| screen.last_output(task.clone()));
        let (lines, is_last) = match (output, last) {
            (Some(path), _) => (tail(path, None).unwrap_or_default(), true),
            (None, Some(last)) => (last_lines(&last.bytes), last.is_last),
            (None, None) => return,
        };
        self.endings().push(Ending {
            task,
            lines,
            last_at: is_last.then_some(messages),
        });
    }

    /// Repeats the end of the output of `task`, unless nothing was shown after it.
    fn repeat_ending(&self, task: &str) {
        let messages = self.messages.load(Ordering::SeqCst);
        let endings = self.endings();
        let ending = endings.iter().rfind(|ending| ending.task == task);
        if let Some(Ending { lines, last_at, .. }) = ending
            && *last_at != Some(messages)
            && !lines.is_empty()
        {
            self.write(Level::Info, &repeated(task, lines));
        }
    }

    fn endings(&self) -> MutexGuard<'_, Vec<Ending>> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The screen, which need not be started before there is something to show.
    fn screen_for(&self, event: &Event) -> Option<&Screen> {
        match event {
            Event::RunStart { .. } | Event::Wait { .. } => self.stderr.screen(),
            _ => self.stderr.started_screen(),
        }
    }

    /// Streams for a process that is run for `task`, whose lines are told apart.
    pub(crate) fn streams(&self, task: &TaskName) -> io::Result<Streams> {
        match self.stderr.screen() {
            Some(screen) => screen.streams(&task.to_string()),
            None => Err(io::Error::other("cannot start the output thread")),
        }
    }

    /// Waits until what tasks wrote is written, as they would have waited themselves, until
    /// `stop` asks for the end, or until the reader does not seem to read any more.
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

    /// Keeps a signal that takes effect next, until [`Log::on_signal`] logs it.
    pub(crate) fn expect_signal(&self, request: StopRequest) {
        let _ = self.first_signal.set(request);
    }

    /// Logs a signal, unless that was done, without a wait: the next one may come.
    pub(crate) fn on_signal(&self, request: StopRequest) {
        let text = signal_sentence(request);
        let line = self.line(Level::Warning, &text);
        let logged = self.logged_signal.lock();
        let mut logged = logged.unwrap_or_else(PoisonError::into_inner);
        if *logged < request.nth {
            *logged = request.nth;
            self.messages.fetch_add(1, Ordering::SeqCst);
            self.stderr.write_later(line.as_bytes());
            self.to_syslog(Level::Warning, &text);
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

fn severity(level: Level) -> syslog::Severity {
    match level {
        Level::Error => syslog::Severity::LOG_ERR,
        Level::Warning => syslog::Severity::LOG_WARNING,
        Level::Info => syslog::Severity::LOG_INFO,
        Level::Detail => syslog::Severity::LOG_DEBUG,
    }
}

/// The local time zone. To look it up by its name takes 40 times as long as to read the file:
/// jiff lists the whole database, which is most of the time that a start takes.
fn local_zone() -> TimeZone {
    let file = || fs::read("/etc/localtime").ok();
    let zone = env::var_os("TZ").is_none().then(file).flatten();
    let zone = zone.and_then(|zone| TimeZone::tzif("local", &zone).ok());
    zone.unwrap_or_else(TimeZone::system)
}

/// Whether stderr leads to the journal of systemd, which then says where that is.
fn is_journal() -> bool {
    let there = env::var("JOURNAL_STREAM").unwrap_or_default();
    let here = || rustix::fs::fstat(io::stderr()).ok();
    !there.is_empty() && here().is_some_and(|it| there == format!("{}:{}", it.st_dev, it.st_ino))
}
