//! The configuration as its user sees it: what is found, what is in force, and
//! what is said about what is wrong.

use std::{os::unix::fs::symlink, time::Duration};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use serde_json::{Value, json};

use crate::support::{Ran, Test};

/// What `runner-config` says about this configuration.
#[track_caller]
fn ask(config: &str, args: &[&str]) -> Ran {
    let all = ["runner-config", "-c", "runner.cfg"].iter().chain(args);
    Test::new().only_config(config).run_with(all)
}

/// What is in force for the first task, as `--list --json` says it.
#[track_caller]
fn in_force(test: Test, name: &str) -> Value {
    let ran = test.args(["--list", "--json"]).run().status(0);
    let tasks: Value = serde_json::from_str(&ran.stdout).unwrap();
    tasks[0][name].clone()
}

/// What was said, without the time at the beginning of each line.
fn without_times(stderr: &str) -> String {
    let lines = stderr.lines().map(|line| match line.starts_with("  ") {
        true => format!("{line}\n"),
        false => format!("{}\n", &line["00:00:00 ".len()..]),
    });
    lines.collect()
}

// `-g`

#[test]
fn a_value_is_printed_as_it_is_written() {
    ask(
        "[hg]\nremote:  \"u\" ; no # comment \\n %(x)s ${HOME} = :  \n",
        &["-g", "hg.remote"],
    )
    .status(0)
    .stdout("\"u\" ; no # comment \\n %(x)s ${HOME} = :\n")
    .stderr("");
}

#[test]
fn a_key_is_split_at_the_first_dot_that_yields_one() {
    let config = "[a]\nb.c = 1\n[a.b]\nc = 2\nd = 3\n[a.b.c]\ne.f = 4\n";
    for (key, expected) in [("a.b.c", "1\n"), ("a.b.d", "3\n"), ("a.b.c.e.f", "4\n")] {
        ask(config, &["-g", key])
            .status(0)
            .stdout(expected)
            .stderr("");
    }
}

#[test]
fn a_key_that_is_not_there_names_the_nearest_ones() {
    let config = "[hg]\nremote = u\nshare = s\n[work]\ndir = d\n[empty]\n";
    for (key, expected) in [
        (
            "hg.remotes",
            "error: unknown key `hg.remotes`; section `hg` has `remote`\n",
        ),
        (
            "hg.branch",
            "error: unknown key `hg.branch`; section `hg` has `remote`, `share`\n",
        ),
        (
            "empty.x",
            "error: unknown key `empty.x`; section `empty` has no keys\n",
        ),
        (
            "wrok.dir",
            "error: unknown section `wrok`; did you mean `work`?\n",
        ),
        (
            "git.remote",
            "error: unknown section `git`; there is `hg`, `work`, `empty`\n",
        ),
    ] {
        ask(config, &["-g", key])
            .status(1)
            .stdout("")
            .stderr(expected);
    }
}

#[test]
fn nothing_is_found_without_a_configuration() {
    Test::new()
        .no_config()
        .run_with(["runner-config", "-g", "hg.remote"])
        .status(1)
        .stdout("")
        .stderr("error: unknown section `hg`; the configuration has no sections\n");
}

#[test]
fn the_default_option_answers_for_a_key_that_is_not_there() {
    for (args, expected) in [
        (["-g", "hg.branch", "--default", "tip"], "tip\n"),
        (["-g", "git.remote", "--default", ""], "\n"),
        (["-g", "hg.branch", "--default", "-5"], "-5\n"),
        (["-g", "hg.remote", "--default", "other"], "u\n"),
    ] {
        ask("[hg]\nremote = u\n", &args)
            .status(0)
            .stdout(expected)
            .stderr("");
    }
}

#[test]
fn a_value_of_several_lines_keeps_them() {
    ask(
        "[a]\nk = one\n   two\n# a comment\n ; another\n\n\tthree\n\n\nl = 1\n",
        &["-g", "a.k"],
    )
    .status(0)
    .stdout("one\ntwo\n\nthree\n")
    .stderr("");
}

#[test]
fn keys_keep_their_case_and_the_last_value_wins() {
    let config = "[a]\nKey = 1\nkey = 2\n[b]\n[a]\nother = 3\nkey = 4\n";
    for (key, expected) in [("a.Key", "1\n"), ("a.key", "4\n"), ("a.other", "3\n")] {
        ask(config, &["-g", key]).status(0).stdout(expected);
    }
}

#[test]
fn files_from_windows_are_read() {
    ask("\u{feff}[a]\r\nk = 1\r\n  2\r\n", &["-g", "a.k"])
        .status(0)
        .stdout("1\n2\n");
}

#[test]
fn the_default_section_fills_in_what_is_missing() {
    let config = "[DEFAULT]\nd = 0\n[a]\nd = 1\n[b]\n";
    for (key, expected) in [("a.d", "1\n"), ("b.d", "0\n"), ("DEFAULT.d", "0\n")] {
        ask(config, &["-g", key]).status(0).stdout(expected);
    }
    ask(config, &["-g", "c.d"]).status(1).stdout("");
}

#[test]
fn a_malformed_file_answers_nothing() {
    let expected = "\
error: runner.cfg:2: `tries` has no `=` or `:`
  hint: write `[section]` or `key = value`; indent a line that continues a value
error: runner.cfg:3: section header `[env` has no closing `]`
  hint: write `[section]` or `key = value`; indent a line that continues a value
";
    let config = "[hg]\ntries\n[env\nremote = u\n";
    for args in [
        &["-g", "hg.remote"][..],
        &["-g", "hg.branch", "--default", "tip"],
        &["--list"],
        &["--check"],
    ] {
        ask(config, args).status(78).stdout("").stderr(expected);
    }
    Test::new()
        .only_config(config)
        .task("1-a", "")
        .run()
        .status(78)
        .order("")
        .stdout("")
        .says("runner.cfg:2: `tries` has no `=` or `:`");
}

