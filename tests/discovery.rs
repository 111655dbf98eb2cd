//! Task directories as their user sees them: which files are tasks, in which order
//! they start, and what is wrong with the rest.

use std::{os::unix::fs::symlink, time::Duration};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::support::{Test, once, runner};

/// Makes a named pipe or a socket.
#[track_caller]
fn special(test: &Test, name: &str, kind: FileType) {
    mknodat(CWD, test.path(name), kind, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Makes a link.
#[track_caller]
fn link(test: &Test, name: &str, target: &str) {
    symlink(target, test.path(name)).unwrap();
}

/// The file names that `--list` prints, on one line.
#[track_caller]
fn listed(test: Test) -> String {
    let ran = test.args(["--list"]).run().status(0);
    let name = |line: &str| line.split("  ").next().unwrap().to_owned();
    ran.stdout.lines().map(name).collect::<Vec<_>>().join(" ")
}

// What is no task

/// Names that are left out, and why.
const LEFT_OUT: [(&str, &str); 22] = [
    ("#1-a#", "its name starts with `#`"),
    (".1-a", "its name starts with `.`"),
    (".1-a.swp", "its name starts with `.`"),
    ("1-a.bak", "its name ends in `.bak`"),
    ("1-a.disabled", "its name ends in `.disabled`"),
    ("1-a.dist", "its name ends in `.dist`"),
    ("1-a.dpkg-dist", "its name has `.dpkg-` in it"),
    ("1-a.example", "its name ends in `.example`"),
    ("1-a.off", "its name ends in `.off`"),
    ("1-a.old", "its name ends in `.old`"),
    ("1-a.orig", "its name ends in `.orig`"),
    ("1-a.rej", "its name ends in `.rej`"),
    ("1-a.rpmnew", "its name has `.rpm` in it"),
    ("1-a.sample", "its name ends in `.sample`"),
    ("1-a.save", "its name ends in `.save`"),
    ("1-a.swp", "its name ends in `.swp`"),
    ("1-a.tmp", "its name ends in `.tmp`"),
    ("1-a.ucf-old", "its name has `.ucf-` in it"),
    ("1-a~", "its name ends in `~`"),
    ("README", "its name starts with `README`"),
    ("README.md", "its name starts with `README`"),
    ("READMEs", "its name starts with `README`"),
];

#[test]
fn leftovers_of_tools_are_left_out_and_said_to_who_wants_to_know() {
    let test = || {
        let mut test = Test::new().task("1-a", "");
        for (name, _) in LEFT_OUT {
            test = test.task(name, "");
        }
        test
    };
    let notes = LEFT_OUT.map(|(name, why)| format!("`{name}` is no task: {why}\n"));
    let checked = test()
        .args(["--check"])
        .run()
        .status(0)
        .order("")
        .stdout("");
    let verbose = test().args(["-v"]).run().status(0).order("1-a");
    for note in notes {
        assert!(checked.stderr.contains(&note), "{note}");
        assert!(verbose.stderr.contains(&note), "{note}");
    }
    test()
        .run()
        .status(0)
        .order("1-a")
        .does_not_say("is no task")
        .does_not_say("warning");
}

#[test]
fn names_that_only_look_like_leftovers_are_tasks() {
    Test::new()
        .task("1-a.bak.sh", "")
        .task("2-rpm", "")
        .task("3-README", "")
        .task("4-a.tmpl", "")
        .task("a#", "")
        .task("readme", "")
        .run()
        .status(0)
        .order("1-a.bak.sh 2-rpm 3-README 4-a.tmpl a# readme");
}

#[test]
fn directories_are_no_tasks() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .file("tasks.d/2-b/3-c", "", 0o755)
            .file("tasks.d/lib/x", "", 0o755)
    };
    test()
        .args(["--check"])
        .run()
        .status(0)
        .says("`2-b` is no task: it is a directory\n")
        .says("`lib` is no task: it is a directory\n");
    test().run().status(0).order("1-a").does_not_say("2-b");
}

