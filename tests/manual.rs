//! The man pages, compared with the program: their options, exit statuses and settings come
//! from `--help` and the table of settings.

use std::fs;

use crate::support::{Test, top};

/// The applets. Each has a man page.
pub(crate) const APPLETS: [&str; 3] = ["runner", "runner-config", "runner-report"];

pub(crate) fn help(applet: &str) -> String {
    Test::new().run_with([applet, "--help"]).status(0).stdout
}

/// An option, as `--help` has it.
pub(crate) struct Opt {
    /// `-c, --config <FILE>`
    pub(crate) spec: String,
    pub(crate) meaning: String,
    /// `[default: 1]`, or nothing.
    default: String,
    /// The possible values, such as `started: There is a plan`.
    values: Vec<String>,
}

pub(crate) fn options(help: &str) -> Vec<Opt> {
    let (_, below) = help.split_once("Options:\n").expect("there are options");
    let mut options: Vec<Opt> = Vec::new();
    for line in below.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if indent == 0 && !text.is_empty() {
            break;
        }
        if indent <= 6 && text.starts_with('-') {
            let (spec, meaning) = text.split_once("  ").unwrap_or((text, ""));
            options.push(Opt {
                spec: spec.to_owned(),
                meaning: meaning.trim_start().to_owned(),
                default: String::new(),
                values: Vec::new(),
            });
            continue;
        }
        let option = options.last_mut().expect("an option is above its meaning");
        let part = match option.values.last_mut() {
            Some(value) => value,
            None => &mut option.meaning,
        };
        if text.starts_with("[default: ") {
            option.default = text.to_owned();
        } else if let Some(value) = text.strip_prefix("- ") {
            option.values.push(value.to_owned());
        } else if !text.is_empty() && text != "Possible values:" {
            if !part.is_empty() {
                *part += " ";
            }
            *part += text;
        }
    }
    options
}

/// Holds sections of a page to what they should be; `INSTA_UPDATE=always` writes them.
#[track_caller]
fn assert_sections(page: &str, sections: &[(&str, String)]) {
    let path = top().join("packaging/man").join(page);
    let update = std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always");
    let mut text = fs::read_to_string(&path).unwrap();
    for (name, expected) in sections {
        let head = format!(".SH {name}\n");
        let (above, below) = text.split_once(&head).expect("the page has this section");
        let (found, rest) = below.split_at(below.find(".SH ").unwrap_or(below.len()));
        assert!(
            update || found == expected,
            "{name} in {page}: INSTA_UPDATE=always makes of\n{found}\nthis:\n{expected}"
        );
        text = format!("{above}{head}{expected}{rest}");
    }
    if update {
        fs::write(&path, text).unwrap();
    }
}

/// Plain text as roff: text in backticks becomes bold.
fn prose(text: &str) -> String {
    let mut parts = text.split('`').map(escaped);
    let mut roff = parts.next().unwrap_or_default();
    while let Some(quoted) = parts.next() {
        roff += &format!("\\fB{quoted}\\fR");
        roff += &parts.next().unwrap_or_default();
    }
    roff
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// A usage, or the names of an option, as roff: options are bold, placeholders are italic.
fn markup(text: &str) -> String {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut roff = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        rest = after;
        let roff_word = escaped(word);
        roff += &match word {
            "<" | ">" => String::new(),
            _ if word.starts_with('-') => format!("\\fB{roff_word}\\fR"),
            _ if word.bytes().all(|byte| byte.is_ascii_uppercase()) => format!("\\fI{word}\\fR"),
            _ => roff_word,
        };
    }
    roff
}

fn name(applet: &str, help: &str) -> String {
    let about = help.lines().next().unwrap();
    let (first, rest) = about.split_at(1);
    let about = format!("{}{rest}", first.to_lowercase());
    format!("{} \\- {}\n", escaped(applet), escaped(&about))
}

fn synopsis(applet: &str, help: &str) -> String {
    let (_, usages) = help.split_once("Usage: ").unwrap();
    let (usages, _) = usages.split_once("\n\n").unwrap();
    let usages = usages.lines().map(|line| {
        let rest = line.trim().strip_prefix(applet).unwrap().trim();
        format!(".SY {}\n{}\n", escaped(applet), markup(rest))
    });
    format!("{}.YS\n", usages.collect::<String>())
}

fn options_section(help: &str) -> String {
    let options = options(help);
    let options = options.iter().map(|option| {
        let meaning = format!("{} {}", option.meaning, option.default);
        let values = option.values.iter().map(|value| {
            let (value, meaning) = value.split_once(": ").unwrap();
            format!(".br\n\\fB{value}\\fR: {}\n", prose(meaning.trim()))
        });
        let values: String = values.collect();
        let (spec, meaning) = (markup(&option.spec), prose(meaning.trim()));
        format!(".TP\n{spec}\n{meaning}\n{values}")
    });
    options.collect()
}

fn exit_status(help: &str) -> String {
    let (_, statuses) = help.split_once("Exit status:").unwrap();
    // A short table has all its rows in one line.
    let rows: Vec<&str> = match statuses.split_once('\n') {
        Some(("", table)) => table.lines().collect(),
        Some((line, _)) => line.split(',').collect(),
        None => panic!("the table is empty"),
    };
    let rows = rows.into_iter().map(|row| {
        let (status, meaning) = row.trim().split_once(' ').unwrap();
        if status.starts_with(|c: char| c.is_ascii_digit()) {
            format!(".TP\n.B {status}\n{}\n", prose(meaning.trim()))
        } else {
            format!(".PP\n{}\n", prose(row))
        }
    });
    rows.collect()
}

#[test]
fn the_pages_of_the_applets_match_their_help() {
    for applet in APPLETS {
        let help = help(applet);
        let sections = [
            ("NAME", name(applet, &help)),
            ("SYNOPSIS", synopsis(applet, &help)),
            ("OPTIONS", options_section(&help)),
            ("EXIT STATUS", exit_status(&help)),
        ];
        assert_sections(&format!("{applet}.1"), &sections);
    }
}

#[test]
fn the_page_of_the_settings_matches_the_table() {
    let settings = runner_config::SETTINGS.iter().map(|setting| {
        let place = match (setting.in_runner(), setting.in_task()) {
            (true, true) => " *",
            (true, false) => "",
            (false, _) => " (in a task's section only)",
        };
        let default = match setting.default {
            "" => String::new(),
            default => format!(" = {}", escaped(default)),
        };
        let (name, meaning) = (setting.name, prose(setting.meaning));
        format!(".TP\n\\fB{name}\\fR{default}{place}\n{meaning}\n")
    });
    let head = "With their defaults; those marked with * can also be set in a task's section.\n";
    let settings = format!("{head}{}", settings.collect::<String>());
    assert_sections("runner.cfg.5", &[("SETTINGS", settings)]);
}
