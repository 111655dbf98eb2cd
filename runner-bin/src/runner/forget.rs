//! `--forget` and `--forget-all`: removes the marks of tasks, so they run again.

use std::{io, path::PathBuf};

use runner_config::{Problems, reason, shown};
use runner_exec::{Marks, StateDir, StopSignals, TaskName};

use crate::{
    console::messages::HINT,
    exit::Exit,
    runner::{load::Source, session::Session},
};

/// Removes the mark of `task`, or all marks without a task. Logs each mark that it removes.
pub(crate) fn forget(source: &Source, task: Option<&str>, session: &Session) -> Exit {
    let log = &session.log;
    let mut problems = Problems::default();
    let plan = source.load(&mut problems);
    log.problems(problems);
    let plan = match plan {
        Ok(plan) => plan,
        Err(unusable) => return unusable.exit,
    };
    let task = match task.map(|name| plan.find(name)).transpose() {
        Ok(task) => task,
        Err(sentence) => {
            log.error(&sentence);
            return Exit::Usage;
        }
    };
    let Some(state_dir) = StateDir::of(&plan.settings) else {
        log.error(&format!(
            "without `state_dir` there are no marks\n\
             {HINT}name the configuration that sets `state_dir` with `-c`"
        ));
        return Exit::Config;
    };
    // Nothing handles signals, so one ends the process, and with it the lock.
    let _lock = match session.lock(&plan, &StopSignals::default()) {
        Ok(locked) => locked.lock,
        Err(exit) => return exit,
    };
    let marks = Marks::new(state_dir);
    match forget_tasks(&marks, task.map(|task| task.name.clone()), session) {
        Ok(()) => Exit::Finished,
        Err((path, error)) => {
            let (path, why) = (shown(&path), reason(&error));
            log.error(&format!("cannot remove `{path}`: {why}"));
            Exit::System
        }
    }
}

/// The error has the path that cannot be read or removed.
fn forget_tasks(
    marks: &Marks,
    task: Option<TaskName>,
    session: &Session,
) -> Result<(), (PathBuf, io::Error)> {
    let tasks = match task {
        Some(task) => vec![task],
        None => marks.names()?,
    };
    if tasks.is_empty() {
        session.log.info("there are no marks");
    }
    for task in tasks {
        let is_removed = marks.forget(&task)?;
        let what = if is_removed {
            format!("forgot `{task}`")
        } else {
            format!("`{task}` has no mark")
        };
        session.log.info(&what);
    }
    Ok(())
}