#[test]
fn pipes_sockets_and_devices_are_skipped_with_a_warning() {
    let test = || {
        let test = Test::new().task("1-a", "");
        special(&test, "tasks.d/2-pipe", FileType::Fifo);
        special(&test, "tasks.d/socket", FileType::Socket);
        link(&test, "tasks.d/4-device", "/dev/null");
        test
    };
    test()
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .says("warning: `2-pipe` is skipped: it is a named pipe\n")
        .says("warning: `socket` is skipped: it is a socket\n")
        .says("warning: `4-device` is skipped: it is a device\n");
    test()
        .run()
        .status(0)
        .order("1-a")
        .says("warning: `2-pipe` is skipped: it is a named pipe\n");
}

#[test]
fn what_is_not_executable_and_looks_like_a_task_is_an_error() {
    let expected = "\
error: task `2-b` is not executable
  hint: make it executable, or disable it (`enabled = no`, or a name ending in `.disabled`)
error: task `setup` is not executable
  hint: make it executable, or disable it (`enabled = no`, or a name ending in `.disabled`)
";
    let test = || {
        Test::new()
            .task("1-a", "")
            .file("tasks.d/2-b", "echo b\n", 0o644)
            .file("tasks.d/setup", "#!/bin/sh\necho setup\n", 0o644)
    };
    test()
        .args(["--check"])
        .run()
        .status(78)
        .stdout("")
        .stderr(expected);
    test().run().status(78).order("").stdout("");
    test()
        .config("interpreter = sh")
        .run()
        .status(0)
        .order("1-a")
        .stdout("b\nsetup\n");
    test()
        .config("[b]\nenabled = no\n[setup]\nenabled = no")
        .run()
        .status(0)
        .order("1-a")
        .stdout("");
}

#[test]
fn what_is_not_executable_and_looks_like_no_task_is_skipped_with_a_warning() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .file("tasks.d/functions", "f() { :; }\n", 0o644)
    };
    let expected = "\
warning: `functions` is skipped: it is not executable
  hint: make it executable if it is a task; otherwise keep it elsewhere
";
    test()
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stderr(expected);
    test()
        .run()
        .status(0)
        .order("1-a")
        .says("warning: `functions` is skipped: it is not executable\n");
}

#[test]
fn what_is_disabled_is_skipped_silently_whatever_it_is() {
    let test = Test::new()
        .task("1-a", "")
        .file("tasks.d/functions", "f() { :; }\n", 0o644)
        .config("[functions]\nenabled = no\n[2-pipe]\nenabled = no");
    special(&test, "tasks.d/2-pipe", FileType::Fifo);
    test.args(["--check"])
        .run()
        .status(0)
        .does_not_say("functions")
        .does_not_say("2-pipe");
}

#[test]
fn a_carriage_return_behind_the_interpreter_is_an_error() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .file("tasks.d/2-b", "#!/bin/sh\r\necho b\n", 0o755)
    };
    test().args(["--check"]).run().status(78).stdout("").stderr(
        "error: task `2-b` has a carriage return behind its `#!` line\n  \
             hint: save it with Unix line ends, or disable it (`enabled = no`, or a name ending \
             in `.disabled`)\n",
    );
    test().run().status(78).order("").stdout("");
    test()
        .config("interpreter = sh")
        .run()
        .status(0)
        .order("1-a")
        .stdout("b\n");
    test()
        .config("[b]\nenabled = no")
        .run()
        .status(0)
        .order("1-a")
        .stdout("");
}

#[test]
fn a_task_that_cannot_start_is_warned_of_and_fails_when_its_turn_comes() {
    let missing = "/no/such/interpreter";
    for (name, text, warning, failure) in [
        (
            "2-link",
            None,
            "task `2-link` cannot start: it is a link that leads nowhere",
            "`2-link` did not start: it is a link that leads nowhere",
        ),
        (
            "2-script",
            Some(format!("#!{missing} -x\n")),
            "task `2-script` cannot start: its interpreter `/no/such/interpreter` does not exist",
            "`2-script` did not start: its interpreter `/no/such/interpreter` does not exist",
        ),
        (
            "2-text",
            Some("echo b\n".to_owned()),
            "task `2-text` has no `#!` line and is no program",
            "`2-text` did not start: exec format error: it has no `#!` line and is no program",
        ),
        (
            "2-empty",
            Some(String::new()),
            "task `2-empty` has no `#!` line and is no program",
            "`2-empty` did not start: exec format error: it has no `#!` line and is no program",
        ),
    ] {
        let test = || {
            let test = Test::new()
                .task("1-a", "")
                .task("3-c", "")
                .config("max_tries = 2");
            match &text {
                Some(text) => test.file(&format!("tasks.d/{name}"), text, 0o755),
                None => {
                    link(&test, "tasks.d/2-link", "nowhere");
                    test
                }
            }
        };
        test()
            .args(["--check"])
            .run()
            .status(1)
            .order("")
            .says(&format!("warning: {warning}\n"));
        test()
            .run()
            .status(1)
            .order("1-a 1-a")
            .stdout("")
            .says(&format!("warning: {warning}\n"))
            .says(failure);
    }
}

