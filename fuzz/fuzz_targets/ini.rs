//! Any bytes as a configuration file: `runner-config` reads what it accepts as Python does, and
//! refuses the rest for a reason that Python has too or that is permitted.
//!
//! `ci/dialect.py --answer` is Python's side. It runs as long as the fuzzer, and reads each file
//! after this program.
#![no_main]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{LazyLock, Mutex},
};

use libfuzzer_sys::fuzz_target;
use runner_config::{Document, Origin, Problems, Reading, Settings, Severity};
use tempfile::TempDir;

fuzz_target!(|bytes: &[u8]| {
    let mut python = PYTHON.lock().unwrap();
    fs::write(&python.file, bytes).unwrap();
    let (document, problems) = read(&python.file);
    let complaint = python.compare(&document, &problems);
    assert_eq!(complaint, "", "{problems:?}");

    if !problems.has_errors() {
        let mut text = Vec::new();
        document.write(None, &mut text).unwrap();
        let file = python.file.with_extension("written");
        fs::write(&file, &text).unwrap();
        let (again, problems) = read(&file);
        assert!(problems.iter().next().is_none(), "{problems:?}");
        assert_eq!(object(&again), object(&document), "written and read");
    }
    // Values of settings need not be right.
    let mut problems = Problems::default();
    let settings = Settings::new(document, &[], &mut problems);
    drop((settings, problems));
});

static PYTHON: LazyLock<Mutex<Python>> = LazyLock::new(|| Mutex::new(Python::start()));

/// Reads a file, without those of its `include_dir`.
fn read(file: &PathBuf) -> (Document, Problems) {
    let mut problems = Problems::default();
    let mut admit = |reading: Reading, _: &mut Problems| matches!(reading, Reading::File(_));
    let document = Document::load_readable(Some(file), &[], &mut admit, &mut problems);
    (document, problems)
}

/// The process of `ci/dialect.py`.
struct Python {
    /// The file that both read.
    file: PathBuf,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    // They exist as long as the fuzzer.
    _process: Child,
    _directory: TempDir,
}

impl Python {
    fn start() -> Python {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("runner.cfg");
        let mut process = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/dialect.py"))
            .arg("--answer")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fuzz target needs python3");
        Python {
            file,
            requests: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
            _directory: directory,
        }
    }

    /// Returns the complaint of `ci/dialect.py` about what was read, or an empty text.
    fn compare(&mut self, document: &Document, problems: &Problems) -> String {
        let errors = problems.iter().filter(|it| it.severity == Severity::Error);
        let lines = errors.filter_map(|error| match &error.origin {
            Some(Origin::File(_, line)) => Some(line.to_string()),
            Some(Origin::Option(_) | Origin::Default) | None => None,
        });
        let lines: Vec<String> = lines.collect();
        let request = if problems.has_errors() {
            format!("78\t{}\t\n", lines.join(","))
        } else {
            format!("0\t\t{}\n", object(document))
        };
        self.requests.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "ci/dialect.py ended");
        answer.trim_end().to_owned()
    }
}

/// Returns the answer of `runner-config --list --json`, in the order of the file.
fn object(document: &Document) -> String {
    let sections = document.sections().map(|section| {
        let entries = document.entries(section).into_iter();
        let keys = entries.map(|entry| member(entry.key, &quoted(entry.value)));
        member(section, &braced(keys))
    });
    braced(sections)
}

fn braced(members: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn member(key: &str, value: &str) -> String {
    format!("{}:{value}", quoted(key))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
