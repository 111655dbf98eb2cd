//! The applet `runner-report`: shows runs of the journal, and waits for the end of a run.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use runner_config::{Problems, Settings, escape, reason, shown};
use runner_exec::{ChainEnd, StateDir, boot_id};
use runner_report::{
    Author, Format, History, Now, PastCollector, Record, RunDetails, RunFinder, RunSelector,
    StatisticsBuilder, TaskStatistics, Timeline, WaitEnd, read_journal, wait_for_run_end,
};

use crate::{
    cli::report_args::{JournalQuestion, ReportArgs, ReportQuestion},
    config_file::document,
    console::{answer::answer, level::Verbosity, log::Log},
    exit::Exit,
    fleet_report,
};

pub(crate) fn start(args: ReportArgs) -> Exit {
    let log = Log::plain(Verbosity::Normal);
    let question = match args.question() {
        Ok(ReportQuestion::Journal(question)) => question,
        Ok(ReportQuestion::Fleet(show)) => return fleet_report::start(&args, show, &log),
        Err(sentence) => {
            log.error(&sentence);
            return Exit::Usage;
        }
    };
    let state_dir = match &args.state_dir {
        Some(state_dir) => state_dir.clone(),
        None => match configured_state_dir(&args, &log) {
            Some(state_dir) => state_dir,
            None => return Exit::Config,
        },
    };
    let journal = JournalQuery {
        state_dir: &state_dir,
        boot: args.this_boot.then(|| boot_id().unwrap_or_default()),
    };
    let text = match question {
        JournalQuestion::Run(which, format) => journal.run(which, format),
        JournalQuestion::History(show) => journal.history(show),
        JournalQuestion::Tasks(show) => journal.tasks(show),
        JournalQuestion::Wait(which) => match wait_for_run_end(&state_dir, which, args.timeout) {
            Ok(None) => Ok(None),
            Ok(Some(end)) => return exit_after(end, &log),
            Err(error) => return log_unreadable(&state_dir, &error, &log),
        },
    };
    match text {
        Ok(Some(text)) => answer(&text, Exit::Finished, &log),
        Ok(None) => {
            let path = journal.path();
            let boot_note = " since the machine was started";
            let since = if args.this_boot { boot_note } else { "" };
            // With `--run`, there can be other runs.
            let (such, count) = match args.run.as_ref().map(|_| journal.count()) {
                None => ("", String::new()),
                Some(Ok(1)) => ("such ", "; there is 1 run".to_owned()),
                Some(Ok(runs)) => ("such ", format!("; there are {runs} runs")),
                Some(Err(error)) => return log_unreadable(&path, &error, &log),
            };
            let path = shown(&path);
            log.error(&format!("there is no {such}run in `{path}`{since}{count}"));
            Exit::NoInput
        }
        Err(error) => log_unreadable(&journal.path(), &error, &log),
    }
}

/// Returns the `state_dir` of the configuration, or logs the reason why there is none.
fn configured_state_dir(args: &ReportArgs, log: &Log) -> Option<PathBuf> {
    let document = match document(args.file.path().as_deref()) {
        Ok(document) => document,
        Err(problems) => {
            log.problems(problems);
            return None;
        }
    };
    // Problems of other settings do not matter here: nothing runs.
    let settings = Settings::new(document, &[], &mut Problems::default());
    if settings.state_dir.is_none() {
        let mut problems = Problems::default();
        problems
            .error(
                None,
                "no state directory is configured, so there is no journal",
            )
            .hint("name it with `--state-dir`, or as `state_dir` in `[runner]`");
        log.problems(problems);
    }
    settings.state_dir
}

/// A query of a journal.
struct JournalQuery<'a> {
    state_dir: &'a Path,
    /// Boot id to which the records are restricted.
    boot: Option<String>,
}

/// Text of an answer, or `None` if the journal has nothing to show.
type Answer = io::Result<Option<String>>;

impl JournalQuery<'_> {
    fn run(&self, which: RunSelector, format: Format) -> Answer {
        match format {
            Format::Any { run: show, .. } => {
                let mut finder = RunFinder::<RunDetails>::new(which);
                let author = self.read(|record| finder.apply(record))?;
                let mut found = finder.finish();
                if let Some(run) = &mut found.run {
                    run.read_outputs(author);
                }
                let now = Now::read(found.run.as_ref().map(|run| &run.header));
                Ok((!found.is_empty()).then(|| show(&found, &now)))
            }
            Format::OneRun(show) => {
                let mut finder = RunFinder::<Timeline>::new(which.clone());
                let mut past = PastCollector::new(which);
                let author = self.read(|record| {
                    finder.apply(record);
                    past.apply(record);
                })?;
                let mut found = finder.finish();
                if let Some(timeline) = &mut found.run {
                    timeline.read_outputs(author);
                    found.past = past.finish(&timeline.run.header.run);
                }
                let now = Now::read(&found.past.runs);
                Ok(show(&found, &now))
            }
        }
    }

    fn history(&self, show: fn(&History, &Now) -> String) -> Answer {
        let mut history = History::default();
        self.read(|record| history.apply(record))?;
        let now = Now::read(history.open());
        Ok((!history.is_empty()).then(|| show(&history, &now)))
    }

    /// Returns the number of runs.
    fn count(&self) -> io::Result<usize> {
        let mut history = History::default();
        self.read(|record| history.apply(record))?;
        Ok(history.runs())
    }

    fn tasks(&self, show: fn(&[TaskStatistics]) -> String) -> Answer {
        let mut tasks = StatisticsBuilder::default();
        self.read(|record| tasks.apply(record))?;
        let statistics = tasks.finish();
        Ok((!statistics.is_empty()).then(|| show(&statistics)))
    }

    fn read(&self, mut each: impl FnMut(&Record)) -> io::Result<Author> {
        read_journal(self.state_dir, |record| {
            if self.boot.as_deref().is_none_or(|boot| boot == record.boot) {
                each(record);
            }
        })
    }

    fn path(&self) -> PathBuf {
        StateDir(self.state_dir).journal()
    }
}

/// Logs the end of a wait, unless the run ended. Returns the exit status.
fn exit_after(end: WaitEnd, log: &Log) -> Exit {
    match end {
        WaitEnd::Ended(status) => Exit::OfRun(status),
        WaitEnd::Refused(refused) => {
            let (run, reason) = (escape(&refused.run), escape(&refused.reason));
            log.error(&format!("run {run} was refused: {reason}"));
            Exit::OfRun(refused.status)
        }
        WaitEnd::CutOff(run) => {
            let run = escape(&run);
            log.error(&format!(
                "run {run} was cut off: its runner ended without a record"
            ));
            Exit::CutOff
        }
        WaitEnd::WentDown(run) => {
            let run = shown(Path::new(&run));
            log.error(&format!(
                "run {run} halted: its runner is gone since the halt task started"
            ));
            Exit::Ended(ChainEnd::Halted, None)
        }
        WaitEnd::TimeUp => Exit::TimeUp,
    }
}

fn log_unreadable(path: &Path, error: &io::Error, log: &Log) -> Exit {
    let (path, why) = (shown(path), reason(error));
    log.error(&format!("cannot read `{path}`: {why}"));
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Exit::NoInput,
        _ => Exit::System,
    }
}
