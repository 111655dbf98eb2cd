//! Configuration of `runner`: text in, typed settings out.
//!
//! [`Document`] has the content of the files: sections, keys and values, each with its file and
//! line. [`Settings`] has the typed values. Only [`Document::load`] reads files, and this crate
//! knows nothing about processes.

mod document;
mod key;
mod left_out;
mod lines;
mod lints;
mod nearest;
mod problem;
mod settings;
mod synonyms;
mod table;
mod task_settings;
mod text;
mod value;

pub use crate::{
    document::{Admit, Document, Entry, Override, Reading},
    key::Key,
    left_out::left_out,
    lints::OWN_VARIABLES,
    nearest::nearest,
    problem::{Origin, Problem, Problems, Severity},
    table::{SETTINGS, Setting, Settings, setting},
    task_settings::{Codes, Frequency, Leftovers, MaxTries, RetryFrom, TaskSettings, Words},
    text::{
        bytes_text, escape, escape_json, escape_lines, from_name_text, is_hidden, name_text,
        reason, shown,
    },
    value::{Written, duration as parse_duration, format_duration},
};