#[test]
fn every_line_that_is_refused_is_said_with_its_cure() {
    for (config, expected) in [
        (
            "k = 1\nl = 2\n[a]\n",
            "1: `k` stands before the first section header\n  \
             hint: put a line such as `[runner]` above it\n",
        ),
        (
            "[a]\n = 1\n",
            "2: no name before the `=` or `:`\n  hint: write `key = value`\n",
        ),
        (
            "[ a]\n",
            "1: section header `[ a]` has blanks inside the brackets\n  hint: write `[a]`\n",
        ),
        (
            "[a] b\n",
            "1: section header `[a]` is followed by something that is no comment\n  \
             hint: put it on a line of its own\n",
        ),
        (
            "[a]]\n",
            "1: section header with a second `]`\n  \
             hint: a section's name cannot hold `]`; a comment stands on a line of its own\n",
        ),
        (
            "[a]\nk = \u{7}\n",
            "2: control character U+0007\n  hint: remove it; a value cannot hold one\n",
        ),
    ] {
        ask(config, &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!("error: runner.cfg:{expected}"));
    }
}

#[test]
fn a_wrong_setting_does_not_keep_questions_from_being_answered() {
    let config = "[runner]\nmax_tries = many\n[hg]\nremote = u\n";
    ask(config, &["-g", "hg.remote"])
        .status(0)
        .stdout("u\n")
        .stderr("");
    ask(config, &["-g", "runner.max_tries"])
        .status(0)
        .stdout("many\n")
        .stderr("");
}

// `--list`

#[test]
fn the_list_has_every_key_with_the_default_section_filled_in() {
    let config = "[b]\nk = 1\n[DEFAULT]\nd = 0\n[a]\nd = 2\nm = x\n  y\n";
    ask(config, &["--list"])
        .status(0)
        .stdout("b.d=0\nb.k=1\na.d=2\na.m=x\ny\n")
        .stderr("");
    ask(config, &["--list", "b"])
        .status(0)
        .stdout("b.d=0\nb.k=1\n")
        .stderr("");
}

#[test]
fn a_section_that_is_not_there_has_no_list() {
    ask("[work]\n", &["--list", "wrok"])
        .status(1)
        .stdout("")
        .stderr("error: unknown section `wrok`; did you mean `work`?\n");
}

#[test]
fn the_list_shows_where_each_value_was_written() {
    Test::new()
        .only_config("[DEFAULT]\nd = 0\n[runner]\ninclude_dir = conf.d\n[a]\n\nk = 1\nl = 2\n")
        .file("conf.d/x", "[a]\n# more\nl = 3\n", 0o644)
        .run_with([
            "runner-config",
            "-c",
            "runner.cfg",
            "--list",
            "a",
            "--show-origin",
        ])
        .status(0)
        .stdout("runner.cfg:2\ta.d=0\nrunner.cfg:7\ta.k=1\nconf.d/x:3\ta.l=3\n")
        .stderr("");
}

#[test]
fn the_list_for_programs_is_one_object() {
    let config = "[DEFAULT]\nd = 0\n[runner]\nmax_tries = 3\n[a]\nk = \"\n  é\n";
    let ran = ask(config, &["--list", "--json"]).status(0).stderr("");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = json!({
        "runner": {"d": "0", "max_tries": "3"},
        "a": {"d": "0", "k": "\"\né"},
    });
    assert_eq!(found, expected);

    let ran = ask(config, &["--list", "a", "--json"]).status(0).stderr("");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found, json!({"a": {"d": "0", "k": "\"\né"}}));
}

#[test]
fn the_list_as_ini_is_one_file_that_reads_back_the_same() {
    let list = |file: &str, args: &[&str]| {
        Test::new()
            .only_config(
                "[runner]\ninclude_dir = conf.d\n[a]\nk = \\n ; é\u{202e}\n[DEFAULT]\nd: 0\n",
            )
            .file("conf.d/x", "[a]\nl =\n  1\n\n  2\n[b]\n", 0o644)
            .file("merged", MERGED, 0o644)
            .run_with([&["runner-config", "-c", file, "--list"], args].concat())
            .status(0)
            .stderr("")
            .stdout
    };
    const MERGED: &str = "[runner]\ninclude_dir = conf.d\n\n[a]\nk = \\n ; é\u{202e}\nl = \n\t1\n\t\n\t2\n\n\
                          [DEFAULT]\nd = 0\n[b]\n";
    assert_eq!(list("runner.cfg", &["--format", "ini"]), MERGED);
    assert_eq!(list("merged", &["--format", "ini"]), MERGED);
    for args in [&["--json"][..], &["--format", "json"], &[]] {
        assert_eq!(list("merged", args), list("runner.cfg", args));
    }
    // A section is written with what fills its missing keys.
    let part = "[DEFAULT]\nd = 0\n[b]\n";
    assert_eq!(list("runner.cfg", &["b", "--format", "ini"]), part);
}

// `--check`

