//! Takes typed values out of one section, and says what is wrong with them.

use std::path::{Path, PathBuf};

use crate::{
    document::{Document, Entry, beside},
    overrides::Override,
    problem::{Origin, Problems},
    table::setting,
    task_settings::{TaskSettings, Words},
    value::Parsed,
};

pub(crate) struct Reader<'a> {
    pub(crate) document: &'a Document,
    /// The section of a task, and what holds for all tasks; `None` for `[runner]`.
    pub(crate) task: Option<(&'a str, &'a TaskSettings)>,
    /// Values that win over those of the section.
    pub(crate) overrides: &'a [Override],
    pub(crate) problems: &'a mut Problems,
}

/// A value and where it was written.
pub(crate) struct Written<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<'a> Reader<'a> {
    /// The value in force: an override's, the section's, `[DEFAULT]`'s, or the
    /// default of the table.
    pub(crate) fn get<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&'a str) -> Parsed<T>,
    ) -> Written<T> {
        written(self.document, self.overrides, name)
            .and_then(|(value, origin)| self.parse(name, value, origin, &parse))
            .unwrap_or_else(|| Written {
                value: default(name, parse),
                origin: Origin::Default,
            })
    }

    /// The value that the section itself holds.
    pub(crate) fn own<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&'a str) -> Parsed<T>,
    ) -> Option<Written<T>> {
        let Entry { value, origin, .. } = self.document.own(self.task?.0, name)?;
        self.parse(name, value, origin, parse)
    }

    /// In `[runner]`, the value in force. In the section of a task, the value that it holds
    /// itself, or what is `common` to all tasks.
    pub(crate) fn written<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&'a str) -> Parsed<T>,
        common: impl Fn(&TaskSettings) -> T,
    ) -> Written<T> {
        let Some((_, settings)) = self.task else {
            return self.get(name, parse);
        };
        self.own(name, parse).unwrap_or_else(|| Written {
            value: common(settings),
            origin: Origin::Default,
        })
    }

    /// The same without where it was written.
    pub(crate) fn value<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&'a str) -> Parsed<T>,
        common: impl Fn(&TaskSettings) -> T,
    ) -> T {
        self.written(name, parse, common).value
    }

    fn parse<T>(
        &mut self,
        name: &str,
        value: &'a str,
        origin: &Origin,
        parse: impl Fn(&'a str) -> Parsed<T>,
    ) -> Option<Written<T>> {
        match parse(value) {
            Ok(value) => Some(Written {
                value,
                origin: origin.clone(),
            }),
            Err(expected) => {
                let found = found(value);
                self.problems.error(
                    origin.clone(),
                    format!("`{name}` must be {expected}, not {found}"),
                );
                None
            }
        }
    }
}

/// What is written for `name`, and where: by an override, or in `[runner]` and `[DEFAULT]`.
pub(crate) fn written<'a>(
    document: &'a Document,
    overrides: &'a [Override],
    name: &str,
) -> Option<(&'a str, &'a Origin)> {
    match overrides.iter().rfind(|set| set.key == name) {
        Some(set) => Some((&set.value, &set.origin)),
        None => (document.get("runner", name)).map(|entry| (entry.value, entry.origin)),
    }
}

/// The default of the table, read as a written value would be.
pub(crate) fn default<'a, T>(name: &str, parse: impl Fn(&'a str) -> Parsed<T>) -> T {
    let text = setting(name).map_or("", |setting| setting.default);
    match parse(text) {
        Ok(value) => value,
        Err(expected) => unreachable!("the default of `{name}` is not {expected}"),
    }
}

/// A value as it is shown in a message: one line of it.
fn found(value: &str) -> String {
    let mut lines = value.lines();
    match (lines.next(), lines.next()) {
        (None, _) => "empty".to_owned(),
        (Some(line), None) => format!("`{line}`"),
        (Some(line), Some(_)) => format!("`{line}` and further lines"),
    }
}

impl Written<Vec<String>> {
    /// The words of a command; a first word that is a relative path counts from
    /// the directory of the file.
    pub(crate) fn command(self) -> Option<Words> {
        let mut words: Words = self.value.into_iter().map(Into::into).collect();
        let first = words.first_mut()?;
        if first.to_string_lossy().contains('/') {
            *first = resolve(&self.origin, first.as_ref()).into();
        }
        Some(words)
    }
}

impl Written<&str> {
    /// A path; a relative one counts from the directory of the file. `None`
    /// when it is empty.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        (!self.value.is_empty()).then(|| resolve(&self.origin, self.value.as_ref()))
    }
}

fn resolve(origin: &Origin, written: &Path) -> PathBuf {
    match origin {
        Origin::File(file, _) => beside(file, written),
        Origin::Option(_) | Origin::Default => written.to_owned(),
    }
}

/// A value as it stands.
pub(crate) fn verbatim(text: &str) -> Parsed<&str> {
    Ok(text)
}

/// One of several words.
pub(crate) fn one_of<T: Copy>(
    choices: &'static [(&'static str, T)],
    expected: &'static str,
) -> impl Fn(&str) -> Parsed<T> {
    move |text| {
        let choice = choices.iter().find(|(word, _)| *word == text);
        choice.map(|&(_, value)| value).ok_or(expected)
    }
}
