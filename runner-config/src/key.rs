//! A section and a key in one word: `hg.remote`.

use crate::{
    document::{Document, Entry},
    nearest::nearest,
    table::{Setting, setting},
};

/// Result of looking up `SECTION.KEY` in a [`Document`].
#[derive(Debug)]
pub enum Key<'a> {
    /// The section and the key exist.
    Found(Entry<'a>),
    /// They do not exist. The sentence has the nearest names.
    Unknown(String),
    /// The name has no dot between a section and a key.
    Malformed,
}

impl<'a> Key<'a> {
    /// Looks `name` up, split at the first dot that yields an existing section and key: `a.b.c` is
    /// key `b.c` of `[a]`, or else key `c` of `[a.b]`.
    pub fn find(document: &'a Document, name: &str) -> Key<'a> {
        let splits = || {
            name.match_indices('.')
                .map(|(dot, _)| (&name[..dot], &name[dot + 1..]))
                .filter(|(section, key)| !section.is_empty() && !key.is_empty())
        };
        if let Some(entry) = splits().find_map(|(section, key)| document.get(section, key)) {
            return Key::Found(entry);
        }
        let existing = splits().find(|(section, _)| document.header(section).is_some());
        match existing.or_else(|| splits().next()) {
            Some((section, key)) => Key::Unknown(unknown(document, section, key)),
            None => Key::Malformed,
        }
    }
}

fn unknown(document: &Document, section: &str, key: &str) -> String {
    if section == "runner"
        && let Some(setting) = setting(key).filter(|row| Setting::in_runner(row))
    {
        let default = match setting.default {
            "" => "empty".to_owned(),
            default => format!("`{default}`"),
        };
        return format!(
            "`runner.{key}` is not set; its default is {default}, and `runner --dry-run` shows \
             what is in force"
        );
    }
    let quoted = |names: Vec<&str>| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    if document.header(section).is_some() {
        let entries = document.entries(section);
        let keys = || entries.iter().map(|entry| entry.key);
        let has = match nearest(key, keys()) {
            near if near.is_empty() => keys().take(8).collect(),
            near => near,
        };
        let missing = format!("unknown key `{section}.{key}`; section `{section}` has");
        return if has.is_empty() {
            format!("{missing} no keys")
        } else {
            format!("{missing} {}", quoted(has))
        };
    }
    let missing = format!("unknown section `{section}`");
    let near = nearest(section, document.sections());
    let some: Vec<&str> = document.sections().take(8).collect();
    match (near.is_empty(), some.is_empty()) {
        (false, _) => format!("{missing}; did you mean {}?", quoted(near)),
        (true, false) => format!("{missing}; the configuration has {}", quoted(some)),
        (true, true) => format!("{missing}; the configuration has no sections"),
    }
}
