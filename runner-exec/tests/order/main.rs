//! The order of tasks in random directories, compared with a naive implementation of the
//! rules, without levels, nodes or short names.

mod directory;

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt,
};

use proptest::prelude::*;
use runner_config::{Document, Problems, Settings, Severity};
use runner_exec::{Chain, Node, Plan, Step, Verdict};

use directory::{
    File, OTHER_FILES, arbitrary_directory, directory_with_ring, entry, shuffled, valid_directory,
};

/// The plan of a directory that lists `files` in this order, with a configuration that has
/// the sections in the order of `sections`.
fn read(files: &[File], sections: &[File]) -> (Plan, Problems) {
    let config = tempfile::NamedTempFile::new().unwrap();
    let text: String = sections.iter().filter_map(File::text).collect();
    fs::write(config.path(), text).unwrap();
    let other_files = OTHER_FILES.iter().map(|name| entry(name.as_ref()));
    let entries = other_files.chain(files.iter().map(File::entry)).collect();
    let mut problems = Problems::default();
    let document = Document::load(Some(config.path()), &[]).unwrap();
    let settings = Settings::new(document, &[], &mut problems);
    let plan = Plan::new(
        "/tasks".as_ref(),
        entries,
        settings,
        false,
        None,
        &mut problems,
    );
    (plan, problems)
}

/// The plan of a directory without errors.
#[track_caller]
fn valid_plan(files: &[File], sections: &[File]) -> Plan {
    let (plan, problems) = read(files, sections);
    assert!(!problems.has_errors(), "{problems:?}");
    plan
}

/// The order that `--list` shows: that of a chain in which every task succeeds.
fn order(plan: &Plan) -> Vec<OsString> {
    let mut chain = Chain::new(plan.nodes.clone(), plan.settings.retry_from);
    let mut order = Vec::new();
    while let Step::Start(task) = chain.next_step() {
        order.push(plan.tasks[task.0].name.as_os_str().to_owned());
        chain.apply(task, Verdict::Proceed);
        chain.ended(task);
    }
    order
}

/// The order by the rules. All tasks that can start at the same time have the same number
/// (with different leading zeros), so the first by name is the smallest by bytes.
fn expected_order(files: &[File]) -> Vec<OsString> {
    let mut left: Vec<&File> = files.iter().filter(|file| file.enabled).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits = |file: &File| left.iter().any(|other| other.comes_before(file));
        let free = (0..left.len()).filter(|&index| !waits(left[index]));
        let first = free.min_by_key(|&index| left[index].name.as_bytes());
        order.push(left.remove(first.unwrap()).name.clone());
    }
    order
}

/// The parts of a plan that affect a run.
fn observable(plan: &Plan) -> (Vec<OsString>, Vec<Node>) {
    let names = plan
        .tasks
        .iter()
        .map(|task| task.name.as_os_str().to_owned());
    (names.collect(), plan.nodes.to_vec())
}

/// The messages, without the lines of the configuration.
fn messages(problems: &Problems) -> Vec<&str> {
    problems.iter().map(|problem| &*problem.message).collect()
}

fn errors(problems: &Problems) -> Vec<&str> {
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| &*problem.message).collect()
}

/// The texts in backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// Returns the tasks of a cycle, with the first one again at the end, or `None` if `error`
/// is about something else.
fn cycle(error: &str) -> Option<Vec<&str>> {
    let names = quoted(error);
    if error.ends_with("depends on itself") {
        Some([names[0], names[0]].to_vec())
    } else {
        error
            .starts_with("tasks depend on each other: ")
            .then_some(names)
    }
}

/// The dependencies that are errors: name of the task, and word in `depends_on`.
fn impossible_needs(files: &[File]) -> BTreeSet<(&str, &str)> {
    let find = |name: &OsStr| files.iter().find(|file| file.name == name);
    let mut impossible_needs = BTreeSet::new();
    for file in files.iter().filter(|file| file.enabled) {
        for need in &file.needs {
            let may_wait = |other: &File| other.enabled && other.number <= file.number;
            if !find(&need.file).is_some_and(may_wait) {
                impossible_needs.insert((file.name.to_str().unwrap_or_default(), &*need.word));
            }
        }
    }
    impossible_needs
}

