//! Random task directories. The names are built from parts, so the number and the short name
//! of each file are known without parsing.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt,
};

use proptest::{prelude::*, sample::Index};
use runner_exec::{DirEntry, FileFormat, Kind, TaskName};

/// Leading numbers: none, equal ones, and some that differ by 2 to the power of 64.
pub(crate) const NUMBERS: [&str; 9] = [
    "",
    "",
    "0",
    "2",
    "2",
    "002",
    "10",
    "18446744073709551618",
    "0018446744073709551618",
];

pub(crate) const STEMS: [&[u8]; 9] = [
    b"a",
    b"b",
    b"c",
    b"B",
    b"a-b",
    b"b_1",
    "é".as_bytes(),
    b"\xc3",
    b"a\xff",
];

/// Ends of names: the part that belongs to the short name, and the part that does not.
pub(crate) const ENDS: [(&str, &str); 4] = [("", ""), ("", ".sh"), ("", ".B"), (".tar", ".gz")];

/// Files in every directory that are not part of the order.
pub(crate) const OTHER_FILES: [&str; 4] = ["halt.sh", "README.md", "1-gone.disabled", "5-lib"];

/// Words of `depends_on` that are an error.
pub(crate) const IMPOSSIBLE_NEEDS: [&str; 6] =
    ["halt.sh", "halt", "README.md", "gone", "5-lib", "nowhere"];

/// A file of the task directory, and its section in the configuration.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: OsString,
    pub(crate) number: Number,
    /// Names of the file that no other file has, for the configuration.
    pub(crate) names: Vec<String>,
    /// Name of its section, or `None` if `names` is empty.
    pub(crate) section: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) needs: Vec<Need>,
}

/// One word of `depends_on`.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// Name of the file that it means.
    pub(crate) file: OsString,
    /// The word in the configuration.
    pub(crate) word: String,
}

/// A leading number. A missing number is the largest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number {
    is_missing: bool,
    /// The digits, padded with zeros to the length of the longest number.
    digits: String,
}

impl Number {
    fn new(digits: &str) -> Number {
        Number {
            is_missing: digits.is_empty(),
            digits: format!("{digits:0>24}"),
        }
    }
}

impl File {
    pub(crate) fn depends_on(&self, other: &File) -> bool {
        self.needs.iter().any(|need| need.file == other.name)
    }

    /// Returns `true` if the rules require it before `other`.
    pub(crate) fn comes_before(&self, other: &File) -> bool {
        self.number < other.number || other.depends_on(self)
    }

    pub(crate) fn entry(&self) -> DirEntry {
        entry(&self.name)
    }

    /// Text of its section in the configuration.
    pub(crate) fn text(&self) -> Option<String> {
        let section = self.section.as_ref()?;
        let mut text = format!("[{section}]\n");
        if !self.needs.is_empty() {
            let words: Vec<&str> = self.needs.iter().map(|need| &*need.word).collect();
            // Commas and blanks are equivalent separators.
            let between = if words.len() == 2 { ", " } else { " " };
            text += &format!("depends_on = {}\n", words.join(between));
        }
        if !self.enabled {
            text += "enabled = no\n";
        }
        Some(text)
    }
}

pub(crate) fn entry(name: &OsStr) -> DirEntry {
    let kind = match name.to_str() {
        Some("5-lib") => Kind::Directory,
        // A head that gives a warning, so that each task has a message.
        _ => Kind::File {
            executable: true,
            format: FileFormat::Unknown,
        },
    };
    DirEntry {
        name: TaskName::new(name),
        is_roots: true,
        kind,
    }
}

/// Random choices for one file.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    pub(crate) number: &'static str,
    separator: &'static str,
    stem: &'static [u8],
    end: (&'static str, &'static str),
    /// Choice among its names for its section.
    pub(crate) section: Index,
    pub(crate) enabled: bool,
    /// In a valid directory a file depends only on files of its number with a lower rank.
    rank: u16,
    /// Choices of the files it depends on, and of one name for each.
    pub(crate) needs: Vec<(Index, Index)>,
}

pub(crate) fn dice() -> impl Strategy<Value = Dice> {
    let name = (
        prop::sample::select(&NUMBERS[..]),
        prop::sample::select(&["-", "-", "_", ""][..]),
        prop::sample::select(&STEMS[..]),
        prop::sample::select(&ENDS[..]),
    );
    let needs = prop::collection::vec(any::<(Index, Index)>(), 0..8);
    (name, any::<Index>(), 0..8_u8, any::<u16>(), needs).prop_map(
        |((number, separator, stem, end), section, disabled, rank, needs)| Dice {
            number,
            separator,
            stem,
            end,
            section,
            enabled: disabled > 0,
            rank,
            needs,
        },
    )
}

impl Dice {
    /// The file, without dependencies.
    fn file(&self) -> File {
        let (number, separator) = (self.number, self.separator);
        let (kept, dropped) = self.end;
        let ended = |stem: &[u8], end: &str| [stem, end.as_bytes()].concat();
        let front = [number.as_bytes(), separator.as_bytes(), self.stem].concat();
        let name = ended(&front, &format!("{kept}{dropped}"));
        let short = if number.is_empty() || separator.is_empty() {
            ended(&front, kept)
        } else {
            ended(self.stem, kept)
        };
        // A configuration cannot contain names that are not UTF-8.
        let names = [name.clone(), short].map(String::from_utf8);
        File {
            name: OsString::from_vec(name),
            number: Number::new(number),
            names: names.into_iter().flatten().collect(),
            section: None,
            enabled: true,
            needs: Vec::new(),
        }
    }
}

