//! What a configuration means: [`Document`] in, typed values out.

use std::{collections::BTreeSet, num::NonZeroUsize, path::PathBuf, time::Duration};

use crate::{
    document::{Document, Entry},
    nearest::nearest,
    overrides::Override,
    problem::{Origin, Problems},
    reader::{Reader, one_of, verbatim, written},
    table::{SETTINGS, Setting, setting},
    task_section,
    task_settings::{RetryFrom, TaskSettings, Words},
    value,
};

/// Everything that is in force for a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is in force for a task without a section of its own.
    pub task: TaskSettings,
    /// Where a retry starts.
    pub retry_from: RetryFrom,
    /// The name of the halt task; `None` when `halt_task` is empty.
    pub halt_task: Option<String>,
    /// Whether the name of the halt task was written anywhere.
    pub halt_task_written: bool,
    /// The command before and after each task.
    pub task_hook: Option<Words>,
    /// How many tasks may run at the same time.
    pub jobs: NonZeroUsize,
    /// How many halts are allowed within [`Settings::halt_period`]; 0 means any number.
    pub max_halts: u32,
    /// See [`Settings::max_halts`].
    pub halt_period: Duration,
    /// Where journal, lock and marks live.
    pub state_dir: Option<PathBuf>,
    /// Where the output of tasks goes.
    pub log_dir: Option<PathBuf>,
    /// Of how many runs it is kept.
    pub log_keep: u32,
    /// The variables of `[env]`, in the order in which they are written.
    pub env: Vec<(String, String)>,
    document: Document,
    overrides: Vec<Override>,
}

/// A setting as it is in force, and where it was written.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'a> {
    /// The value, as it is written.
    pub value: &'a str,
    /// Where.
    pub origin: &'a Origin,
}

/// The variables that tasks, hooks and the halt task have from the runner.
pub const OWN_VARIABLES: [&str; 10] = [
    "RUNNER_CONFIG_CMD",
    "RUNNER_TASK",
    "RUNNER_TRY_NUM",
    "RUNNER_MAX_TRIES",
    "RUNNER_RUN_ID",
    "RUNNER_HOOK",
    "RUNNER_RESULT",
    "RUNNER_OUTCOME",
    "RUNNER_ELAPSED",
    "RUNNER_HALT_REASON",
];

/// What the section of the halt task may set; all else is about the chain or the hooks.
const OF_HALT: [&str; 5] = [
    "interpreter",
    "kill_grace",
    "leak_time",
    "leftovers",
    "max_time",
];

impl Settings {
    /// Reads `[runner]` and `[env]`; what is wrong with them goes to `problems`,
    /// and the default stands in for it.
    pub fn new(document: Document, overrides: &[Override], problems: &mut Problems) -> Settings {
        let mut from = Reader {
            document: &document,
            task: None,
            overrides,
            problems,
        };
        let task = task_section::read(&mut from);
        let retry_from = from.get("retry_from", one_of(RETRY_FROM, "`start` or `failed`"));
        let halt_task = from.get("halt_task", value::file_name);
        let task_hook = from.get("task_hook", value::words);
        let jobs = from.get("jobs", value::jobs);
        let max_halts = from.get("max_halts", value::whole_number);
        let halt_period = from.get("halt_period", value::duration);
        let state_dir = from.get("state_dir", verbatim).path();
        let log_dir = from.get("log_dir", verbatim).path();
        let log_keep = from.get("log_keep", value::whole_number);
        if max_halts.value > 0 && state_dir.is_none() {
            problems
                .error(max_halts.origin, "`max_halts` needs `state_dir`")
                .hint("set `state_dir` in `[runner]`, where the halts are counted");
        }
        for set in overrides {
            judge_name(&set.key, &set.origin, problems);
        }
        for entry in document.own_entries("runner") {
            judge_name(entry.key, entry.origin, problems);
            judge_include(&document, entry, problems);
        }
        for entry in document.own_entries("env") {
            judge_variable(entry, problems);
        }
        let env = document
            .entries("env")
            .iter()
            .map(|entry| (entry.key.to_owned(), entry.value.to_owned()))
            .collect();
        Settings {
            task,
            retry_from: retry_from.value,
            halt_task_written: halt_task.origin != Origin::Default,
            halt_task: Some(halt_task.value).filter(|name| !name.is_empty()),
            task_hook: task_hook.command(),
            jobs: jobs.value,
            max_halts: max_halts.value,
            halt_period: halt_period.value,
            state_dir,
            log_dir,
            log_keep: log_keep.value,
            env,
            document,
            overrides: overrides.to_vec(),
        }
    }

