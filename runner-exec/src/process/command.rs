//! What is started: a program, its arguments and its environment, as a value.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Words, shown};

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
/// has no slash; or why there is no such program, as the end of a sentence.
pub(crate) fn look_up(words: &Words) -> Result<Words, String> {
    let mut words = words.clone();
    let first = &mut words[0];
    if first.to_string_lossy().contains('/') {
        return match Path::new(first).exists() {
            true => Ok(words),
            false => Err(format!("`{}` does not exist", shown(first.as_ref()))),
        };
    }
    let here = env::current_dir().unwrap_or_default();
    match which::which_in(&*first, env::var_os("PATH"), here) {
        Ok(found) => {
            *first = found.into_os_string();
            Ok(words)
        }
        Err(_) => Err(format!("`{}` was not found in PATH", shown(first.as_ref()))),
    }
}