/// Returns `true` if tasks of one number wait for each other. Tasks that wait for no other
/// one are removed, until no task remains or none can be removed.
fn has_cycle(files: &[File]) -> bool {
    let mut left: Vec<&File> = files.iter().filter(|file| file.enabled).collect();
    loop {
        let waits = |file: &File| {
            let mut others = left.iter();
            others.any(|other| other.number == file.number && file.depends_on(other))
        };
        let still: Vec<&File> = left.iter().copied().filter(|file| waits(file)).collect();
        if still.len() == left.len() {
            return !left.is_empty();
        }
        left = still;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn each_task_comes_after_what_it_depends_on_and_after_every_lower_number(
        (files, _, sections) in shuffled(valid_directory()),
    ) {
        let order = order(&valid_plan(&files, &sections));
        let enabled: Vec<&File> = files.iter().filter(|file| file.enabled).collect();
        prop_assert_eq!(order.len(), enabled.len());
        let place = |file: &File| order.iter().position(|name| *name == file.name).unwrap();
        for a in &enabled {
            for b in &enabled {
                if a.comes_before(b) {
                    prop_assert!(place(a) < place(b), "{:?} after {:?}", a.name, b.name);
                }
            }
        }
    }

    #[test]
    fn the_first_by_name_of_the_ready_tasks_starts(
        (files, _, sections) in shuffled(valid_directory()),
    ) {
        prop_assert_eq!(order(&valid_plan(&files, &sections)), expected_order(&files));
    }

    #[test]
    fn neither_the_order_of_the_directory_nor_that_of_the_sections_matters(
        (files, entries, sections) in shuffled(valid_directory()),
    ) {
        let (one, other) = (valid_plan(&files, &files), valid_plan(&entries, &sections));
        prop_assert_eq!(observable(&one), observable(&other));
        prop_assert_eq!(order(&one), order(&other));
    }

    #[test]
    fn problems_do_not_depend_on_the_order_of_reading(
        (files, entries, sections) in shuffled(arbitrary_directory()),
    ) {
        let (one, other) = (read(&files, &files).1, read(&entries, &sections).1);
        prop_assert_eq!(messages(&one), messages(&other));
    }

    #[test]
    fn an_impossible_dependency_is_an_error_that_names_both_tasks(files in arbitrary_directory()) {
        let (_, problems) = read(&files, &files);
        let errors = errors(&problems);
        let messages = errors.iter().filter(|error| cycle(error).is_none());
        let messages: Vec<Vec<&str>> = messages.map(|error| quoted(error)).collect();
        let named: BTreeSet<(&str, &str)> = messages.iter().map(|names| (names[0], names[1])).collect();
        prop_assert_eq!(messages.len(), named.len(), "each is reported once");
        prop_assert_eq!(named, impossible_needs(&files));
    }

    #[test]
    fn a_cycle_is_reported_exactly_if_there_is_one(files in arbitrary_directory()) {
        let (_, problems) = read(&files, &files);
        let errors = errors(&problems);
        let cycles: Vec<Vec<&str>> = errors.iter().filter_map(|error| cycle(error)).collect();
        prop_assert_eq!(!cycles.is_empty(), has_cycle(&files));
        let find = |name: &str| files.iter().find(|file| file.name == name).unwrap();
        for cycle in cycles {
            for pair in cycle.windows(2) {
                let (dependent, dependency) = (find(pair[0]), find(pair[1]));
                prop_assert!(dependent.depends_on(dependency) && dependent.number == dependency.number, "{:?}", pair);
            }
            prop_assert_eq!(cycle.first(), cycle.last());
            let round: BTreeSet<&&str> = cycle[1..].iter().collect();
            prop_assert_eq!(round.len(), cycle.len() - 1, "each task is named once");
        }
    }

    #[test]
    fn a_cycle_is_an_error_that_names_all_of_its_tasks((files, ring) in directory_with_ring()) {
        let (_, problems) = read(&files, &files);
        let errors = errors(&problems);
        prop_assert_eq!(errors.len(), 1, "{:?}", errors);
        let mut named = cycle(errors[0]).unwrap();
        named.pop();
        // The error can begin with any task of the ring.
        let first = ring.iter().position(|name| name == named[0]).unwrap();
        let round = ring.iter().cycle().skip(first).take(ring.len());
        prop_assert_eq!(named, round.collect::<Vec<_>>());
    }
}