#[test]
fn an_interpreter_that_is_not_in_the_path_is_warned_of() {
    Test::new()
        .task("1-a", "")
        .config("interpreter = no-such-interpreter -x\nmax_tries = 1")
        .run()
        .status(1)
        .order("")
        .says(
            "warning: task `1-a` cannot start: its interpreter `no-such-interpreter` was not \
             found in PATH\n",
        )
        .says("`1-a` did not start: `no-such-interpreter` was not found in PATH");
}

#[test]
fn an_interpreter_whose_path_leads_nowhere_is_warned_of() {
    Test::new()
        .task("1-a", "")
        .config("interpreter = /no/such/interpreter")
        .args(["--check"])
        .run()
        .status(1)
        .says("warning: task `1-a` cannot start: its interpreter `/no/such/interpreter`");
}

#[test]
fn links_to_executables_and_programs_are_tasks() {
    let test = Test::new()
        .file("elsewhere/a", "#!/bin/sh\necho a\n", 0o755)
        .config("[program]\nok_codes = 64");
    link(&test, "tasks.d/1-a", "../elsewhere/a");
    // Without an argument the program says that this is wrong usage.
    link(&test, "tasks.d/2-program", runner().to_str().unwrap());
    test.run().status(0).stdout("a\n").does_not_say("warning");
}

#[test]
fn what_is_disabled_is_skipped_silently() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("2-b.sh", "")
            .task("3-c", "")
            .config("[2-b.sh]\nenabled = no\n[c]\nenabled = False")
    };
    test()
        .args(["--check"])
        .run()
        .status(0)
        .does_not_say("2-b.sh")
        .does_not_say("3-c");
    assert_eq!(listed(test()), "1-a");
    test()
        .run()
        .status(0)
        .order("1-a")
        .does_not_say("2-b.sh")
        .does_not_say("3-c");
}

#[test]
fn the_halt_task_is_never_part_of_the_chain() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("2-halt", "")
            .task("halt.sh", "")
    };
    assert_eq!(listed(test()), "1-a 2-halt");
    let named = || test().config("halt_task = 2-halt");
    assert_eq!(listed(named()), "1-a halt.sh");
    named()
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh 2-halt");
}

/// `enabled = no` would be no help with it.
#[test]
fn a_halt_task_that_cannot_start_comes_with_its_own_cure() {
    let another = "or name another one with `halt_task` in `[runner]`\n";
    for (text, mode, message, cure) in [
        (
            "#!/bin/sh\n",
            0o644,
            "is not executable",
            "make it executable",
        ),
        (
            "#!/bin/sh\r\n",
            0o755,
            "has a carriage return behind its `#!` line",
            "save it with Unix line ends",
        ),
    ] {
        Test::new()
            .no_config()
            .task("1-a", "")
            .file("tasks.d/halt.sh", text, mode)
            .args(["--check"])
            .run()
            .status(78)
            .stderr(&format!(
                "error: task `halt.sh` {message}\n  hint: {cure}, {another}"
            ));
    }
}

#[test]
fn a_halt_task_that_is_a_directory_is_said_to_be_one() {
    let test = |args: &[&str]| {
        let test = Test::new().task("1-a", "").args(args);
        test.file("tasks.d/halt.sh/file", "", 0o644)
    };
    let expected = "error: halt task `halt.sh` in `tasks.d` is a directory\n  \
        hint: put a file there, or name another one with `halt_task` in `[runner]`\n";
    test(&["-H"]).run().status(78).order("").says(expected);
    test(&[])
        .config("halt_task = halt.sh")
        .run()
        .status(78)
        .order("")
        .says(expected);
    // Nobody asked for it.
    test(&[]).run().status(0).order("1-a");
}

