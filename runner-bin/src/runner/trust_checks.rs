//! Reports each file that root refuses to use, since another user could change it.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use runner_config::{Problems, Settings, shown};
use runner_exec::{
    Distrust, End, FileFormat, Named, Plan, StateDir, Trust, TrustCheck, behind_env, is_same_file,
    named, path_of_tasks, split_argument,
};

/// Maximum depth of scripts whose interpreter is a script, as in the kernel.
const MAX_INTERPRETERS: u32 = 5;

/// The checks of one load: everything that it uses, one path after the other.
pub(crate) struct TrustChecks<'a> {
    /// `None` if everything is trusted.
    check: Option<TrustCheck<'a>>,
    /// Paths that were reported: one directory is a parent of many files.
    reported: RefCell<HashSet<PathBuf>>,
    /// Paths that were warned of.
    warned: RefCell<HashSet<PathBuf>>,
    /// Commands that were checked: most tasks have the same interpreter.
    commands: RefCell<HashSet<(u32, Vec<OsString>)>>,
    has_refused: Cell<bool>,
}

/// A command that is checked.
#[derive(Clone, Copy)]
struct Role<'a> {
    what: &'a str,
    /// The `PATH` in which it looks up programs.
    path: &'a OsStr,
    /// The number of scripts that it is the interpreter of.
    depth: u32,
}

impl<'a> TrustChecks<'a> {
    pub(crate) fn new(trust: Option<&'a Trust>) -> TrustChecks<'a> {
        TrustChecks {
            check: trust.map(Trust::check),
            reported: RefCell::default(),
            warned: RefCell::default(),
            commands: RefCell::default(),
            has_refused: Cell::new(false),
        }
    }

    /// Returns the check of single files; `None` if everything is trusted.
    pub(crate) fn check(&self) -> Option<&TrustCheck<'a>> {
        self.check.as_ref()
    }

    /// Returns `true` once anything was refused.
    pub(crate) fn has_refused(&self) -> bool {
        self.has_refused.get()
    }

    /// Checks a configuration file. Of stdin, which has no path of its own, only owner and
    /// permissions count.
    pub(crate) fn config_file(&self, path: &Path, problems: &mut Problems) -> bool {
        let stdin = is_stdin(path).then(|| fs::metadata(path).ok()).flatten();
        if let (Some(check), Some(stdin)) = (&self.check, stdin) {
            let Err(distrust) = check.open_file(path, &stdin) else {
                return true;
            };
            return self.refuse("read configuration file", path, &distrust, problems);
        }
        self.path("read configuration file", path, problems)
    }

    pub(crate) fn include_dir(&self, path: &Path, problems: &mut Problems) -> bool {
        self.path("read `include_dir`", path, problems)
    }

    /// Checks the task directory, also if it does not exist: another user could create it.
    pub(crate) fn task_directory(&self, path: &Path, problems: &mut Problems) -> bool {
        self.path("run tasks in", path, problems)
    }

    /// Checks the directories for state and logs. Returns `true` if the state directory is trusted.
    pub(crate) fn written(&self, settings: &Settings, problems: &mut Problems) -> bool {
        let mut check = |what, directory: &Option<PathBuf>| {
            let directory = directory.as_deref();
            directory.is_none_or(|path| self.path(what, path, problems))
        };
        check("write to `log_dir`", &settings.log_dir);
        let is_trusted = check("write to `state_dir`", &settings.state_dir);
        let Some(state_dir) = StateDir::of(settings).filter(|_| is_trusted) else {
            return is_trusted;
        };
        // Its files can be from a time when it belonged to another user.
        let marks = state_dir.marks();
        let mut is_trusted = self.path("store marks in", &marks, problems);
        is_trusted &= self.path("store outputs in", &state_dir.outputs(), problems);
        for file in [
            state_dir.owner(),
            state_dir.halts(),
            state_dir.lock(),
            state_dir.journal(),
            state_dir.old_journal(),
        ] {
            is_trusted &= self.path("write to", &file, problems);
        }
        is_trusted
    }

    /// Checks everything that `plan` starts. The files of an old one have not been read by this
    /// load.
    pub(crate) fn plan(&self, plan: &Plan, is_old: bool, problems: &mut Problems) {
        if self.check.is_none() {
            return;
        }
        let path = path_of_tasks(&plan.settings);
        let role = |what| Role {
            what,
            path: &path,
            depth: 0,
        };
        for task in plan.tasks.iter().chain(&plan.halt) {
            let file = task.path();
            // The files of most tasks were checked when the directory was read.
            let is_trusted = task.is_roots && !is_old;
            if !is_trusted && !self.path("run task", &file, problems) {
                continue;
            }
            if let Some(words) = &task.settings.interpreter {
                self.command(role("run interpreter"), words, problems);
            }
            let new_format = is_old.then(|| FileFormat::of(&file));
            let format = new_format.as_ref().unwrap_or(&task.format);
            self.hashbang(role("run interpreter"), format, problems);
        }
        for hook in plan.task_hook.iter().chain(&plan.run_hook) {
            self.command(role("run hook"), &hook.words, problems);
        }
    }

