//! What the configuration files say: sections, keys and values, each with the
//! file and line it came from.
//!
//! The dialect is read by [`crate::lines`], since a file must read as Python reads it
//! and every value must know its line. `rust-ini`, named nowhere else, stores what was
//! read, in the order in which it appeared, and writes it.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where `include_dir` is read, and RUNNER_CONFIG where its file is missing"
)]

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use ini::{EscapePolicy, Ini, LineSeparator, Properties, WriteOption};

use crate::{
    left_out::left_out,
    lines::{Item, scan},
    problem::{Origin, Problems},
    text::{reason, shown},
    value::{self, Written},
};

/// The section whose keys fill those that are missing elsewhere.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// The sections that are the runner's own, and never a task's.
pub(crate) const RESERVED: [&str; 3] = ["runner", "env", DEFAULT];

/// Largest size of one configuration file, in bytes: `/dev/zero` has no end.
const MAX_FILE_SIZE: u64 = 64 << 20;

/// Something that is about to be read.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// A configuration file.
    File(&'a Path),
    /// The directory of further ones.
    IncludeDir(&'a Path),
}

/// Decides about each file and directory before it is read. `false` leaves it unread, and the
/// reason is in the problems then.
pub type Admit<'a> = dyn FnMut(Reading, &mut Problems) -> bool + 'a;

/// A `[runner]` setting that was given on the command line, which wins over the file.
#[derive(Clone, Debug)]
pub struct Override {
    /// The name of the setting.
    pub key: String,
    /// Its value, as it would be written in the file.
    pub value: String,
    /// The option that gave it.
    pub origin: Origin,
}

/// The text of a configuration, merged from the file and its `include_dir`.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The file that was asked for, and not one of its `include_dir`.
    main: Option<Arc<Path>>,
    /// Sections and keys in the order in which they first appear.
    ini: Ini,
    /// File and line of each section and its keys.
    origins: HashMap<String, Origins>,
}

#[derive(Clone, Debug)]
struct Origins {
    /// First header of the section.
    header: Origin,
    /// Last line of each key.
    keys: HashMap<String, Origin>,
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
}

impl Document {
    /// Reads `file`, if there is one, and then the files of its `include_dir`, in byte
    /// order; later values win. An `include_dir` among `overrides` wins over the file's.
    ///
    /// # Errors
    ///
    /// Every problem of every file: unreadable, or not in the dialect.
    pub fn load(file: Option<&Path>, overrides: &[Override]) -> Result<Document, Problems> {
        let mut problems = Problems::default();
        let document = Document::load_readable(file, overrides, &mut |_, _| true, &mut problems);
        match problems.has_errors() {
            true => Err(problems),
            false => Ok(document),
        }
    }

    /// Reads as much of these files as can be read and `admit` lets through, so that its values
    /// can be checked as well. Every other line goes to `problems`.
    pub fn load_readable(
        file: Option<&Path>,
        overrides: &[Override],
        admit: &mut Admit,
        problems: &mut Problems,
    ) -> Document {
        let mut document = Document {
            main: file.map(Arc::from),
            ..Document::default()
        };
        if let Some(file) = file {
            document.read_file(file, None, admit, problems);
        }
        if let Some((directory, origin)) = document.include_dir(overrides)
            && admit(Reading::IncludeDir(&directory), problems)
        {
            match files_of(&directory) {
                Ok(files) => files.iter().for_each(|file| {
                    document.read_file(file, Some(&origin), admit, problems);
                }),
                Err(error) => {
                    let message = cannot_read("`include_dir`", &directory, &error);
                    problems.error(origin, message);
                }
            }
        }
        document
    }

    fn include_dir(&self, overrides: &[Override]) -> Option<(PathBuf, Origin)> {
        let written = self.written("include_dir", overrides)?;
        Some((value::path(&written).ok()??, written.origin.clone()))
    }

    /// Reads one file, which `origin` includes.
    fn read_file(
        &mut self,
        file: &Path,
        origin: Option<&Origin>,
        admit: &mut Admit,
        problems: &mut Problems,
    ) {
        if !admit(Reading::File(file), problems) {
            return;
        }
        // A named pipe in a directory would be waited for.
        if origin.is_some() && !file.is_file() && file.exists() {
            return;
        }
        match contents(file) {
            Ok(bytes) => self.read(&bytes, file, problems),
            Err(error) => {
                let message = cannot_read("configuration file", file, &error);
                let problem = problems.error(origin.cloned(), message);
                if env::var_os("RUNNER_CONFIG").is_some_and(|named| named == file) {
                    problem.hint("the environment variable `RUNNER_CONFIG` names this file");
                }
            }
        }
    }

