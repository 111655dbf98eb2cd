//! What is started: a program, its arguments and its environment, as a value.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::Words;

/// One process to start; [`crate::launch`] starts it.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// The path of the program. One without a slash was not found in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables that are set, over what the runner inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Variables that it does not inherit.
    pub env_remove: Vec<OsString>,
    /// What its stdout and stderr are; `None` for those of the runner.
    pub output: Option<Arc<File>>,
}

impl CommandLine {
    /// The command of a task: its interpreter's words, then its path.
    pub fn task(interpreter: Option<&Words>, path: &Path) -> CommandLine {
        match interpreter {
            Some(words) => CommandLine::words(words, path.as_os_str()),
            None => CommandLine {
                program: path.to_owned(),
                args: Vec::new(),
                env: Vec::new(),
                env_remove: Vec::new(),
                output: None,
            },
        }
    }

    /// The command of a hook: its words, then the JSON.
    pub fn hook(words: &Words, json: String) -> CommandLine {
        CommandLine::words(words, OsStr::new(&json))
    }

    fn words(words: &Words, last: &OsStr) -> CommandLine {
        let mut words = words.iter().cloned();
        let program = words.next().unwrap_or_default();
        CommandLine {
            program: program.into(),
            args: words.chain([last.to_owned()]).collect(),
            env: Vec::new(),
            env_remove: Vec::new(),
            output: None,
        }
    }
}

/// The words with the first one looked up in the PATH of this process, when it
/// has no slash; `None` when it is not there.
pub(crate) fn look_up(words: &Words) -> Option<Words> {
    let mut words = words.clone();
    let first = words.first_mut()?;
    if !first.to_string_lossy().contains('/') {
        let paths = env::var_os("PATH");
        let found = which::which_in(&*first, paths, env::current_dir().ok()?);
        *first = found.ok()?.into_os_string();
    }
    Some(words)
}
