//! ARCHITECTURE.md against the disk.
#![expect(clippy::disallowed_methods, reason = "folders are listed")]

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::top;

/// Collects `directory` and all directories below it, as paths from the top of the checkout.
fn folders(directory: &Path, found: &mut BTreeSet<String>) {
    let path = directory.strip_prefix(top()).unwrap();
    found.insert(path.to_str().unwrap().to_owned());
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            folders(&path, found);
        }
    }
}

#[test]
fn the_rooms_are_the_folders_on_the_disk() {
    let page = fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let rooms = page.split("\n## Rooms\n").nth(1).unwrap();
    let rooms = rooms.split("\n## ").next().unwrap();
    let lines = rooms.lines().filter_map(|line| line.strip_prefix("    "));
    let listed = lines.filter(|line| line.starts_with("runner-"));
    let listed: BTreeSet<String> = listed
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    let mut found = BTreeSet::new();
    for name in ["config", "exec", "report", "bin"] {
        folders(&top().join(format!("runner-{name}/src")), &mut found);
    }
    assert_eq!(listed, found);
}