#[test]
fn the_check_tells_errors_from_warnings_and_from_nothing() {
    ask(
        "[runner]\nmax_tries = 3\n[env]\nA = b\n[hg]\nx = y\n",
        &["--check"],
    )
    .status(0)
    .stdout("")
    .stderr("");
    ask("[runner]\nremote = u\n[env]\nA = $B\n", &["--check"])
        .status(1)
        .stdout("")
        .stderr(
            "warning: runner.cfg:2: unknown setting `remote`\n  \
             hint: `runner-config --settings` lists the names; what is meant for tasks belongs \
             into a section of its own\n\
             warning: runner.cfg:4: the value of `A` has a `$` in it, which is taken literally\n  \
             hint: nothing is substituted in a configuration file\n",
        );
    ask("[runner]\nremote = u\njobs = 0\n", &["--check"])
        .status(78)
        .stdout("")
        .says("error: runner.cfg:3: `jobs` must be a whole number of 1 or more, not `0`\n")
        .says("warning: runner.cfg:2: unknown setting `remote`\n");
}

// Where the configuration comes from

#[test]
fn the_variable_names_the_file_when_no_option_does() {
    let test = || {
        Test::new()
            .no_config()
            .file("a.cfg", "[env]\nFROM = variable\n", 0o644)
            .file("b.cfg", "[env]\nFROM = option\n", 0o644)
            .task("1-a", "echo ${FROM-nowhere}")
            .env("FROM", "outside")
    };
    test()
        .env("RUNNER_CONFIG", "a.cfg")
        .run()
        .status(0)
        .stdout("variable\n");
    test()
        .env("RUNNER_CONFIG", "a.cfg")
        .args(["-c", "b.cfg"])
        .run()
        .status(0)
        .stdout("option\n");
    test()
        .env("RUNNER_CONFIG", "")
        .run()
        .status(0)
        .stdout("outside\n");
    test()
        .env("RUNNER_CONFIG", "a.cfg")
        .run_with(["runner-config", "-g", "env.FROM"])
        .status(0)
        .stdout("variable\n");
}

#[test]
fn no_file_is_searched_for() {
    Test::new()
        .env_remove("FROM")
        .config("[env]\nFROM = file")
        .task("1-a", "echo ${FROM-nowhere}")
        .run_with(["tasks.d"])
        .status(0)
        .stdout("nowhere\n");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let expected = "error: cannot read configuration file `no.cfg`: no such file or directory\n";
    let test = || Test::new().no_config().task("1-a", "");
    for args in [
        &["runner-config", "-c", "no.cfg", "-g", "a.b"][..],
        &[
            "runner-config",
            "-c",
            "no.cfg",
            "-g",
            "a.b",
            "--default",
            "x",
        ],
        &["runner-config", "-c", "no.cfg", "--list"],
        &["runner-config", "-c", "no.cfg", "--check"],
        &["-c", "no.cfg", "-g", "a.b"],
        &["-c", "no.cfg", "--list", "tasks.d"],
        &["-c", "no.cfg", "--check", "tasks.d"],
    ] {
        test().run_with(args).status(78).stdout("").stderr(expected);
    }
    test()
        .env("RUNNER_CONFIG", "no.cfg")
        .run()
        .status(78)
        .order("")
        .stdout("")
        .says(expected);
}