#[test]
fn what_has_no_effect_in_the_section_of_the_halt_task_is_warned_of() {
    let hint = "hint: the halt task is started once, and never part of the chain\n";
    Test::new()
        .task("1-a", "")
        .task("halt.sh", "")
        .only_config(
            "[halt]\nenabled = no\ndepends_on = a\nmax_tries = 2\nrequired = no\n\
             frequency = always\nsleep_time = 3\nok_codes = 3\nhook_time = 4\n\
             max_time = 5\nkill_grace = 1\nleak_time = 1\nleftovers = kill\n\
             interpreter = sh\nown = 1\n",
        )
        .args(["--check"])
        .run()
        .status(1)
        .stderr(
            &[
                "enabled",
                "depends_on",
                "max_tries",
                "required",
                "frequency",
                "sleep_time",
                "ok_codes",
                "hook_time",
            ]
            .iter()
            .enumerate()
            .map(|(index, key)| {
                let line = index + 2;
                format!(
                    "warning: runner.cfg:{line}: `{key}` has no effect in the section of the \
                     halt task\n  {hint}"
                )
            })
            .collect::<String>(),
        );
}

// Order

#[test]
fn tasks_are_ordered_by_number_and_then_by_bytes() {
    let expected = [
        "0",
        "00-a",
        "01-b",
        "1-a",
        "1_a",
        "02-a",
        "2-b",
        "2-x",
        "9",
        "10-y",
        "18446744073709551615-a",
        "18446744073709551616-a",
        "00099999999999999999999999999998",
        "99999999999999999999999999999-a",
        "-1",
        "B",
        "a",
        "b-1",
        "é",
    ];
    let test = || {
        let mut test = Test::new();
        for name in expected.iter().rev() {
            test = test.task(name, "");
        }
        test
    };
    assert_eq!(listed(test()), expected.join(" "));
    test().run().status(0).order(&expected.join(" "));
}

#[test]
fn dependencies_order_tasks_of_one_number() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("1-b.sh", "")
            .task("1-c", "")
            .task("1-d", "")
            .task("2-e", "")
    };
    for (config, expected) in [
        ("[a]\ndepends_on = 1-b.sh", "1-b.sh 1-a 1-c 1-d 2-e"),
        ("[a]\ndepends_on = b", "1-b.sh 1-a 1-c 1-d 2-e"),
        ("[a]\ndepends_on = d, c", "1-b.sh 1-c 1-d 1-a 2-e"),
        ("[a]\ndepends_on = d c", "1-b.sh 1-c 1-d 1-a 2-e"),
        ("[a]\ndepends_on =\n  d,\n  d\n", "1-b.sh 1-c 1-d 1-a 2-e"),
        (
            "[a]\ndepends_on = b\n[b]\ndepends_on = c\n[c]\ndepends_on = d",
            "1-d 1-c 1-b.sh 1-a 2-e",
        ),
        // The number says so already.
        ("[e]\ndepends_on = 1-a b", "1-a 1-b.sh 1-c 1-d 2-e"),
    ] {
        assert_eq!(listed(test().config(config)), expected, "{config}");
        test().config(config).run().status(0).order(expected);
    }
}

#[test]
fn leading_zeros_make_no_other_number() {
    let test = Test::new()
        .task("02-a", "")
        .task("2-b", "")
        .task("002-c", "")
        .config("[02-a]\ndepends_on = 2-b\n[002-c]\ndepends_on = 02-a");
    test.run().status(0).order("2-b 02-a 002-c");
}

#[test]
fn tasks_without_a_number_may_depend_on_each_other() {
    Test::new()
        .task("alpha", "")
        .task("beta", "")
        .config("[alpha]\ndepends_on = beta")
        .run()
        .status(0)
        .order("beta alpha");
}

