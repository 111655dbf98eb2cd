//! From configuration file and task directory to the plan, with all problems.

use std::path::PathBuf;

use runner_config::{
    Document, Frequency, Override, Problems, Reading, Settings, reason, setting, shown,
};
use runner_exec::{
    Plan, StateDir, Task, Trust, discover, distrusted_marks, machine_id, similar_directory,
};

use crate::{
    config_file::{is_pipe, readable_document},
    exit::Exit,
    runner::trust_checks::TrustChecks,
};

/// The source of configuration and tasks.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) config: Option<PathBuf>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) taskdir: PathBuf,
    /// The halt task will run in any case.
    pub(crate) needs_halt: bool,
    /// A directory without tasks is an error.
    pub(crate) needs_tasks: bool,
    /// Tasks that run once per machine need the id of this machine.
    pub(crate) needs_machine: bool,
    /// The users whose files are trusted; `None` = all.
    pub(crate) trust: Option<Trust>,
}

/// There is nothing to run.
#[derive(Debug)]
pub(crate) struct Unusable {
    /// The exit status.
    pub(crate) exit: Exit,
    /// The state directory whose journal records it, as far as it is known.
    pub(crate) state_dir: Option<PathBuf>,
    /// The reason is that another user could change a file.
    pub(crate) is_distrusted: bool,
}

impl Source {
    /// Reads everything, and adds all problems to `problems`. As root, it reads only files that no
    /// other user can change, and remembers nothing from an earlier load.
    pub(crate) fn load(&self, problems: &mut Problems) -> Result<Plan, Unusable> {
        self.load_for(false, problems)
    }

    /// Loads the plan of a further run. Refuses a named pipe, which could block.
    pub(crate) fn load_again(&self, problems: &mut Problems) -> Result<Plan, Unusable> {
        self.load_for(true, problems)
    }

    fn load_for(&self, further_run: bool, problems: &mut Problems) -> Result<Plan, Unusable> {
        let checks = TrustChecks::new(self.trust.as_ref());
        let plan = self.load_if(&checks, further_run, problems);
        plan.map_err(|(exit, state_dir)| Unusable {
            exit,
            state_dir,
            is_distrusted: checks.has_refused(),
        })
    }

    /// Checks `plan`, which an earlier load made, before it runs again. Files that other users can
    /// change by now are added to `problems`.
    pub(crate) fn check_again(&self, plan: &Plan, problems: &mut Problems) -> Result<(), Unusable> {
        let checks = TrustChecks::new(self.trust.as_ref());
        let can_write = checks.written(&plan.settings, problems);
        if checks.task_directory(&self.taskdir, problems) {
            checks.plan(plan, true, problems);
        }
        if !checks.has_refused() {
            return Ok(());
        }
        Err(Unusable {
            exit: Exit::Config,
            state_dir: plan.settings.state_dir.clone().filter(|_| can_write),
            is_distrusted: true,
        })
    }

