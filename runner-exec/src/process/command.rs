//! A command: a program, its arguments and its environment, as a value.
#![expect(clippy::disallowed_methods, reason = "this is where PATH is looked up")]

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Settings, Words, shown};
use which::which_in;

use crate::trust::{End, TrustCheck};

/// One process to start; [`crate::process::launch()`] starts it.
#[derive(Debug)]
pub struct CommandLine {
    /// The path of the program. One without a slash was not found in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Changes to the inherited environment, applied in this order: a variable is set, or
    /// removed if it has no value.
    pub env: Arc<Vec<(OsString, Option<OsString>)>>,
    /// Its stdout and stderr; `None` = those of the runner.
    pub output: Option<Streams>,
}

/// Stdout and stderr of a process.
#[derive(Debug)]
pub struct Streams {
    /// Its stdout.
    pub stdout: File,
    /// Its stderr.
    pub stderr: File,
}

impl Streams {
    /// Writes both to one file.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub fn to_file(file: File) -> io::Result<Streams> {
        Ok(Streams {
            stdout: file.try_clone()?,
            stderr: file,
        })
    }
}

impl CommandLine {
    fn new(program: impl Into<PathBuf>, args: Vec<OsString>) -> CommandLine {
        CommandLine {
            program: program.into(),
            args,
            env: Arc::default(),
            output: None,
        }
    }

    /// Creates the command of a task: the words of its interpreter, then its path.
    pub fn task(interpreter: Option<&Words>, path: &Path) -> CommandLine {
        match interpreter {
            Some(words) => CommandLine::words(words, path.as_os_str()),
            None => CommandLine::new(path, Vec::new()),
        }
    }

    /// Creates the command of a hook: its words, then the JSON.
    pub fn hook(words: &Words, json: String) -> CommandLine {
        CommandLine::words(words, OsStr::new(&json))
    }

    fn words(words: &Words, last: &OsStr) -> CommandLine {
        let mut words = words.iter().cloned();
        let program = words.next().unwrap_or_default();
        CommandLine::new(program, words.chain([last.to_owned()]).collect())
    }
}

/// The `PATH` of a program that has none, see `environ(7)` and `confstr(3)`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Returns the `PATH` in which tasks and hooks look up programs.
pub fn path_of_tasks(settings: &Settings) -> OsString {
    let set = settings.env.iter().rev().find(|(name, _)| name == "PATH");
    let set = set.map(|(_, value)| OsString::from(value));
    set.or_else(|| env::var_os("PATH"))
        .unwrap_or_else(|| DEFAULT_PATH.into())
}

/// Returns `true` if `program` is in a directory of `path`, or could be in one that `check` does
/// not let the runner look at.
pub(crate) fn may_be_in(path: &OsStr, program: &Path, check: Option<&TrustCheck>) -> bool {
    let here = env::current_dir().unwrap_or_default();
    env::split_paths(path).any(|directory| {
        !can_look(&directory.join(program), check)
            || which_in(program, Some(directory), &here).is_ok()
    })
}

fn can_look(path: &Path, check: Option<&TrustCheck>) -> bool {
    check.is_none_or(|check| check.walk(path).end != End::Unknown)
}

/// Looks the first word up in the PATH of this process, if it has no slash. Returns the words
/// with its path, or why there is no such program, as the end of a sentence. `check` comes before
/// each access: a FUSE mount of another user can block forever.
pub(crate) fn look_up(words: &Words, check: Option<&TrustCheck>) -> Result<Words, String> {
    let can_look = |path: &Path| can_look(path, check);
    let mut words = words.clone();
    let program = PathBuf::from(&words[0]);
    if words[0].as_encoded_bytes().contains(&b'/') {
        // One without access is refused later, no matter if it exists.
        if can_look(&program) && !program.exists() {
            return Err(format!("`{}` does not exist", shown(&program)));
        }
        return Ok(words);
    }
    let (path, here) = (env::var_os("PATH"), env::current_dir().unwrap_or_default());
    let directories = path.iter().flat_map(env::split_paths);
    let mut directories = directories.filter(|directory| can_look(&directory.join(&program)));
    match directories.find_map(|directory| which_in(&program, Some(directory), &here).ok()) {
        Some(found) => {
            words[0] = found.into_os_string();
            Ok(words)
        }
        None => Err(format!("`{}` was not found in PATH", shown(&program))),
    }
}
