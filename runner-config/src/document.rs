//! What the configuration files say: sections, keys and values, each with the
//! file and line it came from.
//!
//! The dialect is read by [`crate::lines`], since a file must read as Python reads it
//! and every value must know its line. `rust-ini`, named nowhere else, is the store of
//! the sections that are the runner's own. Those of tasks, of which there may be very
//! many, stand in rows: to `rust-ini` each of them would be a kilobyte.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where `include_dir` is read"
)]

use std::{
    borrow::Borrow,
    fs::{self, File},
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use foldhash::{HashMap, HashMapExt};
use ini::Ini;

use crate::{
    Origin, Override, Problems,
    left_out::left_out,
    lines::{Item, scan},
    text::{reason, shown},
};

/// The section whose keys fill those that are missing elsewhere.
const DEFAULT: &str = "DEFAULT";

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

/// The text of a configuration, merged from the file and its `include_dir`.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The file that was asked for, and not one of its `include_dir`.
    main: Option<Arc<Path>>,
    /// The values of the sections that are [`RESERVED`].
    ini: Ini,
    /// The values of all others, and the names of all keys.
    text: String,
    /// Every section in the order in which they first appear; a [`SectionId`] is an index.
    sections: Vec<Section>,
    places: HashMap<Arc<str>, SectionId>,
    /// The keys of the first section, then those of the second, and so on.
    keys: Vec<Key>,
}

/// A section's place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SectionId(u32);

#[derive(Clone, Debug)]
struct Section {
    name: Arc<str>,
    /// Where it began first.
    header: Origin,
    /// Where its keys are, each of them once, in the order in which they first appear.
    keys: Range<usize>,
}

#[derive(Clone, Debug)]
struct Key {
    section: SectionId,
    /// Where in the text it stands.
    name: Range<usize>,
    /// Where in the text its value stands; `None` when `rust-ini` has it.
    value: Option<Range<usize>>,
    /// Where it was written last.
    origin: Origin,
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
        document.settle();
        if let Some((directory, origin)) = document.include_dir(overrides) {
            if admit(Reading::IncludeDir(&directory), problems) {
                document.include(&directory, &origin, admit, problems);
            }
            document.settle();
        }
        document
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

    fn include(
        &mut self,
        directory: &Path,
        origin: &Origin,
        admit: &mut Admit,
        problems: &mut Problems,
    ) {
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
        for file in &files {
            self.read_file(file, Some(origin), admit, problems);
        }
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
        match contents(file) {
            Ok(bytes) => self.read(&bytes, file, problems),
            Err(error) => {
                let (file, why) = (shown(file), reason(&error));
                problems.error(
                    origin.cloned(),
                    format!("cannot read configuration file `{file}`: {why}"),
                );
            }
        }
    }

    /// Adds what one file says; it wins over what is there.
    fn read(&mut self, bytes: &[u8], file: &Path, problems: &mut Problems) {
        let file: Arc<Path> = Arc::from(file);
        let origin = |line| Origin::File(file.clone(), line);
        let mut section = SectionId(0);
        scan(bytes, &file, problems, |item| match item {
            Item::Section { name, line } => section = self.begin(name, origin(line)),
            Item::Key { key, value, line } => {
                let name = &*self.sections[section.index()].name;
                let value = match RESERVED.contains(&name) {
                    true => {
                        self.ini
                            .set_to(Some(name), key.to_owned(), value.into_owned());
                        None
                    }
                    false => Some(append(&mut self.text, &value)),
                };
                self.keys.push(Key {
                    section,
                    name: append(&mut self.text, key),
                    value,
                    origin: origin(line),
                });
            }
        });
    }

    /// The section `name`, which may begin at `header`.
    fn begin(&mut self, name: &str, header: Origin) -> SectionId {
        if let Some(&section) = self.places.get(name) {
            return section;
        }
        let name: Arc<str> = Arc::from(name);
        let section = SectionId(self.sections.len() as u32);
        self.places.insert(name.clone(), section);
        self.sections.push(Section {
            name,
            header,
            keys: 0..0,
        });
        section
    }

    /// Puts the keys that were added to those of their sections. One that was there
    /// already keeps its place, as in Python.
    fn settle(&mut self) {
        self.keys.sort_by_key(|key| key.section);
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut kept = 0;
        let mut last = None;
        for next in 0..self.keys.len() {
            let Key { section, name, .. } = &self.keys[next];
            let keys = &mut self.sections[section.index()].keys;
            if last.replace(*section) != Some(*section) {
                places.clear();
                keys.start = kept;
            }
            let place = *places.entry(&self.text[name.clone()]).or_insert(kept);
            self.keys.swap(place, next);
            kept = kept.max(place + 1);
            keys.end = kept;
        }
        self.keys.truncate(kept);
    }

