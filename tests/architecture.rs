//! The lists in ARCHITECTURE.md, compared with the files on disk.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::top;

/// All directories and files in `src` of all crates.
fn sources() -> Vec<PathBuf> {
    let crates = ["config", "exec", "report", "bin"];
    let mut found: Vec<PathBuf> = crates
        .map(|name| top().join(format!("runner-{name}/src")))
        .into();
    let mut index = 0;
    while let Some(path) = found.get(index) {
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap();
            found.extend(entries.map(|entry| entry.unwrap().path()));
        }
        index += 1;
    }
    found
}

/// Paths relative to the top of the checkout.
fn names<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> BTreeSet<String> {
    let names = paths.map(|path| path.strip_prefix(top()).unwrap().to_str().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn the_page_lists_the_folders_on_the_disk() {
    let page = fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let rooms = page.split("\n## Folders\n").nth(1).unwrap();
    let rooms = rooms.split("\n## ").next().unwrap();
    let lines = rooms.lines().filter_map(|line| line.strip_prefix("    "));
    let listed = lines.filter(|line| line.starts_with("runner-"));
    let listed: BTreeSet<String> = listed
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    let found = names(sources().iter().filter(|path| path.is_dir()));
    assert_eq!(listed, found);
}

#[test]
fn the_page_lists_every_place_that_touches_the_world() {
    let page = fs::read_to_string(top().join("ARCHITECTURE.md")).unwrap();
    let invariant = page
        .split("\n1. Side effects are in named places")
        .nth(1)
        .unwrap();
    let invariant = invariant.split("\n2. ").next().unwrap();
    let words = invariant.split_whitespace();
    let listed: BTreeSet<String> = words
        .filter(|word| word.ends_with(".rs"))
        .map(str::to_owned)
        .collect();
    let touches = |path: &Path| {
        path.is_file()
            && fs::read_to_string(path)
                .unwrap()
                .contains("clippy::disallowed_methods")
    };
    let found = names(sources().iter().filter(|path| touches(path)));
    assert_eq!(listed, found);
}
