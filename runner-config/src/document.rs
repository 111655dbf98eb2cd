//! The content of the configuration files: sections, keys and values, each with its file and
//! line.
//!
//! [`crate::lines`] parses the dialect, since a file must read as in Python and every value needs
//! its line. `rust-ini`, used nowhere else, stores the result in the order of the files, and
//! writes it.
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

/// The section whose keys count in every section that does not have them.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// The sections of the runner itself, which never belong to a task.
pub(crate) const RESERVED: [&str; 3] = ["runner", "env", DEFAULT];

/// Maximum size of one configuration file, in bytes: `/dev/zero` has no end.
const MAX_FILE_SIZE: u64 = 64 << 20;

/// A file or directory that is about to be read.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// A configuration file.
    File(&'a Path),
    /// The directory of further configuration files.
    IncludeDir(&'a Path),
}

/// Decides about each file and directory before it is read. `false` skips it; the function has
/// added the reason to the problems.
pub type Admit<'a> = dyn FnMut(Reading, &mut Problems) -> bool + 'a;

/// A `[runner]` setting of the command line, which wins over the file.
#[derive(Clone, Debug)]
pub struct Override {
    /// The name of the setting.
    pub key: String,
    /// Its value, as it would be in the file.
    pub value: String,
    /// The option that gave it.
    pub origin: Origin,
}

/// The text of a configuration, merged from the file and its `include_dir`.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The main file, as opposed to those of its `include_dir`.
    main: Option<Arc<Path>>,
    /// Sections and keys in the order in which they first appear.
    ini: Ini,
    /// File and line of each section and its keys.
    origins: HashMap<String, Origins>,
}

#[derive(Clone, Debug)]
struct Origins {
    /// The first header of the section.
    header: Origin,
    /// The line of each key; the last one if it is repeated.
    keys: HashMap<String, Origin>,
}

/// One key with its value in a section.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The key, in the case in which it was written.
    pub key: &'a str,
    /// The value, verbatim; it can have several lines.
    pub value: &'a str,
    /// Its file and line.
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
        if problems.has_errors() {
            Err(problems)
        } else {
            Ok(document)
        }
    }

    /// Reads all lines of these files that can be read and that `admit` allows, so that their
    /// values can be checked too. Each other line is reported to `problems`.
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

    /// Reads one file; `origin` is the `include_dir` that names it.
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
        // Opening a named pipe could block.
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

    /// Adds the content of one file, which wins over earlier ones.
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
                        // `insert` would move it to the end. In Python it keeps its place.
                        *old = value.into_owned();
                    }
                }
                (Item::Key { .. }, None) => unreachable!("a section is before each key"),
            }
        }
    }

    /// Returns the main file; the others come from its `include_dir`.
    pub fn main_file(&self) -> Option<&Path> {
        self.main.as_deref()
    }

    /// Returns `key` of `section`, or else of `[DEFAULT]`. A section that does not exist has no
    /// keys, not even those of `[DEFAULT]`.
    pub fn get(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        self.header(section)?;
        self.own(section, key).or_else(|| self.own(DEFAULT, key))
    }

    /// Returns the value of a setting for all tasks: from an override, `[runner]` or `[DEFAULT]`.
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

    /// Returns `key` of `section` itself, without `[DEFAULT]`.
    pub(crate) fn own(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        self.own_entries(section).find(|entry| entry.key == key)
    }

    /// Returns the sections in the order of their first headers, without `[DEFAULT]`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        (self.ini.sections().flatten()).filter(|&name| name != DEFAULT)
    }

    /// Returns the sections that can belong to a task.
    pub(crate) fn task_sections(&self) -> impl Iterator<Item = &str> {
        self.sections().filter(|name| !RESERVED.contains(name))
    }

    /// Returns the first header of a section, if it exists.
    pub fn header(&self, section: &str) -> Option<&Origin> {
        Some(&self.origins.get(section)?.header)
    }

    /// Returns every key of `section`, those of `[DEFAULT]` first.
    pub fn entries(&self, section: &str) -> Vec<Entry<'_>> {
        // As in Python, a key that `[DEFAULT]` has too keeps its place there.
        let filled_in = self.own_entries(DEFAULT);
        let filled_in = filled_in.filter_map(|entry| self.get(section, entry.key));
        let others = self.own_entries(section);
        let others = others.filter(|entry| self.own(DEFAULT, entry.key).is_none());
        filled_in.chain(others).collect()
    }

    /// Returns every key of `section` itself, without `[DEFAULT]`.
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

    /// Returns the keys of all sections, section by section.
    pub(crate) fn all_own_entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let sections = self.ini.sections().flatten();
        sections.flat_map(|section| self.own_entries(section))
    }

    /// Writes the configuration as one file that reads back the same; with `only`, as much of it as
    /// this section needs.
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
    if file.read_to_end(&mut bytes)? as u64 > MAX_FILE_SIZE {
        Err(io::Error::other("it is larger than 64 MiB"))
    } else {
        Ok(bytes)
    }
}

/// Returns the configuration files of `directory`, in byte order.
fn files_of(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let file_type = entry.file_type()?;
        // A link is followed only after the trust check of the file.
        if (file_type.is_file() || file_type.is_symlink()) && left_out(&entry.file_name()).is_none()
        {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