#[test]
fn a_retry_keeps_to_the_dependencies() {
    Test::new()
        .task("1-a", &once(1))
        .task("1-b", "")
        .task("1-c", "")
        .config("[a]\ndepends_on = c")
        .run()
        .status(0)
        .order("1-b 1-c 1-a 1-b 1-c 1-a");
}

#[test]
fn a_dependency_that_nothing_can_wait_for_is_an_error() {
    for (depends_on, expected) in [
        (
            "clone",
            "`2-a` depends on `clone`, which does not exist\n  \
             hint: name a file of the task directory",
        ),
        (
            "of",
            "`2-a` depends on `of`, which does not exist\n  \
             hint: name a file of the task directory",
        ),
        (
            "fecth-sources",
            "`2-a` depends on `fecth-sources`, which does not exist\n  \
             hint: did you mean `fetch-sources`?",
        ),
        (
            "off",
            "`2-a` depends on `off`, which is disabled\n  \
             hint: enable it, or remove the dependency",
        ),
        (
            "1-off",
            "`2-a` depends on `1-off`, which is disabled\n  \
             hint: enable it, or remove the dependency",
        ),
        (
            "1-x.bak",
            "`2-a` depends on `1-x.bak`, which is skipped\n  \
             hint: `runner --check` says why; or remove the dependency",
        ),
        (
            "lib",
            "`2-a` depends on `lib`, which is skipped\n  \
             hint: `runner --check` says why; or remove the dependency",
        ),
        (
            "halt",
            "`2-a` depends on `halt`, which is the halt task and never part of the chain\n  \
             hint: remove the dependency",
        ),
        (
            "3-c",
            "`2-a` depends on `3-c`, but `3-c` has a higher number and comes later\n  \
             hint: give the two the same number, or the dependent a higher one",
        ),
        (
            "c",
            "`2-a` depends on `c`, but `3-c` has a higher number and comes later\n  \
             hint: give the two the same number, or the dependent a higher one",
        ),
        (
            "a",
            "`2-a` depends on itself\n  hint: remove the dependency",
        ),
    ] {
        let test = || {
            Test::new()
                .only_config(&format!(
                    "[off]\nenabled = no\n[a]\ndepends_on = {depends_on}\n"
                ))
                .task("1-off", "")
                .task("1-x.bak", "")
                .task("1-fetch-sources", "")
                .file("tasks.d/lib/x", "", 0o644)
                .task("2-a", "")
                .task("3-c", "")
                .task("halt.sh", "")
        };
        test()
            .args(["--check"])
            .run()
            .status(78)
            .order("")
            .says(&format!("error: runner.cfg:4: task {expected}\n"));
        test().run().status(78).order("");
    }
}

#[test]
fn a_task_without_a_number_comes_too_late_for_a_number() {
    Test::new()
        .task("1-a", "")
        .task("last", "")
        .config("[a]\ndepends_on = last")
        .run()
        .status(78)
        .order("")
        .says("task `1-a` depends on `last`, but `last` ");
}

#[test]
fn a_cycle_is_an_error_that_names_all_its_tasks_in_order() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("1-b", "")
            .task("1-c.sh", "")
            .task("1-d", "")
    };
    test()
        .only_config("[a]\ndepends_on = b\n[b]\ndepends_on = 1-a\n[d]\ndepends_on = a\n")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:2: tasks depend on each other: `1-a`, which depends on `1-b`, \
             which depends on `1-a`\n  hint: remove one of the dependencies\n",
        );
    test()
        .only_config("[a]\ndepends_on = c\n[c]\ndepends_on = b\n[b]\ndepends_on = d a\n")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:2: tasks depend on each other: `1-a`, which depends on `1-c.sh`, \
             which depends on `1-b`, which depends on `1-a`\n  \
             hint: remove one of the dependencies\n",
        );
    test()
        .only_config(
            "[a]\ndepends_on = b\n[b]\ndepends_on = a\n[c]\ndepends_on = d\n[d]\ndepends_on = c\n",
        )
        .run()
        .status(78)
        .order("")
        .says("runner.cfg:2: tasks depend on each other: `1-a`, ")
        .says("runner.cfg:6: tasks depend on each other: `1-c.sh`, ");
    test()
        .only_config(
            "[a]\ndepends_on = b\n[b]\ndepends_on = a\n[c]\ndepends_on = a d\n[d]\ndepends_on = c\n",
        )
        .run()
        .status(78)
        .says("runner.cfg:2: tasks depend on each other: `1-a`, ")
        .says("runner.cfg:6: tasks depend on each other: `1-c.sh`, ");
}