    /// What `setting` says for all tasks, or for the one whose section is `section`.
    pub fn in_force(&self, setting: &Setting, section: Option<&str>) -> InForce<'_> {
        let name = setting.name;
        let own = section.and_then(|section| self.document.own(section, name));
        let own = own.map(|entry| (entry.value, entry.origin));
        let common =
            || written(&self.document, &self.overrides, name).filter(|_| setting.in_runner());
        let (value, origin) = own
            .or_else(common)
            .unwrap_or((setting.default, &Origin::Default));
        InForce { value, origin }
    }

    /// Where the variable `name` of `[env]` was written.
    pub fn variable_origin(&self, name: &str) -> Option<&Origin> {
        Some(self.document.get("env", name)?.origin)
    }

    /// The sections that may be a task's, in the order in which they were written.
    pub fn task_sections(&self) -> impl Iterator<Item = &str> {
        self.document.task_sections()
    }

    /// Where `section`, which is one of them, begins.
    pub fn header(&self, section: &str) -> &Origin {
        self.document.header(section).unwrap_or(&Origin::Default)
    }

    /// What is in force for the task whose section is `section`; `None` when that is the
    /// same as for every task.
    pub fn task_of(&self, section: &str, problems: &mut Problems) -> Option<TaskSettings> {
        let mut differs = false;
        for Entry { key, origin, .. } in self.document.own_entries(section) {
            match setting(key).map(Setting::in_task) {
                // What it depends on is asked for by itself, and is no matter for the others.
                Some(true) => differs |= key != DEPENDS_ON,
                Some(false) => judge_out_of_place(key, origin, problems),
                None => judge_own_key(key, origin, problems),
            }
        }
        if !differs {
            return None;
        }
        let mut from = Reader {
            document: &self.document,
            task: Some((section, &self.task)),
            overrides: &[],
            problems,
        };
        let settings = task_section::read(&mut from);
        if settings.frequency != crate::task_settings::Frequency::Always && self.state_dir.is_none()
        {
            let origin = self.document.own(section, "frequency").map(|e| e.origin);
            problems
                .error(origin.cloned(), "`frequency` needs `state_dir`")
                .hint("set `state_dir` in `[runner]`, where the marks are kept");
        }
        Some(settings)
    }

    /// The names of the tasks that have to be done before the one whose section is
    /// `section`, and where they are written.
    pub fn depends_on(&self, section: &str) -> Option<(impl Iterator<Item = &str>, &Origin)> {
        let written = self.document.own(section, DEPENDS_ON)?;
        Some((value::list(written.value), written.origin))
    }

    /// Says so when `section`, which is the halt task's, sets what makes sense in the
    /// chain only.
    pub fn judge_halt_section(&self, section: &str, problems: &mut Problems) {
        for entry in self.document.own_entries(section) {
            if setting(entry.key).is_some_and(Setting::in_task) && !OF_HALT.contains(&entry.key) {
                let message = format!(
                    "`{}` has no effect in the section of the halt task",
                    entry.key
                );
                problems
                    .warning(entry.origin.clone(), message)
                    .hint("the halt task is started once, and never part of the chain");
            }
        }
    }

    /// Whether `section` says `enabled = no`, for what is no task anyway.
    pub fn disables(&self, section: &str) -> bool {
        let enabled = self.document.own(section, "enabled");
        enabled.is_some_and(|entry| value::yes_or_no(entry.value) == Ok(false))
    }

    /// Says which values Python 2 would have read differently.
    pub fn judge_semicolons(&self, problems: &mut Problems) {
        self.document.judge_semicolons(problems);
    }

    /// Says so when `section`, which is no task's, holds settings of a task.
    pub fn judge_stray(&self, section: &str, problems: &mut Problems) {
        let held: Vec<Entry> = (self.document.own_entries(section))
            .filter(|entry| setting(entry.key).is_some_and(Setting::in_task))
            .collect();
        if let Some(first) = held.first() {
            let names: BTreeSet<String> = held.iter().map(|e| format!("`{}`", e.key)).collect();
            let names: Vec<String> = names.into_iter().collect();
            let names = names.join(", ");
            problems.warning(
                first.origin.clone(),
                format!("section `{section}` sets {names}, but there is no such task"),
            );
        }
    }
}

