//! Options that only show something create no file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::Test;

/// All files of a story except the output of the program, and the private directories with
/// links to them.
fn files(test: &Test) -> BTreeSet<PathBuf> {
    fn add(directory: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                add(&path, found);
            }
            found.insert(path);
        }
    }
    let mut found = BTreeSet::new();
    add(test.dir(), &mut found);
    for name in ["stdout", "stderr"] {
        found.remove(&test.path(name));
    }
    let is_ours = |link: PathBuf| fs::read_link(link).is_ok_and(|to| to.starts_with(test.dir()));
    for place in ["/tmp", "/run", "/var/tmp"] {
        let entries = fs::read_dir(place).into_iter().flatten().flatten();
        let entries = entries.map(|entry| entry.path());
        found.extend(entries.filter(|path| is_ours(path.join("runner.cfg"))));
    }
    found
}

#[test]
fn options_that_only_show_leave_no_file() {
    // A path with blanks needs private links.
    let config = "it's.cfg";
    let test = || {
        Test::new()
            .no_config()
            .task("1-a", "ls -d ${RUNNER_CONFIG_CMD##* } >link")
            .task("halt.sh", "")
            .file(config, "[runner]\nlog_dir = logs\njobs = 2\n", 0o644)
    };
    // A real run does leave files, so this test can see them.
    let ran = test().run_with(["-c", config, "tasks.d"]).status(0);
    assert!(ran.read("link").contains("/runner-links."));
    assert!(files(&ran.test).contains(&ran.test.path("logs")));
    for args in [
        &["--list"][..],
        &["--list", "--json"],
        &["--dry-run"],
        &["--dry-run", "--json"],
        &["--graph"],
        &["--env", "a"],
        &["--env", "a", "--json"],
        &["--check"],
        &["--check", "--json"],
    ] {
        let test = test();
        let before = files(&test);
        let args = [args, &["-c", config, "tasks.d"]].concat();
        let ran = test.run_with(&args);
        assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{args:?}");
        if args.contains(&"a") {
            assert!(ran.stdout.contains("/runner-links."), "{}", ran.stdout);
        }
        assert_eq!(files(&ran.test), before, "{args:?}");
    }
}
