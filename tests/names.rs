//! Names with control characters, with hidden characters, or that are not UTF-8: every
//! output shows the same escaped text for one name.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use serde_json::Value;

use crate::support::{Ran, Test, is_missing};

/// The bytes of a name, its text on a terminal, and its text in JSON.
const NAMES: &[(&[u8], &str, &str)] = &[
    (b"1-a\nb", r"1-a\nb", "1-a\nb"),
    (br"1-a\nb", r"1-a\\nb", r"1-a\\nb"),
    (b"1-x\xfe", r"1-x\xfe", r"1-x\xfe"),
    (b"1-x\xff", r"1-x\xff", r"1-x\xff"),
    (br"1-x\xff", r"1-x\\xff", r"1-x\\xff"),
    (b"1-\x1b[31m", r"1-\x1b[31m", "1-\u{1b}[31m"),
    (b"1-\x7f", r"1-\x7f", "1-\u{7f}"),
    (b"1-\xc2\x9b31m", r"1-\u009b31m", "1-\u{9b}31m"),
    (b"1-\xe2\x80\xaehs.", r"1-\u202ehs.", "1-\u{202e}hs."),
    (b"1-\xe2\x80\x8b", r"1-\u200b", "1-\u{200b}"),
    (b"1-\xf3\xa0\x81\x81", r"1-\U000e0041", "1-\u{e0041}"),
];

/// One character of every kind that must be escaped.
const HIDDEN: &str = "\u{7f}\u{9b}31m\u{202e}\u{200b}\u{ad}\u{2028}\u{feff}\u{e0041}";
const HIDDEN_ESCAPED: &str = r"\x7f\u009b31m\u202e\u200b\u00ad\u2028\ufeff\U000e0041";

/// Body of a task that fails when it is started for the first time.
const FAILS_ONCE: &str =
    "echo \"$RUNNER_TASK\"; [ -e \"ran $RUNNER_TASK\" ] || { : >\"ran $RUNNER_TASK\"; exit 1; }";

/// A story with a task of each name, with this body.
fn tasks(body: &str) -> Test {
    let mut test = Test::new();
    for (name, ..) in NAMES {
        test = test.file("task", &format!("#!/bin/sh\n{body}\n"), 0o755);
        let path = test.path("tasks.d").join(OsStr::from_bytes(name));
        fs::rename(test.path("task"), path).unwrap();
    }
    test
}

/// Asserts that `text` has no control or hidden characters, and that it was UTF-8.
#[track_caller]
fn assert_plain(text: &str) {
    let hidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || HIDDEN.contains(c) && c != '3' && c != '1' && c != 'm'
    };
    assert!(
        !text.contains(hidden) && !text.contains('\u{fffd}'),
        "{text:?}"
    );
}

/// Asserts that `text` contains every name, in the form for a terminal.
#[track_caller]
fn assert_named(text: &str) {
    assert_plain(text);
    for (_, shown, _) in NAMES {
        assert!(text.contains(shown), "no {shown} in {text}");
    }
}

/// Asserts that `found` finds exactly the names in the lines of JSON.
#[track_caller]
fn assert_in_json(text: &str, found: impl Fn(&Value) -> Option<&str>) {
    assert_plain(text);
    let json: Value = serde_json::from_str(text).unwrap();
    let report = json.get("run").unwrap_or(&json);
    let list = report.get("tasks").unwrap_or(report).as_array().unwrap();
    let mut found: Vec<&str> = list.iter().filter_map(found).collect();
    found.sort_unstable();
    let mut names: Vec<&str> = NAMES.iter().map(|(.., json)| *json).collect();
    names.sort_unstable();
    assert_eq!(found, names);
}

fn task_of(value: &Value) -> Option<&str> {
    value["task"].as_str()
}

