//! Options.

use crate::support::Test;

use super::link;

#[test]
fn options_can_follow_the_directory() {
    Test::new()
        .no_config()
        .file("own.cfg", "[runner]\nsleep_time = 0\n", 0o644)
        .task("1-a", "")
        .args_after(["-c", "own.cfg", "-q", "-n", "2"])
        .run()
        .status(0)
        .order("1-a 1-a")
        .stderr("");
}

#[test]
fn a_number_can_follow_its_option_without_a_blank() {
    for args in [&["-n2"][..], &["-n", "2"], &["-n=2"], &["-Hn2"]] {
        let order = match args {
            ["-Hn2"] => "1-a 1-a halt.sh",
            _ => "1-a 1-a",
        };
        Test::new()
            .task("1-a", "")
            .task("halt.sh", "")
            .args(args)
            .run()
            .status(0)
            .order(order);
    }
}

#[test]
fn stdout_belongs_to_the_tasks() {
    for args in [&["-q"][..], &[], &["-v"]] {
        Test::new()
            .task("1-a", "echo out; echo error >&2")
            .args(args)
            .run()
            .status(0)
            .stdout("out\n")
            .says("error\n");
    }
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let test = || {
        Test::new()
            .task("1-a", "exit 1")
            .config("max_tries = 2\nremote = u")
            .args(["-q"])
    };
    let ran = test().run().status(1).order("1-a 1-a");
    for line in ran.stderr.lines() {
        let is_problem = line.contains("warning: ") || line.contains("error: ");
        assert!(is_problem || line.starts_with("  hint: "), "{line}");
    }
    ran.says("warning: runner.cfg:5: unknown setting `remote`\n")
        .says("`1-a` exited with 1");
    Test::new()
        .task("1-a", "")
        .args(["-q"])
        .run()
        .status(0)
        .stderr("");
}

#[test]
fn verbose_logs_each_decision_and_its_reason() {
    let test = || Test::new().task("1-a", "").task("2-b.bak", "");
    let usual = test().run().status(0);
    let verbose = test().args(["-v"]).run().status(0);
    let normal = usual
        .does_not_say("runner.cfg")
        .does_not_say("2-b.bak")
        .stderr;
    let verbose = verbose
        .says("`tasks.d`")
        .says("`runner.cfg`")
        .says("`2-b.bak` is not a task: its name ends in `.bak`\n")
        .stderr;
    assert!(verbose.lines().count() > normal.lines().count());
}

#[test]
fn of_quiet_and_verbose_the_last_one_counts() {
    for (args, quiet, verbose) in [
        (&["-q", "-v"][..], false, true),
        (&["-v", "-q"], true, false),
        (&["-qv"], false, true),
        (&["-v", "-q", "-v"], false, true),
        (&["-q", "-q"], true, false),
        (&["--verbose", "--quiet"], true, false),
    ] {
        let ran = Test::new().task("1-a", "").args(args).run().status(0);
        assert_eq!(ran.stderr.is_empty(), quiet, "{args:?}");
        assert_eq!(ran.stderr.contains("`tasks.d`"), verbose, "{args:?}");
    }
}

#[track_caller]
fn assert_wrong_usage(args: &[&str]) {
    let test = Test::new().no_config().task("1-a", "echo task");
    let ran = test.run_with(args);
    let ran = ran.status(64).order("").stdout("");
    assert!(!ran.stderr.is_empty());
}

#[test]
fn a_wrong_number_is_explained_in_plain_words() {
    for (option, value, expected) in [
        ("-n", "two", "write a whole number; 0 = no limit"),
        ("-n", "99999999999", "write a whole number; 0 = no limit"),
        ("-j", "0", "write a whole number of 1 or more"),
        ("-j", "1.5", "write a whole number of 1 or more"),
        ("-n", "-1", "write a whole number; 0 = no limit"),
        ("-j", "-1", "write a whole number of 1 or more"),
    ] {
        let test = Test::new().no_config().task("1-a", "exit 0");
        let ran = test.run_with([option, value, "tasks.d"]).status(64);
        ran.says(&format!("'{value}'")).says(expected);
    }
}

