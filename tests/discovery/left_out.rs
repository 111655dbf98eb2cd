//! Files that are not tasks, and tasks that cannot start.

use rustix::fs::FileType;

use crate::support::{Test, runner};

use super::{link, listed, special};

/// Names that are left out, and the reason that is shown.
const LEFT_OUT: [(&str, &str); 22] = [
    ("#1-a#", "its name starts with `#`"),
    (".1-a", "its name starts with `.`"),
    (".1-a.swp", "its name starts with `.`"),
    ("1-a.bak", "its name ends in `.bak`"),
    ("1-a.disabled", "its name ends in `.disabled`"),
    ("1-a.dist", "its name ends in `.dist`"),
    ("1-a.dpkg-dist", "its name contains `.dpkg-`"),
    ("1-a.example", "its name ends in `.example`"),
    ("1-a.off", "its name ends in `.off`"),
    ("1-a.old", "its name ends in `.old`"),
    ("1-a.orig", "its name ends in `.orig`"),
    ("1-a.rej", "its name ends in `.rej`"),
    ("1-a.rpmnew", "its name contains `.rpm`"),
    ("1-a.sample", "its name ends in `.sample`"),
    ("1-a.save", "its name ends in `.save`"),
    ("1-a.swp", "its name ends in `.swp`"),
    ("1-a.tmp", "its name ends in `.tmp`"),
    ("1-a.ucf-old", "its name contains `.ucf-`"),
    ("1-a~", "its name ends in `~`"),
    ("README", "its name starts with `README`"),
    ("README.md", "its name starts with `README`"),
    ("READMEs", "its name starts with `README`"),
];

#[test]
fn files_of_tools_are_left_out_and_listed_on_request() {
    let test = || {
        let mut test = Test::new().task("1-a", "");
        for (name, _) in LEFT_OUT {
            test = test.task(name, "");
        }
        test
    };
    let notes = LEFT_OUT.map(|(name, why)| format!("`{name}` is not a task: {why}\n"));
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
        .does_not_say("is not a task")
        .does_not_say("warning");
}

#[test]
fn names_similar_to_files_of_tools_are_tasks() {
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
fn directories_are_not_tasks() {
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
        .says("`2-b` is not a task: it is a directory\n")
        .says("`lib` is not a task: it is a directory\n");
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
fn a_file_that_looks_like_a_task_but_is_not_executable_is_an_error() {
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
fn any_other_file_that_is_not_executable_is_skipped_with_a_warning() {
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
fn a_disabled_file_of_any_kind_is_skipped_silently() {
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
fn a_windows_line_ending_in_the_hashbang_line_is_an_error() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .file("tasks.d/2-b", "#!/bin/sh\r\necho b\n", 0o755)
    };
    test().args(["--check"]).run().status(78).stdout("").stderr(
        "error: task `2-b` has a `#!` line that ends in CRLF (Windows line ending)\n  \
             hint: save it with Unix line endings, or disable it (`enabled = no`, or a name ending \
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
fn a_task_that_cannot_start_is_a_warning_and_fails_in_its_turn() {
    let missing = "/no/such/interpreter";
    for (name, text, warning, failure) in [
        (
            "2-link",
            None,
            "task `2-link` cannot start: it is a dangling symlink",
            "`2-link` did not start: it is a dangling symlink",
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
            "task `2-text` has no `#!` line and is not a program",
            "`2-text` did not start: exec format error: it has no `#!` line and is not a program",
        ),
        (
            "2-empty",
            Some(String::new()),
            "task `2-empty` has no `#!` line and is not a program",
            "`2-empty` did not start: exec format error: it has no `#!` line and is not a program",
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
fn an_interpreter_that_is_not_in_the_path_is_a_warning() {
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
fn an_interpreter_that_does_not_exist_is_a_warning() {
    Test::new()
        .task("1-a", "")
        .config("interpreter = /no/such/interpreter")
        .args(["--check"])
        .run()
        .status(1)
        .says("warning: task `1-a` cannot start: its interpreter `/no/such/interpreter`");
}

#[test]
fn a_program_that_is_missing_behind_env_is_warned_of_and_the_task_is_started() {
    for (line, missing) in [
        ("env nodde", "nodde"),
        ("env -S A=1 nodde -e", "nodde"),
        ("env -S PATH=/nowhere sh", "sh"),
        ("env sh", ""),
        ("env -S sh -e", ""),
        ("env -S A=1 sh -e", ""),
        ("env ./nodde", ""),
        ("env", ""),
    ] {
        let test = Test::new().file("tasks.d/1-a", &format!("#!/usr/bin/{line}\n"), 0o755);
        let ran = test.args(["--check"]).run();
        let warning = format!(
            "warning: task `1-a` may fail: `env` cannot find `{missing}` in PATH\n  \
             hint: install `{missing}`, or fix the `#!` line\n"
        );
        match missing {
            "" => ran.status(0),
            _ => ran.status(1).stderr(&warning),
        };
    }
    // It is looked up where the task will look, and when it starts.
    let test = || {
        Test::new()
            .task("1-install", "mkdir -p bin; ln -sf /bin/sh bin/nodde")
            .file("tasks.d/2-b", "#!/usr/bin/env nodde\necho started\n", 0o755)
            .config("[env]\nPATH = bin:/bin:/usr/bin")
    };
    let warning = "task `2-b` may fail: `env` cannot find `nodde` in PATH";
    let ran = test().run().status(0).stdout("started\n").says(warning);
    ran.again().run().does_not_say(warning);
}

#[test]
fn links_to_executables_and_programs_are_tasks() {
    let test = Test::new()
        .file("elsewhere/a", "#!/bin/sh\necho a\n", 0o755)
        .config("[program]\nok_codes = 64");
    link(&test, "tasks.d/1-a", "../elsewhere/a");
    // The task is the program itself: without an argument it exits with 64.
    link(&test, "tasks.d/2-program", runner().to_str().unwrap());
    test.run().status(0).stdout("a\n").does_not_say("warning");
}

#[test]
fn a_disabled_task_is_skipped_silently() {
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

/// The usual hint proposes `enabled = no`, which has no effect on the halt task.
#[test]
fn a_halt_task_that_cannot_start_has_its_own_hint() {
    let another = "or name another one with `halt_task` in `[runner]`\n";
    for (text, mode, message, fix) in [
        (
            "#!/bin/sh\n",
            0o644,
            "is not executable",
            "make it executable",
        ),
        (
            "#!/bin/sh\r\n",
            0o755,
            "has a `#!` line that ends in CRLF (Windows line ending)",
            "save it with Unix line endings",
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
                "error: task `halt.sh` {message}\n  hint: {fix}, {another}"
            ));
    }
}

#[test]
fn a_halt_task_that_is_a_directory_is_an_error() {
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
    // Without `-H` and `halt_task` no halt task is requested.
    test(&[]).run().status(0).order("1-a");
}

#[test]
fn a_setting_without_effect_on_the_halt_task_is_a_warning() {
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
                    "warning: runner.cfg:{line}: `{key}` has no effect in the halt task's section\n  {hint}"
                )
            })
            .collect::<String>(),
        );
}
