//! Names that are left out, and misspelled names.

use std::ffi::OsStr;

use runner_config::{left_out, nearest};

#[test]
fn files_of_tools_are_left_out() {
    for name in [
        ".hidden",
        "#a#",
        "a~",
        "a.bak",
        "a.orig",
        "a.rej",
        ".a.swp",
        "a.tmp",
        "a.old",
        "a.off",
        "a.save",
        "a.dist",
        "a.disabled",
        "a.sample",
        "a.example",
        "a.dpkg-old",
        "a.rpmsave",
        "a.rpm",
        "a.ucf-dist",
        "README",
        "README.md",
    ] {
        assert!(left_out(OsStr::new(name)).is_some(), "{name}");
    }
    for name in [
        "a",
        "1-a.sh",
        "a.bak.sh",
        "dpkg-old",
        "my-README",
        "readme",
        "a.tmpl",
        "ucf-x",
    ] {
        assert_eq!(left_out(OsStr::new(name)), None, "{name}");
    }
}

#[test]
fn misspellings_are_near_and_other_words_are_not() {
    for (name, expected) in [
        ("max_trys", Some("max_tries")),
        ("maxtries", Some("max_tries")),
        ("max-tries", Some("max_tries")),
        ("Max_Tries", Some("max_tries")),
        ("max_tmie", Some("max_time")),
        ("hook", None),
        ("remote", None),
        ("min_free_mb", None),
        ("", None),
    ] {
        let found = nearest(name, ["max_tries", "max_time", "task_hook", "jobs"]);
        assert_eq!(found.first().copied(), expected, "{name}");
    }
}