// `include_dir`

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
fn names_that_are_no_tasks_are_not_included_either() {
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
fn what_is_wrong_in_an_included_file_is_said_with_its_line() {
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
        .says("warning: conf.d/y:2: the value of `A` has a `$` in it");
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

// Wrong values

const BROKEN: &str = "\
[runner]
sleep_time = -1
retry_jitter = soon
retry_backoff = twice
max_tries = many
retry_from = end
max_time = 1h 30
leftovers = shoot
halt_task = bin/halt
task_hook = say \"hi
jobs = 0
ok_codes = 0 300
stop_codes = 2
max_trys = 4
depends_on = a
log_keep =
halt_period = a
  b
remote = u
[env]
HOME_DIR = $HOME/x
[a]
enabled = perhaps
required =
max_time = -5s
interpreter = ''
halt_codes = 0
max_tmie = 4
[1-a]
[x]
max_time = 3
";

const BROKEN_SAID: &str = "\
error: runner.cfg:2: `sleep_time` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `-1`
error: runner.cfg:3: `retry_jitter` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `soon`
error: runner.cfg:4: `retry_backoff` must be a number of 0 or more, not `twice`
error: runner.cfg:5: `max_tries` must be a whole number of 0 or more, not `many`
error: runner.cfg:6: `retry_from` must be `start` or `failed`, not `end`
error: runner.cfg:7: `max_time` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `1h 30`
error: runner.cfg:8: `leftovers` must be `kill`, `report` or `allow`, not `shoot`
error: runner.cfg:9: `halt_task` must be the name of a file in the task directory, without a `/`, not `bin/halt`
error: runner.cfg:10: `task_hook` must be a command with matching quotes, not `say \"hi`
error: runner.cfg:11: `jobs` must be a whole number of 1 or more, not `0`
error: runner.cfg:12: `ok_codes` must be exit codes from 0 to 255, separated by commas or blanks, not `0 300`
error: runner.cfg:13: exit code 2 is in both `halt_codes` and `stop_codes`
  hint: write `halt_codes =` without it beside this line
error: runner.cfg:14: unknown setting `max_trys`
  hint: did you mean `max_tries`?
error: runner.cfg:15: `depends_on` cannot stand in `[runner]`
  hint: put it into the section of a task
error: runner.cfg:16: `log_keep` must be a whole number of 0 or more, not empty
error: runner.cfg:17: `halt_period` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `a` and further lines
warning: runner.cfg:19: unknown setting `remote`
  hint: `runner-config --settings` lists the names; what is meant for tasks belongs into a section of its own
warning: runner.cfg:21: the value of `HOME_DIR` has a `$` in it, which is taken literally
  hint: nothing is substituted in a configuration file
error: runner.cfg:23: `enabled` must be `yes` or `no`, not `perhaps`
error: runner.cfg:24: `required` must be `yes` or `no`, not empty
error: runner.cfg:25: `max_time` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `-5s`
error: runner.cfg:26: `interpreter` must be a command, whose first word is not empty, not `''`
error: runner.cfg:27: exit code 0 is in both `ok_codes` and `halt_codes`
  hint: write `ok_codes =` without it beside this line
warning: runner.cfg:28: key `max_tmie` in the section of a task is no setting
  hint: did you mean `max_time`?
error: runner.cfg:29: section `1-a` is for task `1-a`, which has section `a` at runner.cfg:22
  hint: merge the two sections
warning: runner.cfg:31: section `x` sets `max_time`, but there is no such task
";

#[test]
fn all_that_is_wrong_is_said_at_once_and_nothing_runs() {
    let test = || {
        Test::new()
            .only_config(BROKEN)
            .task("1-a", "")
            .task("2-b", "")
    };
    test()
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stdout("")
        .stderr(BROKEN_SAID);
    let ran = test().run().status(78).order("").stdout("");
    assert!(without_times(&ran.stderr).starts_with(BROKEN_SAID));
}

const TIME: &str =
    "a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`)";
const NUMBER: &str = "a whole number of 0 or more";
const CODES: &str = "exit codes from 0 to 255, separated by commas or blanks";

#[test]
fn a_wrong_value_is_said_with_what_is_expected() {
    for (key, value, expected) in [
        ("sleep_time", "", TIME),
        ("sleep_time", "-0.5", TIME),
        ("sleep_time", "1e3", TIME),
        ("sleep_time", "inf", TIME),
        ("sleep_time", "1h,30m", TIME),
        ("sleep_time", "5 5", TIME),
        ("retry_jitter", "5x", TIME),
        ("max_sleep", "a minute", TIME),
        ("max_time", "$LIMIT", TIME),
        ("hook_time", "+1", TIME),
        ("kill_grace", "\"5\"", TIME),
        ("leak_time", "0,2", TIME),
        ("halt_period", "1d ago", TIME),
        ("retry_backoff", "-1", "a number of 0 or more"),
        ("retry_backoff", "", "a number of 0 or more"),
        ("retry_backoff", "nan", "a number of 0 or more"),
        ("max_tries", "", NUMBER),
        ("max_tries", "-1", NUMBER),
        ("max_tries", "1.5", NUMBER),
        ("max_tries", "5 # five", NUMBER),
        ("max_halts", "none", NUMBER),
        ("log_keep", "+3", NUMBER),
        ("jobs", "0", "a whole number of 1 or more"),
        ("jobs", "auto", "a whole number of 1 or more"),
        ("retry_from", "", "`start` or `failed`"),
        ("retry_from", "Start", "`start` or `failed`"),
        ("leftovers", "yes", "`kill`, `report` or `allow`"),
        ("ok_codes", "256", CODES),
        ("halt_codes", "-1", CODES),
        ("stop_codes", "3;4", CODES),
        (
            "halt_task",
            "../halt.sh",
            "the name of a file in the task directory, without a `/`",
        ),
        ("task_hook", "a 'b", "a command with matching quotes"),
        ("interpreter", "sh -c \"", "a command with matching quotes"),
        (
            "interpreter",
            "'' x",
            "a command, whose first word is not empty",
        ),
    ] {
        let found = match value {
            "" => "empty".to_owned(),
            _ => format!("`{value}`"),
        };
        ask(&format!("[runner]\n{key} = {value}\n"), &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!(
                "error: runner.cfg:2: `{key}` must be {expected}, not {found}\n"
            ));
    }
}

#[test]
fn a_wrong_value_in_the_section_of_a_task_is_said_as_well() {
    for (key, value, expected) in [
        ("max_tries", "x", NUMBER),
        ("max_time", "x", TIME),
        ("stop_codes", "x", CODES),
        ("leftovers", "x", "`kill`, `report` or `allow`"),
        ("enabled", "x", "`yes` or `no`"),
        ("required", "x", "`yes` or `no`"),
        ("frequency", "x", "`always`, `once-per-boot` or `once`"),
    ] {
        Test::new()
            .only_config(&format!("[a]\n{key} = x\n"))
            .task("1-a", "")
            .args(["--check"])
            .run()
            .status(78)
            .stdout("")
            .stderr(&format!(
                "error: runner.cfg:2: `{key}` must be {expected}, not `{value}`\n"
            ));
    }
}

#[test]
fn an_exit_code_in_two_lists_is_an_error() {
    for (lists, expected) in [
        (
            "halt_codes = 1 0",
            "2: exit code 0 is in both `ok_codes` and `halt_codes`",
        ),
        (
            "ok_codes = 2",
            "2: exit code 2 is in both `ok_codes` and `halt_codes`",
        ),
        (
            "stop_codes = 0",
            "2: exit code 0 is in both `ok_codes` and `stop_codes`",
        ),
        (
            "halt_codes = 7\nstop_codes = 3, 7",
            "2: exit code 7 is in both `halt_codes` and `stop_codes`",
        ),
    ] {
        ask(&format!("[runner]\n{lists}\n"), &["--check"])
            .status(78)
            .stdout("")
            .says(&format!("error: runner.cfg:{expected}\n"));
    }
    ask(
        "[runner]\nok_codes = 0 2\nhalt_codes =\nstop_codes = 3\n",
        &["--check"],
    )
    .status(0);
    Test::new()
        .config("stop_codes = 3\n[a]\nok_codes = 0 3")
        .task("1-a", "")
        .run()
        .status(78)
        .order("")
        .says("runner.cfg:6: exit code 3 is in both `ok_codes` and `stop_codes`\n");
}

#[test]
fn lists_of_codes_may_be_empty() {
    Test::new()
        .task("1-a", "exit 2")
        .task("halt.sh", "echo $RUNNER_HALT_REASON")
        .config("halt_codes =\nmax_tries = 2")
        .run()
        .status(1)
        .order("1-a 1-a halt.sh")
        .stdout("gave-up\n");
    Test::new()
        .task("1-a", "")
        .config("ok_codes =\nmax_tries = 2")
        .run()
        .status(1)
        .order("1-a 1-a");
}

#[test]
fn lists_of_codes_have_commas_or_blanks() {
    for (code, status) in [(0, 0), (7, 0), (8, 0), (9, 0), (3, 3), (4, 3)] {
        Test::new()
            .task("1-a", &format!("exit {code}"))
            .config("ok_codes = 0, 7 8\n  9\nstop_codes = 3,4")
            .run()
            .status(status)
            .order("1-a");
    }
}

#[test]
fn times_have_fractions_and_units() {
    for (written, expected) in [
        ("90", json!(90.0)),
        ("0.5", json!(0.5)),
        ("90s", json!(90.0)),
        ("10m", json!(600.0)),
        ("1h 30m", json!(5400.0)),
        ("2d", json!(172_800.0)),
        ("0", Value::Null),
    ] {
        let test = Test::new()
            .config(&format!("max_time = {written}"))
            .task("1-a", "");
        assert_eq!(in_force(test, "max_time"), expected, "{written}");
    }
}

#[test]
fn numbers_beyond_all_bounds_are_as_good_as_for_ever() {
    let digits = "9".repeat(400);
    Test::new()
        .config(&format!(
            "max_time = {digits}\nkill_grace = {digits}w {digits}d"
        ))
        .config(&format!(
            "max_tries = {digits}\nhook_time = {digits}\nmax_sleep = {digits}"
        ))
        .hook()
        .task("1-a", "[ $RUNNER_TRY_NUM -gt 1 ] || exit 1")
        .run()
        .status(0)
        .order("1-a 1-a");
}

// Names

#[test]
fn an_unknown_setting_that_is_near_a_known_one_is_an_error() {
    for (written, near) in [
        ("max_trys", "max_tries"),
        ("maxtries", "max_tries"),
        ("max-tries", "max_tries"),
        ("Max_Tries", "max_tries"),
        ("sleeptime", "sleep_time"),
        ("halt_tasks", "halt_task"),
        ("task_hooks", "task_hook"),
        ("job", "jobs"),
        ("leftover", "leftovers"),
    ] {
        ask(&format!("[runner]\n{written} = 1\n"), &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!(
                "error: runner.cfg:2: unknown setting `{written}`\n  \
                 hint: did you mean `{near}`?\n"
            ));
    }
}

#[test]
fn an_unknown_setting_that_is_near_none_is_a_warning() {
    Test::new()
        .config("remote = u")
        .task("1-a", "")
        .run()
        .status(0)
        .order("1-a")
        .says("warning: runner.cfg:4: unknown setting `remote`\n");
}

#[test]
fn settings_of_tasks_cannot_stand_in_the_section_of_the_runner() {
    for name in ["depends_on", "enabled", "required", "frequency"] {
        ask(&format!("[runner]\n{name} = no\n"), &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!(
                "error: runner.cfg:2: `{name}` cannot stand in `[runner]`\n  \
                 hint: put it into the section of a task\n"
            ));
    }
}

// The command line

#[test]
fn settings_of_the_command_line_win_over_the_file() {
    let test = || Test::new().config("max_time = 1").task("1-a", "");
    let time = |args: &[&str]| in_force(test().args(args), "max_time");
    assert_eq!(time(&[]), 1.0);
    assert_eq!(time(&["--set", "max_time=2"]), 2.0);
    assert_eq!(time(&["--set=max_time = 2m "]), 120.0);
    assert_eq!(time(&["--set", "max_time=2", "--set", "max_time=3"]), 3.0);
    let own = test().config("[a]\nmax_time = 5");
    assert_eq!(in_force(own.args(["--set", "max_time=2"]), "max_time"), 5.0);
}

#[test]
fn a_setting_of_the_command_line_hides_a_wrong_one_of_the_file() {
    Test::new()
        .config("max_tries = many")
        .task("1-a", "exit 1")
        .args(["--set", "max_tries=2"])
        .run()
        .status(1)
        .order("1-a 1-a");
}

#[test]
fn what_is_wrong_on_the_command_line_is_said_as_well() {
    for (set, expected) in [
        (
            "max_tries=x",
            "error: --set: `max_tries` must be a whole number of 0 or more, not `x`\n",
        ),
        (
            "max_trys=3",
            "error: --set: unknown setting `max_trys`\n  hint: did you mean `max_tries`?\n",
        ),
        (
            "remote=u",
            "error: --set: unknown setting `remote`\n  \
             hint: `runner-config --settings` lists the names\n",
        ),
        (
            "enabled=no",
            "error: --set: `enabled` cannot stand in `[runner]`\n  \
             hint: put it into the section of a task\n",
        ),
    ] {
        Test::new()
            .task("1-a", "")
            .args(["--check", "--set", set])
            .run()
            .status(78)
            .order("")
            .stdout("")
            .stderr(expected);
    }
}

#[test]
fn the_command_line_may_name_another_directory_to_include() {
    Test::new()
        .config("include_dir = nowhere\nmax_time = 1")
        .file("conf.d/x", "[runner]\nmax_tries = 2\n", 0o644)
        .task("1-a", "exit 1")
        .args(["--set", "include_dir=conf.d"])
        .run()
        .status(1)
        .order("1-a 1-a");
    Test::new()
        .task("1-a", "")
        .args(["--set", "include_dir=nowhere"])
        .run()
        .status(78)
        .order("")
        .says("error: --set: cannot read `include_dir` `nowhere`: no such file or directory\n");
}

#[test]
fn a_directory_is_included_also_without_a_file() {
    Test::new()
        .no_config()
        .file("conf.d/x", "[env]\nFROM = conf.d\n", 0o644)
        .task("1-a", "echo $FROM")
        .args(["--set", "include_dir=conf.d"])
        .run()
        .status(0)
        .stdout("conf.d\n");
}

// `[env]`

/// A story in which hooks, a task and the halt task all do the same.
fn everywhere(body: &str) -> Test {
    Test::new()
        .config("task_hook = ./hook")
        .file("hook", &format!("#!/bin/sh\n{body}\n"), 0o755)
        .task("1-a", body)
        .task("halt.sh", body)
        .args(["-H"])
}

#[test]
fn the_environment_is_inherited_and_then_configured() {
    everywhere("echo ${INHERITED-} ${BOTH-} ${CONFIGURED-}")
        .env("INHERITED", "outside")
        .env("BOTH", "outside")
        .config("[env]\nBOTH = file\nCONFIGURED = file")
        .run()
        .status(0)
        .stdout(&"outside file file\n".repeat(4));
}

#[test]
fn the_runners_own_variables_win_over_inherited_ones() {
    everywhere("echo $RUNNER_TASK")
        .env("RUNNER_TASK", "outside")
        .run()
        .status(0)
        .stdout("1-a\n1-a\n1-a\nhalt.sh\n");
}

#[test]
fn the_runners_own_variables_win_over_configured_ones() {
    everywhere("echo $RUNNER_TASK")
        .config("[env]\nRUNNER_TASK = file")
        .run()
        .status(0)
        .stdout("1-a\n1-a\n1-a\nhalt.sh\n");
    Test::new()
        .config("[env]\nRUNNER_CONFIG_CMD = false\nRUNNER_TRY_NUM = 7\n[hg]\nremote = u")
        .task(
            "1-a",
            "$RUNNER_CONFIG_CMD -g hg.remote && echo $RUNNER_TRY_NUM",
        )
        .run()
        .status(0)
        .stdout("u\n1\n");
}

#[test]
fn values_of_the_environment_are_verbatim() {
    Test::new()
        .config("[env]\nlower = a\nLOWER = \"b\" ; c # d\nLINES_ = 1\n  2\nEMPTY =")
        .task(
            "1-a",
            "printf '<%s>\\n' \"$lower\" \"$LOWER\" \"$LINES_\" \"${EMPTY-unset}\"",
        )
        .run()
        .status(0)
        .stdout("<a>\n<\"b\" ; c # d>\n<1\n2>\n<>\n");
}

#[test]
fn a_dollar_is_taken_literally_and_warned_of() {
    let test = || {
        Test::new()
            .env("X", "outside")
            .config("[env]\nA = $X/${X}\nB = 5$ $5 $$ $\nC = x${X")
            .task("1-a", "printf '%s\\n' \"$A\" \"$B\" \"$C\"")
    };
    let warned = |line, name| {
        format!(
            "warning: runner.cfg:{line}: the value of `{name}` has a `$` in it, which is taken \
             literally\n  hint: nothing is substituted in a configuration file\n"
        )
    };
    let expected = warned(5, "A") + &warned(7, "C");
    test()
        .args(["--check"])
        .run()
        .status(1)
        .stdout("")
        .stderr(&expected);
    let ran = test().run().status(0).stdout("$X/${X}\n5$ $5 $$ $\nx${X\n");
    assert!(without_times(&ran.stderr).starts_with(&expected));
}

#[test]
fn a_variable_without_a_name_is_an_error() {
    Test::new()
        .config("[env]\n= 5")
        .task("1-a", "")
        .run()
        .status(78)
        .order("")
        .says("error: runner.cfg:5: no name before the `=` or `:`\n");
}

#[test]
fn values_of_the_environment_are_never_shown() {
    Test::new()
        .config("[env]\nPASSWORD = hunter2$X\n  hunter2")
        .task("1-a", "exit 1")
        .config("[runner]\nmax_tries = 1")
        .args(["-v"])
        .run()
        .status(1)
        .does_not_say("hunter2");
    // The value of a key above, when its indentation is lost.
    ask("[env]\nPASSWORD =\nhunter2\n", &["--check"])
        .status(78)
        .says("error: runner.cfg:3: line without `=` or `:`\n")
        .does_not_say("hunter2");
}

// Sections of tasks

#[test]
fn a_section_named_as_a_task_overrides_settings_for_it() {
    for (task, section) in [
        ("3-clobber.sh", "3-clobber.sh"),
        ("3-clobber.sh", "clobber"),
        ("003_clobber", "clobber"),
        ("clobber.sh", "clobber"),
        ("clobber", "clobber"),
        ("3-a.tar.gz", "a.tar"),
        ("3clobber.sh", "3clobber"),
        ("1-2-x", "2-x"),
        ("with blank", "with blank"),
        ("3-é.sh", "é"),
    ] {
        let test = Test::new()
            .config(&format!("max_time = 1\n[{section}]\nmax_time = 7"))
            .task(task, "");
        assert_eq!(in_force(test, "max_time"), 7.0, "[{section}] for {task}");
    }
    for (task, section) in [
        ("3-clobber.sh", "3-clobber"),
        ("3-clobber.sh", "clobber.sh"),
    ] {
        let test = Test::new()
            .config(&format!("max_time = 1\n[{section}]\nmax_time = 7"))
            .task(task, "");
        assert_eq!(in_force(test, "max_time"), 1.0, "[{section}] for {task}");
    }
}

#[test]
fn overrides_hold_for_their_task_and_no_other() {
    Test::new()
        .task("1-a", "exit 9")
        .task("2-b", "exit 9")
        .config("max_tries = 1\n[a]\nok_codes = 9")
        .run()
        .status(1)
        .order("1-a 2-b");
    Test::new()
        .task("1-a", "exit 2")
        .config("max_tries = 5\n[a]\nhalt_codes =\nstop_codes = 2")
        .run()
        .status(3)
        .order("1-a");
    Test::new()
        .file("tasks.d/1-a", "echo by sh\n", 0o644)
        .task("2-b", "")
        .config("[a]\ninterpreter = sh")
        .run()
        .status(0)
        .order("2-b")
        .stdout("by sh\n");
    Test::new()
        .file("tasks.d/1-a", "not by sh\n", 0o644)
        .task("2-b", "")
        .config("interpreter = echo\n[2-b]\ninterpreter =")
        .run()
        .status(0)
        .order("2-b")
        .stdout("tasks.d/1-a\n");
}

#[test]
fn two_sections_for_one_task_are_an_error() {
    Test::new()
        .only_config("[clobber]\nmax_time = 1\n[3-clobber.sh]\nkeep = 14\n")
        .task("3-clobber.sh", "")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:3: section `3-clobber.sh` is for task `3-clobber.sh`, which has \
             section `clobber` at runner.cfg:1\n  hint: merge the two sections\n",
        );
}

#[test]
fn no_error_hides_another_one() {
    for (config, errors) in [
        (
            "[1-a]\nmax_time = never\n[a]\nenabled = perhaps\ndepends_on = nobody\n",
            &[
                "2: `max_time` must be ",
                "3: section `a` is for task `1-a`",
                "4: `enabled` must be ",
                "5: task `1-a` depends on `nobody`, which does not exist",
            ][..],
        ),
        (
            "[c]\nmax_tries = x\nrequired = maybe\n",
            &[
                "1: section `c` is the short name of ",
                "2: `max_tries` must be ",
                "3: `required` must be ",
            ],
        ),
        (
            "[runner]\nok_codes = 0 2 3\nhalt_codes = 2 3\n[1-a]\nmax_time = x\n",
            &[
                "2: exit code 2 is in both ",
                "2: exit code 3 is in both ",
                "5: `max_time` must be ",
            ],
        ),
        (
            "[env]\n= 1\n[runner]\nmax_tries = x\nlog_keep\n[b\nmax_trys = 3\n[runner]\n[\u{7}]\n\
             max_trys = 1\n[runner]\nmax_time = y\n",
            &[
                "2: no name before the `=` or `:`",
                "4: `max_tries` must be ",
                "5: `log_keep` has no `=` or `:`",
                "6: section header `[b` has no closing `]`",
                "9: control character U+0007",
                "12: `max_time` must be ",
            ],
        ),
    ] {
        let ran = Test::new()
            .only_config(config)
            .task("1-a", "")
            .task("2-c", "")
            .task("3-c", "")
            .args(["--check"])
            .run()
            .status(78);
        let mut said = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        for error in errors {
            let line = said.next().unwrap_or_default();
            let expected = format!("error: runner.cfg:{error}");
            assert!(line.starts_with(&expected), "no {error}: {}", ran.stderr);
        }
        assert_eq!(said.next(), None);
    }
}

#[test]
fn a_short_name_of_two_tasks_is_an_error_where_it_is_used() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("2-a.sh", "")
            .task("3-b", "")
    };
    test().run().status(0).order("1-a 2-a.sh 3-b");
    test()
        .only_config("[a]\nkeep = 14\n[b]\ndepends_on = a\n")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:1: section `a` is the short name of `1-a` and `2-a.sh`\n  \
             hint: write the file name between the brackets, or rename one of them\n\
             error: runner.cfg:4: task `3-b` depends on `a`, which is the short name of `1-a` \
             and `2-a.sh`\n  hint: write the file name, or rename one of them\n",
        );
    test()
        .config("[1-a]\nmax_time = 1\n[2-a.sh]\nmax_time = 2\n[b]\ndepends_on = 1-a, 2-a.sh")
        .run()
        .status(0)
        .order("1-a 2-a.sh 3-b");
}

