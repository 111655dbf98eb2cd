//! Following a journal while it is written, rotated, truncated and removed.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use proptest::{collection::vec, prelude::*};
use runner_exec::StateDir;
use runner_report::{JournalEntry, JournalFollower, Record, TryEntry};
use tempfile::TempDir;

use crate::journal::Journal;

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Appends the next bytes of the lines.
    Append(usize),
    /// Ends the writer, possibly within a line, which the next writer then closes.
    Crash,
    /// Renames the file as the runner does.
    MakeOld,
    /// Renames the file as logrotate does.
    Rotate,
    Truncate,
    Remove,
    Read,
}

/// Returns the number of a line.
fn number(record: &Record) -> u32 {
    match record.entry {
        JournalEntry::Try(TryEntry::Start { try_num, .. }) => try_num,
        ref other => panic!("{other:?}"),
    }
}

fn line(number: u32) -> Vec<u8> {
    Journal::new().try_starts(0.0, number).text
}

/// A generation of the file: from its creation, or from a truncation, to the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Generation(usize);

/// A journal with its follower, and the lines that the follower must have seen.
struct Followed {
    state_dir: TempDir,
    follow: JournalFollower,
    seen: Vec<u32>,
    expected: Vec<u32>,
    /// Complete lines of each generation.
    complete: Vec<Vec<u32>>,
    /// Generation that the path names.
    named: Option<Generation>,
    /// Generation of the older part.
    old: Option<Generation>,
    /// Generation of the older part that the follower has read.
    read_old: Option<Generation>,
    /// Generation of the open file of the follower, if it was truncated since the last read.
    truncated: Option<Generation>,
    /// Generation that the follower has open, and the number of its lines that were seen.
    opened: Option<(Generation, usize)>,
    /// Number of bytes of the named file that the follower has read.
    position: u64,
    /// Number of the line that is being written, and the rest of its bytes.
    number: u32,
    rest: Vec<u8>,
    rotated: usize,
}

impl Followed {
    fn new() -> Followed {
        let state_dir = TempDir::new().unwrap();
        Followed {
            follow: JournalFollower::new(state_dir.path()),
            state_dir,
            seen: Vec::new(),
            expected: Vec::new(),
            complete: Vec::new(),
            named: None,
            old: None,
            read_old: None,
            truncated: None,
            opened: None,
            position: 0,
            number: 0,
            rest: Vec::new(),
            rotated: 0,
        }
    }

    fn path(&self) -> PathBuf {
        StateDir(self.state_dir.path()).journal()
    }

