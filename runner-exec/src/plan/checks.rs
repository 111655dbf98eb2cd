//! Checks of tasks before anything starts.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_config::{Problems, Settings, Words, shown};

use crate::{
    plan::{Task, discover::Kind},
    process::{
        command::{look_up, may_be_in},
        file_format::FileFormat,
    },
    trust::{TrustCheck, behind_env},
};

const DISABLE: &str = "disable it (`enabled = no`, or a name ending in `.disabled`)";
const NAME_ANOTHER: &str = "name another one with `halt_task` in `[runner]`";

/// Reports the reasons for which a file will not start.
pub(crate) fn check_start(task: &Task, kind: &Kind, is_halt: bool, problems: &mut Problems) {
    let name = &task.name;
    let otherwise = if is_halt { NAME_ANOTHER } else { DISABLE };
    let cannot_start = |why: &str| format!("task `{name}` cannot start: {why}");
    let mut warn = |why: &str| {
        problems.warning(None, cannot_start(why));
    };
    let (executable, format) = match kind {
        Kind::File { executable, format } => (*executable, format),
        Kind::Special(what) => return warn(&format!("it is a {what}")),
        Kind::Hidden(why) => return warn(why),
        Kind::Directory => return warn("it is a directory"),
        Kind::Dangling => {
            let problem = problems.warning(None, cannot_start("it is a dangling symlink"));
            return problem.hint("fix the link, or remove it");
        }
    };
    if task.settings.interpreter.is_some() {
        return;
    }
    if !executable {
        problems
            .error(None, format!("task `{name}` is not executable"))
            .hint(format!("make it executable, or {otherwise}"));
    }
    match format {
        FileFormat::Script { crlf: true, .. } => problems
            .error(
                None,
                format!("task `{name}` has a `#!` line that ends in CRLF (Windows line ending)"),
            )
            .hint(format!("save it with Unix line endings, or {otherwise}")),
        FileFormat::Script {
            interpreter,
            exists: false,
            ..
        } => {
            let why = format!("its interpreter `{}` does not exist", shown(interpreter));
            let problem = problems.warning(None, cannot_start(&why));
            problem.hint("fix its `#!` line");
        }
        FileFormat::Unknown if executable => problems
            .warning(
                None,
                format!("task `{name}` has no `#!` line and is not a program"),
            )
            .hint("add a `#!` line, or set `interpreter`"),
        FileFormat::Script { .. }
        | FileFormat::Binary
        | FileFormat::Unknown
        | FileFormat::Unreadable => {}
    }
}

/// Reports a halt task that is required and missing, or is a directory.
pub(crate) fn check_halt(
    directory: &Path,
    settings: &Settings,
    needs_halt: bool,
    is_directory: bool,
    problems: &mut Problems,
) {
    let directory = shown(directory);
    let (message, hint) = match &settings.halt_task {
        Some(_) if !needs_halt && !settings.halt_task_written => return,
        Some(name) if is_directory => (
            format!("halt task `{name}` in `{directory}` is a directory"),
            format!("put a file there, or {NAME_ANOTHER}"),
        ),
        Some(name) => (
            format!("halt task `{name}` is not in `{directory}`"),
            format!("add it, or {NAME_ANOTHER}"),
        ),
        None if needs_halt => (
            "`-H` needs a halt task, and `halt_task` is empty".to_owned(),
            "name one with `halt_task` in `[runner]`".to_owned(),
        ),
        None => return,
    };
    problems.error(None, message).hint(hint);
}

/// Cache of the interpreters that were looked up in PATH.
#[derive(Default)]
pub(crate) struct Interpreters {
    /// Those of the configuration.
    commands: HashMap<Words, Result<Words, String>>,
    /// For each argument of an `env` in a `#!` line, the program if it is missing.
    behind_env: HashMap<Arc<OsStr>, Option<String>>,
}

impl Interpreters {
    /// Replaces the interpreter of `task` by its path, found in PATH.
    pub(crate) fn look_up(
        &mut self,
        task: &mut Task,
        check: Option<&TrustCheck>,
        problems: &mut Problems,
    ) {
        let Some(words) = &task.settings.interpreter else {
            return;
        };
        let found = self.commands.entry(words.clone());
        match found.or_insert_with(|| look_up(words, check)) {
            Ok(found) if found == words => {}
            Ok(found) => Arc::make_mut(&mut task.settings).interpreter = Some(found.clone()),
            Err(why) => {
                let message = format!("task `{}` cannot start: its interpreter {why}", task.name);
                problems.warning(None, message).hint("fix `interpreter`");
            }
        }
    }

    /// Warns if the `env` in the `#!` line of `task` does not find its program in `path`. The
    /// task is started all the same, since one before it can install the program.
    pub(crate) fn look_up_behind_env(
        &mut self,
        task: &Task,
        path: &OsStr,
        check: Option<&TrustCheck>,
        problems: &mut Problems,
    ) {
        let FileFormat::Script {
            interpreter,
            argument: Some(argument),
            crlf: false,
            exists: true,
        } = &task.format
        else {
            return;
        };
        if task.settings.interpreter.is_some() || !interpreter.ends_with("env") {
            return;
        }
        let missing = self.behind_env.entry(argument.clone());
        let missing = missing.or_insert_with(|| {
            let env = behind_env(&["env".into(), (**argument).to_owned()])?;
            let program = PathBuf::from(env.program?);
            let path = env.path.as_deref().unwrap_or(path);
            (!may_be_in(path, &program, check)).then(|| shown(&program))
        });
        if let Some(program) = missing {
            let name = &task.name;
            let message = format!("task `{name}` may fail: `env` cannot find `{program}` in PATH");
            let problem = problems.warning(None, message);
            problem.hint(format!("install `{program}`, or fix the `#!` line"));
        }
    }
}
