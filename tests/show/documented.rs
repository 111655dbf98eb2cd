//! The JSON output, compared with docs/json.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::support::{Test, top};

use super::plan;

/// The content of docs/json.md: the output of each command, and the types of its members.
#[derive(Default)]
struct Page {
    /// For each command its type and an example.
    answers: Vec<(String, String, Value)>,
    /// For each type the names and types of its members.
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Page {
    fn read() -> Page {
        let text = fs::read_to_string(top().join("docs/json.md")).unwrap();
        let mut page = Page::default();
        for section in text.split("\n## ").skip(1) {
            let (command, section) = section.split_once('\n').unwrap();
            let (_, answer) = section.split_once("\nAnswer: ").unwrap();
            let kind = answer.split([',', ':', '.']).next().unwrap();
            let (_, example) = section.split_once("```json\n").unwrap();
            let example = serde_json::from_str(example.split("```").next().unwrap()).unwrap();
            page.answers
                .push((command.to_owned(), kind.to_owned(), example));
            for table in section.split("\n### ").skip(1) {
                page.tables.insert(
                    table.lines().next().unwrap().to_owned(),
                    table.lines().filter_map(Page::row).collect(),
                );
            }
        }
        page
    }

    fn row(line: &str) -> Option<(String, String)> {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((name.to_owned(), cells.next()?.to_owned()))
    }

    /// Asserts that `value` at `path` has this type, and adds to `found` what was seen.
    #[track_caller]
    fn check(&self, value: &Value, kind: &str, path: &str, found: &mut BTreeSet<String>) {
        if let Some(kind) = kind.strip_suffix(" or null") {
            found.insert(format!("{path}: null {}", value.is_null()));
            if !value.is_null() {
                self.check(value, kind, path, found);
            }
            return;
        }
        if let Some(kind) = kind.strip_prefix("array of ") {
            let array = value
                .as_array()
                .unwrap_or_else(|| panic!("{path}: {value}"));
            for value in array {
                self.check(value, kind, path, found);
            }
            return;
        }
        if let Some(kind) = kind.strip_prefix("map of ") {
            let map = value
                .as_object()
                .unwrap_or_else(|| panic!("{path}: {value}"));
            for value in map.values() {
                self.check(value, kind, path, found);
            }
            return;
        }
        found.insert(format!("{path}: {kind}"));
        let is_right = match kind {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64(),
            "number" => value.is_f64(),
            _ => {
                let table = &self.tables.get(kind);
                let table = table.unwrap_or_else(|| panic!("{path}: no table `{kind}`"));
                let object = value
                    .as_object()
                    .unwrap_or_else(|| panic!("{path}: {value}"));
                let names: BTreeSet<&String> = object.keys().collect();
                assert_eq!(names, table.keys().collect(), "{path}: members of `{kind}`");
                for (name, kind_of_member) in table {
                    let path = format!("{kind}.{name}");
                    self.check(&object[name], kind_of_member, &path, found);
                }
                true
            }
        };
        assert!(is_right, "{path}: no {kind}: {value}");
    }

    /// Adds to `all` everything that can be seen of a member of this type.
    fn all(kind: &str, path: &str, all: &mut BTreeSet<String>) {
        let mut simple = kind;
        if let Some(kind) = kind.strip_suffix(" or null") {
            simple = kind;
            all.extend([true, false].map(|is| format!("{path}: null {is}")));
        }
        for of in ["array of ", "map of "] {
            simple = simple.strip_prefix(of).unwrap_or(simple);
        }
        all.insert(format!("{path}: {simple}"));
    }
}

#[test]
fn the_answers_have_the_members_and_types_of_the_page() {
    let page = Page::read();
    let mut found = BTreeSet::new();
    let done = || {
        let test = Test::with_state().task("1-a", "");
        let test = test.config("[a]\nfrequency = once");
        test.file("state/done/1-a", "", 0o644)
    };
    let bare = || Test::new().task("1-a", "");
    let of = |test: Test, args: &[&str]| -> Value {
        let ran = test.args(args).args(["--json"]).run();
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let config = |args: &[&str]| -> Value {
        let args = [
            &["runner-config", "-c", "runner.cfg", "--list", "--json"],
            args,
        ]
        .concat();
        let ran = plan().run_with(args).status(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    for (command, kind, example) in &page.answers {
        let answers = match command.as_str() {
            "runner --list --json TASKDIR" => {
                vec![of(plan(), &["--list"]), of(done(), &["--list"])]
            }
            "runner --dry-run --json TASKDIR" => {
                let answer = of(plan(), &["--dry-run", "--set", "run_hook=true"]);
                assert!(answer["tasks"][0]["hook"].is_array(), "{answer}");
                assert!(answer["halt_task"]["hook"].is_null(), "{answer}");
                vec![
                    answer,
                    of(bare(), &["--dry-run"]),
                    of(bare(), &["--dry-run", "--set", "max_time=0"]),
                    of(done(), &["--dry-run"]),
                ]
            }
            "runner --env TASK --json TASKDIR" => vec![of(plan(), &["--env", "b"])],
            "runner --check --json TASKDIR" => vec![
                of(plan(), &["--check"]),
                of(bare(), &["--check", "-j", "2"]),
                of(plan().config("[runner]\nmax_trys = 3"), &["--check"]),
            ],
            "runner --drill --yes --json TASKDIR" => {
                let once = "[ ! -e ran ] || { echo again; exit 1; }; : >ran";
                let first = Test::new().task("1-a", once);
                let failed = Test::new().task("1-a", "exit 1");
                let args = ["--drill", "--yes"];
                vec![of(first, &args), of(failed, &args), of(bare(), &args)]
            }
            "runner-config --list --json" => vec![config(&[])],
            "runner-config --list --show-origin --json" => vec![config(&["--show-origin"])],
            _ => panic!("nobody asks `{command}`"),
        };
        page.check(example, kind, "example", &mut BTreeSet::new());
        for answer in &answers {
            page.check(answer, kind, command, &mut found);
        }
    }
    assert_eq!(page.answers.len(), 7);
    let mut all = BTreeSet::new();
    for (kind, members) in &page.tables {
        for (name, kind_of_member) in members {
            Page::all(kind_of_member, &format!("{kind}.{name}"), &mut all);
        }
    }
    let unseen: Vec<&String> = all.difference(&found).collect();
    assert!(unseen.is_empty(), "never seen: {unseen:?}");
}

#[test]
fn an_example_of_the_page_is_what_the_examples_answer() {
    let config_file = top().join("runner.cfg");
    let config_file = config_file.to_str().unwrap();
    let ask = [
        "runner-config",
        "-c",
        config_file,
        "--list",
        "work",
        "--json",
    ];
    let ran = Test::new().no_config().run_with(ask).status(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let page = Page::read();
    let mut answers = page.answers.iter();
    let found = answers.find(|(command, ..)| command == "runner-config --list --json");
    assert_eq!(answer, found.unwrap().2);
}
