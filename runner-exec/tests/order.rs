//! The order of tasks: random task directories and configurations, held against a
//! naive reading of the rules.
//!
//! The model here knows nothing of levels, links or short names. A directory is made
//! of parts, so what a file is called, and what its number is, is known beforehand.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use proptest::{prelude::*, sample::Index};
use runner_config::{Document, Problems, Settings, Severity};
use runner_exec::{Chain, DirEntry, Head, Kind, Link, Plan, Step, TaskName, Verdict};

/// Leading numbers: none, some that are equal, and some that differ by 2 to the power
/// of 64.
const NUMBERS: [&str; 9] = [
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

const STEMS: [&[u8]; 9] = [
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

/// How a name ends: what belongs to the short name, and what does not.
const ENDS: [(&str, &str); 4] = [("", ""), ("", ".sh"), ("", ".B"), (".tar", ".gz")];

/// What lies in every directory and is never part of the order.
const NO_TASKS: [&str; 4] = ["halt.sh", "README.md", "1-gone.disabled", "5-lib"];

/// What somebody may depend on and nobody can wait for.
const NOTHING: [&str; 6] = ["halt.sh", "halt", "README.md", "gone", "5-lib", "nowhere"];

/// A file of the task directory, and what the configuration says of it.
#[derive(Clone, Debug)]
struct File {
    name: OsString,
    number: Number,
    /// What the configuration can call it by, since nobody else is called so.
    names: Vec<String>,
    /// What its section is called; without a name it has none.
    section: Option<String>,
    enabled: bool,
    needs: Vec<Need>,
}

/// One word of `depends_on`.
#[derive(Clone, Debug)]
struct Need {
    /// The file that is meant.
    file: OsString,
    /// What it is called there.
    word: String,
}

/// A leading number, in the order of numbers; none comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    is_missing: bool,
    /// The digits, as many as the longest number has.
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
    fn depends_on(&self, other: &File) -> bool {
        self.needs.iter().any(|need| need.file == other.name)
    }

    /// Whether the rules want it before `other`.
    fn comes_before(&self, other: &File) -> bool {
        self.number < other.number || other.depends_on(self)
    }

    fn entry(&self) -> DirEntry {
        entry(&self.name)
    }

    /// Its section, as it stands in the configuration.
    fn text(&self) -> Option<String> {
        let section = self.section.as_ref()?;
        let mut text = format!("[{section}]\n");
        if !self.needs.is_empty() {
            let words: Vec<&str> = self.needs.iter().map(|need| &*need.word).collect();
            // Commas and blanks are the same here.
            let between = if words.len() == 2 { ", " } else { " " };
            text += &format!("depends_on = {}\n", words.join(between));
        }
        if !self.enabled {
            text += "enabled = no\n";
        }
        Some(text)
    }
}

fn entry(name: &OsStr) -> DirEntry {
    let kind = match name.to_str() {
        Some("5-lib") => Kind::Directory,
        // A warning, so that there is something to say of each task.
        _ => Kind::File {
            executable: true,
            head: Head::Unknown,
        },
    };
    DirEntry {
        name: TaskName::new(name),
        is_roots: true,
        kind,
    }
}

/// The dice for one file.
#[derive(Clone, Debug)]
struct Dice {
    number: &'static str,
    separator: &'static str,
    stem: &'static [u8],
    end: (&'static str, &'static str),
    /// Which of its names its section has.
    section: Index,
    enabled: bool,
    /// Where it comes among those of its number that depend on each other.
    rank: u16,
    /// Which files it depends on, and by which of their names.
    needs: Vec<(Index, Index)>,
}

fn dice() -> impl Strategy<Value = Dice> {
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
    /// The file, before anybody depends on anything.
    fn file(&self) -> File {
        let (number, separator) = (self.number, self.separator);
        let (kept, dropped) = self.end;
        let ended = |stem: &[u8], end: &str| [stem, end.as_bytes()].concat();
        let front = [number.as_bytes(), separator.as_bytes(), self.stem].concat();
        let name = ended(&front, &format!("{kept}{dropped}"));
        let short = match number.is_empty() || separator.is_empty() {
            true => ended(&front, kept),
            false => ended(self.stem, kept),
        };
        // What is not UTF-8 cannot be written into a configuration.
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

/// Random files that have sections and depend on nothing, and the dice that made them.
fn files() -> impl Strategy<Value = Vec<(Dice, File)>> {
    prop::collection::vec(dice(), 1..24).prop_map(|dice| {
        let mut made: Vec<(Dice, File)> = Vec::new();
        for dice in dice {
            let file = dice.file();
            if made.iter().all(|(_, other)| other.name != file.name) {
                made.push((dice, file));
            }
        }
        keep_names_that_mean_one(&mut made);
        for (dice, file) in &mut made {
            if !file.names.is_empty() {
                file.section = Some(dice.section.get(&file.names).clone());
                file.enabled = dice.enabled;
            }
        }
        made
    })
}

fn keep_names_that_mean_one(made: &mut [(Dice, File)]) {
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

/// Lets each file that has a section depend on what its dice say, of what `may` allows.
fn add_needs(made: &mut [(Dice, File)], may: impl Fn(&(Dice, File), &(Dice, File)) -> bool) {
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

fn only_files(made: Vec<(Dice, File)>) -> Vec<File> {
    made.into_iter().map(|(_, file)| file).collect()
}

/// A directory with which nothing is wrong.
fn sound() -> impl Strategy<Value = Vec<File>> {
    files().prop_map(|mut made| {
        add_needs(&mut made, |(dice, file), (other_dice, other)| {
            let later = (&other.number, other_dice.rank) < (&file.number, dice.rank);
            other.enabled && later
        });
        only_files(made)
    })
}

/// A directory in which anybody depends on anything.
fn wild() -> impl Strategy<Value = Vec<File>> {
    let nothing = prop::option::weighted(0.3, (any::<Index>(), prop::sample::select(&NOTHING[..])));
    (files(), nothing).prop_map(|(mut made, nothing)| {
        add_needs(&mut made, |_, _| true);
        let mut files = only_files(made);
        if let Some((who, nothing)) = nothing {
            let len = files.len();
            let file = &mut files[who.index(len)];
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

/// A directory in which some tasks of one number depend on each other in a ring, and
/// nothing else is wrong. Also the names of the ring: each task depends on the next.
fn ring() -> impl Strategy<Value = (Vec<File>, Vec<String>)> {
    (sound(), any::<Index>(), any::<Index>()).prop_filter_map(
        "nobody could stand in a ring",
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
            close(&mut files, &ring);
            let name = |&i: &usize| files[i].name.to_str().unwrap().to_owned();
            let ring = ring.iter().map(name).collect();
            Some((files, ring))
        },
    )
}

fn close(files: &mut [File], ring: &[usize]) {
    let numbers: HashMap<OsString, Number> = (files.iter())
        .map(|file| (file.name.clone(), file.number.clone()))
        .collect();
    let next = ring.iter().cycle().skip(1);
    for (&index, &next) in ring.iter().zip(next) {
        let need = Need {
            file: files[next].name.clone(),
            word: files[next].names[0].clone(),
        };
        // Another way from here could lead to a second cycle.
        let File { number, needs, .. } = &mut files[index];
        needs.retain(|need| numbers[&need.file] != *number);
        needs.push(need);
    }
}

/// Two more ways to read the same directory and to write the same configuration.
fn shuffled(
    files: impl Strategy<Value = Vec<File>>,
) -> impl Strategy<Value = (Vec<File>, Vec<File>, Vec<File>)> {
    files.prop_flat_map(|files| {
        let shuffled = || Just(files.clone()).prop_shuffle();
        (Just(files.clone()), shuffled(), shuffled())
    })
}

/// The plan, when the directory is read in the order of `files`, and the sections stand
/// in the order of `sections`.
fn read(files: &[File], sections: &[File]) -> (Plan, Problems) {
    let config = tempfile::NamedTempFile::new().unwrap();
    let text: String = sections.iter().filter_map(File::text).collect();
    fs::write(config.path(), text).unwrap();
    let no_tasks = NO_TASKS.iter().map(|name| entry(name.as_ref()));
    let entries = no_tasks.chain(files.iter().map(File::entry)).collect();
    let mut problems = Problems::default();
    let document = Document::load(Some(config.path()), &[]).unwrap();
    let settings = Settings::new(document, &[], &mut problems);
    let plan = Plan::new("/tasks".as_ref(), entries, settings, false, &mut problems);
    (plan, problems)
}

/// The plan of a directory with which nothing is wrong.
#[track_caller]
fn sound_plan(files: &[File], sections: &[File]) -> Plan {
    let (plan, problems) = read(files, sections);
    assert!(!problems.has_errors(), "{problems:?}");
    plan
}

/// The order as `--list` shows it: the chain, walked with every task succeeding.
fn order(plan: &Plan) -> Vec<OsString> {
    let mut chain = Chain::new(plan.links.clone(), plan.settings.retry_from);
    let mut order = Vec::new();
    while let Step::Start(task) = chain.next_step() {
        order.push(plan.tasks[task.0].name.as_os_str().to_owned());
        chain.judge(task, Verdict::Proceed);
        chain.ended(task);
    }
    order
}

/// The order as the rules give it. The tasks that may start at the same time have the
/// same number, though not the same digits, so the first by name is simply the one
/// with the least bytes.
fn expected_order(files: &[File]) -> Vec<OsString> {
    let mut left: Vec<&File> = files.iter().filter(|file| file.enabled).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits = |file: &File| left.iter().any(|other| other.comes_before(file));
        let free = (0..left.len()).filter(|&index| !waits(left[index]));
        let first = free.min_by_key(|&index| left[index].name.as_bytes());
        order.push(left.remove(first.unwrap()).name.clone());
    }
    order
}

/// All of a plan that a run could notice.
fn noticed(plan: &Plan) -> (Vec<OsString>, Vec<Link>) {
    let names = plan
        .tasks
        .iter()
        .map(|task| task.name.as_os_str().to_owned());
    (names.collect(), plan.links.to_vec())
}

/// What is said, without the lines of the configuration.
fn said(problems: &Problems) -> Vec<&str> {
    problems.iter().map(|problem| &*problem.message).collect()
}

fn errors(problems: &Problems) -> Vec<&str> {
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| &*problem.message).collect()
}

/// What stands in backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// The tasks of a cycle, the first one at the end again, when `error` is about one.
fn cycle(error: &str) -> Option<Vec<&str>> {
    let names = quoted(error);
    match error.ends_with("depends on itself") {
        true => Some([names[0], names[0]].to_vec()),
        false => error
            .starts_with("tasks depend on each other: ")
            .then_some(names),
    }
}

/// The needs that nobody can wait for, as an error names them: who, and on what.
fn hopeless(files: &[File]) -> BTreeSet<(&str, &str)> {
    let find = |name: &OsStr| files.iter().find(|file| file.name == name);
    let mut hopeless = BTreeSet::new();
    for file in files.iter().filter(|file| file.enabled) {
        for need in &file.needs {
            let may_wait = |other: &File| other.enabled && other.number <= file.number;
            if !find(&need.file).is_some_and(may_wait) {
                hopeless.insert((file.name.to_str().unwrap_or_default(), &*need.word));
            }
        }
    }
    hopeless
}

/// Whether some tasks of one number wait for each other: whoever waits for nobody is
/// taken away, until nobody is left or nobody can be.
fn has_cycle(files: &[File]) -> bool {
    let mut left: Vec<&File> = files.iter().filter(|file| file.enabled).collect();
    loop {
        let waits = |file: &File| {
            let mut others = left.iter();
            others.any(|other| other.number == file.number && file.depends_on(other))
        };
        let still: Vec<&File> = left.iter().copied().filter(|file| waits(file)).collect();
        if still.len() == left.len() {
            return !left.is_empty();
        }
        left = still;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_task_comes_after_what_it_depends_on_and_after_every_lower_number(
        (files, _, sections) in shuffled(sound()),
    ) {
        let order = order(&sound_plan(&files, &sections));
        let enabled: Vec<&File> = files.iter().filter(|file| file.enabled).collect();
        prop_assert_eq!(order.len(), enabled.len());
        let place = |file: &File| order.iter().position(|name| *name == file.name).unwrap();
        for a in &enabled {
            for b in &enabled {
                if a.comes_before(b) {
                    prop_assert!(place(a) < place(b), "{:?} after {:?}", a.name, b.name);
                }
            }
        }
    }

    #[test]
    fn of_the_tasks_that_may_start_the_first_by_name_does(
        (files, _, sections) in shuffled(sound()),
    ) {
        prop_assert_eq!(order(&sound_plan(&files, &sections)), expected_order(&files));
    }

    #[test]
    fn neither_the_order_of_the_directory_nor_that_of_the_sections_matters(
        (files, entries, sections) in shuffled(sound()),
    ) {
        let (one, other) = (sound_plan(&files, &files), sound_plan(&entries, &sections));
        prop_assert_eq!(noticed(&one), noticed(&other));
        prop_assert_eq!(order(&one), order(&other));
    }

    #[test]
    fn what_is_wrong_is_said_alike_whatever_order_it_is_read_in(
        (files, entries, sections) in shuffled(wild()),
    ) {
        let (one, other) = (read(&files, &files).1, read(&entries, &sections).1);
        prop_assert_eq!(said(&one), said(&other));
    }

    #[test]
    fn what_nobody_can_wait_for_is_an_error_that_names_both(files in wild()) {
        let (_, problems) = read(&files, &files);
        let errors = errors(&problems);
        let said = errors.iter().filter(|error| cycle(error).is_none());
        let said: Vec<Vec<&str>> = said.map(|error| quoted(error)).collect();
        let named: BTreeSet<(&str, &str)> = said.iter().map(|names| (names[0], names[1])).collect();
        prop_assert_eq!(said.len(), named.len(), "each is said once");
        prop_assert_eq!(named, hopeless(&files));
    }

    #[test]
    fn a_cycle_is_told_of_where_one_is_and_only_there(files in wild()) {
        let (_, problems) = read(&files, &files);
        let errors = errors(&problems);
        let cycles: Vec<Vec<&str>> = errors.iter().filter_map(|error| cycle(error)).collect();
        prop_assert_eq!(!cycles.is_empty(), has_cycle(&files));
        let find = |name: &str| files.iter().find(|file| file.name == name).unwrap();
        for cycle in cycles {
            for pair in cycle.windows(2) {
                let (who, whom) = (find(pair[0]), find(pair[1]));
                prop_assert!(who.depends_on(whom) && who.number == whom.number, "{:?}", pair);
            }
            prop_assert_eq!(cycle.first(), cycle.last());
            let round: BTreeSet<&&str> = cycle[1..].iter().collect();
            prop_assert_eq!(round.len(), cycle.len() - 1, "each task is named once");
        }
    }

    #[test]
    fn a_cycle_is_an_error_that_names_all_of_its_tasks((files, ring) in ring()) {
        let (_, problems) = read(&files, &files);
        let errors = errors(&problems);
        prop_assert_eq!(errors.len(), 1, "{:?}", errors);
        let mut named = cycle(errors[0]).unwrap();
        named.pop();
        // It may begin anywhere.
        let first = ring.iter().position(|name| name == named[0]).unwrap();
        let round = ring.iter().cycle().skip(first).take(ring.len());
        prop_assert_eq!(named, round.collect::<Vec<_>>());
    }
}
