//! The README and the pages in `docs`: their tables match the program, their console blocks
//! match its output (`console`), and their links work (`links`).

mod console;
mod links;

use std::fs;

use crate::support::{Test, top};

/// A page, by its path from the top of the checkout.
struct Page {
    path: String,
    text: String,
}

impl Page {
    fn read(path: &str) -> Page {
        Page {
            path: path.to_owned(),
            text: fs::read_to_string(top().join(path)).unwrap(),
        }
    }
}

/// README.md, and every page in `docs` by name.
fn pages() -> Vec<Page> {
    let entries = fs::read_dir(top().join("docs")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    names.sort();
    names.insert(0, "README.md".to_owned());
    names.iter().map(|name| Page::read(name)).collect()
}

/// The rows of the table with the header `head`, which is in exactly one page.
#[track_caller]
fn table(head: &str) -> Vec<String> {
    let pages = pages();
    let parts = |page: &'_ Page| {
        page.text
            .split_once(head)
            .map(|(_, below)| below.to_owned())
    };
    let found: Vec<String> = pages.iter().filter_map(parts).collect();
    let [below] = &found[..] else {
        panic!("{} pages have the table {head}", found.len());
    };
    let rows = below
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(str::to_owned).collect()
}

#[test]
fn the_table_of_settings_matches_the_program() {
    let expected: Vec<String> = runner_config::SETTINGS
        .iter()
        .map(|setting| {
            let star = if setting.in_runner() && setting.in_task() {
                " \\*"
            } else {
                ""
            };
            let place = if setting.in_runner() {
                ""
            } else {
                " (in a task's section only)"
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
        "the table should be:\n{}",
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
fn the_table_of_exit_statuses_matches_the_program() {
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
        "the table should be:\n{}",
        expected.join("\n")
    );
}

/// Maximum number of lines of the README: details belong in `docs`.
const README_LINES: usize = 180;

#[test]
fn readme_begins_with_the_two_commands() {
    let readme = Page::read("README.md");
    let blocks: Vec<&str> = readme.text.split("```console\n").skip(1).collect();
    assert!(blocks[0].starts_with("$ cargo run --release -- -c runner.cfg example-tasks.d\n"));
    assert!(blocks[1].starts_with("$ cargo test --workspace --locked\n```"));
}

#[test]
fn readme_is_short_and_links_every_page() {
    let pages = pages();
    let readme = &pages[0];
    let lines = readme.text.lines().count();
    assert!(lines <= README_LINES, "README has {lines} lines");
    for page in &pages[1..] {
        let link = format!("]({})", page.path);
        assert!(readme.text.contains(&link), "README links {}", page.path);
    }
}

#[test]
fn the_recording_in_readme_is_a_picture_of_its_first_chain() {
    let readme = Page::read("README.md");
    let path = "docs/images/first-chain.svg";
    assert!(readme.text.contains(&format!("]({path})")));
    let text = fs::read_to_string(top().join(path)).unwrap();
    let picture = roxmltree::Document::parse(&text).unwrap();
    for node in picture.descendants().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        assert!(
            ["svg", "title", "style", "rect", "text", "tspan"].contains(&name),
            "{name}"
        );
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(!name.starts_with("on") && !name.contains("href"), "{name}");
        }
    }
    assert!(
        !text.contains("url(") && !text.contains("@import"),
        "it loads nothing"
    );
    let lines = picture
        .descendants()
        .filter(|node| node.has_tag_name((SVG, "text")));
    let lines: Vec<String> = lines
        .map(|line| {
            line.descendants()
                .filter(|node| node.is_text())
                .filter_map(|node| node.text())
                .collect()
        })
        .collect();
    let commands: Vec<&String> = lines.iter().filter(|line| line.starts_with("$ ")).collect();
    for command in &commands {
        assert!(readme.text.contains(&command[2..]), "README has {command}");
    }
    assert_eq!(commands.len(), 2);
    let ends = [" exited with 1 ", " finished after "];
    assert!(
        ends.iter()
            .all(|end| lines.iter().any(|line| line.contains(end))),
        "{lines:?}"
    );
}

const SVG: &str = "http://www.w3.org/2000/svg";

#[test]
fn readme_has_the_defaults_of_the_settings_it_explains() {
    let rows = table("| setting in `[runner]` | default | what it is for |");
    assert_eq!(rows.len(), 5);
    for row in rows {
        let cells: Vec<&str> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let setting = runner_config::SETTINGS
            .iter()
            .find(|setting| setting.name == cells[1]);
        assert_eq!(
            setting.map(|setting| setting.default),
            Some(cells[2]),
            "{row}"
        );
    }
}