    fn new_generation(&mut self) -> Generation {
        self.complete.push(Vec::new());
        Generation(self.complete.len() - 1)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Append(bytes) => self.append(bytes),
            Change::Crash => {
                if !self.rest.is_empty() {
                    self.rest = b"\n".to_vec();
                }
            }
            Change::Read => self.read(),
            Change::MakeOld | Change::Rotate | Change::Truncate | Change::Remove
                if self.named.is_none() => {}
            Change::MakeOld => {
                let to = StateDir(self.state_dir.path()).old_journal();
                fs::rename(self.path(), to).unwrap();
                self.old = self.named;
                self.forget_named();
            }
            Change::Rotate => {
                self.rotated += 1;
                let to = self.path().with_extension(self.rotated.to_string());
                fs::rename(self.path(), to).unwrap();
                self.forget_named();
            }
            Change::Remove => {
                fs::remove_file(self.path()).unwrap();
                self.forget_named();
            }
            Change::Truncate => {
                File::create(self.path()).unwrap();
                let generation = self.new_generation();
                if self
                    .opened
                    .is_some_and(|(opened, _)| Some(opened) == self.named)
                {
                    // Unread lines are lost.
                    self.opened = (self.position == 0).then_some((generation, 0));
                    self.truncated = Some(generation);
                } else if self.truncated.is_some() && self.truncated == self.named {
                    self.truncated = Some(generation);
                }
                self.named = Some(generation);
                self.rest.clear();
            }
        }
    }

    fn forget_named(&mut self) {
        self.named = None;
        self.position = 0;
        self.rest.clear();
    }

    fn append(&mut self, bytes: usize) {
        let length = fs::metadata(self.path()).map_or(0, |metadata| metadata.len());
        // A truncated file that has grown to its old length looks as if it were not truncated.
        let is_truncated = length < self.position;
        if is_truncated && length + bytes as u64 >= self.position {
            self.read();
        }
        let generation = match self.named {
            Some(generation) => generation,
            None => self.new_generation(),
        };
        self.named = Some(generation);
        let mut text = Vec::new();
        while text.len() < bytes {
            if self.rest.is_empty() {
                self.number += 1;
                self.rest = line(self.number);
            }
            let was_complete = self.rest.len() <= 1;
            let count = self.rest.len().min(bytes - text.len());
            text.extend(self.rest.drain(..count));
            // The object is complete without its line end.
            if self.rest.len() <= 1 && !was_complete {
                self.complete[generation.0].push(self.number);
            }
        }
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path())
            .unwrap();
        file.write_all(&text).unwrap();
    }

    fn read(&mut self) {
        if let Some((opened, seen)) = &mut self.opened {
            let lines = &self.complete[opened.0];
            self.expected.extend(&lines[*seen..]);
            *seen = lines.len();
        }
        let opened = self.opened.map(|(opened, _)| opened);
        if opened.is_none() || opened != self.named {
            let read = [opened, self.truncated, self.read_old];
            if let Some(old) = self.old.filter(|_| !read.contains(&self.old)) {
                let lines = &self.complete[old.0];
                self.expected.extend(lines);
                self.opened = Some((old, lines.len()));
            }
            self.read_old = self.old;
        }
        self.truncated = None;
        if let Some(named) = self.named {
            let lines = &self.complete[named.0];
            if self.opened.is_none_or(|(opened, _)| opened != named) {
                self.expected.extend(lines);
            }
            self.opened = Some((named, lines.len()));
            self.position = fs::metadata(self.path()).unwrap().len();
        }
        self.follow
            .read(|record| self.seen.push(number(record)))
            .unwrap();
        assert_eq!(self.seen, self.expected);
    }
}

fn change() -> impl Strategy<Value = Change> {
    let line = line(1).len();
    prop_oneof![
        6 => (1..3 * line).prop_map(Change::Append),
        2 => (line - 2..=line).prop_map(Change::Append),
        1 => Just(Change::Crash),
        2 => Just(Change::MakeOld),
        1 => Just(Change::Rotate),
        1 => Just(Change::Truncate),
        1 => Just(Change::Remove),
        4 => Just(Change::Read),
    ]
}

proptest! {
    #[test]
    fn each_line_of_the_followed_files_is_seen_once_and_in_order(
        changes in vec(change(), 1..40),
    ) {
        let mut followed = Followed::new();
        for change in changes {
            followed.apply(change);
        }
        followed.read();
    }
}

/// Appends a line right before each rotation, while the follower reads. The journal is rotated
/// twice in a row.
#[test]
fn a_line_that_is_appended_right_before_a_rotation_is_seen() {
    const ROUNDS: u32 = 500;
    const LINES: u32 = 3 * ROUNDS + 1;
    let state_dir = TempDir::new().unwrap();
    let path = StateDir(state_dir.path()).journal();
    let old = StateDir(state_dir.path()).old_journal();
    let last_seen = AtomicU32::new(0);
    let append = |number| {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .unwrap();
        file.write_all(&line(number)).unwrap();
    };
    let write = || {
        for round in 1..=ROUNDS {
            append(3 * round - 1);
            fs::rename(&path, &old).unwrap();
            append(3 * round);
            fs::rename(&path, &old).unwrap();
            append(3 * round + 1);
            // The follower cannot see a file that is created and removed between two reads.
            while last_seen.load(Ordering::SeqCst) <= 3 * round {
                thread::yield_now();
            }
        }
    };
    let mut follow = JournalFollower::new(state_dir.path());
    let mut seen = Vec::new();
    append(1);
    follow.read(|record| seen.push(number(record))).unwrap();
    thread::scope(|scope| {
        scope.spawn(write);
        while last_seen.load(Ordering::SeqCst) < LINES {
            follow.read(|record| seen.push(number(record))).unwrap();
            last_seen.store(seen.last().copied().unwrap_or(0), Ordering::SeqCst);
        }
    });
    let missed: Vec<u32> = (1..=LINES).filter(|line| !seen.contains(line)).collect();
    assert_eq!(
        (missed, seen.is_sorted(), seen.len()),
        (Vec::new(), true, LINES as usize)
    );
}