/// Random files with sections and without dependencies, and the choices they come from.
pub(crate) fn files() -> impl Strategy<Value = Vec<(Dice, File)>> {
    prop::collection::vec(dice(), 1..24).prop_map(|dice| {
        let mut made: Vec<(Dice, File)> = Vec::new();
        for dice in dice {
            let file = dice.file();
            if made.iter().all(|(_, other)| other.name != file.name) {
                made.push((dice, file));
            }
        }
        keep_unique_names(&mut made);
        for (dice, file) in &mut made {
            if !file.names.is_empty() {
                file.section = Some(dice.section.get(&file.names).clone());
                file.enabled = dice.enabled;
            }
        }
        made
    })
}

/// Removes the names that several files have: they are an error in a configuration.
pub(crate) fn keep_unique_names(made: &mut [(Dice, File)]) {
    let mut meant: HashMap<String, usize> = HashMap::new();
    for (_, file) in made.iter_mut() {
        file.names.dedup();
        for name in &file.names {
            *meant.entry(name.clone()).or_default() += 1;
        }
    }
    for (_, file) in made {
        file.names.retain(|name| meant[name] == 1);
    }
}

/// Adds random dependencies to each file with a section. `may` limits them.
pub(crate) fn add_needs(
    made: &mut [(Dice, File)],
    may: impl Fn(&(Dice, File), &(Dice, File)) -> bool,
) {
    let all = made.to_vec();
    for (index, (dice, file)) in made.iter_mut().enumerate() {
        let may = |other: &&(Dice, File)| !other.1.names.is_empty() && may(&all[index], other);
        let others: Vec<&File> = all.iter().filter(may).map(|(_, file)| file).collect();
        if file.section.is_none() || others.is_empty() {
            continue;
        }
        for (which, name) in &dice.needs {
            let other = which.get(&others);
            if !file.depends_on(other) {
                file.needs.push(Need {
                    file: other.name.clone(),
                    word: name.get(&other.names).clone(),
                });
            }
        }
    }
}

pub(crate) fn only_files(made: Vec<(Dice, File)>) -> Vec<File> {
    made.into_iter().map(|(_, file)| file).collect()
}

/// A directory without errors.
pub(crate) fn valid_directory() -> impl Strategy<Value = Vec<File>> {
    files().prop_map(|mut made| {
        add_needs(&mut made, |(dice, file), (other_dice, other)| {
            let later = (&other.number, other_dice.rank) < (&file.number, dice.rank);
            other.enabled && later
        });
        only_files(made)
    })
}

/// A directory in which any task can depend on any file.
pub(crate) fn arbitrary_directory() -> impl Strategy<Value = Vec<File>> {
    let nothing = prop::option::weighted(
        0.3,
        (any::<Index>(), prop::sample::select(&IMPOSSIBLE_NEEDS[..])),
    );
    (files(), nothing).prop_map(|(mut made, nothing)| {
        add_needs(&mut made, |_, _| true);
        let mut files = only_files(made);
        if let Some((file, nothing)) = nothing {
            let len = files.len();
            let file = &mut files[file.index(len)];
            if file.section.is_some() {
                file.needs.push(Need {
                    file: nothing.into(),
                    word: nothing.to_owned(),
                });
            }
        }
        files
    })
}

/// A directory in which some tasks of one number depend on each other in a ring, without
/// other errors. Also the names of the ring: each task depends on the next one.
pub(crate) fn directory_with_ring() -> impl Strategy<Value = (Vec<File>, Vec<String>)> {
    (valid_directory(), any::<Index>(), any::<Index>()).prop_filter_map(
        "no file can be in a ring",
        |(mut files, first, length)| {
            let able = |file: &File| file.enabled && file.section.is_some();
            let all: Vec<usize> = (0..files.len()).filter(|&i| able(&files[i])).collect();
            if all.is_empty() {
                return None;
            }
            let number = files[*first.get(&all)].number.clone();
            let mut ring = all;
            ring.retain(|&i| files[i].number == number);
            ring.truncate(1 + length.index(ring.len()));
            close_ring(&mut files, &ring);
            let name = |&i: &usize| files[i].name.to_str().unwrap().to_owned();
            let ring = ring.iter().map(name).collect();
            Some((files, ring))
        },
    )
}

pub(crate) fn close_ring(files: &mut [File], ring: &[usize]) {
    let numbers: HashMap<OsString, Number> = (files.iter())
        .map(|file| (file.name.clone(), file.number.clone()))
        .collect();
    let next = ring.iter().cycle().skip(1);
    for (&index, &next) in ring.iter().zip(next) {
        let need = Need {
            file: files[next].name.clone(),
            word: files[next].names[0].clone(),
        };
        // Another dependency of this task could be part of a second cycle.
        let File { number, needs, .. } = &mut files[index];
        needs.retain(|need| numbers[&need.file] != *number);
        needs.push(need);
    }
}

/// The files, and the same files in two other orders.
pub(crate) fn shuffled(
    files: impl Strategy<Value = Vec<File>>,
) -> impl Strategy<Value = (Vec<File>, Vec<File>, Vec<File>)> {
    files.prop_flat_map(|files| {
        let shuffled = || Just(files.clone()).prop_shuffle();
        (Just(files.clone()), shuffled(), shuffled())
    })
}
