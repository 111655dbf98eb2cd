//! The journal.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{Test, once, runner, top};

use super::READY_UNTIL_GO;

#[test]
fn the_journal_has_all_events_in_order() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", &once(7))
        .task("3-c", "exit 2")
        .task("halt.sh", "exit 0")
        .hook()
        .run_hook()
        .run()
        .status(2)
        .order("run-start 1-a 2-b 1-a 2-b 3-c run-end halt.sh");
    let members = [
        "task", "phase", "try_num", "result", "outcome", "reason", "status", "before",
    ];
    assert_eq!(
        ran.events(&members),
        [
            "run-start",
            "run-hook-start start",
            "run-hook-end start exited:0",
            "try-start 1",
            "hook-start 1-a pre",
            "hook-end 1-a pre exited:0",
            "task-start 1-a 1",
            "task-end 1-a 1 OK exited:0",
            "hook-start 1-a post",
            "hook-end 1-a post exited:0",
            "hook-start 2-b pre",
            "hook-end 2-b pre exited:0",
            "task-start 2-b 1",
            "task-end 2-b 1 RETRY exited:7",
            "hook-start 2-b post",
            "hook-end 2-b post exited:0",
            "wait try",
            "try-start 2",
            "hook-start 1-a pre",
            "hook-end 1-a pre exited:0",
            "task-start 1-a 2",
            "task-end 1-a 2 OK exited:0",
            "hook-start 1-a post",
            "hook-end 1-a post exited:0",
            "hook-start 2-b pre",
            "hook-end 2-b pre exited:0",
            "task-start 2-b 2",
            "task-end 2-b 2 OK exited:0",
            "hook-start 2-b post",
            "hook-end 2-b post exited:0",
            "hook-start 3-c pre",
            "hook-end 3-c pre exited:0",
            "task-start 3-c 2",
            "task-end 3-c 2 HALT exited:2",
            "hook-start 3-c post",
            "hook-end 3-c post exited:0",
            "run-hook-start end",
            "run-hook-end end exited:0",
            "halt-start halt.sh halted",
            "halt-end halt.sh exited:0",
            "run-end 3-c halted 2",
        ]
    );
}

/// A member of an event: name, type, and `true` if it is always present.
type Member = (String, String, bool);

/// The events and their members from the table in `docs/journal.md`.
fn documented() -> Vec<(String, Vec<Member>)> {
    let text = fs::read_to_string(top().join("docs/journal.md")).unwrap();
    let mut events = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [
            _,
            event,
            member,
            of_type @ ("string" | "number" | "boolean" | "array"),
            _,
            _,
        ] = cells[..]
        else {
            continue;
        };
        if !event.is_empty() {
            events.push((event.to_owned(), Vec::new()));
        }
        let (_, members): &mut (String, Vec<_>) = events.last_mut().unwrap();
        let always = !member.ends_with('?');
        members.push((
            member.trim_end_matches('?').to_owned(),
            of_type.to_owned(),
            always,
        ));
    }
    events
}

#[test]
fn every_event_has_the_members_that_are_documented() {
    let ran = Test::with_state()
        .task("1-a", "echo A=1 >$RUNNER_OUTPUTS")
        .task("2-b", &once(1))
        .task("2-x", "exit 1")
        .file("tasks.d/3-c", "#!/no/such/interpreter\n", 0o755)
        .task("4-d", "exit 0")
        .task("halt.sh", "exit 0")
        .hook()
        .run_hook()
        .config("max_tries = 2\nlog_dir = logs\n[a]\nfrequency = once\nmax_time = 0\n[x]\nrequired = no")
        .config("[c]\nmax_tries = 1")
        .run()
        .status(1);
    // A task is done now. Another one uses up the tries of the chain, and then a start is refused.
    let again = ran.again().task("1-z", "exit 1");
    let ran = again.args(["--set", "max_run_time=5m"]).run().status(1);
    let ran = ran.again().args(["--set", "jobs=0"]).run().status(78);
    let documented = documented();
    assert_eq!(
        documented.len(),
        13,
        "the table of events is not understood"
    );
    let mut seen: Vec<(String, Vec<String>)> = Vec::new();
    for line in ran.journal() {
        let names: Vec<&String> = line.keys().collect();
        let event = line["event"].as_str().unwrap();
        let (_, members) = documented.iter().find(|(name, _)| name == event).unwrap();
        let mut expected = ["ts", "run", "boot", "event"].map(str::to_owned).to_vec();
        for (member, of_type, always) in members {
            let found = match line.get(member) {
                None => None,
                Some(Value::String(_)) => Some("string"),
                Some(Value::Number(_)) => Some("number"),
                Some(Value::Bool(_)) => Some("boolean"),
                Some(Value::Array(_)) => Some("array"),
                Some(_) => Some("something else"),
            };
            if found.is_some() {
                assert_eq!(found, Some(of_type.as_str()), "`{member}` of {line:?}");
                expected.push(member.clone());
            } else {
                assert!(!always, "no `{member}` in {line:?}");
            }
        }
        let mut names: Vec<String> = names.into_iter().cloned().collect();
        seen.push((event.to_owned(), names.clone()));
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
    }
    // Every member of the table was seen, also those that are optional.
    for (event, members) in &documented {
        for (member, _, _) in members {
            assert!(
                seen.iter()
                    .any(|(name, names)| name == event && names.contains(member)),
                "`{member}` of `{event}` never turned up"
            );
        }
    }
}

