//! Formats of reports. A new format is a file and a row of [`FORMATS`].

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod md;
pub(crate) mod text;

use crate::{
    fleet::answer::FleetAnswer,
    model::{
        history::History, now::Now, run_finder::FoundRun, task_statistics::TaskStatistics,
        timeline::Timeline,
    },
};

/// A format: the functions that write its reports.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// Format for all reports.
    Any {
        /// Report of one run.
        run: fn(&FoundRun, &Now) -> String,
        /// Report of all runs.
        history: fn(&History, &Now) -> String,
        /// Statistics of each task.
        tasks: fn(&[TaskStatistics]) -> String,
        /// Answer about many machines.
        fleet: fn(&FleetAnswer) -> String,
    },
    /// Format for one run only. The function returns `None` if no run was found.
    OneRun(fn(&FoundRun<Timeline>, &Now) -> Option<String>),
}

const TEXT: Format = Format::Any {
    run: text::run_text,
    history: text::history_text,
    tasks: text::tasks_text,
    fleet: text::fleet_text,
};

const JSON: Format = Format::Any {
    run: json::run_json,
    history: json::history_json,
    tasks: json::tasks_json,
    fleet: json::fleet_json,
};

/// Formats with their names. The first one is the default.
pub const FORMATS: &[(&str, Format)] = &[
    ("text", TEXT),
    ("json", JSON),
    ("html", Format::OneRun(html::run_html)),
    ("svg", Format::OneRun(html::run_svg)),
    ("junit", Format::OneRun(junit::run_junit)),
    ("md", Format::OneRun(md::run_md)),
];
