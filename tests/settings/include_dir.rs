//! `include_dir`.

use std::{os::unix::fs::symlink, time::Duration};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::Test;

use super::in_force;

#[test]
fn included_files_are_read_in_byte_order_and_the_later_one_wins() {
    let test = || {
        Test::new()
            .config("include_dir = conf.d\n[a]\nk = main\nl = main\nm = main")
            .file("conf.d/10-x", "[a]\nk = 10\nl = 10\n", 0o644)
            .file("conf.d/2-x", "[a]\nk = 2\n", 0o644)
            .file("conf.d/B", "[a]\nk = B\n", 0o644)
            .file("conf.d/a", "[a]\nk = a\n", 0o644)
            .file("conf.d/sub/z", "[a]\nk = sub\n", 0o644)
    };
    for (key, expected) in [("a.k", "a\n"), ("a.l", "10\n"), ("a.m", "main\n")] {
        test()
            .run_with(["runner-config", "-c", "runner.cfg", "-g", key])
            .status(0)
            .stdout(expected)
            .stderr("");
    }
}

#[test]
fn included_files_may_hold_settings_and_sections_of_tasks() {
    let test = || {
        Test::new()
            .config("max_time = 1\ninclude_dir = conf.d\n[a]\nmax_tries = 7")
            .task("1-a", "")
    };
    let time = |test: Test| in_force(test, "max_time");
    assert_eq!(
        time(test().file("conf.d/x", "[runner]\nmax_time = 2\n", 0o644)),
        2.0
    );
    assert_eq!(
        time(test().file("conf.d/x", "[a]\nmax_time = 3\n", 0o644)),
        3.0
    );
}

#[test]
fn files_of_tools_are_not_included_either() {
    let mut test = Test::new().config("include_dir = conf.d\n[a]\nk = main");
    for name in [
        ".hidden",
        "#x#",
        "x~",
        "x.bak",
        "x.orig",
        "x.rej",
        "x.swp",
        "x.tmp",
        "x.old",
        "x.off",
        "x.save",
        "x.dist",
        "x.disabled",
        "x.sample",
        "x.example",
        "x.dpkg-old",
        "x.rpmnew",
        "x.ucf-dist",
        "README",
        "README.md",
    ] {
        test = test.file(&format!("conf.d/{name}"), "not a configuration\n", 0o644);
    }
    test.run_with(["runner-config", "-c", "runner.cfg", "-g", "a.k"])
        .status(0)
        .stdout("main\n")
        .stderr("");
}

#[test]
fn relative_paths_count_from_the_directory_of_their_file() {
    let hook = "#!/bin/sh\necho hook\n";
    let interpreter = "#!/bin/sh\necho interpreter\n";
    Test::new()
        .no_config()
        .file(
            "etc/runner.cfg",
            "[runner]\ninclude_dir = conf.d\ninterpreter = ./int\n",
            0o644,
        )
        .file("etc/int", interpreter, 0o755)
        .file("etc/conf.d/x", "[runner]\ntask_hook = bin/hook\n", 0o644)
        .file("etc/conf.d/bin/hook", hook, 0o755)
        .task("1-a", "")
        .args(["-c", "etc/runner.cfg"])
        .run()
        .status(0)
        .order("")
        .stdout("hook\ninterpreter\nhook\n");
}

#[test]
fn a_directory_that_cannot_be_included_is_an_error() {
    let test = || {
        Test::new()
            .only_config("[hg]\nremote = u\n[runner]\ninclude_dir = conf.d\n")
            .task("1-a", "")
    };
    let expected =
        "error: runner.cfg:4: cannot read `include_dir` `conf.d`: no such file or directory\n";
    for args in [
        &["runner-config", "-c", "runner.cfg", "-g", "hg.remote"][..],
        &["runner-config", "-c", "runner.cfg", "--check"],
        &["-c", "runner.cfg", "-g", "hg.remote"],
    ] {
        test().run_with(args).status(78).stdout("").stderr(expected);
    }
    test().run().status(78).order("").says(expected);
    test()
        .file("conf.d", "", 0o644)
        .run()
        .status(78)
        .order("")
        .says("runner.cfg:4: cannot read `include_dir` `conf.d`: not a directory\n");
}

#[test]
fn an_included_file_that_cannot_be_read_is_an_error() {
    let test = Test::new()
        .config("include_dir = conf.d")
        .file("conf.d/y", "", 0o644)
        .task("1-a", "");
    symlink("nowhere", test.path("conf.d/x")).unwrap();
    test.run().status(78).order("").says(
        "runner.cfg:4: cannot read configuration file `conf.d/x`: no such file or directory\n",
    );
}

#[test]
fn a_problem_in_an_included_file_is_reported_with_its_line() {
    Test::new()
        .config("include_dir = conf.d\nmax_trys = 1")
        .file("conf.d/x", "[runner]\n\nmax_time = soon\n", 0o644)
        .file("conf.d/y", "[env]\nA = $B\n", 0o644)
        .task("1-a", "")
        .run()
        .status(78)
        .order("")
        .says("error: conf.d/x:3: `max_time` must be a time")
        .says("error: runner.cfg:5: unknown setting `max_trys`\n")
        .says("warning: conf.d/y:2: the value of `A` contains a `$`");
}

#[test]
fn a_named_pipe_in_the_included_directory_does_not_hang() {
    let test = Test::new()
        .config("include_dir = conf.d")
        .file("conf.d/y", "", 0o644)
        .task("1-a", "");
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, test.path("conf.d/x"), FileType::Fifo, mode, 0).unwrap();
    test.run().within(Duration::from_secs(10));
}
