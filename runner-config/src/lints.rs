//! Checks of keys and values that need only their place in the file.

use std::{collections::BTreeSet, path::Path};

use crate::{
    document::{Document, Entry},
    nearest::nearest,
    problem::{Origin, Problems},
    synonyms::{
        Synonym::{self, Hint, Of},
        synonym,
    },
    table::{DEPENDS_ON, SETTINGS, Setting, setting},
    task_settings::{Codes, END_CODES},
    value::{self, Written},
};

/// The variables that the runner sets for tasks, hooks and the halt task.
pub const OWN_VARIABLES: [&str; 11] = [
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
    "RUNNER_OUTPUTS",
];

/// Reports a key of `[runner]`, or of `--set`, that is not a setting there.
pub(crate) fn check_name(name: &str, origin: &Origin, problems: &mut Problems) {
    let found = setting(name);
    if found.is_some_and(Setting::in_runner) {
        return;
    }
    if found.is_some() {
        let message = format!("`{name}` cannot be set in `[runner]`");
        problems
            .error(origin.clone(), message)
            .hint("put it in a task's section");
        return;
    }
    let message = format!("unknown setting `{name}`");
    let list = "`runner-config --settings` lists the names";
    match (meant(name, |_| true), origin) {
        (Some(Of(name)), _) => {
            let place = if setting(name).is_none_or(Setting::in_runner) {
                ""
            } else {
                " in a task's section"
            };
            let hint = format!("did you mean `{name}`{place}?");
            problems.error(origin.clone(), message).hint(hint);
        }
        (Some(Hint(hint)), _) => problems.error(origin.clone(), message).hint(hint),
        // A setting of the command line can only be meant for the runner.
        (None, Origin::Option(_)) => problems.error(origin.clone(), message).hint(list),
        (None, _) => {
            let problem = problems.warning(origin.clone(), message);
            problem.hint(format!(
                "{list}; keys for tasks belong in their own section"
            ));
        }
    }
}

/// Returns the setting that `name` probably means. A synonym wins over a misspelling: `requires`
/// is near `required`, but means `depends_on`.
fn meant(name: &str, is_candidate: fn(&Setting) -> bool) -> Option<Synonym> {
    synonym(name).or_else(|| near(name, is_candidate).map(Of))
}

/// Returns the setting of which `name` is probably a misspelling.
fn near(name: &str, is_candidate: fn(&Setting) -> bool) -> Option<&'static str> {
    let known = SETTINGS.iter().filter(|setting| is_candidate(setting));
    let near = nearest(name, known.map(|setting| setting.name));
    near.first().copied()
}

/// Reports a task's setting in `[DEFAULT]`, which has no effect on tasks.
pub(crate) fn check_default(key: &str, origin: &Origin, problems: &mut Problems) {
    if setting(key).is_some_and(|setting| !setting.in_runner()) {
        let message = format!("`{key}` has no effect in `[DEFAULT]`");
        let problem = problems.warning(origin.clone(), message);
        problem.hint("put it in the section of each task");
    }
}

/// Reports a section that is probably `[runner]` or `[env]` in another case.
pub(crate) fn check_section(name: &str, header: Option<&Origin>, problems: &mut Problems) {
    if let Some(meant) = reserved_in_other_case(name) {
        let message = format!("section `{name}` is not `{meant}`: names are case-sensitive");
        let problem = problems.warning(header.cloned(), message);
        problem.hint(format!("did you mean `[{meant}]`?"));
    }
}

fn reserved_in_other_case(name: &str) -> Option<&'static str> {
    let mut reserved = ["runner", "env"].into_iter();
    reserved.find(|reserved| name != *reserved && name.eq_ignore_ascii_case(reserved))
}

/// Reports a setting of `[runner]` in the section of a task.
pub(crate) fn out_of_place(key: &str, origin: &Origin, problems: &mut Problems) {
    let message = format!("`{key}` has no effect in a task's section");
    problems
        .warning(origin.clone(), message)
        .hint("it is a setting of `[runner]`, for all tasks");
}

/// Reports a key in a task's section that is not a setting: the task uses it, or it is misspelled.
///
/// A misspelling changes how the task runs, and so does a dependency that is ignored. The task
/// can have its own use for the other synonyms.
pub(crate) fn check_own_key(key: &str, origin: &Origin, problems: &mut Problems) {
    let Some(meant) = meant(key, Setting::in_task) else {
        return;
    };
    let message = format!("key `{key}` in a task's section is not a setting");
    let is_dependency = meant == Of(DEPENDS_ON);
    let problem = if is_dependency || near(key, Setting::in_task).is_some() {
        problems.warning(origin.clone(), message)
    } else {
        problems.note(origin.clone(), message)
    };
    match meant {
        Of(name) => problem.hint(format!("did you mean `{name}`?")),
        Hint(hint) => problem.hint(hint),
    }
}

