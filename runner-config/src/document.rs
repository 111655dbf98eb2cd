//! What the configuration files say: sections, keys and values, each with the
//! file and line it came from.
//!
//! `rust-ini` is the store; it is named nowhere else. The dialect is read by
//! [`crate::lines`], since a file must read as Python reads it and every value
//! must know its line.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where `include_dir` is read"
)]

use std::{
    borrow::Borrow,
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ini::Ini;

use crate::{
    Origin, Override, Problems,
    left_out::left_out,
    lines::{Item, scan},
    problem::{reason, shown},
};

/// The section whose keys fill those that are missing elsewhere.
const DEFAULT: &str = "DEFAULT";

/// The text of a configuration, merged from the file and its `include_dir`.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The file that was asked for, and not one of its `include_dir`.
    main: Option<Arc<Path>>,
    ini: Ini,
    /// Where each key was written: section, then key.
    origins: HashMap<String, HashMap<String, Origin>>,
    /// Where each section began first.
    headers: HashMap<String, Origin>,
}

/// One key as it is in force in a section.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The key, in the case in which it was written.
    pub key: &'a str,
    /// The value, verbatim; it may have several lines.
    pub value: &'a str,
    /// Where it was written.
    pub origin: &'a Origin,
    /// Whether it was written in the section itself, and not in `[DEFAULT]`.
    pub own: bool,
}

impl Document {
    /// Reads `file`, if there is one, and then the files of its `include_dir`, in byte
    /// order; later values win. An `include_dir` among `overrides` wins over the file's.
    ///
    /// # Errors
    ///
    /// Every problem of every file: unreadable, or not in the dialect.
    pub fn load(file: Option<&Path>, overrides: &[Override]) -> Result<Document, Problems> {
        let mut document = Document {
            main: file.map(Arc::from),
            ..Document::default()
        };
        let mut problems = Problems::default();
        match file.map(|file| (file, fs::read(file))) {
            None => {}
            Some((file, Ok(bytes))) => document.read(&bytes, file, &mut problems),
            Some((file, Err(error))) => {
                let (file, why) = (shown(file), reason(&error));
                problems.error(
                    None,
                    format!("cannot read configuration file `{file}`: {why}"),
                );
            }
        }
        if let Some((directory, origin)) = document.include_dir(overrides) {
            document.include(&directory, &origin, &mut problems);
        }
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(document)
    }

    fn include_dir(&self, overrides: &[Override]) -> Option<(PathBuf, Origin)> {
        let (directory, origin) = match overrides.iter().rfind(|o| o.key == "include_dir") {
            Some(set) => (PathBuf::from(&set.value), set.origin.clone()),
            None => {
                let entry = self.get("runner", "include_dir")?;
                let file = self.main.as_deref()?;
                (beside(file, entry.value.as_ref()), entry.origin.clone())
            }
        };
        (directory != Path::new("")).then_some((directory, origin))
    }

    fn include(&mut self, directory: &Path, origin: &Origin, problems: &mut Problems) {
        let files = match files_of(directory) {
            Ok(files) => files,
            Err(error) => {
                let (directory, why) = (shown(directory), reason(&error));
                problems.error(
                    origin.clone(),
                    format!("cannot read `include_dir` `{directory}`: {why}"),
                );
                return;
            }
        };
        for file in files {
            match fs::read(&file) {
                Ok(bytes) => self.read(&bytes, &file, problems),
                Err(error) => {
                    let (file, why) = (shown(&file), reason(&error));
                    problems.error(
                        origin.clone(),
                        format!("cannot read configuration file `{file}`: {why}"),
                    );
                }
            }
        }
    }

    /// Adds what one file says; it wins over what is there.
    fn read(&mut self, bytes: &[u8], file: &Path, problems: &mut Problems) {
        let file: Arc<Path> = Arc::from(file);
        let mut section = String::new();
        for item in scan(bytes, &file, problems) {
            match item {
                Item::Section { name, line } => {
                    self.ini
                        .entry(Some(name.clone()))
                        .or_insert_with(Default::default);
                    self.headers
                        .entry(name.clone())
                        .or_insert(Origin::File(file.clone(), line));
                    section = name;
                }
                Item::Key { key, value, line } => {
                    let origin = Origin::File(file.clone(), line);
                    self.origins
                        .entry(section.clone())
                        .or_default()
                        .insert(key.clone(), origin);
                    let keys = self.ini.entry(Some(section.clone()));
                    let keys = keys.or_insert_with(Default::default);
                    // A key that appears twice keeps its place, as in Python.
                    let twice = keys.contains_key(&key);
                    let mut before = keys.iter_mut().filter(|(known, _)| *known == key);
                    match twice.then(|| before.next()).flatten() {
                        Some((_, before)) => *before = value,
                        None => keys.append(key, value),
                    }
                }
            }
        }
    }