    /// Adds what one file says; it wins over what is there.
    fn read(&mut self, bytes: &[u8], file: &Path, problems: &mut Problems) {
        let file: Arc<Path> = Arc::from(file);
        let origin = |line| Origin::File(file.clone(), line);
        let mut section: Option<(&mut Properties, &mut Origins)> = None;
        for item in scan(bytes, &file, problems) {
            match (item, &mut section) {
                (Item::Section { name, line }, _) => {
                    let properties = self.ini.entry(Some(name.to_owned()));
                    let origins = self.origins.entry(name.to_owned());
                    section = Some((
                        properties.or_insert_with(Properties::new),
                        origins.or_insert_with(|| Origins {
                            header: origin(line),
                            keys: HashMap::new(),
                        }),
                    ));
                }
                (Item::Key { key, value, line }, Some((properties, origins))) => {
                    let known = origins.keys.insert(key.to_owned(), origin(line));
                    if known.is_none() {
                        properties.insert(key, value);
                    } else if let Some((_, old)) = properties.iter_mut().find(|it| it.0 == key) {
                        // `insert` would move it behind the others. In Python it keeps its
                        // place.
                        *old = value.into_owned();
                    }
                }
                (Item::Key { .. }, None) => unreachable!("a section is before each key"),
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
        self.header(section)?;
        self.own(section, key).or_else(|| self.own(DEFAULT, key))
    }

    /// What is written for all tasks: by an override, or in `[runner]` and `[DEFAULT]`.
    pub(crate) fn written<'a>(
        &'a self,
        name: &str,
        overrides: &'a [Override],
    ) -> Option<Written<'a>> {
        let (value, origin) = match overrides.iter().rfind(|set| set.key == name) {
            Some(set) => (&*set.value, &set.origin),
            None => (self.get("runner", name)).map(|entry| (entry.value, entry.origin))?,
        };
        Some(Written {
            value,
            origin,
            in_task: false,
        })
    }

    /// What `key` says in `section` itself.
    pub(crate) fn own(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        self.own_entries(section).find(|entry| entry.key == key)
    }

    /// The sections in the order in which they first appear, without `[DEFAULT]`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        (self.ini.sections().flatten()).filter(|&name| name != DEFAULT)
    }

    /// Those that may be a task's.
    pub(crate) fn task_sections(&self) -> impl Iterator<Item = &str> {
        self.sections().filter(|name| !RESERVED.contains(name))
    }

    /// Where the section of this name begins, when there is one.
    pub fn header(&self, section: &str) -> Option<&Origin> {
        Some(&self.origins.get(section)?.header)
    }

    /// Every key in force in `section`, those that `[DEFAULT]` fills in first.
    pub fn entries(&self, section: &str) -> Vec<Entry<'_>> {
        // A key of its own keeps the place that `[DEFAULT]` gave it, as in Python.
        let filled_in = self.own_entries(DEFAULT);
        let filled_in = filled_in.filter_map(|entry| self.get(section, entry.key));
        let others = self.own_entries(section);
        let others = others.filter(|entry| self.own(DEFAULT, entry.key).is_none());
        filled_in.chain(others).collect()
    }

    /// Every key that is written in `section` itself.
    pub(crate) fn own_entries<'a>(&'a self, section: &str) -> impl Iterator<Item = Entry<'a>> {
        let section = (self.ini.section(Some(section))).zip(self.origins.get(section));
        section.into_iter().flat_map(|(properties, origins)| {
            properties.iter().filter_map(|(key, value)| {
                Some(Entry {
                    key,
                    value,
                    origin: origins.keys.get(key)?,
                })
            })
        })
    }

    /// Every key that is written in a section, section by section.
    pub(crate) fn all_own_entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let sections = self.ini.sections().flatten();
        sections.flat_map(|section| self.own_entries(section))
    }

    /// Writes the configuration as one file that reads back the same, or as much of it as
    /// the section `only` needs for that.
    ///
    /// # Errors
    ///
    /// `out` cannot be written.
    pub fn write(&self, only: Option<&str>, mut out: &mut dyn Write) -> io::Result<()> {
        let mut written = Ini::new();
        for (name, properties) in &self.ini {
            if only.is_some_and(|only| ![Some(only), Some(DEFAULT)].contains(&name)) {
                continue;
            }
            let mut indented = Properties::new();
            for (key, value) in properties {
                // A line that continues a value is indented; no other escape exists.
                indented.insert(key, value.replace('\n', "\n\t"));
            }
            written.entry(name.map(str::to_owned)).or_insert(indented);
        }
        let options = WriteOption {
            escape_policy: EscapePolicy::Nothing,
            line_separator: LineSeparator::CR,
            kv_separator: " = ",
        };
        written.write_to_opt(&mut out, options)
    }
}

fn cannot_read(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot read {what} `{}`: {}", shown(path), reason(error))
}

/// Reads a file that is not larger than [`MAX_FILE_SIZE`].
fn contents(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(file)?.take(MAX_FILE_SIZE + 1);
    match file.read_to_end(&mut bytes)? as u64 > MAX_FILE_SIZE {
        true => Err(io::Error::other("it is larger than 64 MiB")),
        false => Ok(bytes),
    }
}

/// The files of `directory` that are meant to be read, in byte order.
fn files_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let file_type = entry.file_type()?;
        // A link is followed once it is known who can change it.
        if (file_type.is_file() || file_type.is_symlink()) && left_out(&entry.file_name()).is_none()
        {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