// Several tasks at the same time

/// Two tasks that each wait until the other one runs, and that end before their
/// time only if it does.
fn meeting(first: &str, second: &str) -> Test {
    let test = Test::new()
        .task(first, "echo >there; read answer <back")
        .task(second, "read hello <there; echo >back")
        .config("max_time = 60\nmax_tries = 1");
    special(&test, "there", FileType::Fifo);
    special(&test, "back", FileType::Fifo);
    test
}

#[test]
fn unordered_tasks_run_at_the_same_time_when_they_may() {
    meeting("1-a", "1-b").config("jobs = 2").run().status(0);
    meeting("02-a", "2-b").args(["-j2"]).run().status(0);
    meeting("a", "b").args(["--set", "jobs=9"]).run().status(0);
    meeting("1-a", "1-b")
        .config("jobs = 1")
        .args(["-j", "2"])
        .run()
        .status(0);
    meeting("1-b", "1-c")
        .task("1-a", "")
        .config("jobs = 2\n[b]\ndepends_on = a\n[c]\ndepends_on = a")
        .run()
        .status(0);
}

#[test]
fn a_higher_number_waits_for_all_lower_ones() {
    Test::new()
        .task("1-a", "sleep 1; echo >a.done")
        .task("1-b", "sleep 1; echo >b.done")
        .task("2-c", "[ -e a.done ] && [ -e b.done ]")
        .task(
            "2-d",
            "[ -e a.done ] && [ -e b.done ] && sleep 1 && echo >d.done",
        )
        .task("last", "[ -e d.done ]")
        .config("jobs = 9\nmax_tries = 1")
        .run()
        .status(0);
}

#[test]
fn a_dependent_waits_also_where_others_run() {
    Test::new()
        .task("1-a", "[ -e c.done ]")
        .task("1-b", "sleep 2")
        .task("1-c", "sleep 1; echo >c.done")
        .config("jobs = 9\nmax_tries = 1\n[a]\ndepends_on = c")
        .run()
        .status(0);
}

#[test]
fn no_more_tasks_run_at_the_same_time_than_may() {
    let slot = "\
if mkdir slot.1 2>/dev/null; then slot=1; else mkdir slot.2 || exit 1; slot=2; fi
sleep 1
rmdir slot.$slot";
    Test::new()
        .task("1-a", slot)
        .task("1-b", slot)
        .task("1-c", slot)
        .task("1-d", slot)
        .config("jobs = 2\nmax_tries = 1")
        .run()
        .status(0);
    let alone = "mkdir slot || exit 1; sleep 1; rmdir slot";
    Test::new()
        .task("1-a", alone)
        .task("1-b", alone)
        .config("max_tries = 1")
        .run()
        .status(0)
        .order("1-a 1-b");
}

#[test]
fn jobs_without_unordered_tasks_are_said_to_have_no_effect() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .config("jobs = 2")
        .args(["-n", "2"])
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b");
    let said = ran.stderr.lines().filter(|line| line.contains("jobs"));
    assert_eq!(said.count(), 1, "{}", ran.stderr);
}

// `--list`, `--check`, `--only`

#[test]
fn the_list_runs_nothing_and_has_a_task_a_line() {
    let ran = Test::new()
        .task("2-b with blanks", "")
        .task("3-c\nd", "")
        .task("1-a", "")
        .args(["--list"])
        .run()
        .status(0)
        .order("")
        .stderr("");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("1-a              level 0  "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("2-b with blanks  level 1  "),
        "{lines:?}"
    );
}