    /// The file that was asked for; the others come from its `include_dir`.
    pub fn main_file(&self) -> Option<&Path> {
        self.main.as_deref()
    }

    /// What `key` says in `section`, or else in `[DEFAULT]`. A section that
    /// was not written has no keys, whatever `[DEFAULT]` says.
    pub fn get(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        if !self.headers.contains_key(section) {
            return None;
        }
        self.own(section, key).or_else(|| {
            let entry = self.own(DEFAULT, key)?;
            Some(Entry {
                own: section == DEFAULT,
                ..entry
            })
        })
    }

    /// What `key` says in `section` itself.
    pub fn own(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        let (key, origin) = self.origins.get(section)?.get_key_value(key)?;
        Some(Entry {
            key,
            value: self.ini.get_from(Some(section), key)?,
            origin,
            own: true,
        })
    }

    /// The sections in the order in which they first appear, without `[DEFAULT]`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.ini
            .sections()
            .flatten()
            .filter(|&name| name != DEFAULT)
    }

    /// Where the section of this name begins, when there is one.
    pub fn header(&self, section: &str) -> Option<&Origin> {
        self.headers.get(section)
    }

    /// Every key in force in `section`, those that `[DEFAULT]` fills in first.
    pub fn entries(&self, section: &str) -> Vec<Entry<'_>> {
        let mut keys = match section {
            DEFAULT => Vec::new(),
            _ => self.keys(DEFAULT).collect(),
        };
        // A key of its own keeps the place that `[DEFAULT]` gave it, as in Python.
        let new = |key: &&str| section == DEFAULT || self.own(DEFAULT, key).is_none();
        keys.extend(self.keys(section).filter(new));
        let in_force = keys.into_iter().filter_map(|key| self.get(section, key));
        in_force.collect()
    }

    /// Every key that is written in `section` itself.
    pub fn own_entries(&self, section: &str) -> impl Iterator<Item = Entry<'_>> {
        let entries = self.entries(section).into_iter();
        entries.filter(|entry| entry.own)
    }

    /// Says which values Python 2 would have read differently: there a `;` behind a
    /// blank began a comment, on the line of the key.
    pub(crate) fn judge_semicolons(&self, problems: &mut Problems) {
        for section in self.headers.keys() {
            for Entry {
                key, value, origin, ..
            } in self.own_entries(section)
            {
                let line = value.lines().next().unwrap_or_default();
                let before = line.split(';').next().unwrap_or_default();
                if before.len() < line.len() && before.ends_with(char::is_whitespace) {
                    problems
                        .warning(
                            origin.clone(),
                            format!("Python 2 took what follows ` ;` for a comment: `{key}`"),
                        )
                        .hint("here it is part of the value; put a comment on a line of its own");
                }
            }
        }
    }

    fn keys(&self, section: &str) -> impl Iterator<Item = &str> {
        let properties = self.ini.section(Some(section)).into_iter();
        properties.flat_map(|properties| properties.iter().map(|(key, _)| key))
    }
}

/// The path that `written` means in `file`: a relative one counts from the
/// directory of the file.
pub(crate) fn beside(file: &Path, written: &Path) -> PathBuf {
    if written == Path::new("") {
        return PathBuf::new();
    }
    match file.parent() {
        Some(directory) => directory.join(written),
        None => written.to_owned(),
    }
}

/// The files of `directory` that are meant to be read, in byte order.
fn files_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.retain(|name| left_out(name.borrow()).is_none());
    names.sort();
    let files = names.into_iter().map(|name| directory.join(name));
    // A named pipe would be waited for.
    Ok(files
        .filter(|file| file.is_file() || !file.exists())
        .collect())
}
