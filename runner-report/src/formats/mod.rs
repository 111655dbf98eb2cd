//! The formats of reports. A new one is a file and a row of [`FORMATS`].

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod text;

use crate::model::{
    history::History, now::Now, run_finder::FoundRun, task_statistics::TaskStatistics,
    timeline::Timeline,
};

/// A format, by what it can show.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// Everything.
    Any {
        /// One run, task by task.
        run: fn(&FoundRun, &Now) -> String,
        /// All runs.
        history: fn(&History, &Now) -> String,
        /// How each task does.
        tasks: fn(&[TaskStatistics]) -> String,
    },
    /// One run, start by start, if there is one.
    OneRun(fn(&FoundRun<Timeline>, &Now) -> Option<String>),
}

const TEXT: Format = Format::Any {
    run: text::run_text,
    history: text::history_text,
    tasks: text::tasks_text,
};

const JSON: Format = Format::Any {
    run: json::run_json,
    history: json::history_json,
    tasks: json::tasks_json,
};

/// Each format with its name. The first one is the default.
pub const FORMATS: [(&str, Format); 5] = [
    ("text", TEXT),
    ("json", JSON),
    ("html", Format::OneRun(html::run_html)),
    ("svg", Format::OneRun(html::run_svg)),
    ("junit", Format::OneRun(junit::run_junit)),
];
