//! Runs the code blocks of the pages: writes their files, runs their commands, and compares
//! the output with the page.
//!
//! The words after the fence give the kind of a block: `console` and the utilities it needs,
//! a language and a file name, or `sh` alone for a script to paste. `console machine-2` runs on
//! a machine with this id.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use rustix::process::geteuid;
use tempfile::TempDir;

use super::{Page, pages};
use crate::support::{is_missing, runner, skip, top};

/// The page whose sections are independent of each other. In every other page a block can
/// use the files of the blocks above it.
const RECIPES: &str = "docs/recipes.md";

/// Beginning of a word after the fence that is the id of another machine.
const MACHINE: &str = "machine-";

#[test]
fn console_blocks_show_the_real_output() {
    let mut commands = 0;
    for page in pages().iter().filter(|page| page.path != RECIPES) {
        commands += play(&page.path, &page.text);
    }
    assert!(commands >= 8, "only {commands} commands");
}

#[test]
fn recipes_work_as_they_are_written() {
    let page = Page::read(RECIPES);
    let sections = page.text.split("\n## ").skip(1);
    let commands: usize = sections.map(|section| play(RECIPES, section)).sum();
    assert!(commands >= 10, "only {commands} commands");
}

/// Runs all blocks of a text in a new directory. Returns the number of commands.
#[track_caller]
fn play(page: &str, text: &str) -> usize {
    let directory = directory();
    let at = directory.path();
    let mut commands = 0;
    for Block { words, text } in blocks(text) {
        match words[..] {
            ["console", ref needs @ ..] => {
                if !needs.iter().any(|need| is_lacking(need)) {
                    let machine = needs.iter().find(|need| need.starts_with(MACHINE));
                    commands += run_console(page, text, at, machine.copied());
                }
            }
            // tests/show/documented.rs compares the JSON blocks.
            ["json"] => {}
            ["sh"] => assert_eq!(output(text, at, None), "", "{page}: {text}"),
            [_, file] => write(text, &at.join(file)),
            _ => panic!("{page}: a block is a console, a script or a file, not {words:?}"),
        }
    }
    commands
}

/// Creates a directory with the example, and with the applets in `bin`.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("bin")).unwrap();
    for applet in ["runner", "runner-config", "runner-report"] {
        symlink(runner(), directory.path().join("bin").join(applet)).unwrap();
    }
    for name in ["runner.cfg", "example-tasks.d", "example-hooks"] {
        copy(&top().join(name), &directory.path().join(name));
    }
    directory
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

/// A fenced block: the words after its fence, and its lines.
struct Block<'a> {
    words: Vec<&'a str>,
    text: &'a str,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    // An indented fence is part of an example.
    while let Some((_, below)) = rest.split_once("\n```") {
        let (words, below) = below.split_once('\n').unwrap();
        let end = below.find("\n```").unwrap() + 1;
        let (text, below) = (&below[..end], &below[end + 3..]);
        let words = words.split(' ').collect();
        blocks.push(Block { words, text });
        rest = below;
    }
    blocks
}

/// Returns `true` if this machine lacks a utility that a block needs.
fn is_lacking(need: &str) -> bool {
    match need {
        "root" if geteuid().is_root() => false,
        "root" => {
            skip("only root becomes another user, or has another machine id");
            true
        }
        machine if machine.starts_with(MACHINE) => is_lacking("root") || is_missing("unshare"),
        utility => is_missing(utility),
    }
}

fn write(text: &str, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    // Other users must be able to read the file.
    fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
}

/// Runs the commands of a block, on this machine or on one with this id. Returns their number.
#[track_caller]
fn run_console(page: &str, block: &str, directory: &Path, machine: Option<&str>) -> usize {
    let block = format!("\n{block}");
    let (before, _) = block.split_once("\n$ ").unwrap_or((&block, ""));
    assert_eq!(before, "", "{page}: a console block begins with a command");
    let commands: Vec<&str> = block.split("\n$ ").skip(1).collect();
    for command in &commands {
        let (command, expected) = command.split_once('\n').unwrap_or((command, ""));
        if command.starts_with("cargo test ") {
            // This command runs this test.
            continue;
        }
        let command = command.replace("cargo run --release --", "runner");
        let found = output(&command, directory, machine);
        compare(page, &command, &found, expected);
    }
    commands.len()
}

/// Returns stdout and stderr of a shell that runs `command`, in one text.
fn output(command: &str, directory: &Path, machine: Option<&str>) -> String {
    let path = env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    let mut script = format!("exec 2>&1\n{command}");
    if let Some(id) = machine {
        shell = Command::new("unshare");
        shell.args(["-m", "sh"]);
        let etc = "set -e; mount -t tmpfs -o mode=755 none /etc";
        script = format!("{etc}; echo {id} >/etc/machine-id; set +e\n{script}");
    }
    let shell = shell
        .arg("-c")
        .arg(script)
        .current_dir(directory)
        .env("PATH", format!("{}/bin:{path}", directory.display()))
        .env_remove("RUNNER_CONFIG")
        .output()
        .unwrap();
    String::from_utf8_lossy(&shell.stdout).into_owned()
}

/// Compares an output with that of the page, where `...` stands for any number of lines.
#[track_caller]
fn compare(page: &str, command: &str, found: &str, expected: &str) {
    let found = same_everywhere(found);
    let expected = same_everywhere(expected);
    let parts: Vec<&str> = expected.split("\n...\n").collect();
    let [first, middle @ .., last] = &parts[..] else {
        assert_eq!(found, expected, "{page}: {command}");
        return;
    };
    let mut rest = found.strip_prefix(first);
    for part in middle {
        let part = format!("\n{part}\n");
        rest = rest.and_then(|rest| Some(rest.split_once(&part)?.1));
    }
    let same = rest.is_some_and(|rest| rest.ends_with(&format!("\n{last}")));
    assert!(
        same,
        "{page}: {command}\nfound:\n{found}\nexpected:\n{expected}"
    );
}

/// The text with `#` in place of times, sizes and ids, which differ between machines.
fn same_everywhere(text: &str) -> String {
    let word = |word: &str| {
        if differs(word.trim_end_matches([',', '.', ';'])) {
            "#".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| match line {
        // The example continues without git.
        "There is no git here: continuing without the tools." => "<tools>".to_owned(),
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
    // The pages show a terminal, and here stderr is none.
    let date_time = word.len() == 25 && word.as_bytes()[10] == b'T' && word.as_bytes()[22] == b':';
    let commit = word.len() == 7 && hex(word);
    let run_id = word.len() == 29 && word.as_bytes()[8] == b'T' && hex(&word[21..]);
    let plain = unit.is_empty() && number.len() < 3;
    commit || run_id || date_time || numeric && matches!(unit, "" | "ms" | "s") && !plain
}
