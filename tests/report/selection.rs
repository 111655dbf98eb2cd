//! The choice of the journal and of the run.

use std::fs;

use crate::support::{Test, once};

use super::{StandIn, ask, end, journal, line, start, task, this_boot, whole};

#[test]
fn a_run_is_reported_as_it_was() {
    let test = Test::new()
        .config("state_dir = state\nmax_tries = 2")
        .task("1-a", &once(7))
        .task("2-b", "exit 5")
        .file("tasks.d/halt.sh", "#!/bin/sh\n", 0o755);
    let ran = ask(test.run().status(1).test, &[]).status(0).stderr("");
    let report = &ran.stdout;
    assert!(report.contains(" gave up "), "{report}");
    assert!(report.contains("try 2 of 2\n"), "{report}");
    for (name, result, starts, outcome) in [
        ("1-a", "OK", " 2x ", "│"),
        ("2-b", "RETRY", "", "│  exited with 5"),
        ("halt task halt.sh", "", "", "│"),
    ] {
        let found = report.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with(name)
                && [result, starts].iter().all(|part| line.contains(part))
                && line.ends_with(outcome)
        });
        assert!(found, "{name}: {report}");
    }
    let ran = ask(ran.test, &["--history"]).status(0);
    assert!(ran.stdout.ends_with("  2-b\n"), "{}", ran.stdout);
    let ran = ask(ran.test, &["--tasks"]).status(0);
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
}

