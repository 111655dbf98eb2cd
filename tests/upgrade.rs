//! State that version 0.1 left in `tests/fixtures/0.1`. `ci/upgrade.sh` runs that version itself.

use std::{fs, time::Duration};

use serde_json::Value;

use crate::support::{Ran, Test, top};

const STATE: &str = "tests/fixtures/0.1/state";
/// The id of another boot than the present one.
const ANOTHER_BOOT: &str = "11111111-2222-3333-4444-555555555555";
/// Starts in the journal: state in the history, and exit status of `--wait`. In another boot, the
/// machine has halted when the runner was killed in the halt task.
const STARTS: [(&str, i32); 13] = [
    ("finished", 0),
    ("finished-with-failures", 4),
    ("gave-up", 1),
    ("gave-up", 1),
    ("gave-up", 1),
    ("halted", 2),
    ("stopped", 3),
    ("refused", 78),
    ("interrupted", 143),
    ("refused", 75),
    ("cut-off", 1),
    ("refused", 75),
    ("halted", 2),
];

fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    id.trim().to_owned()
}

/// A file of the state, as if version 0.1 had written it in this boot.
fn written(name: &str, boot: &str) -> String {
    let state = top().join(STATE);
    let mark = fs::read_to_string(state.join("done/2-boot")).unwrap();
    let old = mark.lines().find_map(|line| line.strip_prefix("boot = "));
    let text = fs::read_to_string(state.join(name)).unwrap();
    text.replace(old.unwrap(), boot)
}

/// A story with the tasks and the state of version 0.1, which it wrote in this boot.
#[track_caller]
fn upgraded(boot: &str) -> Test {
    let mut test = Test::with_state()
        .config("max_tries = 2\n[once]\nfrequency = once\n[boot]\nfrequency = once-per-boot")
        .task("1-once", "exit 0")
        .task("2-boot", "exit 0")
        .task("3-work", "exit 0")
        .task("4-optional", "exit 0")
        .task("halt.sh", "exit 0");
    for name in ["journal.jsonl", "done/1-once", "done/2-boot", "halts"] {
        test = test.file(&format!("state/{name}"), &written(name, boot), 0o644);
    }
    let owner = fs::canonicalize(test.path("tasks.d")).unwrap();
    test.file("state/taskdir", &format!("{}\n", owner.display()), 0o644)
}