#[test]
fn a_key_of_a_task_that_is_nearly_a_setting_is_warned_of() {
    let test = || {
        Test::new()
            .only_config("[a]\nmax_tme = 1\nkeep_days = 14\nenable = no\n")
            .task("1-a", "$RUNNER_CONFIG_CMD -g a.keep_days")
    };
    let expected = "\
warning: runner.cfg:2: key `max_tme` in the section of a task is no setting
  hint: did you mean `max_time`?
warning: runner.cfg:4: key `enable` in the section of a task is no setting
  hint: did you mean `enabled`?
";
    test()
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stderr(expected);
    let ran = test().run().status(0).order("1-a").stdout("14\n");
    assert!(without_times(&ran.stderr).starts_with(expected));
}

#[test]
fn a_section_with_settings_that_is_no_tasks_is_warned_of() {
    let test = || {
        Test::new()
            .only_config("[work]\ndir = x\n[clober]\nmax_time = 1\nenabled = no\nkeep = 14\n")
            .task("3-clobber.sh", "")
    };
    let expected = "warning: runner.cfg:4: section `clober` sets `enabled`, `max_time`, but there \
                    is no such task\n";
    test()
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stderr(expected);
    test()
        .args(["-n", "2"])
        .config("[runner]\nsleep_time = 0")
        .run()
        .status(0)
        .order("3-clobber.sh 3-clobber.sh")
        .says(expected);
}

