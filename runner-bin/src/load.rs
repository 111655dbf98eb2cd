//! From configuration file and task directory to the plan, with all that is wrong.

use std::path::{Path, PathBuf};

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