    /// Returns the exit status if there is nothing to run, and the state directory as far as
    /// it is known.
    fn load_if(
        &self,
        checks: &TrustChecks,
        further_run: bool,
        problems: &mut Problems,
    ) -> Result<Plan, (Exit, Option<PathBuf>)> {
        if let Some(config) = self.config.as_deref()
            && config.is_dir()
            && self.taskdir.is_file()
        {
            let (config, taskdir) = (shown(config), shown(&self.taskdir));
            let message = format!("`{config}` is a directory and `{taskdir}` is a file");
            problems.error(None, message).hint(format!(
                "write the configuration file after `-c`: `-c {taskdir} {config}`"
            ));
            return Err((Exit::Config, None));
        }
        let is_trusted = checks.task_directory(&self.taskdir, problems);
        let entries = is_trusted.then(|| discover(&self.taskdir, checks.check()));
        let mut admit = |reading: Reading, problems: &mut Problems| match reading {
            Reading::File(path) => checks.config_file(path, problems),
            Reading::IncludeDir(path) => checks.include_dir(path, problems),
        };
        // A private link is checked itself, and then its target.
        let config = self.config.as_deref();
        let is_trusted = config.is_none_or(|config| checks.config_file(config, problems));
        if let Some(config) = config.filter(|config| further_run && is_trusted && is_pipe(config)) {
            let config = shown(config);
            problems
                .error(None, format!("configuration file `{config}` is now a pipe"))
                .hint("use a file; a pipe cannot be read a second time");
            return Err((Exit::Config, None));
        }
        let mut wrong = Problems::default();
        let document = if is_trusted {
            readable_document(config, &self.overrides, &mut admit, &mut wrong)
        } else {
            Document::default()
        };
        let malformed = !is_trusted || wrong.has_errors();
        problems.extend(wrong);
        let settings = Settings::new(document, &self.overrides, problems);
        let is_trusted = checks.written(&settings, problems);
        let state_dir = if is_trusted {
            self.own_state_dir(&settings, problems)
        } else {
            None
        };
        let entries = match entries {
            Some(Ok(entries)) => entries,
            None => return Err((Exit::Config, state_dir)),
            Some(Err(error)) => {
                let exit = if problems.has_errors() {
                    Exit::Config
                } else {
                    Exit::NoInput
                };
                let (taskdir, why) = (shown(&self.taskdir), reason(&error));
                let message = format!("cannot read task directory `{taskdir}`: {why}");
                let hint = match similar_directory(&self.taskdir) {
                    Some(near) => format!("did you mean `{}`?", shown(&near)),
                    None => "name the directory that holds the tasks".to_owned(),
                };
                problems.error(None, message).hint(hint);
                return Err((exit, state_dir));
            }
        };
        if malformed {
            // Without the directory, the sections of tasks cannot be checked.
            return Err((Exit::Config, None));
        }
        let plan = Plan::new(
            &self.taskdir,
            entries,
            settings,
            self.needs_halt,
            checks.check(),
            problems,
        );
        checks.plan(&plan, false, problems);
        if self.needs_machine {
            check_machine(&plan, problems);
        }
        for mark in distrusted_marks(&plan) {
            let mark = shown(&mark);
            let message = format!("`{mark}` does not count: another user could have written it");
            let hint = "remove it, or make it a file of yours that no other user can write";
            problems.warning(None, message).hint(hint);
        }
        if problems.has_errors() {
            return Err((Exit::Config, state_dir));
        }
        if plan.tasks.is_empty() {
            let message = format!("there is no task in `{}`", shown(&self.taskdir));
            if self.needs_tasks {
                problems.error(None, message);
                return Err((Exit::NoInput, state_dir));
            }
            problems.warning(None, message);
        }
        Ok(plan)
    }

    /// Returns the state directory, unless it belongs to another task directory.
    fn own_state_dir(&self, settings: &Settings, problems: &mut Problems) -> Option<PathBuf> {
        let state_dir = StateDir::of(settings)?;
        let Some(owner) = state_dir.other_owner(&self.taskdir) else {
            return Some(state_dir.0.to_owned());
        };
        let message = format!(
            "`state_dir` belongs to the task directory `{}`",
            shown(&owner)
        );
        let file = state_dir.owner();
        let origin = setting("state_dir").map(|row| settings.in_force(row, None).origin.clone());
        problems.error(origin, message).hint(format!(
            "name another one; if the task directory was renamed, remove `{}`",
            shown(&file)
        ));
        None
    }
}

/// Reports each task that runs once per machine if this machine has no id.
fn check_machine(plan: &Plan, problems: &mut Problems) {
    let frequency = Frequency::OncePerMachine;
    let is_once = |task: &&Task| task.settings.frequency == frequency;
    let mut tasks = plan.tasks.iter().filter(is_once).peekable();
    let Some(Err(why)) = tasks.peek().map(|_| machine_id()) else {
        return;
    };
    for task in tasks {
        let section = task.sections.first().map(String::as_str);
        let written = setting("frequency").map(|row| plan.settings.in_force(row, section));
        let message = format!(
            "`frequency = {}` needs the id of this machine, and `/etc/machine-id` {why}",
            frequency.as_str()
        );
        problems
            .error(written.map(|written| written.origin.clone()), message)
            .hint("`systemd-machine-id-setup` writes it; in a container, set `frequency = once`");
    }
}