#[test]
fn reserved_sections_are_never_a_tasks() {
    Test::new()
        .only_config(
            "[runner]\nmax_time = 9\n[env]\nenabled = no\nmax_tries = x\n[DEFAULT]\nenabled = no\n",
        )
        .task("1-runner", "echo $enabled")
        .task("2-env.sh", "")
        .task("3-DEFAULT", "")
        .task("DEFAULT", "")
        .task("env", "")
        .args(["--set", "sleep_time=0"])
        .run()
        .status(0)
        .order("1-runner 2-env.sh 3-DEFAULT DEFAULT env")
        .stdout("no\n")
        .does_not_say("warning");
}

// `[DEFAULT]`

#[test]
fn the_default_section_fills_in_settings_of_the_runner() {
    let test = || {
        Test::new()
            .only_config("[DEFAULT]\nmax_time = 3\n[runner]\nsleep_time = 0\n[a]\nkeep = 14\n")
            .task("1-a", "")
    };
    assert_eq!(in_force(test(), "max_time"), 3.0);
    let over = test().config("[runner]\nmax_time = 4");
    assert_eq!(in_force(over, "max_time"), 4.0);
}

#[test]
fn overrides_come_from_the_tasks_own_section_only() {
    let test = || {
        Test::new()
            .only_config(
                "[DEFAULT]\nmax_time = 3\nenabled = no\nok_codes = 9\n\
                 [runner]\nmax_time = 4\nok_codes = 0\n[a]\nkeep = 14\n",
            )
            .task("1-a", "$RUNNER_CONFIG_CMD -g a.max_time")
    };
    assert_eq!(in_force(test(), "max_time"), 4.0);
    test().run().status(0).order("1-a").stdout("3\n");
}

