//! Appending to the file of a journal.

use std::{
    fs::{self, OpenOptions},
    io::Write,
};

use runner_report::JournalFile;

#[test]
fn an_incomplete_line_of_any_writer_is_closed_before_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let mut journal = JournalFile::new(path.clone());
    let mut expected = String::new();
    let mut append = |text: &str, before: &str| {
        let mut other = OpenOptions::new().append(true).open(&path);
        if let Ok(other) = &mut other {
            other.write_all(before.as_bytes()).unwrap();
        }
        journal.append(text, false).unwrap();
        let torn = !before.is_empty() && !before.ends_with('\n');
        expected += &format!("{before}{}{text}", if torn { "\n" } else { "" });
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    };
    append("1\n", "");
    append("2\n", "");
    append("3\n", "whole\n");
    append("4\n", "torn");
    append("5\n", "");
    append("6\n", "\n");
}
