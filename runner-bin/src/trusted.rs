//! Says what root does not read, run or write, because somebody else could change it.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
};

use runner_config::{Document, Problems, Settings, shown};
use runner_exec::{Plan, Trust, Use};

/// Judges what a run is made of, one path after the other.
pub(crate) struct Judge<'a> {
    trust: Option<&'a Trust>,
    /// What was complained of: one directory is on the way to many files.
    said: RefCell<HashSet<PathBuf>>,
}

impl<'a> Judge<'a> {
    /// A judge; without `trust` everything is fit.
    pub(crate) fn new(trust: Option<&'a Trust>) -> Judge<'a> {
        Judge {
            trust,
            said: RefCell::default(),
        }
    }

    /// The configuration file, and the directory of the tasks.
    pub(crate) fn sources(&self, config: Option<&Path>, taskdir: &Path, problems: &mut Problems) {
        if let Some(config) = config {
            self.judge("read configuration file", config, Use::File, problems);
        }
        self.judge("run tasks of", taskdir, Use::Directory, problems);
    }

    /// The files that the configuration includes.
    pub(crate) fn included(&self, document: &Document, problems: &mut Problems) {
        let Some((directory, files)) = document.included() else {
            return;
        };
        self.judge("read `include_dir`", directory, Use::Directory, problems);
        for file in files {
            self.judge("read configuration file", file, Use::File, problems);
        }
    }

    /// Where something is written. Says whether the state directory is fit for that.
    pub(crate) fn written(&self, settings: &Settings, problems: &mut Problems) -> bool {
        let mut judge = |what, directory: &Option<PathBuf>| {
            let directory = directory.as_deref();
            directory.is_none_or(|path| self.judge(what, path, Use::Directory, problems))
        };
        judge("write to `log_dir`", &settings.log_dir);
        judge("write to `state_dir`", &settings.state_dir)
    }

    /// What is started.
    pub(crate) fn plan(&self, plan: &Plan, problems: &mut Problems) {
        let tasks = || plan.tasks.iter().chain(&plan.halt);
        // Those of which that is known need not be looked at once more.
        for task in tasks().filter(|task| !task.is_roots) {
            self.judge("run task", &task.path, Use::File, problems);
        }
        let interpreters = tasks().filter_map(|task| task.settings.interpreter.as_ref());
        let interpreters: BTreeSet<_> = interpreters.filter_map(|words| words.first()).collect();
        for interpreter in interpreters {
            self.judge("run interpreter", interpreter.as_ref(), Use::File, problems);
        }
        if let Some(hook) = plan.hook.as_ref().and_then(|words| words.first()) {
            self.judge("run hook", hook.as_ref(), Use::File, problems);
        }
    }

    /// Whether `path` is fit; says so when it is not.
    fn judge(&self, what: &str, path: &Path, fit_for: Use, problems: &mut Problems) -> bool {
        let judged = self
            .trust
            .map_or(Ok(()), |trust| trust.judge(path, fit_for));
        let Err(distrust) = judged else {
            return true;
        };
        if self.said.borrow_mut().insert(distrust.path.clone()) {
            let path = shown(path);
            problems
                .error(None, format!("root does not {what} `{path}`: {distrust}"))
                .hint(distrust.hint());
        }
        false
    }
}