#[track_caller]
fn report(test: Test, args: &[&str]) -> Ran {
    test.run_with(["runner-report", "--state-dir", "state"].iter().chain(args))
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Returns the starts in the history, with this member of each.
#[track_caller]
fn history(test: Test, member: &str) -> (Vec<String>, Test) {
    let ran = report(test, &["--history", "--format", "json"]);
    let ran = ran.status(0).stderr("");
    let starts = json(&ran);
    let text = |start: &Value| start[member].as_str().unwrap().to_owned();
    (
        starts.as_array().unwrap().iter().map(text).collect(),
        ran.test,
    )
}

#[test]
fn every_start_has_its_state_in_the_history() {
    let mut expected: Vec<&str> = STARTS.map(|(state, _)| state).into();
    let (states, _) = history(upgraded(ANOTHER_BOOT), "state");
    assert_eq!(states, expected);
    // In this boot, a halt task that was killed did not take the machine down.
    let (states, _) = history(upgraded(&this_boot()), "state");
    expected[12] = "cut-off";
    assert_eq!(states, expected);
}

#[test]
fn a_wait_for_an_old_run_answers_at_once() {
    let (runs, mut test) = history(upgraded(ANOTHER_BOOT), "run");
    for (run, (state, status)) in runs.iter().zip(STARTS) {
        let ran = report(test, &["--wait", "--run", run, "--timeout", "60s"])
            .status(status)
            .within(Duration::from_secs(30));
        let ran = match state {
            "refused" => ran.says(&format!("run {run} was refused: ")),
            "cut-off" => ran.says("was cut off: its runner ended without a record"),
            _ => ran,
        };
        test = ran.test;
    }
}

#[test]
fn every_run_has_a_report_in_every_format() {
    let mut test = upgraded(ANOTHER_BOOT);
    let runs = STARTS.into_iter().filter(|(state, _)| *state != "refused");
    for (number, (state, status)) in runs.rev().enumerate() {
        let run = format!("-{}", number + 1);
        for format in ["json", "text", "md", "junit", "html", "svg"] {
            let ran = report(test, &["--run", &run, "--format", format]);
            let ran = ran.status(0).stderr("");
            let text = &ran.stdout;
            if format == "json" {
                let run = &json(&ran)["run"];
                assert_eq!(run["state"], state);
                // A runner that was killed has no status.
                let status = (state != "cut-off").then_some(status);
                assert_eq!(run["status"], Value::from(status));
                assert_eq!(run["taskdir"], "/srv/tasks.d");
            } else {
                assert!(text.contains("3-work"), "{run} {format}: {text}");
                let lower = text.to_lowercase();
                for word in state.split('-') {
                    assert!(lower.contains(word), "no {word} in {run} {format}: {text}");
                }
            }
            if matches!(format, "junit" | "html" | "svg") {
                let options = roxmltree::ParsingOptions {
                    allow_dtd: true,
                    ..Default::default()
                };
                roxmltree::Document::parse_with_options(text, options).unwrap();
            }
            test = ran.test;
        }
    }
}

#[test]
fn causes_of_old_failures_are_reported() {
    let mut test = upgraded(ANOTHER_BOOT);
    for (run, cause) in [
        ("-9", "`4-optional` exited with 1"),
        ("-8", "`3-work` exited with 1"),
        ("-7", "`3-work` was ended by SIGSEGV"),
        ("-6", "`3-work` ran longer than `max_time` (100ms)"),
        ("-5", "`3-work` exited with 2"),
        ("-4", "`3-work` exited with 3"),
        ("-2", "`3-work` had not ended"),
    ] {
        let ran = report(test, &["--run", run]).status(0);
        assert!(
            ran.stdout.contains(&format!("\n\n{cause}\n")),
            "{run}: {}",
            ran.stdout
        );
        test = ran.test;
    }
}

#[test]
fn old_runs_count_in_the_statistics_of_tasks() {
    let ran = report(upgraded(ANOTHER_BOOT), &["--tasks", "--format", "json"]).status(0);
    let tasks = json(&ran);
    let counts: Vec<String> = tasks
        .as_array()
        .unwrap()
        .iter()
        .map(|task| {
            ["task", "runs", "starts", "failures"]
                .map(|name| task[name].to_string())
                .join(" ")
        })
        .collect();
    assert_eq!(
        counts,
        [
            r#""1-once" 1 1 0"#,
            r#""2-boot" 1 1 0"#,
            r#""3-work" 10 12 5"#,
            r#""4-optional" 2 2 1"#,
        ]
    );
}

#[test]
fn a_machine_with_version_0_1_has_the_name_of_its_directory() {
    let text = written("journal.jsonl", ANOTHER_BOOT);
    // The lines up to the end of the second run.
    let (second, _) = text.split_once("\"status\":4").unwrap();
    let lines = second.lines().count();
    let first: String = text.split_inclusive('\n').take(lines).collect();
    let test = Test::new()
        .file("hosts/web1/journal.jsonl", &first, 0o644)
        .file(
            "hosts/web2/journal.jsonl",
            &text.replace(ANOTHER_BOOT, "b2"),
            0o644,
        );
    let ran = test.run_with(["runner-report", "--fleet", "hosts", "--format", "json"]);
    let answer = json(&ran.status(1));
    let hosts = answer["hosts"].as_array().unwrap().iter();
    let states: Vec<String> = hosts
        .map(|host| {
            ["host", "state", "task"]
                .map(|name| host[name].to_string())
                .join(" ")
        })
        .collect();
    assert_eq!(
        states,
        [
            r#""web1" "ready-with-failures" "4-optional""#,
            r#""web2" "halted" "3-work""#
        ]
    );
}

#[test]
fn old_marks_count_as_done() {
    upgraded(&this_boot())
        .run()
        .status(0)
        .order("3-work 4-optional")
        .says("4 tasks, 2 of them already done");
    let ran = upgraded(ANOTHER_BOOT)
        .run()
        .status(0)
        .order("2-boot 3-work 4-optional");
    let ran = ran.again().args(["--forget", "once"]).run().status(0);
    ran.again()
        .run()
        .status(0)
        .order("2-boot 3-work 4-optional 1-once 3-work 4-optional");
    // The date of an old run.
    let ran = upgraded(&this_boot())
        .args(["--list", "--json"])
        .run()
        .status(0);
    let (starts, _) = history(upgraded(&this_boot()), "run");
    let date = json(&ran)[0]["done"]
        .as_str()
        .unwrap()
        .replace(['-', ':'], "");
    assert!(starts[0].starts_with(&date), "{date}");
}

#[test]
fn old_halts_count() {
    let halts = |max: u32| {
        let config = format!(
            "[runner]\nstate_dir = state\nmax_tries = 1\nhalt_period = 36500d\nmax_halts = {max}"
        );
        upgraded(ANOTHER_BOOT)
            .only_config(&config)
            .task("1-once", "exit 2")
    };
    // Version 0.1 counted five.
    halts(5)
        .run()
        .status(1)
        .order("1-once")
        .says("`max_halts` is reached: 5 halts");
    let ran = halts(6).run().status(2).order("1-once halt.sh");
    ran.again()
        .run()
        .status(1)
        .order("1-once halt.sh 1-once")
        .says("`max_halts` is reached");
}

#[test]
fn an_old_journal_continues_as_one() {
    let ran = upgraded(ANOTHER_BOOT).run().status(0);
    let journal = ran.read("state/journal.jsonl");
    let old = written("journal.jsonl", ANOTHER_BOOT);
    assert!(journal.starts_with(&old));
    for line in journal.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            line["ts"].is_string() && line["event"].is_string(),
            "{line}"
        );
    }
    let (states, test) = history(ran.test, "state");
    let mut expected: Vec<&str> = STARTS.map(|(state, _)| state).into();
    expected.push("finished");
    assert_eq!(states, expected);
    let ran = report(test, &["--run", "-11", "--format", "json"]).status(0);
    assert_eq!(json(&ran)["run"]["state"], "finished");

    // Version 0.1 was killed while it wrote its last line.
    let torn = &old[..old.len() - 20];
    let ran = upgraded(ANOTHER_BOOT)
        .file("state/journal.jsonl", torn, 0o644)
        .run()
        .status(0);
    assert_eq!(history(ran.test, "state").0.last().unwrap(), "finished");
}

#[test]
fn an_old_journal_that_is_renamed_is_still_read() {
    let ran = upgraded(ANOTHER_BOOT)
        .config("[runner]\njournal_size = 1K")
        .run()
        .status(0);
    assert_eq!(
        ran.read("state/journal.jsonl.old"),
        written("journal.jsonl", ANOTHER_BOOT)
    );
    assert_eq!(history(ran.test, "state").0.len(), 14);
}