#[test]
fn what_the_default_section_fills_in_is_no_misspelling() {
    Test::new()
        .only_config("[DEFAULT]\nmax_trys = 3\nremote = $u\nmax_tme = 5\n[runner]\n[env]\n[a]\n")
        .env_remove("remote")
        .task("1-a", "echo $remote")
        .run()
        .status(0)
        .order("1-a")
        .stdout("$u\n")
        .does_not_say("warning");
}

// `--settings`

/// Every setting of `[runner]` and its default, then those of tasks only.
const DEFAULTS: [(&str, &str); 28] = [
    ("sleep_time", "1"),
    ("retry_jitter", "30"),
    ("retry_backoff", "1"),
    ("max_sleep", "0"),
    ("max_tries", "5"),
    ("retry_from", "start"),
    ("max_time", "600"),
    ("hook_time", "30"),
    ("kill_grace", "5"),
    ("leak_time", "0.2"),
    ("leftovers", "report"),
    ("halt_task", "halt.sh"),
    ("task_hook", ""),
    ("interpreter", ""),
    ("ok_codes", "0"),
    ("halt_codes", "2"),
    ("stop_codes", ""),
    ("jobs", "1"),
    ("max_halts", "0"),
    ("halt_period", "1d"),
    ("include_dir", ""),
    ("state_dir", ""),
    ("log_dir", ""),
    ("log_keep", "10"),
    ("depends_on", ""),
    ("enabled", "yes"),
    ("required", "yes"),
    ("frequency", "always"),
];