    fn hashbang(&self, role: Role, format: &FileFormat, problems: &mut Problems) {
        let FileFormat::Script {
            interpreter,
            argument,
            ..
        } = format
        else {
            return;
        };
        // It cannot be started.
        if interpreter.as_os_str().is_empty() {
            return;
        }
        // The kernel does not use `PATH` for it.
        let mut words = vec![Path::new(".").join(interpreter).into_os_string()];
        if let Some(argument) = argument {
            words.push((**argument).to_owned());
            words.extend(split_argument(argument));
        }
        let depth = role.depth + 1;
        self.command(Role { depth, ..role }, &words, problems);
    }

    /// Checks a program, and every argument that could become one.
    fn command(&self, role: Role, words: &[OsString], problems: &mut Problems) {
        let is_new = || (self.commands.borrow_mut()).insert((role.depth, words.to_vec()));
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        if role.depth > MAX_INTERPRETERS || !is_new() {
            return;
        }
        // A program without a slash was not found in `PATH`, and cannot start.
        if program.as_encoded_bytes().contains(&b'/') {
            self.program(role, Path::new(program), problems);
        }
        let env = behind_env(words).unwrap_or_default();
        let arguments = arguments.iter().chain(&env.words).map(OsString::as_os_str);
        for argument in named(arguments) {
            match argument {
                Named::Path(path) => self.argument(role, &path, problems),
                Named::Bare(word) => {
                    if fs::symlink_metadata(&word).is_ok() {
                        self.argument(role, Path::new(&word), problems);
                    }
                    // Many programs, such as `nice`, start a program that a word names.
                    self.look_up(role, &word, false, problems);
                }
            }
        }
        if let Some(directory) = &env.directory {
            self.path(role.what, directory.as_ref(), problems);
        }
        if let Some(program) = &env.program {
            let path = env.path.as_deref().unwrap_or(role.path);
            self.look_up(Role { path, ..role }, program, true, problems);
        }
    }

    /// Checks a program that is looked up in `PATH`. With `is_program`, also checks that another
    /// user cannot create it in a directory where it is missing.
    fn look_up(&self, role: Role, name: &OsStr, is_program: bool, problems: &mut Problems) {
        let Some(check) = &self.check else {
            return;
        };
        for directory in env::split_paths(role.path) {
            let candidate = Path::new(".").join(directory).join(name);
            let walk = check.walk(&candidate);
            match (walk.end, walk.distrust) {
                (End::File(mode), _) if mode & 0o111 != 0 => {
                    return self.program(role, &candidate, problems);
                }
                (_, Some(distrust)) if is_program => {
                    self.refuse(role.what, &candidate, &distrust, problems);
                    return;
                }
                (_, _) => {}
            }
        }
    }

    /// Checks a program and, if it is a script, its interpreter.
    fn program(&self, role: Role, path: &Path, problems: &mut Problems) {
        if self.path(role.what, path, problems) {
            self.hashbang(role, &FileFormat::of(path), problems);
        }
    }

    /// Checks an argument that is a path: a script perhaps, or a directory that `python3` runs.
    fn argument(&self, role: Role, path: &Path, problems: &mut Problems) {
        let Some(check) = &self.check else {
            return;
        };
        let main = path.join("__main__.py");
        let walk = check.walk(path);
        match (walk.end, walk.distrust) {
            (End::Device, Some(distrust)) if distrust.is_of_device() => {}
            (End::Directory, distrust) => {
                let closed = || check.path(path).err();
                match distrust.or_else(closed) {
                    None => self.program(role, &main, problems),
                    // No other user can turn it into a directory that python3 runs.
                    Some(distrust)
                        if fs::symlink_metadata(&main).is_err()
                            && is_same_file(&distrust.path, path)
                            && !path.is_symlink() =>
                    {
                        self.warn(role.what, path, &distrust, problems);
                    }
                    Some(distrust) => {
                        self.refuse(role.what, path, &distrust, problems);
                    }
                }
            }
            (_, Some(distrust)) => {
                self.refuse(role.what, path, &distrust, problems);
            }
            (End::File(_), None) => self.hashbang(role, &FileFormat::of(path), problems),
            (_, None) => {}
        }
    }

    /// Returns `true` if `path` is trusted, and reports it otherwise.
    fn path(&self, what: &str, path: &Path, problems: &mut Problems) -> bool {
        let check = self.check.as_ref();
        match check.map_or(Ok(()), |check| check.path(path)) {
            Ok(()) => true,
            Err(distrust) => self.refuse(what, path, &distrust, problems),
        }
    }

    /// Returns `false`, and reports why once.
    fn refuse(&self, what: &str, path: &Path, why: &Distrust, problems: &mut Problems) -> bool {
        self.has_refused.set(true);
        if self.reported.borrow_mut().insert(why.path.clone()) {
            let path = shown(path);
            problems
                .error(None, format!("refusing to {what} `{path}` as root: {why}"))
                .hint(why.hint());
        }
        false
    }

    /// Warns of a directory that is dangerous only if another user adds a file.
    fn warn(&self, what: &str, path: &Path, why: &Distrust, problems: &mut Problems) {
        if self.warned.borrow_mut().insert(why.path.clone()) {
            let path = shown(path);
            problems
                .warning(
                    None,
                    format!(
                        "will {what} as root with `{path}`, where other users can add files: {why}"
                    ),
                )
                .hint(why.hint());
        }
    }
}

/// Returns `true` for the names of stdin that lead there through `/proc`.
fn is_stdin(path: &Path) -> bool {
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]
        .map(Path::new)
        .contains(&path)
}