/// Reports a task's settings in `section`, which does not belong to a task. `hint` names the
/// nearest tasks.
pub(crate) fn check_stray<'a>(
    section: &str,
    entries: impl Iterator<Item = Entry<'a>>,
    hint: impl FnOnce() -> Option<String>,
    problems: &mut Problems,
) {
    if reserved_in_other_case(section).is_some() {
        return;
    }
    let of_task = |entry: &Entry| setting(entry.key).is_some_and(Setting::in_task);
    let held: Vec<Entry> = entries.filter(of_task).collect();
    if let Some(first) = held.first() {
        let names: BTreeSet<String> = held.iter().map(|e| format!("`{}`", e.key)).collect();
        let names = Vec::from_iter(names).join(", ");
        let message = format!("section `{section}` sets {names}, but there is no such task");
        problems.warning(first.origin.clone(), message).hint = hint();
    }
}

/// Reports an `include_dir` in a file that is included itself.
pub(crate) fn check_include(main: Option<&Path>, entry: Entry, problems: &mut Problems) {
    if let Origin::File(file, _) = entry.origin
        && entry.key == "include_dir"
        && main.is_some_and(|main| main != &**file)
    {
        problems.warning(
            entry.origin.clone(),
            "`include_dir` has no effect in a file that is included itself",
        );
    }
}

/// Reports a probable mistake in a variable of `[env]`.
pub(crate) fn check_variable(entry: Entry, problems: &mut Problems) {
    let name = entry.key;
    let mut warn = |message: String, hint: &str| {
        problems.warning(entry.origin.clone(), message).hint(hint);
    };
    if OWN_VARIABLES.contains(&name) {
        warn(
            format!("the runner sets `{name}` itself"),
            "choose another name",
        );
    }
    if name.contains(char::is_whitespace) {
        warn(
            format!("the variable `{name}` has a space in its name"),
            "write `NAME = value`, without `export`",
        );
    }
    if is_quoted(entry.value) {
        warn(
            format!("the value of `{name}` is in quotes, which are part of it"),
            "write it without quotes",
        );
    }
    if has_dollar_name(entry.value) {
        let message = format!("the value of `{name}` contains a `$`, which is taken literally");
        // With such a `PATH` no task finds its programs.
        let problem = match name {
            "PATH" => problems.error(entry.origin.clone(), message),
            _ => problems.warning(entry.origin.clone(), message),
        };
        problem.hint("variables are not expanded in a configuration file");
    }
}

/// Returns `true` if `value` is in quotes that a shell would remove.
fn is_quoted(value: &str) -> bool {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    ['"', '\''].into_iter().any(|quote| inside(quote).is_some())
}

/// Returns `true` if a shell would substitute a part of `value`: `$NAME` or `${NAME}`.
fn has_dollar_name(value: &str) -> bool {
    value.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}

/// Reports the values that Python 2 would have read differently: there a `;` after a blank began
/// a comment, on the line of the key.
pub(crate) fn check_semicolons(document: &Document, problems: &mut Problems) {
    for entry in document.all_own_entries() {
        let line = entry.value.lines().next().unwrap_or_default();
        let before = line.split(';').next().unwrap_or_default();
        if before.len() < line.len() && before.ends_with(char::is_whitespace) {
            let key = entry.key;
            problems
                .warning(
                    entry.origin.clone(),
                    format!("Python 2 treated the text after ` ;` as a comment: `{key}`"),
                )
                .hint("here it is part of the value; put a comment on its own line");
        }
    }
}

/// Reports codes that end the chain and are `written` for tasks that are not required.
pub(crate) fn check_end_codes<'a>(
    written: impl Fn(&str) -> Option<Written<'a>>,
    problems: &mut Problems,
) {
    for name in END_CODES {
        if let Some(codes) = written(name)
            && value::codes(&codes).is_ok_and(|codes| !codes.is_empty())
        {
            let message = format!("`{name}` has no effect on tasks that are not required");
            problems
                .warning(codes.origin.clone(), message)
                .hint("with `required = no` in `[runner]`, write it into the sections of tasks");
        }
    }
}

/// Reports a code that is in two of the lists, one of which is `written` here.
pub(crate) fn check_codes<'a>(
    codes: &Codes,
    written: impl Fn(&str) -> Option<Written<'a>>,
    problems: &mut Problems,
) {
    let origin = |name| {
        let written = written(name).filter(|written| value::codes(written).is_ok());
        written.map(|written| written.origin)
    };
    let lists = [
        ("ok_codes", &codes.ok),
        ("skip_codes", &codes.skip),
        ("halt_codes", &codes.halt),
        ("stop_codes", &codes.stop),
    ];
    for (index, &(name, list)) in lists.iter().enumerate() {
        for &(other_name, other) in &lists[index + 1..] {
            let (origin, other_list) = match (origin(name), origin(other_name)) {
                (Some(origin), _) => (origin, other_name),
                (None, Some(origin)) => (origin, name),
                (None, None) => continue,
            };
            for code in list.intersection(other) {
                problems
                    .error(
                        origin.clone(),
                        format!("exit code {code} is in both `{name}` and `{other_name}`"),
                    )
                    .hint(format!("also set `{other_list}`, to a list without it"));
            }
        }
    }
}