    /// The file that was asked for; the others come from its `include_dir`.
    pub fn main_file(&self) -> Option<&Path> {
        self.main.as_deref()
    }

    /// What `key` says in `section`, or else in `[DEFAULT]`. A section that
    /// was not written has no keys, whatever `[DEFAULT]` says.
    pub fn get(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        self.own(self.section(section)?, key).or_else(|| {
            let entry = self.own(self.section(DEFAULT)?, key)?;
            Some(Entry {
                own: section == DEFAULT,
                ..entry
            })
        })
    }

    /// The section of this name, when there is one.
    pub(crate) fn section(&self, name: &str) -> Option<SectionId> {
        self.places.get(name).copied()
    }

    /// What `key` says in `section` itself.
    pub(crate) fn own(&self, section: SectionId, key: &str) -> Option<Entry<'_>> {
        self.keys_of(section).find(|entry| entry.key == key)
    }

    /// The sections in the order in which they first appear, without `[DEFAULT]`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        let names = self.sections.iter().map(|section| &*section.name);
        names.filter(|&name| name != DEFAULT)
    }

    /// Those that may be a task's.
    pub(crate) fn task_sections(&self) -> impl Iterator<Item = SectionId> {
        let ids = (0..).map(SectionId).zip(&self.sections);
        ids.filter(|(_, section)| !RESERVED.contains(&&*section.name))
            .map(|(id, _)| id)
    }

    /// The name of `section`.
    pub(crate) fn name(&self, section: SectionId) -> &str {
        &self.sections[section.index()].name
    }

    /// Where `section` begins.
    pub(crate) fn begin_of(&self, section: SectionId) -> &Origin {
        &self.sections[section.index()].header
    }

    /// Where the section of this name begins, when there is one.
    pub fn header(&self, section: &str) -> Option<&Origin> {
        Some(self.begin_of(self.section(section)?))
    }

    /// Every key in force in `section`, those that `[DEFAULT]` fills in first.
    pub fn entries(&self, section: &str) -> Vec<Entry<'_>> {
        match self.section(section) {
            Some(section) => self.in_force(section),
            None => Vec::new(),
        }
    }

    /// Every key that is written in `section` itself, in the order of those in force.
    pub(crate) fn own_entries(&self, section: SectionId) -> impl Iterator<Item = Entry<'_>> {
        let entries = self.in_force(section).into_iter();
        entries.filter(|entry| entry.own)
    }

    fn in_force(&self, section: SectionId) -> Vec<Entry<'_>> {
        let own = self.keys_of(section);
        let Some(default) = self.section(DEFAULT).filter(|&default| default != section) else {
            return own.collect();
        };
        let own: Vec<Entry> = own.collect();
        let mut left: HashMap<&str, Entry> = own.iter().map(|entry| (entry.key, *entry)).collect();
        // A key of its own keeps the place that `[DEFAULT]` gave it, as in Python.
        let filled_in = self.keys_of(default).map(|default| Entry {
            own: false,
            ..default
        });
        let mut entries: Vec<Entry> = filled_in
            .map(|default| left.remove(default.key).unwrap_or(default))
            .collect();
        entries.extend(own.into_iter().filter(|entry| left.contains_key(entry.key)));
        entries
    }

    /// Says which values Python 2 would have read differently: there a `;` behind a
    /// blank began a comment, on the line of the key.
    pub(crate) fn judge_semicolons(&self, problems: &mut Problems) {
        for key in &self.keys {
            let Entry {
                key, value, origin, ..
            } = self.entry(key);
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

    fn keys_of(&self, section: SectionId) -> impl Iterator<Item = Entry<'_>> {
        let keys = self.sections[section.index()].keys.clone();
        self.keys[keys].iter().map(|key| self.entry(key))
    }

    fn entry<'a>(&'a self, key: &'a Key) -> Entry<'a> {
        let name = &self.text[key.name.clone()];
        let value = match &key.value {
            Some(value) => &self.text[value.clone()],
            // What is among the keys has a value.
            None => (self.ini.get_from(Some(self.name(key.section)), name)).unwrap_or_default(),
        };
        Entry {
            key: name,
            value,
            origin: &key.origin,
            own: true,
        }
    }
}

impl SectionId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Adds `more` to `text`, and says where it stands there.
fn append(text: &mut String, more: &str) -> Range<usize> {
    let begin = text.len();
    text.push_str(more);
    begin..text.len()
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

/// Reads a file that is not larger than [`MAX_FILE_SIZE`].
fn contents(file: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(file)?;
    let size = file.metadata()?.len().min(MAX_FILE_SIZE);
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE_SIZE {
        true => Err(io::Error::other("it is larger than 64 MiB")),
        false => Ok(bytes),
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