#[test]
fn members_have_the_order_of_the_table() {
    let ran = Test::with_state().task("1-a", "exit 0").run().status(0);
    let common = ["ts", "run", "boot", "event"].map(str::to_owned);
    for line in ran.lines("state/journal.jsonl") {
        let event = serde_json::from_str::<Value>(&line).unwrap()["event"].clone();
        let documented = documented();
        let (_, members) = documented.iter().find(|(name, _)| *name == event).unwrap();
        let names = members.iter().map(|(member, _, _)| member);
        let places: Vec<usize> = (common.iter().chain(names))
            .filter_map(|member| line.find(&format!("\"{member}\":")))
            .collect();
        assert!(places.is_sorted(), "{line}");
    }
}

#[test]
fn the_start_of_a_run_has_the_machine_and_the_plan() {
    let ran = Test::with_state()
        .task("2-b", "exit 0")
        .task("1-a", "exit 0")
        .run()
        .status(0);
    let start = &ran.journal()[0];
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(start["host"], host.trim());
    assert_eq!(start["runner_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(start["plan"], Value::from(vec!["1-a", "2-b"]));
    let machine = start["machine"].as_str().unwrap();
    let has_id = fs::read_to_string("/etc/machine-id").is_ok_and(|id| id.trim().len() == 32);
    assert_eq!(machine.len(), if has_id { 12 } else { 0 }, "{machine}");
}

#[test]
fn a_very_long_plan_is_in_the_journal_with_its_first_thousand_names() {
    let names: Vec<String> = (1..=1002).map(|number| format!("{number:04}-a")).collect();
    let mut test = Test::with_state().config("max_tries = 1");
    for name in &names {
        test = test.task(name, "exit 1");
    }
    let ran = test.run().status(1);
    let journal = ran.journal();
    assert_eq!(journal[0]["plan"], Value::from(names[..1000].to_vec()));
    let end = journal.last().unwrap();
    assert_eq!(end["not_reached"], Value::from(names[1..=1000].to_vec()));
    assert_eq!(journal[0]["tasks"], 1002);
}

#[test]
fn the_end_of_a_run_names_the_task_that_decided_it() {
    let run = |config: &str, second: &str| {
        let ran = Test::with_state()
            .config("sleep_time = 0")
            .config(config)
            .task("1-a", "exit 0")
            .task("2-b", second)
            .task("3-c", "exit 0")
            .run();
        let end = ran.journal().pop().unwrap();
        [
            "reason",
            "task",
            "tries",
            "failures",
            "max_tries",
            "not_reached",
        ]
        .map(|member| end.get(member).map_or("-".to_owned(), Value::to_string))
        .join(" ")
    };
    for (config, second, expected) in [
        ("", "exit 0", r#""finished" - - - - -"#),
        (
            "max_tries = 2",
            "exit 1",
            r#""gave-up" "2-b" 2 - 2 ["3-c"]"#,
        ),
        (
            "[b]\nmax_tries = 3",
            "exit 1",
            r#""gave-up" "2-b" - 3 3 ["3-c"]"#,
        ),
        ("max_tries = 0", "exit 2", r#""halted" "2-b" 1 - 0 ["3-c"]"#),
        (
            "stop_codes = 3",
            "exit 3",
            r#""stopped" "2-b" 1 - 5 ["3-c"]"#,
        ),
        (
            "",
            "kill -TERM $PPID; sleep 9",
            r#""interrupted" "2-b" - - - ["3-c"]"#,
        ),
        (
            "required = no",
            "exit 1",
            r#""finished-with-failures" - - - - -"#,
        ),
    ] {
        assert_eq!(run(config, second), expected, "{config:?}");
    }
}

#[test]
fn the_same_tasks_and_settings_have_the_same_fingerprint() {
    let fingerprint = |config: &str, name: &str, body: &str| {
        let ran = Test::with_state()
            .config(config)
            .file("tasks.d/1-a", "#!/bin/sh\n", 0o755)
            .file(
                &format!("tasks.d/{name}"),
                &format!("#!/bin/sh\n{body}\n"),
                0o755,
            )
            .run()
            .status(0);
        ran.journal()[0]["fingerprint"].as_str().unwrap().to_owned()
    };
    let original = fingerprint("", "2-b", "exit 0");
    assert_eq!(original.len(), 12);
    assert!(original.chars().all(|digit| digit.is_ascii_hexdigit()));
    // Defaults, paths, variables, and settings that are not a task's.
    for config in [
        "max_time = 10m",
        "[b]\nmax_time = 600",
        "jobs = 2",
        "interpreter = /bin/sh",
        "log_dir = logs",
        "[env]\nA = 1",
        "[b]\nfrequency = once",
    ] {
        assert_eq!(fingerprint(config, "2-b", "exit 0"), original, "{config:?}");
    }
    // Other spellings of one meaning.
    for [one, other] in [
        ["max_time = 90", "max_time = 1m30s"],
        ["ok_codes = 0,3", "ok_codes = 3 0"],
        ["required = no", "required = off"],
        ["[b]\ndepends_on = a", "[b]\ndepends_on = 1-a, a"],
    ] {
        let [one, other] = [one, other].map(|config| fingerprint(config, "2-b", "exit 0"));
        assert_eq!(one, other);
    }
    let mut others = vec![original];
    for (config, name, body) in [
        ("", "2-b", "exit 0 # changed"),
        ("", "2-c", "exit 0"),
        ("max_time = 5m", "2-b", "exit 0"),
        ("[a]\nmax_time = 5m", "2-b", "exit 0"),
        ("[b]\nmax_time = 5m", "2-b", "exit 0"),
        ("max_tries = 7", "2-b", "exit 0"),
        ("[a]\nmax_tries = 7\n[b]\nmax_tries = 7", "2-b", "exit 0"),
        ("[b]\nmax_tries = 5", "2-b", "exit 0"),
        ("[b]\ndepends_on = a", "2-b", "exit 0"),
    ] {
        let changed = fingerprint(config, name, body);
        assert!(!others.contains(&changed), "{config:?} {name}");
        others.push(changed);
    }
}

#[test]
fn the_journal_names_the_process_while_it_runs() {
    let running = Test::with_state()
        .task("1-a", &format!("echo $$ >pid\n{READY_UNTIL_GO}"))
        .start();
    running.until("ready", "");
    let pid = fs::read_to_string(running.path("pid")).unwrap();
    running.until("state/journal.jsonl", &format!("\"pid\":{}}}", pid.trim()));
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn a_torn_line_is_not_joined_to_the_next() {
    let torn = "{\"ts\":\"2026-01-01T00:00:00.000Z\",\"run\":\"r";
    let ran = Test::with_state()
        .file("state/journal.jsonl", torn, 0o644)
        .task("1-a", "exit 0")
        .run()
        .status(0);
    let lines = ran.lines("state/journal.jsonl");
    assert_eq!(lines[0], torn);
    assert_eq!(ran.journal().len(), lines.len() - 1);
    assert_eq!(ran.events(&[])[0], "run-start");
}

#[test]
fn a_journal_that_was_moved_away_is_created_again() {
    let ran = Test::with_state()
        .task(
            "1-a",
            "until grep -q task-start state/journal.jsonl; do sleep 0.02; done\n\
             mv state/journal.jsonl state/journal.jsonl.1",
        )
        .task("2-b", "exit 0")
        .run()
        .status(0);
    assert_eq!(
        ran.events(&["task"]),
        ["task-end 1-a", "task-start 2-b", "task-end 2-b", "run-end"]
    );
    assert!(ran.read("state/journal.jsonl.1").contains("run-start"));
}

#[test]
fn a_large_journal_is_renamed_when_a_run_or_a_try_starts() {
    const OLD: &str = "state/journal.jsonl.old";
    const MANY: &str = "{}\n";
    let test = |size: &str| {
        Test::with_state()
            .config(&format!("journal_size = {size}"))
            .file("state/journal.jsonl", &MANY.repeat(400), 0o644)
            .file(OLD, "older\n", 0o644)
            .task("1-a", &once(1))
    };
    // 1200 bytes are not larger than 1200, and each start of a try looks again.
    let ran = test("1200").run().status(0);
    let old = ran.read(OLD);
    assert!(old.starts_with(MANY), "{old}");
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].clone();
    assert_eq!(event(old.lines().last().unwrap()), "wait");
    assert_eq!(ran.events(&["try_num"])[0], "try-start 2");

    let ran = test("1199").run().status(0);
    assert_eq!(ran.read(OLD), MANY.repeat(400));
    assert_eq!(ran.events(&[])[0], "run-start");

    // Only the holder of the lock renames it, and only up to a limit.
    for (size, args) in [("0", &[][..]), ("1", &["--no-lock"]), ("1M 1K", &[])] {
        let ran = test(size).args(args).run().status(0);
        assert_eq!(ran.read(OLD), "older\n", "{size}");
    }
}

#[test]
fn a_journal_that_cannot_be_renamed_is_reported_once_and_continues() {
    let ran = Test::with_state()
        .config("journal_size = 1")
        .file("state/journal.jsonl.old/file", "", 0o644)
        .task("1-a", &once(1))
        .args(["-n3"])
        .run()
        .status(0)
        .says(
            "error: cannot rename the journal `state/journal.jsonl`, \
             which is larger than `journal_size`: ",
        );
    assert_eq!(ran.stderr.matches("cannot rename the journal").count(), 1);
    assert_eq!(ran.events(&["try_num"]).last().unwrap(), "run-end");
}

#[test]
fn an_unwritable_journal_is_reported_once_and_stops_nothing() {
    let ran = Test::with_state()
        .file("state/journal.jsonl/file", "", 0o644)
        .task("1-a", "exit 0")
        .task("2-b", "rm -r state/journal.jsonl")
        .args(["-n2"])
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b")
        .says("error: cannot write the journal `state/journal.jsonl`: it is a directory");
    assert_eq!(ran.stderr.matches("cannot write the journal").count(), 1);
    // Events that came when the journal was writable again are in it.
    assert!(ran.events(&["task"]).contains(&"task-end 2-b".to_owned()));
}

#[test]
fn only_and_queries_write_no_journal() {
    let mut test = Test::with_state()
        .task("1-a", "exit 0")
        .file("runner.cfg", "", 0o644);
    for args in [
        &["--only", "1-a"][..],
        &["--list"],
        &["--dry-run"],
        &["--check"],
        &["--env", "1-a"],
        &["--graph"],
    ] {
        let ran = test.args(args).run().status(0);
        assert_eq!(ran.read("state/journal.jsonl"), "", "{args:?}");
        test = ran.again();
    }
}

#[test]
fn a_state_directory_belongs_to_one_task_directory() {
    let ran = Test::with_state().task("1-a", "exit 0").run().status(0);
    let owner = ran.read("state/taskdir");
    assert!(owner.ends_with("/tasks.d\n"), "{owner}");
    fs::create_dir(ran.test.path("other")).unwrap();
    let test = ran.again().file("other/1-x", "#!/bin/sh\n", 0o755);
    let before = fs::read(test.path("state/journal.jsonl")).unwrap();
    for args in [
        &["-c", "runner.cfg", "other"][..],
        &["-c", "runner.cfg", "--check", "other"],
    ] {
        let out = Command::new(runner())
            .args(args)
            .current_dir(test.dir())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(78));
        let stderr = String::from_utf8(out.stderr).unwrap();
        let expected = format!(
            "runner.cfg:4: `state_dir` belongs to the task directory `{}`",
            owner.trim()
        );
        assert!(stderr.contains(&expected), "{stderr}");
        assert!(stderr.contains("remove `state/taskdir`"), "{stderr}");
    }
    assert_eq!(fs::read(test.path("state/journal.jsonl")).unwrap(), before);
    // Another path to the same directory is accepted.
    std::os::unix::fs::symlink("tasks.d", test.path("link")).unwrap();
    test.run_with(["-c", "runner.cfg", "link"]).status(0);
}

#[test]
fn a_refused_start_is_recorded() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .file("tasks.d/2-b", "#!/bin/sh\n", 0o644)
        .run()
        .status(78);
    assert_eq!(ran.events(&["status"]), ["refused 78"]);
    let reason = ran.journal()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("`2-b` is not executable"), "{reason}");
    fs::remove_dir_all(ran.test.path("tasks.d")).unwrap();
    let ran = ran.again().run().status(66);
    assert_eq!(ran.events(&["status"]), ["refused 78", "refused 66"]);
}
