//! From a [`Document`] to typed settings.

use std::collections::BTreeSet;

use crate::{
    document::{DEFAULT, Document, Entry, Override},
    lints,
    problem::{Origin, Problems},
    table::{DEPENDS_ON, Field, SETTINGS, Setting, Settings, setting},
    task_settings::{END_CODES, TaskSettings, Words},
    value::{self, Parsed, Written, duration as parse_duration},
};

/// Settings with an effect in the section of the halt task. All others are about the chain or
/// hooks.
const OF_HALT: [&str; 5] = [
    "interpreter",
    "kill_grace",
    "leak_time",
    "leftovers",
    "max_time",
];

impl Settings {
    /// Reads `[runner]` and `[env]`. A wrong value is reported to `problems`, and the default is
    /// used.
    pub fn new(document: Document, overrides: &[Override], problems: &mut Problems) -> Settings {
        // The defaults of the table replace these.
        let mut settings = Settings::default();
        let written = |name: &str| document.written(name, overrides);
        for row in &SETTINGS {
            if let Err(expected) = settings.store(row, &default(row)) {
                unreachable!("the default of `{}` is not {expected}", row.name);
            }
        }
        for row in SETTINGS.iter().filter(|row| row.in_runner()) {
            if let Some(written) = written(row.name)
                && let Err(expected) = settings.store(row, &written)
            {
                report(row.name, &written, expected, problems);
            }
        }
        lints::check_codes(&settings.common_task().codes, written, problems);
        if !settings.task.required {
            lints::check_end_codes(written, problems);
        }
        if settings.max_halts > 0 && settings.state_dir.is_none() {
            let origin = written("max_halts").map(|written| written.origin.clone());
            problems
                .error(origin, "`max_halts` needs `state_dir`")
                .hint("set `state_dir` in `[runner]`, where the halts are counted");
        }
        for set in overrides {
            lints::check_name(&set.key, &set.origin, problems);
        }
        for entry in document.own_entries("runner") {
            lints::check_name(entry.key, entry.origin, problems);
            lints::check_include(document.main_file(), entry, problems);
        }
        for entry in document.own_entries("env") {
            lints::check_variable(entry, problems);
        }
        for entry in document.own_entries(DEFAULT) {
            lints::check_default(entry.key, entry.origin, problems);
        }
        for section in document.task_sections() {
            lints::check_section(section, document.header(section), problems);
        }
        let env = document.entries("env").into_iter();
        settings.env = env
            .map(|entry| (entry.key.to_owned(), entry.value.to_owned()))
            .collect();
        settings.halt_task_written =
            written("halt_task").is_some_and(|written| value::file_name(&written).is_ok());
        settings.document = document;
        settings.overrides = overrides.to_vec();
        settings
    }

    /// Stores the value of a setting for all tasks.
    fn store(&mut self, row: &Setting, written: &Written) -> Parsed<()> {
        match row.field {
            Field::Runner(store) => store(self, written),
            Field::RunnerAndTask(store) | Field::Task(store) => store(&mut self.task, written),
        }
    }