#[test]
fn wrong_arguments_are_answered_with_what_to_write() {
    let command = "only one TASKDIR is allowed; write `--` before a COMMAND\n";
    let json = "error: `--json` goes with `--list` or `--dry-run` or `--env <TASK>` or `--check` \
                or `--drill`\n";
    let yes = "error: `--yes` goes with `--drill`\n";
    for (args, expected) in [
        (&["tasks.d", "echo", "hi"][..], command),
        (&["tasks.d", "other.d"], command),
        (&["--json"], json),
        (&["--json", "tasks.d"], json),
        (&["--json", "--graph", "tasks.d"], json),
        (&["--yes", "tasks.d"], yes),
        (&["--yes", "--list", "tasks.d"], yes),
    ] {
        let test = Test::new().no_config().task("1-a", "");
        test.run_with(args).status(64).order("").says(expected);
    }
    let test = Test::new().no_config();
    let ran = test.run_with(["runner-report", "x"]).status(64);
    ran.does_not_say("TASKDIR");
}

#[test]
fn wrong_usage_runs_nothing() {
    for args in [
        &[][..],
        &["--bogus", "tasks.d"],
        &["tasks.d", "other.d"],
        &["-n", "x", "tasks.d"],
        &["-n", "-1", "tasks.d"],
        &["-n", "1.5", "tasks.d"],
        &["-j", "0", "tasks.d"],
        &["-j", "x", "tasks.d"],
        &["-c"],
        &["tasks.d", "-c"],
        &["--set", "max_tries", "tasks.d"],
        &["--set", "=3", "tasks.d"],
        &["--list", "--check", "tasks.d"],
        &["--list", "--only", "1-a", "tasks.d"],
        &["--list"],
        &["--check"],
        &["--only", "1-a"],
        &["--forget", "1-a"],
        &["--forget-all"],
        &["--forget", "tasks.d"],
        &["--forget", "1-a", "--forget-all", "tasks.d"],
        &["--forget-all", "-n", "2", "tasks.d"],
        &["--forget-all", "-H", "tasks.d"],
        &["--forget-all", "tasks.d", "--", "echo", "COMMAND"],
        &["--json", "tasks.d"],
        &["-g", "hg.remote", "tasks.d"],
        &["-g"],
        &["--install-links"],
        &["--list", "tasks.d", "--", "echo", "COMMAND"],
        &["--only", "1-a", "tasks.d", "--", "echo", "COMMAND"],
        &["--", "echo", "COMMAND"],
        &["-n", "0", "tasks.d", "--", "echo", "COMMAND"],
        &["tasks.d", "-n0", "--", "echo", "COMMAND"],
        &["runner-config"],
        &["runner-config", "--bogus"],
        &["runner-config", "tasks.d"],
        &["runner-config", "-g"],
        &["runner-config", "-g", "hg.remote", "--list"],
        &["runner-config", "--list", "--check"],
        &["runner-config", "--list", "a", "b"],
        &["runner-config", "--default", "x"],
    ] {
        assert_wrong_usage(args);
    }
}

#[test]
fn options_without_effect_are_wrong_usage() {
    for args in [
        &["runner-config", "--check", "--default", "x"][..],
        &["runner-config", "--check", "--json"],
        &["runner-config", "--settings", "--show-origin"],
        &["runner-config", "--check", "--format", "ini"],
        &[
            "runner-config",
            "--list",
            "--format",
            "ini",
            "--show-origin",
        ],
        &["--only", "1-a", "--json", "tasks.d"],
        &["-g", "hg.remote", "--json"],
    ] {
        assert_wrong_usage(args);
    }
}

#[test]
fn every_applet_has_help_and_a_version() {
    for applet in [&[][..], &["runner"], &["runner-config"], &["runner-report"]] {
        let name = applet.first().copied().unwrap_or("runner");
        let ask = |option| {
            let test = Test::new().no_config();
            let args = applet.iter().copied().chain([option]);
            test.run_with(args).status(0).stderr("").stdout
        };
        for option in ["--help", "-h"] {
            let help = ask(option);
            assert!(help.contains(&format!("Usage: {name} ")), "{help}");
            assert!(help.contains("--config <FILE>"), "{help}");
        }
        for option in ["--version", "-V"] {
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(ask(option), format!("{name} {version}\n"));
        }
    }
    let test = Test::new();
    let program = link(&test, "runner-config");
    let ran = test.program(program).run_with(["--help"]).status(0);
    assert!(ran.stdout.contains("Usage: runner-config "));
}

#[test]
fn the_help_lists_every_exit_status() {
    for option in ["--help", "-h"] {
        let help = Test::new().no_config().run_with([option]).status(0).stdout;
        for status in [
            "0", "1", "2", "3", "4", "64", "66", "71", "78", "126", "127", "128+N",
        ] {
            let is_listed = help
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{status}  ")));
            assert!(is_listed, "{status}: {help}");
        }
    }
}
