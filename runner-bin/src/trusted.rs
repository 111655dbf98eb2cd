//! Says what root does not read, run or write, because somebody else could change it.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use runner_config::{Document, Problems, Settings, Words, shown};
use runner_exec::{Plan, Trust, Use, state_files};

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
        let is_fit = judge("write to `state_dir`", &settings.state_dir);
        // What stands in it was perhaps put there when it was somebody else's.
        let within = settings
            .state_dir
            .as_deref()
            .filter(|_| is_fit)
            .map(state_files);
        within.is_none_or(|(files, marks)| {
            let mut is_fit = self.judge("keep marks in", &marks, Use::Directory, problems);
            for file in files {
                is_fit &= self.judge("write to", &file, Use::File, problems);
            }
            is_fit
        }) && is_fit
    }

    /// What is started.
    pub(crate) fn plan(&self, plan: &Plan, problems: &mut Problems) {
        let tasks = || plan.tasks.iter().chain(&plan.halt);
        // Those of which that is known need not be looked at once more.
        for task in tasks().filter(|task| !task.is_roots) {
            self.judge("run task", &task.path(), Use::File, problems);
        }
        let interpreters = tasks().filter_map(|task| task.settings.interpreter.as_ref());
        let interpreters: BTreeSet<&OsString> = interpreters.flat_map(files).collect();
        for interpreter in interpreters {
            self.judge("run interpreter", interpreter.as_ref(), Use::File, problems);
        }
        for hook in plan.hook.iter().flat_map(files) {
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

/// The words of a command that are files: the program, there or not, and a script that it
/// is to run.
fn files(words: &Words) -> impl Iterator<Item = &OsString> {
    let is_script =
        |word: &OsString| word.to_string_lossy().contains('/') && Path::new(word).is_file();
    let words = words.iter().enumerate();
    words.filter_map(move |(place, word)| (place == 0 || is_script(word)).then_some(word))
}
