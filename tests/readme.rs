//! README is held to the program: its tables are the program's own, and what its
//! console blocks show is what happens.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::support::{Test, runner, top};

fn readme() -> String {
    fs::read_to_string(top().join("README.md")).unwrap()
}

/// The rows of the table below `head`.
fn table(head: &str) -> Vec<String> {
    let readme = readme();
    let (_, below) = readme.split_once(head).expect("README has this table");
    let rows = below
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(str::to_owned).collect()
}

#[test]
fn the_table_of_settings_is_the_programs() {
    let expected: Vec<String> = runner_config::SETTINGS
        .iter()
        .map(|setting| {
            let star = match setting.in_runner() && setting.in_task() {
                true => " \\*",
                false => "",
            };
            let place = match setting.in_runner() {
                true => "",
                false => " (in a task's section only)",
            };
            let default = match setting.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            format!(
                "| `{}`{star} | {default} | {}{place} |",
                setting.name, setting.meaning
            )
        })
        .collect();
    let found = table("| setting | default | meaning |");
    assert_eq!(
        found,
        expected,
        "README should have:\n{}",
        expected.join("\n")
    );
    let listed = Test::new()
        .run_with(["runner-config", "--settings"])
        .status(0)
        .stdout;
    for setting in &runner_config::SETTINGS {
        assert!(listed.contains(setting.name) && listed.contains(setting.meaning));
    }
}

#[test]
fn the_table_of_exit_statuses_is_the_programs() {
    let help = Test::new().run_with(["--help"]).status(0).stdout;
    let (_, statuses) = help.split_once("Exit status:\n").unwrap();
    let expected: Vec<String> = statuses
        .lines()
        .map(|line| {
            let (status, meaning) = line.trim().split_once("  ").unwrap();
            format!("| {status} | {meaning} |")
        })
        .collect();
    let found = table("| status | meaning |");
    assert_eq!(
        found,
        expected,
        "README should have:\n{}",
        expected.join("\n")
    );
}

/// A command of a console block, and what it shows.
struct Example {
    command: String,
    output: String,
}

fn examples() -> Vec<Example> {
    let readme = readme();
    let blocks = readme.split("```console\n").skip(1);
    let mut examples: Vec<Example> = Vec::new();
    for block in blocks {
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines() {
            match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push(Example {
                    command: command.to_owned(),
                    output: String::new(),
                }),
                (None, Some(example)) => {
                    example.output += line;
                    example.output += "\n";
                }
                (None, None) => panic!("a console block begins with a command"),
            }
        }
    }
    examples
}

#[test]
fn console_blocks_show_what_happens() {
    let test = Test::new();
    let bin = test.path("bin");
    fs::create_dir(&bin).unwrap();
    for applet in ["runner", "runner-config", "runner-report"] {
        symlink(runner(), bin.join(applet)).unwrap();
    }
    for name in ["runner.cfg", "example-tasks.d", "example-hooks"] {
        copy(&top().join(name), &test.path(name));
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut played = 0;
    for Example { command, output } in examples() {
        if command.starts_with("cargo test ") {
            // That is what runs just now.
            continue;
        }
        let command = command.replace("cargo run --release --", "runner");
        let shell = Command::new("sh")
            .arg("-c")
            .arg(format!("exec 2>&1; {command}"))
            .current_dir(test.dir())
            .env("PATH", &path)
            .env_remove("RUNNER_CONFIG")
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&shell.stdout);
        assert_eq!(
            same_everywhere(&found),
            same_everywhere(&output),
            "{command}"
        );
        played += 1;
    }
    assert!(played >= 8, "only {played} commands");
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}

/// The text with `#` for what differs from machine to machine: times, sizes, ids.
pub(crate) fn same_everywhere(text: &str) -> String {
    let word = |word: &str| match differs(word.trim_end_matches([',', '.', ';'])) {
        true => "#".to_owned(),
        false => word.to_owned(),
    };
    let line = |line: &str| match line {
        // The example goes on without git.
        "There is no git here: going on without the tools." => "<tools>".to_owned(),
        line if line.contains(" the tools, at ") => "<tools>".to_owned(),
        line => line.split(' ').map(word).collect::<Vec<_>>().join(" "),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn differs(word: &str) -> bool {
    let hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (number, unit) = word.split_at(word.find(char::is_alphabetic).unwrap_or(word.len()));
    let numeric = !number.is_empty()
        && number
            .bytes()
            .all(|b| b.is_ascii_digit() || b":.-".contains(&b));
    let commit = word.len() == 7 && hex(word);
    let run_id = word.len() == 29 && word.as_bytes()[8] == b'T' && hex(&word[21..]);
    let plain = unit.is_empty() && number.len() < 3;
    commit || run_id || numeric && matches!(unit, "" | "ms" | "s") && !plain
}
