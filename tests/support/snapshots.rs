//! Snapshots in `snapshots/` at the top of the checkout: complete output that must not
//! change by accident. After an intended change, run `INSTA_UPDATE=always cargo test`
//! and read the diff.

use std::{collections::BTreeSet, fs};

use super::top;

/// All snapshots. The tests of runner-report write those with `report-…`.
const SNAPSHOTS: [&str; 43] = [
    "broken-configuration",
    "broken-sections",
    "help-runner",
    "help-runner-config",
    "help-runner-config-short",
    "help-runner-report",
    "help-runner-report-short",
    "help-runner-short",
    "hook-exit",
    "hook-halt",
    "hook-interrupted",
    "hook-max-tries-of-a-task",
    "hook-name-not-utf-8",
    "hook-names",
    "hook-not-required",
    "hook-ok",
    "hook-only",
    "hook-retry-after-a-limit",
    "hook-retry-after-a-signal",
    "hook-retry-after-an-exit-code",
    "hook-retry-of-what-did-not-start",
    "hook-skip",
    "list-of-the-example",
    "report-cut-off",
    "report-finished",
    "report-gave-up",
    "report-history",
    "report-junit",
    "report-md",
    "report-running",
    "report-svg",
    "report-tasks",
    "run-hook-finished",
    "run-hook-finished-with-failures",
    "run-hook-gave-up",
    "run-hook-halted",
    "run-hook-halts-used-up",
    "run-hook-interrupted",
    "run-hook-many-names",
    "run-hook-out-of-time",
    "run-hook-stopped",
    "settings",
    "values-of-the-example",
];

/// Compares a text with the snapshot of this name. It is a macro so that the snapshot
/// names the source file of the story.
macro_rules! snapshot {
    ($name:literal, $text:expr) => {{
        $crate::support::snapshots::settings($name).bind(|| insta::assert_snapshot!($name, $text));
    }};
}
pub(crate) use snapshot;

#[track_caller]
pub(crate) fn settings(name: &str) -> insta::Settings {
    assert!(SNAPSHOTS.contains(&name), "add `{name}` to SNAPSHOTS");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(top().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_snapshot_belongs_to_a_story() {
    let files = fs::read_dir(top().join("snapshots")).unwrap();
    let files: BTreeSet<String> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = SNAPSHOTS.map(|name| format!("{name}.snap"));
    assert_eq!(files, BTreeSet::from(expected));
}