#[test]
fn the_list_for_programs_is_an_array_in_order() {
    let ran = Test::new()
        .task("10-c", "")
        .task("2-b\"é.sh", "")
        .task("1-a", "")
        .config("max_time = 0\n[a]\nmax_time = 1m\nmax_tries = 3\nrequired = no")
        .args(["--list", "--json"])
        .run()
        .status(0)
        .order("")
        .stderr("");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let shown = |name: &str| -> Vec<Value> {
        let tasks = found.as_array().unwrap().iter();
        tasks.map(|task| task[name].clone()).collect()
    };
    assert_eq!(shown("task"), ["1-a", "2-b\"é.sh", "10-c"]);
    assert_eq!(
        shown("path"),
        ["tasks.d/1-a", "tasks.d/2-b\"é.sh", "tasks.d/10-c"]
    );
    assert_eq!(shown("max_time"), [json!(60.0), json!(null), json!(null)]);
    assert_eq!(shown("max_tries"), [3, 5, 5]);
    assert_eq!(shown("required"), [false, true, true]);
}

#[test]
fn a_wrong_plan_is_not_listed() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .config("[a]\ndepends_on = clone")
    };
    for args in [&["--list"][..], &["--list", "--json"]] {
        test()
            .args(args)
            .run()
            .status(78)
            .order("")
            .stdout("")
            .says("error: runner.cfg:5: task `1-a` depends on `clone`");
    }
}

#[test]
fn the_check_tells_errors_from_warnings_and_runs_nothing() {
    let test = || Test::new().hook().task("1-a", "").task("halt.sh", "");
    let ran = test()
        .args(["--check"])
        .run()
        .status(0)
        .order("")
        .stdout("");
    assert!(ran.hooks().is_empty());
    test()
        .config("remote = u")
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stdout("");
    test()
        .config("jobs = 0")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stdout("");
    test()
        .config("halt_task = poweroff.sh")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .says("halt task `poweroff.sh` is not in `tasks.d`\n");
}

#[test]
fn problems_of_configuration_and_plan_are_said_together() {
    Test::new()
        .only_config("[runner]\njobs = 0\n[a]\ndepends_on = clone\n")
        .task("1-a", "")
        .file("tasks.d/2-b", "", 0o644)
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .says("error: runner.cfg:2: `jobs` must be")
        .says("error: runner.cfg:4: task `1-a` depends on `clone`")
        .says("error: task `2-b` is not executable\n");
}

#[test]
fn nothing_runs_when_the_last_task_is_wrong() {
    Test::new()
        .hook()
        .task("1-a", "")
        .file("tasks.d/9-z", "", 0o644)
        .args(["-n", "3"])
        .run()
        .status(78)
        .order("")
        .stdout("")
        .says("error: task `9-z` is not executable\n");
}

#[test]
fn a_single_task_tells_its_result_by_the_exit_status() {
    for (body, limit, status) in [
        ("exit 0", "1m", 0),
        ("exit 7", "1m", 0),
        ("exit 1", "1m", 1),
        ("exit 4", "1m", 1),
        ("kill -9 $$", "1m", 1),
        ("sleep 30", "0.2", 1),
        ("exit 2", "1m", 2),
        ("exit 3", "1m", 3),
    ] {
        Test::new()
            .task("1-a", "")
            .task("2-b.sh", body)
            .task("3-c", "")
            .task("halt.sh", "")
            .config("stop_codes = 3\n[b]\nok_codes = 0 7\nrequired = no")
            .config(&format!("max_time = {limit}"))
            .args(["--only", "b"])
            .run()
            .status(status)
            .stdout("")
            .within(Duration::from_secs(10))
            .does_not_say("`1-a`")
            .does_not_say("`3-c`")
            .does_not_say("halt.sh");
    }
}

#[test]
fn a_single_task_has_its_hooks_and_its_environment() {
    let ran = Test::new()
        .hook()
        .task("1-a", "")
        .task(
            "2-b.sh",
            "echo $RUNNER_TASK $RUNNER_TRY_NUM $RUNNER_MAX_TRIES $FROM",
        )
        .config("[env]\nFROM = file\n[2-b.sh]\nmax_tries = 3\ndepends_on = a")
        .args(["--only", "2-b.sh"])
        .run()
        .status(0)
        .order("2-b.sh")
        .stdout("2-b.sh 1 3 file\n");
    assert_eq!(
        ran.hooks(),
        [
            r#"{"task":"2-b.sh","try_num":1,"max_retries":3}"#,
            r#"{"task":"2-b.sh","try_num":1,"max_retries":3,"result":"OK"}"#,
        ]
    );
}

