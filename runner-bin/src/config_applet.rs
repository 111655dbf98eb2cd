//! The applet `runner-config`: answers questions about the configuration.

use std::{io::Write, path::Path};

use runner_config::{Document, Entry, Key, Problems, Settings, escape_lines, nearest};
use serde_json::{Value, json};

use crate::{
    cli::{ConfigArgs, ListFormat, settings},
    config_file::{document, readable_document},
    console::{
        answer::{answer, answer_with, pretty},
        level::Verbosity,
        log::Log,
    },
    exit::Exit,
};

pub(crate) fn start(args: ConfigArgs) -> Exit {
    let log = Log::plain(Verbosity::Normal);
    if args.mode.settings {
        return answer(&settings(), Exit::Finished, &log);
    }
    let config = args.file.path();
    let config = config.as_deref();
    if let Some(key) = &args.mode.get {
        return get(config, key, args.default.as_deref());
    }
    let mut problems = Problems::default();
    let document = readable_document(config, &[], &mut |_, _| true, &mut problems);
    match &args.mode.list {
        Some(_) if problems.has_errors() => malformed(problems, &log),
        Some(section) => list(&document, section.as_deref(), &args, &log),
        None => check(document, problems, &log),
    }
}

/// Answers `-g`: the value of one key.
pub(crate) fn get(config: Option<&Path>, key: &str, default: Option<&str>) -> Exit {
    let log = Log::plain(Verbosity::Normal);
    let document = match document(config) {
        Ok(document) => document,
        Err(problems) => return malformed(problems, &log),
    };
    match (Key::find(&document, key), default) {
        (Key::Found(entry), _) => answer(&format!("{}\n", entry.value), Exit::Finished, &log),
        (Key::Unknown(_), Some(default)) => answer(&format!("{default}\n"), Exit::Finished, &log),
        (Key::Unknown(sentence), None) => {
            log.error(&sentence);
            Exit::NotThere
        }
        (Key::Malformed, _) => {
            log.error(&format!("`{key}` is not a key; write SECTION.KEY"));
            Exit::Usage
        }
    }
}

fn malformed(problems: Problems, log: &Log) -> Exit {
    log.problems(problems);
    Exit::Config
}

fn list(document: &Document, section: Option<&str>, args: &ConfigArgs, log: &Log) -> Exit {
    let sections: Vec<&str> = match section {
        None => document.sections().collect(),
        Some(section) if document.header(section).is_some() => vec![section],
        Some(section) => {
            let near = nearest(section, document.sections());
            let question = near.first().map(|near| format!("; did you mean `{near}`?"));
            let question = question.unwrap_or_default();
            log.error(&format!("unknown section `{section}`{question}"));
            return Exit::NotThere;
        }
    };
    let show_origin = args.show_origin;
    let text = match args.format() {
        ListFormat::Ini if show_origin => {
            log.error("`--show-origin` needs the format text or json");
            return Exit::Usage;
        }
        ListFormat::Ini => {
            let write = |stdout: &mut dyn Write| document.write(section, stdout);
            return answer_with(write, Exit::Finished, log);
        }
        ListFormat::Json => {
            let member = |Entry { key, value, origin }| {
                if show_origin {
                    (key, json!({"value": value, "origin": origin.to_string()}))
                } else {
                    (key, json!(value))
                }
            };
            let object = |section: &str| -> Value {
                document.entries(section).into_iter().map(member).collect()
            };
            let sections = sections.into_iter();
            pretty(&sections.map(|section| (section, object(section))).collect())
        }
        ListFormat::Text => {
            let line = |section: &str, Entry { key, value, origin }| {
                if show_origin {
                    format!("{origin}\t{section}.{key}={value}\n")
                } else {
                    format!("{section}.{key}={value}\n")
                }
            };
            let lines = sections.into_iter().flat_map(|section| {
                let entries = document.entries(section).into_iter();
                entries.map(move |entry| line(section, entry))
            });
            escape_lines(&lines.collect::<String>()).into_owned()
        }
    };
    answer(&text, Exit::Finished, log)
}

/// Answers `--check`: all problems that do not depend on the tasks.
fn check(document: Document, mut problems: Problems, log: &Log) -> Exit {
    Settings::new(document, &[], &mut problems).check_semicolons(&mut problems);
    let exit = Exit::of_problems(&problems);
    log.problems(problems);
    exit
}
