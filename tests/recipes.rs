//! `docs/recipes.md`: every recipe is cooked. Its files are written as they stand there,
//! its commands run, and what they show is held against what the page shows.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use rustix::process::geteuid;

use crate::{
    readme::same_everywhere,
    support::{is_missing, runner, skip, top},
};

/// A fenced block: the words behind its fence, and its lines.
struct Block<'a> {
    words: Vec<&'a str>,
    text: &'a str,
}

fn blocks(section: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = section;
    while let Some((_, behind)) = rest.split_once("```") {
        let (words, behind) = behind.split_once('\n').unwrap();
        let (text, behind) = behind.split_once("```").unwrap();
        let words = words.split(' ').collect();
        blocks.push(Block { words, text });
        rest = behind;
    }
    blocks
}

#[test]
fn every_recipe_works_as_it_stands() {
    let page = fs::read_to_string(top().join("docs/recipes.md")).unwrap();
    let mut commands = 0;
    for section in page.split("\n## ").skip(1) {
        let kitchen = tempfile::tempdir().unwrap();
        fs::create_dir(kitchen.path().join("bin")).unwrap();
        for applet in ["runner", "runner-config", "runner-report"] {
            symlink(runner(), kitchen.path().join("bin").join(applet)).unwrap();
        }
        for Block { words, text } in blocks(section) {
            match words[..] {
                ["console", ref needs @ ..] => {
                    if needs.iter().any(|need| cannot(need)) {
                        continue;
                    }
                    commands += play(text, kitchen.path());
                }
                [_, file] => write(text, &kitchen.path().join(file)),
                _ => panic!("a block is a file or a console: {words:?}"),
            }
        }
    }
    assert!(commands >= 10, "only {commands} commands");
}

/// Whether this machine lacks what a block needs.
fn cannot(need: &str) -> bool {
    match need {
        "root" => {
            let cannot = !geteuid().is_root();
            if cannot {
                skip("only root becomes another user");
            }
            cannot
        }
        utility => is_missing(utility),
    }
}

fn write(text: &str, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    // Other users read it too.
    fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
}

/// Runs the commands of a block. Returns how many.
#[track_caller]
fn play(block: &str, kitchen: &Path) -> usize {
    let block = format!("\n{block}");
    let commands: Vec<&str> = block.split("\n$ ").skip(1).collect();
    for command in &commands {
        let (command, output) = command.split_once('\n').unwrap_or((command, ""));
        let path = env::var("PATH").unwrap();
        let path = format!("{}/bin:{path}", kitchen.display());
        let shell = Command::new("sh")
            .args(["-c", command])
            .current_dir(kitchen)
            .env("PATH", path)
            .env_remove("RUNNER_CONFIG")
            .output()
            .unwrap();
        let found = [shell.stdout, shell.stderr].concat();
        let found = String::from_utf8_lossy(&found);
        assert_eq!(
            same_everywhere(&found),
            same_everywhere(output),
            "{command}"
        );
    }
    commands.len()
}
