//! From configuration file and task directory to the plan, with all that is wrong.

use std::{
    fs,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use runner_config::{Document, Override, Problems, Settings, reason, shown};
use runner_exec::{Plan, discover};

use crate::links;

/// Where configuration and tasks come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) config: Option<PathBuf>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) taskdir: PathBuf,
    /// Whether the halt task will run in any case.
    pub(crate) needs_halt: bool,
    /// Whether a directory without a task is an error.
    pub(crate) needs_tasks: bool,
}

/// Why there is nothing to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The configuration or the plan is wrong.
    Wrong,
    /// There is no such task directory, or no task in it.
    NoTasks,
}

/// The configuration in `config`, or an empty one; with what `overrides` includes.
pub(crate) fn document(
    config: Option<&Path>,
    overrides: &[Override],
) -> Result<Document, Problems> {
    let config = config.map(|config| links::original(config.to_owned()));
    Document::load(config.as_deref(), overrides)
}

/// Whether `path` is a named pipe: whoever reads it waits for somebody who writes it, and
/// takes what is there from the next one.
pub(crate) fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

impl Source {
    /// Reads everything; what is wrong goes to `problems`, all of it at once.
    pub(crate) fn load(&self, problems: &mut Problems) -> Result<Plan, Unusable> {
        let document = document(self.config.as_deref(), &self.overrides);
        let document = document.map_err(|wrong| problems.extend(wrong));
        let malformed = document.is_err();
        let settings = Settings::new(document.unwrap_or_default(), &self.overrides, problems);
        unsupported(&settings, problems);
        let wrong = problems.has_errors();
        let entries = match discover(&self.taskdir) {
            Ok(entries) => entries,
            Err(error) => {
                let (taskdir, why) = (shown(&self.taskdir), reason(&error));
                problems
                    .error(
                        None,
                        format!("cannot read task directory `{taskdir}`: {why}"),
                    )
                    .hint("name the directory that holds the tasks");
                return Err(if wrong {
                    Unusable::Wrong
                } else {
                    Unusable::NoTasks
                });
            }
        };
        if malformed {
            // What the tasks' sections say is not known, so nothing can be said of them.
            return Err(Unusable::Wrong);
        }
        let plan = Plan::new(&self.taskdir, entries, settings, self.needs_halt, problems);
        if problems.has_errors() {
            return Err(Unusable::Wrong);
        }
        if plan.tasks.is_empty() {
            let message = format!("there is no task in `{}`", self.taskdir.display());
            if self.needs_tasks {
                problems.error(None, message);
                return Err(Unusable::NoTasks);
            }
            problems.warning(None, message);
        }
        Ok(plan)
    }

    /// The same for a further run, which waits for nobody who may not come.
    pub(crate) fn load_again(&self, problems: &mut Problems) -> Result<Plan, Unusable> {
        if let Some(config) = self.config.as_deref().filter(|config| is_pipe(config)) {
            let config = shown(config);
            problems
                .error(None, format!("configuration file `{config}` is a pipe now"))
                .hint("write it as a file; what is read from a pipe cannot be read again");
            return Err(Unusable::Wrong);
        }
        self.load(problems)
    }
}

/// What is understood and what this version cannot keep: to go on without it would be
/// to lie. `max_halts` and `frequency` need it.
fn unsupported(settings: &Settings, problems: &mut Problems) {
    if settings.state_dir.is_some() {
        problems
            .error(None, "`state_dir` is not supported yet")
            .hint("remove it");
    }
}