#[test]
fn the_last_run_is_shown_unless_another_is_requested() {
    let text = whole("r1") + "garbage\n" + &whole("r2") + "{\"ts\":";
    for (args, run) in [
        (&[][..], "r2"),
        (&["--run", "-1"], "r2"),
        (&["--run=-2"], "r1"),
        (&["--run", "r1"], "r1"),
        (&["--this-boot"], "r2"),
        (&["--this-boot", "--run", "r1"], "r1"),
    ] {
        let ran = ask(journal(&text), args).status(0).stderr("");
        let head = format!("run {run} gave up ");
        assert!(ran.stdout.starts_with(&head), "{args:?}: {}", ran.stdout);
        assert!(
            ran.stdout.contains("  1-a   OK      500ms"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn the_older_part_of_the_journal_is_read_first() {
    let both = || {
        journal(&(task("r2", "2-b") + &end("r2", 0) + &whole("r3"))).file(
            "state/journal.jsonl.old",
            &(whole("r1") + &start("r2", u32::MAX / 2) + &task("r2", "1-a")),
            0o644,
        )
    };
    for (run, found) in [("-1", "r3"), ("-2", "r2"), ("-3", "r1"), ("r1", "r1")] {
        let ran = ask(both(), &["--run", run]).status(0).stderr("");
        let head = format!("run {found} ");
        assert!(ran.stdout.starts_with(&head), "{run}: {}", ran.stdout);
    }
    let ran = ask(both(), &["--run", "r2"]).status(0);
    for task in ["1-a", "2-b"] {
        assert!(ran.stdout.contains(task), "{}", ran.stdout);
    }
    ask(both(), &["--run", "-4"])
        .status(66)
        .says("there are 3 runs");
    // The journal is created again with the next line.
    let test = both();
    fs::remove_file(test.path("state/journal.jsonl")).unwrap();
    let ran = ask(test, &["--history"]).status(0).stderr("");
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
}

#[test]
fn the_configuration_names_the_state_directory() {
    let test = || journal(&whole("r1")).only_config("[runner]\nstate_dir = state\nmax_tries = x\n");
    let ran = test().run_with(["runner-report", "-c", "runner.cfg", "--history"]);
    assert!(ran.status(0).stderr("").stdout.starts_with("r1  "));
    let ran = test().env("RUNNER_CONFIG", "runner.cfg");
    let ran = ran.run_with(["runner-report", "--history"]);
    assert!(ran.status(0).stderr("").stdout.starts_with("r1  "));
    // The option wins over the configuration.
    let ran = test().env("RUNNER_CONFIG", "nowhere.cfg");
    ask(ran, &["--history"]).status(0);
}

#[test]
fn a_configuration_without_a_journal_is_an_error() {
    for config in ["[runner]\nmax_tries = 3\n", "[runner]\nstate_dir =\n"] {
        Test::new()
            .only_config(config)
            .run_with(["runner-report", "-c", "runner.cfg"])
            .status(78)
            .stdout("")
            .stderr(
                "error: no state directory is configured, so there is no journal\n  \
                 hint: name it with `--state-dir`, or as `state_dir` in `[runner]`\n",
            );
    }
    Test::new()
        .only_config("[runner\n")
        .run_with(["runner-report", "-c", "runner.cfg"])
        .status(78)
        .says("runner.cfg:1");
    Test::new()
        .no_config()
        .run_with(["runner-report", "-c", "nowhere.cfg"])
        .status(78)
        .says("nowhere.cfg");
}

#[test]
fn a_missing_run_or_journal_is_an_error() {
    let old = line("r1", "an-earlier-boot", r#""try-start","try_num":1"#);
    for (text, args) in [
        ("", &[][..]),
        ("", &["--history"]),
        ("", &["--tasks"]),
        ("garbage\n", &[]),
        (&whole("r1"), &["--run", "-2"]),
        (&whole("r1"), &["--run", "r"]),
        (&old, &["--this-boot"]),
        (&old, &["--this-boot", "--history"]),
        (&old, &["--this-boot", "--tasks"]),
    ] {
        let (such, count) = if args.contains(&"--run") {
            ("such ", "; there is 1 run")
        } else {
            ("", "")
        };
        let since = if args.contains(&"--this-boot") {
            " since the machine was started"
        } else {
            ""
        };
        ask(journal(text), args)
            .status(66)
            .stdout("")
            .stderr(&format!(
                "error: there is no {such}run in `state/journal.jsonl`{since}{count}\n"
            ));
    }
    let three = ["r1", "r2", "r3"].map(whole).concat();
    for (args, count) in [
        (&["--run", "-9"][..], "; there are 3 runs"),
        (&["--run", "-4", "--format", "html"], "; there are 3 runs"),
        (&["--run", "-4", "--wait"], "; there are 3 runs"),
        (
            &["--run", "r9", "--this-boot"],
            " since the machine was started; there are 3 runs",
        ),
    ] {
        ask(journal(&three), args).status(66).stderr(&format!(
            "error: there is no such run in `state/journal.jsonl`{count}\n"
        ));
    }
    let nothing = || Test::new().no_config();
    for args in [&[][..], &["--history"], &["--tasks"]] {
        ask(nothing(), args)
            .status(66)
            .stdout("")
            .stderr("error: cannot read `state/journal.jsonl`: no such file or directory\n");
    }
    for args in [&["--wait"][..], &["--wait", "--run", "r1"]] {
        ask(nothing(), args)
            .status(66)
            .stdout("")
            .stderr("error: cannot read `state`: no such file or directory\n");
    }
    ask(
        nothing().file("state/lock", "", 0o644),
        &["--wait", "--run", "-1"],
    )
    .status(66)
    .stdout("")
    .stderr("error: cannot read `state/journal.jsonl`: no such file or directory\n");
    ask(nothing().file("state", "", 0o644), &["--wait"]).status(66);
    ask(nothing().file("state", "", 0o644), &[]).status(66);
    ask(nothing().file("state/journal.jsonl/x", "", 0o644), &[])
        .status(71)
        .says("it is a directory");
}

#[test]
fn a_history_can_have_only_refused_starts() {
    let refused = line(
        "x1",
        &this_boot(),
        r#""refused","status":75,"reason":"already running""#,
    );
    let ran = ask(journal(&refused), &[]).status(0).stderr("");
    assert!(ran.stdout.starts_with("refused "), "{}", ran.stdout);
    assert!(ran.stdout.contains(" ago: already running\n"));
    let ran = ask(ran.test, &["--history"]).status(0);
    assert!(
        ran.stdout.ends_with("  refused  already running\n"),
        "{}",
        ran.stdout
    );
    ask(ran.test, &["--tasks"]).status(66);
}

#[test]
fn wrong_usage_is_refused() {
    for args in [
        &["--bogus"][..],
        &["tasks.d"],
        &["--run"],
        &["--run", "-0"],
        &["--run", "-x"],
        &["--history", "--tasks"],
        &["--history", "--run", "-1"],
        &["--tasks", "--run", "r1"],
        &["--wait", "--run", "-1", "--this-boot"],
        &["--wait", "--history"],
        &["--wait", "--format", "json"],
        &["--wait", "--this-boot"],
        &["--timeout", "1"],
        &["--wait", "--timeout", "soon"],
        &["--wait", "--timeout", "-1"],
        &["--format", "pdf"],
        &["--history", "--format", "html"],
        &["--tasks", "--format", "junit"],
        &["--history", "--format", "md"],
        &["-c", "runner.cfg"],
    ] {
        let ran = ask(journal(&whole("r1")), args).status(64).stdout("");
        assert!(
            ran.stderr.starts_with("error: "),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_run_is_shown_as_page_picture_tests_and_markdown() {
    for (format, begin, task) in [
        ("html", "<!DOCTYPE html>\n", "<bdi>1-a</bdi>"),
        ("svg", "<svg xmlns=", "<title>1-a, try 1\n"),
        ("junit", "<?xml version=", r#"<testcase name="1-a" "#),
        ("md", "### ❌ gave up\n", "| `1-a` | ✅ OK | 500ms | 1 |  |"),
    ] {
        let ran = ask(journal(&whole("r1")), &["--format", format]).status(0);
        assert!(ran.stdout.starts_with(begin), "{}", ran.stdout);
        assert!(ran.stdout.contains(task), "{}", ran.stdout);
        ask(journal(&whole("r1")), &["--format", format, "--run", "r2"])
            .status(66)
            .stdout("");
    }
}

#[test]
fn a_run_is_cut_off_when_its_runner_is_gone() {
    let runner = StandIn::start();
    let test = journal(&start("r1", runner.pid()));
    let ran = ask(test, &["--history"]).status(0);
    assert!(ran.stdout.contains("  running  "), "{}", ran.stdout);
    runner.kill();
    let ran = ask(ran.test, &["--history"]).status(0);
    assert!(ran.stdout.contains("  cut off  "), "{}", ran.stdout);
}

#[test]
fn a_halt_task_after_the_end_is_running_while_the_runner_lives() {
    let runner = StandIn::start();
    let halt = r#""halt-start","task":"halt.sh","reason":"halt-after""#;
    let text = start("r1", runner.pid()) + &end("r1", 0) + &line("r1", &this_boot(), halt);
    let ran = ask(journal(&text), &[]).status(0);
    assert!(ran.stdout.ends_with("│  running\n"), "{}", ran.stdout);
    runner.kill();
    let ran = ask(ran.test, &[]).status(0);
    assert!(ran.stdout.ends_with("│  cut off\n"), "{}", ran.stdout);
}