#[test]
fn a_single_task_that_is_not_there_is_wrong_usage() {
    for name in ["clone", "1", "1-a.sh", ""] {
        Test::new()
            .task("1-a", "")
            .args(["--only", name])
            .run()
            .status(64)
            .order("")
            .stdout("");
    }
    // A wrong plan comes first.
    Test::new()
        .task("1-a", "")
        .config("jobs = 0")
        .args(["--only", "clone"])
        .run()
        .status(78);
}

#[test]
fn a_single_task_that_is_not_run_is_said_to_be_what_it_is() {
    for (name, expected) in [
        ("b", "task `2-b.sh` is disabled"),
        ("2-b.sh", "task `2-b.sh` is disabled"),
        ("3-c.bak", "`3-c.bak` is skipped; `runner --check` says why"),
        (
            "functions",
            "`functions` is skipped; `runner --check` says why",
        ),
        ("halt", "`halt.sh` is the halt task and never run by itself"),
        (
            "clobbre",
            "there is no task `clobbre`; did you mean `clobber`?",
        ),
        (
            "1_clobber.sh",
            "there is no task `1_clobber.sh`; did you mean `1-clobber.sh`?",
        ),
        ("upgrade", "there is no task `upgrade`"),
    ] {
        Test::new()
            .task("1-clobber.sh", "")
            .task("2-b.sh", "")
            .task("3-c.bak", "")
            .file("tasks.d/functions", "", 0o644)
            .task("halt.sh", "")
            .config("[b]\nenabled = no")
            .args(["--only", name])
            .run()
            .status(64)
            .order("")
            .stdout("")
            .says(&format!("error: {expected}\n"));
    }
}

#[test]
fn a_single_task_is_found_by_its_file_name_in_any_case() {
    Test::new()
        .task("clobber", "")
        .task("3-clobber.sh", "")
        .args(["--only", "clobber"])
        .run()
        .status(0)
        .order("clobber");
}

// Directories

#[test]
fn a_directory_without_a_task_is_a_warning() {
    Test::new()
        .run()
        .status(0)
        .order("")
        .stdout("")
        .says("warning: there is no task in `tasks.d`\n");
    Test::new()
        .args(["--check"])
        .run()
        .status(1)
        .stderr("warning: there is no task in `tasks.d`\n");
    Test::new()
        .task("1-a", "")
        .task("1-b.bak", "")
        .config("[a]\nenabled = no")
        .run()
        .status(0)
        .order("")
        .says("warning: there is no task in `tasks.d`\n");
}

#[test]
fn a_directory_without_a_task_is_an_error_where_more_is_wanted() {
    for args in [&["-H"][..], &["-n", "2"], &["-n", "0"], &["-H", "-n1"]] {
        Test::new()
            .task("halt.sh", "")
            .args(args)
            .run()
            .status(66)
            .order("")
            .stdout("")
            .says("error: there is no task in `tasks.d`\n");
    }
}

#[test]
fn a_directory_that_is_missing_is_an_error() {
    let test = || Test::new().no_config().file("file", "", 0o755);
    let expected = "error: cannot read task directory `no.d`: no such file or directory\n";
    for args in [
        &["no.d"][..],
        &["no.d", "-n", "2"],
        &["no.d", "--list"],
        &["no.d", "--check"],
        &["no.d", "--only", "a"],
        &["no.d", "--", "echo", "COMMAND"],
    ] {
        test().run_with(args).status(66).stdout("").says(expected);
    }
    test()
        .run_with(["file"])
        .status(66)
        .stdout("")
        .says("error: cannot read task directory `file`: not a directory\n");
}

#[test]
fn a_directory_may_be_a_link_or_have_an_odd_name() {
    for taskdir in ["link", "odd $name", "odd $name/", "./link/../link"] {
        let test = Test::new().no_config();
        let script = test.script("1-a", "");
        let test = test.file("odd $name/1-a", &script, 0o755);
        link(&test, "link", "odd $name");
        test.run_with([taskdir]).status(0).order("1-a");
    }
}