    /// Returns the value of `row` in force for all tasks, or for the task of `section`.
    pub fn in_force(&self, row: &Setting, section: Option<&str>) -> Written<'_> {
        let written = self.written(row, section).unwrap_or_else(|| default(row));
        if written.in_task || !END_CODES.contains(&row.name) {
            return written;
        }
        // See `TaskSettings::without_inherited_ends`.
        let required = setting("required").and_then(|row| self.written(row, section));
        match required {
            Some(required) if value::yes_or_no(&required) == Ok(false) => Written {
                value: "",
                ..required
            },
            _ => written,
        }
    }

    /// Returns the settings of the task of `section` that a task can override and that have another
    /// meaning than the default, sorted by name, in a form that depends little on their spelling.
    /// An interpreter is left out: its path depends on the machine.
    pub fn changed(&self, section: Option<&str>) -> Vec<(&'static str, String)> {
        let rows = SETTINGS.iter().filter(|row| row.name != "interpreter");
        let changed = rows.filter_map(|row| {
            let Field::RunnerAndTask(store) = row.field else {
                return None;
            };
            let written = self.in_force(row, section);
            let parsed = |written: &Written| {
                let mut settings = TaskSettings::default();
                // A wrong value has been reported, and the default is used.
                store(&mut settings, written).map(|()| settings)
            };
            let is_default = parsed(&written).ok() == parsed(&default(row)).ok();
            // In a task's section it counts something else.
            let of_task = if written.in_task && row.name == "max_tries" {
                "of the task "
            } else {
                ""
            };
            let value = match row.name {
                // Not the default, which is `yes`.
                "required" => "no".to_owned(),
                _ => canonical(written.value),
            };
            (!is_default).then(|| (row.name, format!("{of_task}{value}")))
        });
        let mut changed: Vec<_> = changed.collect();
        changed.sort_unstable();
        changed
    }

    /// Returns the value of `row` in `section`, otherwise in `[runner]`.
    fn written(&self, row: &Setting, section: Option<&str>) -> Option<Written<'_>> {
        let own = section.and_then(|section| self.own(section, row.name));
        let common = || self.document.written(row.name, &self.overrides);
        own.or_else(|| common().filter(|_| row.in_runner()))
    }

    /// Returns the settings of a task without a section.
    pub fn common_task(&self) -> TaskSettings {
        self.task.clone().without_inherited_ends(|_| false)
    }

    /// Returns `key` of the section of a task.
    fn own(&self, section: &str, key: &str) -> Option<Written<'_>> {
        self.document.own(section, key).map(of_task)
    }

    /// Returns the place of the variable `name` of `[env]`.
    pub fn variable_origin(&self, name: &str) -> Option<&Origin> {
        Some(self.document.get("env", name)?.origin)
    }

    /// Returns the sections that can belong to a task, in the order of the file.
    pub fn task_sections(&self) -> impl Iterator<Item = &str> {
        self.document.task_sections()
    }

    /// Returns the place of the header of `section`, which is one of them.
    pub fn header(&self, section: &str) -> &Origin {
        self.document.header(section).unwrap_or(&Origin::Default)
    }

    /// Returns the settings of the task of `section`; `None` if they are those of all tasks.
    pub fn task_of(&self, section: &str, problems: &mut Problems) -> Option<TaskSettings> {
        let mut task = self.task.clone();
        let mut differs = false;
        for entry in self.document.own_entries(section) {
            let Some(row) = setting(entry.key) else {
                lints::check_own_key(entry.key, entry.origin, problems);
                continue;
            };
            let (Field::RunnerAndTask(store) | Field::Task(store)) = row.field else {
                lints::out_of_place(row.name, entry.origin, problems);
                continue;
            };
            // `depends_on` has a function of its own, and no field.
            differs |= row.name != DEPENDS_ON;
            let written = of_task(entry);
            if let Err(expected) = store(&mut task, &written) {
                report(row.name, &written, expected, problems);
            }
        }
        if !differs {
            return None;
        }
        let task = task.without_inherited_ends(|name| self.own(section, name).is_some());
        let written = |name: &str| {
            // The codes of `[runner]` were checked there, but not those that count only here.
            let common = || self.document.written(name, &self.overrides);
            let counts_only_here = task.required && !self.task.required;
            self.own(section, name)
                .or_else(|| common().filter(|_| counts_only_here))
        };
        lints::check_codes(&task.codes, written, problems);
        if task.runs_once() && self.state_dir.is_none() {
            let origin = self.own(section, "frequency").map(|own| own.origin.clone());
            problems
                .error(origin, "`frequency` needs `state_dir`")
                .hint("set `state_dir` in `[runner]`, where the marks are kept");
        }
        Some(task)
    }

    /// Returns the names in `depends_on` of `section`, and the place of the key.
    pub fn depends_on(&self, section: &str) -> Option<(impl Iterator<Item = &str>, &Origin)> {
        let written = self.own(section, DEPENDS_ON)?;
        Some((value::list(written.value), written.origin))
    }

    /// Reports settings without an effect in `section`, which belongs to the halt task.
    pub fn check_halt_section(&self, section: &str, problems: &mut Problems) {
        for entry in self.document.own_entries(section) {
            if setting(entry.key).is_some_and(Setting::in_task) && !OF_HALT.contains(&entry.key) {
                let message = format!("`{}` has no effect in the halt task's section", entry.key);
                problems
                    .warning(entry.origin.clone(), message)
                    .hint("the halt task is started once, and never part of the chain");
            }
        }
    }

    /// Returns `true` if `section` has `enabled = no`; for a file that is not a task.
    pub fn disables(&self, section: &str) -> bool {
        let enabled = self.own(section, "enabled");
        enabled.is_some_and(|written| value::yes_or_no(&written) == Ok(false))
    }

    /// Reports the values that Python 2 would have read differently.
    pub fn check_semicolons(&self, problems: &mut Problems) {
        lints::check_semicolons(&self.document, problems);
    }

    /// Reports a task's settings in `section`, which does not belong to a task. `hint` names
    /// tasks with a similar name.
    pub fn check_stray(
        &self,
        section: &str,
        hint: impl FnOnce() -> Option<String>,
        problems: &mut Problems,
    ) {
        lints::check_stray(section, self.document.own_entries(section), hint, problems);
    }

    /// Returns the hint for the hook `words` of `setting` that is not in `PATH`, if it is beside
    /// the configuration.
    pub fn hook_hint(&self, setting: &str, words: &Words) -> Option<String> {
        let name = words.first()?.to_str()?;
        let origin = self.document.written(setting, &self.overrides)?.origin;
        let is_there = origin.resolve(name.as_ref()).symlink_metadata().is_ok();
        (is_there && !name.contains('/'))
            .then(|| format!("write `./{name}` for the file of this name"))
    }
}