#[test]
fn answers_have_one_text_for_each_name() {
    let test = || tasks("");
    for args in ["--list", "--graph"] {
        let ran = test().args([args]).run().status(0);
        match args {
            // The language of Graphviz has its own escapes.
            "--graph" => assert_named(&ran.stdout.replace(r"\\", r"\")),
            _ => assert_named(&ran.stdout),
        }
    }
    for args in ["--list", "--dry-run"] {
        let ran = test().args([args, "--json"]).run().status(0);
        assert_in_json(&ran.stdout, task_of);
    }
    let ran = test().args(["--dry-run"]).run().status(0);
    assert_named(&ran.stdout);
    // A command with hidden characters is quoted so that bash reads it.
    assert!(
        ran.stdout.contains(r"  $'tasks.d/1-x\xff'"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains(r"  'tasks.d/1-x\xff'"),
        "{}",
        ran.stdout
    );
    // The JSON of hooks has U+FFFD for bytes that are not UTF-8.
    let ran = (test().config("task_hook = /bin/true").args(["--dry-run"]))
        .run()
        .status(0);
    assert_named(&ran.stdout.replace('\u{fffd}', ""));
}

#[test]
fn commands_with_hidden_characters_are_read_by_bash() {
    let ran = tasks("").args(["--dry-run"]).run().status(0);
    let commands = ran
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  command "));
    let script: String = commands
        .map(|command| format!("printf '%s\\0' {command}\n"))
        .collect();
    assert_eq!(script.lines().count(), NAMES.len());
    let ran = Test::new()
        .file(
            "script",
            &format!("#!/bin/bash\nexport LC_ALL=C.UTF-8\n{{ {script}}} >words\n"),
            0o755,
        )
        .task("1-a", "./script")
        .run()
        .status(0);
    let words = fs::read(ran.test.path("words")).unwrap();
    let mut words: Vec<&[u8]> = words
        .split(|&byte| byte == 0)
        .filter(|word| !word.is_empty())
        .collect();
    words.sort_unstable();
    let mut paths: Vec<Vec<u8>> = NAMES
        .iter()
        .map(|(name, ..)| [b"tasks.d/", *name].concat())
        .collect();
    paths.sort_unstable();
    assert_eq!(words, paths);
}

#[test]
fn the_environment_is_plain_text() {
    let test = || {
        tasks("").env(
            "HIDDEN",
            OsStr::from_bytes(&[HIDDEN.as_bytes(), b"\n\xff"].concat()),
        )
    };
    let env = |args: &[&str]| {
        test()
            .args(["--env", "1-\u{9b}31m"])
            .args(args)
            .run()
            .status(0)
    };
    let text = env(&[]).stdout;
    assert_plain(&text);
    assert!(
        text.contains(&format!("HIDDEN={HIDDEN_ESCAPED}\\n\\xff\n")),
        "{text}"
    );
    assert!(text.contains("RUNNER_TASK=1-\\u009b31m\n"), "{text}");
    let text = env(&["--json"]).stdout;
    assert_plain(&text);
    let json: Value = serde_json::from_str(&text).unwrap();
    let hidden = json
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "HIDDEN");
    assert_eq!(hidden.unwrap()["value"], format!("{HIDDEN}\n\\xff"));
}

#[test]
fn messages_have_one_text_for_each_name() {
    let check = tasks("").file("tasks.d/2-b", "", 0o644);
    for (name, ..) in NAMES {
        let name = [*name, b".bak"].concat();
        fs::write(check.path("tasks.d").join(OsStr::from_bytes(&name)), "").unwrap();
    }
    let ran = check.args(["--check"]).run().status(78);
    assert_named(&ran.stderr);
    let ran = ran.again().args(["--check", "--json"]).run().status(78);
    assert_plain(&ran.stdout);
    for jobs in ["1", "3"] {
        let ran = tasks(FAILS_ONCE)
            .config("retry_from = failed\nmax_tries = 0")
            .args(["-v", "-j", jobs])
            .run()
            .status(0);
        assert_named(&ran.stderr);
        if jobs == "3" {
            // Each line starts with the escaped name; after it comes the name as the task wrote it.
            let begins = |line: &str| {
                line.split_once(" | ")
                    .map(|(name, _)| name.trim_end().to_owned())
            };
            assert_named(&ran.stdout.lines().filter_map(begins).collect::<String>());
        }
    }
}

#[test]
fn the_last_lines_of_a_log_are_plain_text() {
    let body = format!("printf '%s\\n\\t\\377\\033[31m.\\n' '{HIDDEN}'; exit 3");
    let ran = tasks(&body)
        .config("log_dir = logs\nstate_dir = state\nstop_codes = 3\nretry_from = failed")
        .run()
        .status(3);
    assert_plain(&ran.stderr);
    // Colours are removed.
    let tail = format!("  | {HIDDEN_ESCAPED}\n  | \t\\xff.\n");
    assert!(ran.stderr.contains(&tail), "{}", ran.stderr);
}

#[test]
fn arguments_are_quoted_as_plain_text() {
    let runner = |args: &[&str]| Test::new().task("1-a", "").args(args).run();
    let config = |args: &[&str]| {
        let args = ["runner-config", "-c", "runner.cfg"].iter().chain(args);
        Test::new().run_with(args)
    };
    let key = format!("runner.{HIDDEN}");
    let set = format!("{HIDDEN}=1");
    for ran in [
        runner(&["--only", HIDDEN]).status(64),
        runner(&["--set", &set]).status(78),
        config(&["-g", &key]).status(1),
        config(&["-g", HIDDEN]).status(64),
        config(&["--list", HIDDEN]).status(1),
    ] {
        assert_plain(&ran.stderr);
        assert!(ran.stderr.contains(HIDDEN_ESCAPED), "{}", ran.stderr);
    }
}

#[test]
fn answers_about_the_configuration_are_plain_text() {
    // A configuration cannot contain control characters.
    let hidden: String = HIDDEN.chars().filter(|c| !c.is_control()).collect();
    let spelled = r"31m\u202e\u200b\u00ad\u2028\ufeff\U000e0041";
    let ask = |args: &[&str]| {
        let args = ["runner-config", "-c", "runner.cfg"].iter().chain(args);
        let config =
            format!("[runner]\nmax_tries = {hidden}.\n[{hidden}.]\nk{hidden}. = {hidden}.\n");
        Test::new().only_config(&config).run_with(args)
    };
    let list = ask(&["--list"]).status(0).stdout;
    assert_plain(&list);
    assert!(
        list.contains(&format!("{spelled}..k{spelled}.={spelled}.\n")),
        "{list}"
    );
    let json = ask(&["--list", "--json", "--show-origin"]).status(0).stdout;
    assert_plain(&json);
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["runner"]["max_tries"]["value"], format!("{hidden}."));
    let check = ask(&["--check"]).status(78).stderr;
    assert_plain(&check);
    assert!(check.contains(&format!("not `{spelled}.`")), "{check}");
    // A single value is printed unchanged.
    ask(&["-g", "runner.max_tries"])
        .status(0)
        .stdout(&format!("{hidden}.\n"));
}

/// A run with a journal and logs in which every task fails once.
fn reported() -> Ran {
    tasks(FAILS_ONCE)
        .config("state_dir = state\nlog_dir = logs\nretry_from = failed")
        .config("max_tries = 0")
        .run()
        .status(0)
}

#[test]
fn journal_and_reports_keep_names_apart() {
    let ran = reported();
    let journal = ran.read("state/journal.jsonl");
    assert_plain(&journal);
    for (.., json) in NAMES {
        let is_end = |line: &Value| line["event"] == "task-end" && line["task"] == *json;
        let lines = journal
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(lines.filter(is_end).count(), 2, "{json} in {journal}");
    }
    let mut test = ran.again();
    for (args, is_json) in [
        (&[][..], false),
        (&["--tasks"], false),
        (&["--format", "html"], false),
        (&["--format", "svg"], false),
        (&["--format", "json"], true),
        (&["--tasks", "--format", "json"], true),
    ] {
        let args = ["runner-report", "--state-dir", "state"].iter().chain(args);
        let ran = test.run_with(args).status(0);
        if is_json {
            assert_in_json(&ran.stdout, task_of)
        } else {
            assert_named(&ran.stdout)
        }
        test = ran.again();
    }
    let ran = test.run_with(["runner-report", "--state-dir", "state", "--format", "junit"]);
    assert_plain(&ran.stdout);
    for (_, shown, _) in NAMES {
        let case = format!("<testcase name=\"{shown}\"");
        assert!(ran.stdout.contains(&case), "no {case} in {}", ran.stdout);
    }
    // Reports find the logs of both tries, also of the names that differ by a byte or its escape.
    let output = ran.stdout.matches(r"<system-out>1-x\xff</system-out>");
    assert_eq!(output.count(), 4, "{}", ran.stdout);
}

#[test]
fn journals_of_earlier_versions_are_plain_text() {
    let line = |event: &str| {
        format!(
            "{{\"ts\":\"2026-11-24T06:00:00.000Z\",\"run\":\"r{HIDDEN}\",\"boot\":\"b\",\"event\":{event}}}\n"
        )
    };
    let journal = [
        line(
            r#""run-start","version":1,"pid":1,"taskdir":"/t\\a","tasks":1,"jobs":1,"max_tries":5"#,
        ),
        line(&format!(
            r#""task-end","task":"1-a\n{HIDDEN}\\b","try_num":1,"result":"RETRY","outcome":"exited:1","elapsed":1"#
        )),
        line(&format!(
            r#""run-end","status":1,"reason":"gave-up{HIDDEN}","elapsed":1"#
        )),
    ];
    let mut test = Test::new()
        .no_config()
        .file("state/journal.jsonl", &journal.concat(), 0o644);
    for args in [
        &[][..],
        &["--history"],
        &["--tasks"],
        &["--format", "svg"],
        &["--format", "junit"],
        &["--format", "md"],
    ] {
        let args = ["runner-report", "--state-dir", "state"].iter().chain(args);
        let ran = test.run_with(args).status(0);
        assert_plain(&ran.stdout);
        let name = format!(r"1-a\n{HIDDEN_ESCAPED}\b");
        assert!(ran.stdout.contains(&name), "no {name} in {}", ran.stdout);
        test = ran.again();
    }
}

#[test]
fn the_last_line_of_a_terminal_is_plain_text() {
    if is_missing("script") {
        return;
    }
    // The terminal is wide enough for all names, in any order of the starts.
    let env = "stty cols 400; TERM=xterm NO_COLOR=1";
    let seen = crate::output::on_a_terminal(tasks("sleep 2.3"), env, "-j 11");
    let is_shown = |line: &str| line.contains(" running; 1-") && line.contains(r"1-\x1b[31m");
    assert!(seen.split('\r').any(is_shown), "{seen:?}");
    assert!(
        !seen.contains('\u{9b}') && !seen.contains('\u{202e}'),
        "{seen:?}"
    );
}
