//! The mistakes of docs/rehearsal.md and their fixes, each drilled.

use std::fs;

use crate::support::{Test, is_missing, top};

use super::members;

/// A part of the page: its title, and the tasks of the mistake and of the fix.
struct Pair {
    title: String,
    mistake: Vec<(String, String)>,
    fix: Vec<(String, String)>,
}

fn pairs() -> Vec<Pair> {
    let page = fs::read_to_string(top().join("docs/rehearsal.md")).unwrap();
    let (_, mistakes) = page.split_once("\n## Ten usual mistakes\n").unwrap();
    let (mistakes, _) = mistakes.split_once("\n## ").unwrap();
    let parts = mistakes.split("\n### ").skip(1);
    let pair = |part: &str| Pair {
        title: part.lines().next().unwrap().to_owned(),
        mistake: tasks(part, "mistake"),
        fix: tasks(part, "fix"),
    };
    parts.map(pair).collect()
}

/// The tasks of the blocks of `part` in this directory: names and scripts.
fn tasks(part: &str, directory: &str) -> Vec<(String, String)> {
    let fence = format!("\n```sh {directory}/");
    let blocks = part.split(&fence).skip(1);
    let tasks = blocks.map(|block| {
        let (name, script) = block.split_once('\n').unwrap();
        let (script, _) = script.split_once("```").unwrap();
        (name.to_owned(), script.to_owned())
    });
    tasks.collect()
}

/// A directory with everything that the tasks of the page find, and with these tasks.
fn prepared(tasks: &[(String, String)]) -> Test {
    // Other programs must not add a user to this machine.
    let useradd = "#!/bin/sh\n[ ! -e user-$2 ] || { echo \"useradd: user '$2' already exists\"; exit 9; }\n\
                   : >user-$2\n";
    let id = "#!/bin/sh\n[ -e user-$2 ]\n";
    let patch = "--- a/patched\n+++ b/patched\n@@ -1 +1 @@\n-old\n+new\n";
    let path = std::env::var("PATH").unwrap();
    let mut test = Test::new()
        .file("bin/useradd", useradd, 0o755)
        .file("bin/id", id, 0o755)
        .file("maintenance", "", 0o644)
        .file("app.new", "", 0o644)
        .file("download/app", "", 0o644)
        .file("patched", "old\n", 0o644)
        .file("fix.patch", patch, 0o644);
    let git = "git init -q app.git && cd app.git && git -c user.name=a -c user.email=a@localhost \
               commit -q --allow-empty -m a";
    test = test.through(git_and_back(git).as_str());
    let bin = test.path("bin");
    for (name, script) in tasks {
        test = test.file(&format!("tasks.d/{name}"), script, 0o755);
    }
    let home = test.dir().to_owned();
    test.env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", home)
}

fn git_and_back(git: &str) -> String {
    format!("[ -e app.git ] || ({git}) || exit 99")
}

#[test]
fn each_mistake_has_its_finding_and_each_fix_has_none() {
    if is_missing("git") || is_missing("flock") {
        return;
    }
    let pairs = pairs();
    assert_eq!(pairs.len(), 10);
    for Pair {
        title,
        mistake,
        fix,
    } in pairs
    {
        let answer = prepared(&mistake).drill_json(4);
        let results = members(&answer, &["task", "result"]);
        let (first, others) = results.split_first().unwrap();
        assert_eq!(
            *first,
            format!("{} cannot", mistake[0].0),
            "{title}: {answer}"
        );
        let last = mistake.last().map(|(name, _)| name.as_str());
        assert_eq!(answer["tasks"][0]["after"].as_str(), last, "{title}");
        assert!(
            others.iter().all(|other| other.ends_with(" can")),
            "{title}"
        );
        let answer = prepared(&fix).drill_json(0);
        assert!(
            !fix.is_empty() && mistake.len() == fix.len(),
            "{title}: {answer}"
        );
    }
}