#[test]
fn every_setting_is_listed_with_its_default_and_meaning() {
    let ran = Test::new()
        .no_config()
        .run_with(["runner-config", "--settings"])
        .status(0)
        .stderr("");
    let mut found = Vec::new();
    for line in ran.stdout.lines() {
        let columns = line.split("  ").map(str::trim);
        let columns: Vec<&str> = columns.filter(|column| !column.is_empty()).collect();
        match columns[..] {
            [name, default, _meaning] => found.push((name, default)),
            [name, _meaning] => found.push((name, "")),
            _ => panic!("{line}"),
        }
    }
    assert_eq!(found, DEFAULTS);
}

#[test]
fn the_defaults_written_out_change_nothing() {
    let write = |settings: &[(&str, &str)]| -> String {
        let lines = settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"));
        lines.collect()
    };
    let (runner, task) = DEFAULTS.split_at(24);
    let written = format!("[runner]\n{}[a]\n{}", write(runner), write(task));
    let test = || {
        Test::new()
            .no_config()
            .task("1-a", "echo $RUNNER_MAX_TRIES")
            .task("halt.sh", "")
    };
    test()
        .only_config(&written)
        .args(["--check"])
        .run()
        .status(0)
        .does_not_say("warning");
    let list = |test: Test| test.args(["--list", "--json"]).run().status(0).stdout;
    assert_eq!(list(test().only_config(&written)), list(test()));
    test().run().status(0).stdout("5\n");
    test().only_config(&written).run().status(0).stdout("5\n");
}

#[test]
fn the_default_wait_is_a_second_and_up_to_half_a_minute() {
    let running = Test::new().no_config().task("1-a", "exit 1").start();
    running.until("stderr", "(try 2 of 5)\n");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).order("1-a");
    let (_, wait) = ran.stderr.split_once(" from the beginning in ").unwrap();
    let (wait, _) = wait.split_once("s (try 2 of 5)").unwrap();
    let wait: f64 = wait.parse().unwrap();
    assert!((1.0..=31.0).contains(&wait), "{wait}");
}