const DEPENDS_ON: &str = "depends_on";

const RETRY_FROM: &[(&str, RetryFrom)] =
    &[("start", RetryFrom::Start), ("failed", RetryFrom::Failed)];

fn judge_name(name: &str, origin: &Origin, problems: &mut Problems) {
    if setting(name).is_some_and(Setting::in_runner) {
        return;
    }
    if setting(name).is_some() {
        problems
            .error(
                origin.clone(),
                format!("`{name}` cannot stand in `[runner]`"),
            )
            .hint("put it into the section of a task");
        return;
    }
    let known = SETTINGS.iter().filter(|setting| setting.in_runner());
    let near = nearest(name, known.map(|setting| setting.name));
    let message = format!("unknown setting `{name}`");
    match (near.first(), origin) {
        (Some(near), _) => {
            let problem = problems.error(origin.clone(), message);
            problem.hint(format!("did you mean `{near}`?"));
        }
        // What is given on the command line is meant for the runner and nobody else.
        (None, Origin::Option(_)) => {
            let problem = problems.error(origin.clone(), message);
            problem.hint("`runner-config --settings` lists the names");
        }
        (None, _) => {
            let problem = problems.warning(origin.clone(), message);
            problem.hint("`runner-config --settings` lists the names; what is meant for tasks belongs into a section of its own");
        }
    }
}

/// A setting of `[runner]` that stands in the section of a task.
fn judge_out_of_place(key: &str, origin: &Origin, problems: &mut Problems) {
    let message = format!("`{key}` has no effect in the section of a task");
    problems
        .warning(origin.clone(), message)
        .hint("it is a setting of `[runner]`, for all tasks");
}

/// A key in the section of a task that is no setting: it is for the task's own use, or
/// it is misspelled.
fn judge_own_key(key: &str, origin: &Origin, problems: &mut Problems) {
    let known = SETTINGS.iter().filter(|setting| setting.in_task());
    if let Some(near) = nearest(key, known.map(|setting| setting.name)).first() {
        let message = format!("key `{key}` in the section of a task is no setting");
        problems
            .warning(origin.clone(), message)
            .hint(format!("did you mean `{near}`?"));
    }
}

fn judge_include(document: &Document, entry: Entry, problems: &mut Problems) {
    let Origin::File(file, _) = entry.origin else {
        return;
    };
    let main = document.main_file();
    if entry.key == "include_dir" && main.is_some_and(|main| main != &**file) {
        problems.warning(
            entry.origin.clone(),
            "`include_dir` has no effect in a file that is included itself",
        );
    }
}

fn judge_variable(entry: Entry, problems: &mut Problems) {
    if OWN_VARIABLES.contains(&entry.key) {
        let message = format!("the runner sets `{}` itself", entry.key);
        problems
            .warning(entry.origin.clone(), message)
            .hint("choose another name");
    }
    if entry.key.contains(char::is_whitespace) {
        let message = format!("the variable `{}` has a blank in its name", entry.key);
        problems
            .warning(entry.origin.clone(), message)
            .hint("write `NAME = value`, without `export`");
    }
    if has_dollar_name(entry.value) {
        let name = entry.key;
        problems
            .warning(
                entry.origin.clone(),
                format!("the value of `{name}` has a `$` in it, which is taken literally"),
            )
            .hint("nothing is substituted in a configuration file");
    }
}

/// Whether a shell would substitute something in `value`: `$NAME` or `${NAME}`.
fn has_dollar_name(value: &str) -> bool {
    value.match_indices('$').any(|(at, _)| {
        let rest = &value[at + 1..];
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}
