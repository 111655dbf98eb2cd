//! `--check`: all problems that a start reports, and notes that it does not report.

use std::path::{Path, PathBuf};

use runner_config::{Problem, Problems, Severity, shown};
use runner_exec::Plan;
use rustix::fs::{Access, access};
use serde_json::{Value, json};

use crate::{
    console::{
        answer::{answer, pretty},
        level::Verbosity,
        log::Log,
        messages::count,
    },
    exit::Exit,
    runner::{
        config_cmd::ConfigCmd,
        load::{Source, Unusable},
    },
};

/// Shows the problems of `plan`, in addition to those that were found while it was made.
pub(super) fn check(
    source: &Source,
    plan: Result<Plan, Unusable>,
    mut problems: Problems,
    json: bool,
) -> Exit {
    if let Ok(plan) = &plan {
        add_notes(source, plan, &mut problems);
    }
    let exit = match &plan {
        Err(unusable) => unusable.exit,
        Ok(_) => Exit::of_problems(&problems),
    };
    let log = Log::plain(Verbosity::Verbose);
    let tasks = plan.map_or(0, |plan| plan.tasks.len());
    if json {
        problems.sort();
        let answered = json!({
            "status": exit.status(),
            "tasks": tasks,
            "problems": problems.iter().map(object).collect::<Value>(),
        });
        return answer(&pretty(&answered), exit, &log);
    }
    log.problems(problems);
    if exit == Exit::Finished {
        log.info(&format!("{}, no problems", count(tasks, "task")));
    }
    exit
}

/// Adds problems that do not prevent a plan.
fn add_notes(source: &Source, plan: &Plan, problems: &mut Problems) {
    let settings = &plan.settings;
    settings.check_semicolons(problems);
    if let Err(sentence) = ConfigCmd::new(source.config.as_deref()) {
        problems.error(None, sentence);
    }
    let mut check_directory = |name, directory: &Option<PathBuf>, without| {
        if let Some(directory) = directory.as_deref().filter(|path| !can_be_made(path)) {
            let directory = shown(directory);
            problems
                .warning(None, format!("cannot write to `{name}` `{directory}`"))
                .hint(format!("without it, {without}"));
        }
    };
    let streams = "tasks write to stdout and stderr";
    check_directory("log_dir", &settings.log_dir, streams);
    let nothing = "there is no journal, and no `once` task starts";
    check_directory("state_dir", &settings.state_dir, nothing);
    if let Some(sentence) = plan.jobs_without_use() {
        problems.note(None, sentence);
    }
}

/// Returns `true` if `path` is a writable directory, or could be created as one.
fn can_be_made(directory: &Path) -> bool {
    let directory = Path::new(".").join(directory);
    let there = directory
        .ancestors()
        .find(|path| path.symlink_metadata().is_ok());
    there.is_some_and(|there| {
        there.is_dir() && access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    })
}

fn object(problem: &Problem) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    json!({
        "severity": severity,
        "origin": problem.origin.as_ref().map(ToString::to_string),
        "message": problem.message,
        "hint": problem.hint,
    })
}