fn default(row: &Setting) -> Written<'static> {
    Written {
        value: row.default,
        origin: &Origin::Default,
        in_task: false,
    }
}

/// Returns a value of the section of a task.
fn of_task(Entry { value, origin, .. }: Entry) -> Written {
    Written {
        value,
        origin,
        in_task: true,
    }
}

/// Reports a wrong value, on one line.
fn report(name: &str, written: &Written, expected: &str, problems: &mut Problems) {
    let mut lines = written.lines();
    let found = match (lines.next(), lines.next()) {
        (None, _) => "empty".to_owned(),
        (Some(line), None) => format!("`{line}`"),
        (Some(line), Some(_)) => format!("`{line}` and more lines"),
    };
    let message = format!("`{name}` must be {expected}, not {found}");
    let problem = problems.error(written.origin.clone(), message);
    let begins_comment = |c| c == '#' || c == ';';
    let comment = written.find(begins_comment).map(|at| &written[..at]);
    match (written.origin, written.contains('\n')) {
        (Origin::File(_, line), true) => problem.hint(format!(
            "the text after line {line} is indented, so it continues its value"
        )),
        (Origin::File(..), false) if comment.is_some_and(|it| it.ends_with([' ', '\t'])) => {
            problem.hint("a comment needs its own line");
        }
        _ => {}
    }
}

/// Returns the words of a value in one order, with durations and numbers in one form.
fn canonical(value: &str) -> String {
    let words = if parse_duration(value).is_ok() {
        vec![value]
    } else {
        let words = value.split(|c: char| c == ',' || c.is_whitespace());
        words.filter(|word| !word.is_empty()).collect()
    };
    let words = words.into_iter().map(|word| match parse_duration(word) {
        Ok(time) => time.as_secs_f64().to_string(),
        Err(_) => word.to_lowercase(),
    });
    let words: BTreeSet<String> = words.collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}
