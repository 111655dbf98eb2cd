//! What is started: a program, its arguments and its environment, as a value.
#![expect(clippy::disallowed_methods, reason = "this is where PATH is looked up")]

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Words, shown};
use which::which_in;

use crate::trust::{End, TrustCheck};

/// One process to start; [`crate::process::launch()`] starts it.
#[derive(Debug)]
pub struct CommandLine {
    /// The path of the program. One without a slash was not found in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What changes in the environment that the runner inherited, in this order: a variable
    /// is set, or without a value not passed on.
    pub env: Arc<Vec<(OsString, Option<OsString>)>>,
    /// Where its output goes; `None` for the runner's own stdout and stderr.
    pub output: Option<Streams>,
}

/// What stdout and stderr of a process are.
#[derive(Debug)]
pub struct Streams {
    /// Its stdout.
    pub stdout: File,
    /// Its stderr.
    pub stderr: File,
}

impl Streams {
    /// Both go to one file.
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

    /// The command of a task: its interpreter's words, then its path.
    pub fn task(interpreter: Option<&Words>, path: &Path) -> CommandLine {
        match interpreter {
            Some(words) => CommandLine::words(words, path.as_os_str()),
            None => CommandLine::new(path, Vec::new()),
        }
    }

    /// The command of a hook: its words, then the JSON.
    pub fn hook(words: &Words, json: String) -> CommandLine {
        CommandLine::words(words, OsStr::new(&json))
    }

    fn words(words: &Words, last: &OsStr) -> CommandLine {
        let mut words = words.iter().cloned();
        let program = words.next().unwrap_or_default();
        CommandLine::new(program, words.chain([last.to_owned()]).collect())
    }
}

/// The words with the first one looked up in the PATH of this process, when it
/// has no slash; or why there is no such program, as the end of a sentence. `check` comes before
/// each look: a FUSE mount of another user may never answer.
pub(crate) fn look_up(words: &Words, check: Option<&TrustCheck>) -> Result<Words, String> {
    let can_look = |path: &Path| check.is_none_or(|check| check.walk(path).end != End::Unknown);
    let mut words = words.clone();
    let program = PathBuf::from(&words[0]);
    if words[0].as_encoded_bytes().contains(&b'/') {
        // One that is not looked at is refused later, whether it exists or not.
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
