//! Reports what root does not read, run or write, since another user could change it.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use runner_config::{Problems, Settings, Words, shown};
use runner_exec::{Distrust, End, Plan, Trust, TrustCheck, Use, state_files};

/// The checks of one load: everything that it uses, one path after the other.
pub(crate) struct TrustChecks<'a> {
    /// `None` when everything is trusted.
    check: Option<TrustCheck<'a>>,
    /// Paths that were reported: one directory is on the way to many files.
    reported: RefCell<HashSet<PathBuf>>,
}

impl<'a> TrustChecks<'a> {
    pub(crate) fn new(trust: Option<&'a Trust>) -> TrustChecks<'a> {
        TrustChecks {
            check: trust.map(Trust::check),
            reported: RefCell::default(),
        }
    }

    /// Returns the check of single files; `None` when everything is trusted.
    pub(crate) fn check(&self) -> Option<&TrustCheck<'a>> {
        self.check.as_ref()
    }

    /// Checks a configuration file. Of stdin, which has no path of its own, only owner and
    /// permissions count.
    pub(crate) fn config_file(&self, path: &Path, problems: &mut Problems) -> bool {
        let stdin = fs::metadata(path).ok().filter(|_| is_stdin(path));
        if let (Some(check), Some(stdin)) = (&self.check, stdin) {
            let Err(distrust) = check.open_file(path, &stdin) else {
                return true;
            };
            return self.refuse("read configuration file", path, &distrust, problems);
        }
        self.path("read configuration file", path, Use::File, problems)
    }

    pub(crate) fn include_dir(&self, path: &Path, problems: &mut Problems) -> bool {
        self.path("read `include_dir`", path, Use::Directory, problems)
    }

    /// Checks the task directory. One that does not exist has nothing to refuse.
    pub(crate) fn task_directory(&self, path: &Path, problems: &mut Problems) -> bool {
        let walk = self.check.as_ref().map(|it| it.walk(path, Use::Directory));
        match walk {
            Some(walk) if walk.end != End::Missing => match walk.distrust {
                Some(distrust) => self.refuse("run tasks of", path, &distrust, problems),
                None => true,
            },
            Some(_) | None => true,
        }
    }

    /// Checks the directories that are written. Returns `true` if the state directory can be.
    pub(crate) fn written(&self, settings: &Settings, problems: &mut Problems) -> bool {
        let mut check = |what, directory: &Option<PathBuf>| {
            let directory = directory.as_deref();
            directory.is_none_or(|path| self.path(what, path, Use::Directory, problems))
        };
        check("write to `log_dir`", &settings.log_dir);
        let is_trusted = check("write to `state_dir`", &settings.state_dir);
        let Some(state_dir) = settings.state_dir.as_deref().filter(|_| is_trusted) else {
            return is_trusted;
        };
        // Its files may date from a time when it belonged to another user.
        let (files, marks) = state_files(state_dir);
        let mut is_trusted = self.path("keep marks in", &marks, Use::Directory, problems);
        for file in files {
            is_trusted &= self.path("write to", &file, Use::File, problems);
        }
        is_trusted
    }

    /// Checks everything that `plan` starts.
    pub(crate) fn plan(&self, plan: &Plan, problems: &mut Problems) {
        let tasks = || plan.tasks.iter().chain(&plan.halt);
        // The files of most tasks need not be looked at once more.
        for task in tasks().filter(|task| !task.is_roots) {
            self.path("run task", &task.path(), Use::File, problems);
        }
        let interpreters = tasks().filter_map(|task| task.settings.interpreter.as_ref());
        let interpreters: BTreeSet<&OsString> = interpreters.flat_map(files).collect();
        for interpreter in interpreters {
            self.path("run interpreter", interpreter.as_ref(), Use::File, problems);
        }
        for hook in plan.hook.iter().flat_map(files) {
            self.path("run hook", hook.as_ref(), Use::File, problems);
        }
    }

    /// Returns `true` if `path` is trusted, and reports it otherwise.
    fn path(&self, what: &str, path: &Path, purpose: Use, problems: &mut Problems) -> bool {
        let check = self.check.as_ref();
        match check.map_or(Ok(()), |check| check.path(path, purpose)) {
            Ok(()) => true,
            Err(distrust) => self.refuse(what, path, &distrust, problems),
        }
    }

    /// Returns `false`, and reports why once.
    fn refuse(&self, what: &str, path: &Path, why: &Distrust, problems: &mut Problems) -> bool {
        if self.reported.borrow_mut().insert(why.path.clone()) {
            let path = shown(path);
            problems
                .error(None, format!("root does not {what} `{path}`: {why}"))
                .hint(why.hint());
        }
        false
    }
}

/// Returns `true` for the names of stdin that lead there through `/proc`.
fn is_stdin(path: &Path) -> bool {
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]
        .map(Path::new)
        .contains(&path)
}

/// The words of a command that are files: the program, there or not, and a script that it
/// is to run.
fn files(words: &Words) -> impl Iterator<Item = &OsString> {
    let is_script =
        |word: &OsString| word.to_string_lossy().contains('/') && Path::new(word).is_file();
    let words = words.iter().enumerate();
    words.filter_map(move |(place, word)| (place == 0 || is_script(word)).then_some(word))
}
