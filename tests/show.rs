//! `--list`, `--dry-run`, `--graph`, `--env` and `--check`: what would be run, without
//! running it.
#![expect(clippy::disallowed_methods, reason = "graphviz is asked")]

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{Ran, Test, is_missing, top};

/// A plan that has a bit of everything.
fn plan() -> Test {
    Test::new()
        .task("1-a", "")
        .task("2-b.sh", "env >seen")
        .task("2-c\"q\"\\", "")
        .task("3-d d", "")
        .task("halt.sh", "")
        .hook()
        .config("max_time = 1m\n[env]\nGREETING = a  b\nPATH_TO = x\n")
        .config("[b]\nmax_time = 0\ndepends_on = 2-c\"q\"\\\nrequired = no\ninterpreter = sh -e")
        .config("[work]\ndir = /tmp ; here")
}

#[track_caller]
fn shown(args: &[&str]) -> Ran {
    let ran = plan().args(args).run().order("");
    assert!(ran.hooks().is_empty(), "{args:?}");
    ran
}

#[track_caller]
fn json(args: &[&str]) -> Value {
    let ran = shown(&[args, &["--json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn the_list_has_columns_for_people() {
    let config = "[a]\nmax_time = 0\nmax_tries = 0\n[b]\ninterpreter = sh -e\ndepends_on = 2-漢字\nrequired = no";
    Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .task("2-漢字", "")
        .config(config)
        .args(["--list"])
        .run()
        .status(0)
        .order("")
        .stdout(&format!(
            "1-a     level 0  no limit   tries without end\n\
             2-漢字  level 1  limit 10m  5 tries\n\
             2-b     level 1  limit 10m  5 tries            by {} -e  after 2-漢字  not required\n",
            which("sh")
        ));
}

/// The path of a program.
fn which(name: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let mut paths = path.split(':').map(|dir| format!("{dir}/{name}"));
    paths.find(|path| fs::metadata(path).is_ok()).unwrap()
}

#[test]
fn the_dry_run_names_commands_and_where_settings_were_written() {
    let ran = shown(&["--dry-run", "--set", "max_tries=3", "-j", "2"]).status(0);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = ran.stdout.lines().map(words).collect();
    for expected in [
        "sleep_time 0 runner.cfg:2",
        "max_tries 3 --set",
        "jobs 2 -j",
        "kill_grace 5 default",
        "hook ./hook '{\"task\":\"1-a\",\"try_num\":1,\"max_retries\":3}'",
        "command tasks.d/1-a",
        &format!("command {} -e tasks.d/2-b.sh", which("sh")),
        "max_time 0 runner.cfg:11",
        "required no runner.cfg:13",
        "command 'tasks.d/3-d d'",
        "halt.sh, the halt task",
        "command tasks.d/halt.sh",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "no {expected:?} in\n{}",
            ran.stdout
        );
    }
    let here = fs::canonicalize(ran.test.dir()).unwrap();
    let first = ran.stdout.lines().next().unwrap();
    assert_eq!(first, format!("working directory  {}", here.display()));
}

#[test]
fn graphviz_draws_the_graph_with_levels_as_ranks() {
    let ran = shown(&["--graph"]).status(0);
    assert!(
        ran.stdout.contains("\"2-c\\\"q\\\"\\\\\" -> \"2-b.sh\""),
        "{}",
        ran.stdout
    );
    if is_missing("dot") {
        return;
    }
    let mut dot = Command::new("dot")
        .arg("-Tplain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    dot.stdin
        .take()
        .unwrap()
        .write_all(ran.stdout.as_bytes())
        .unwrap();
    let drawn = dot.wait_with_output().unwrap();
    assert!(drawn.status.success());
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    let height = |name: &str| {
        let line = drawn
            .lines()
            .find(|line| line.starts_with(&format!("node {name} ")));
        line.unwrap_or_else(|| panic!("{drawn}"))
            .split(' ')
            .nth(3)
            .unwrap()
            .to_owned()
    };
    assert_eq!(height("\"2-b.sh\""), height("\"2-c\\\"q\\\"\\\\\""));
    assert_ne!(height("\"1-a\""), height("\"2-b.sh\""));
}

#[test]
fn no_task_is_taken_for_the_point_where_a_level_joins() {
    let ran = Test::new()
        .task("1-a", "")
        .task("1-b", "")
        .task("2-c", "")
        .task("level 0 is done", "")
        .args(["--graph"])
        .run()
        .status(0);
    let points = ran
        .stdout
        .lines()
        .filter(|line| line.contains("[shape=point]"));
    let points: Vec<&str> = points.map(|line| line.split('"').nth(1).unwrap()).collect();
    assert_eq!(points.len(), 1, "{}", ran.stdout);
    // A name with a `/` in it is no file's.
    assert!(points[0].contains('/'), "{}", ran.stdout);
    let joined = format!("\"{}\" -> \"2-c\"", points[0]);
    assert!(ran.stdout.contains(&joined), "{}", ran.stdout);
}

#[test]
fn the_environment_is_the_one_that_the_task_sees() {
    let test = || {
        plan()
            .env("RUNNER_HOOK", "pre")
            .env("GREETING", "inherited")
    };
    let told = test().args(["--env", "b"]).run().status(0).order("");
    let ran = test().run().status(0);
    let differs = [
        "RUNNER_RUN_ID=",
        "RUNNER_CONFIG_CMD=",
        "PWD=",
        "OLDPWD=",
        "SHLVL=",
        "_=",
        "COOKIE_",
    ];
    let same = |line: &&str| !differs.iter().any(|name| line.starts_with(name));
    let seen = ran.read("seen");
    let seen: BTreeSet<&str> = seen.lines().filter(same).collect();
    let lines = told.stdout.lines().filter_map(|line| line.split_once('\t'));
    let expected: BTreeSet<&str> = lines.map(|(_, variable)| variable).filter(same).collect();
    assert_eq!(seen, expected);
    assert!(
        told.stdout.contains("runner.cfg:7\tGREETING=a  b\n"),
        "{}",
        told.stdout
    );
    assert!(
        told.stdout.contains("\nrunner\tRUNNER_TASK=2-b.sh\n"),
        "{}",
        told.stdout
    );
    assert!(told.stdout.contains("inherited\tPATH="), "{}", told.stdout);
    plan()
        .args(["--env", "x"])
        .run()
        .status(64)
        .order("")
        .stdout("");
}

#[test]
fn the_check_says_what_the_start_does_not() {
    let semicolon = "runner.cfg:16: Python 2 took what follows ` ;` for a comment: `dir`";
    shown(&["--check"]).status(1).says(semicolon);
    plan().run().does_not_say("Python 2");
    Test::new()
        .task("1-a", "")
        .config("[env]\nSECRET = hunter2 ; x")
        .args(["--check"])
        .run()
        .status(1)
        .says("`SECRET`")
        .does_not_say("hunter2");
    Test::new()
        .task("1-a", "")
        .config("log_dir = runner.cfg/logs")
        .args(["--check", "-j", "2"])
        .run()
        .status(1)
        .says("warning: cannot write to `log_dir` `runner.cfg/logs`")
        .says("`jobs` is 2, but numbers and dependencies leave no two tasks unordered");
}

#[test]
fn the_graph_has_no_json_and_json_needs_a_question() {
    for args in [&["--graph", "--json"][..], &["--json"]] {
        plan().args(args).run().status(64).order("").stdout("");
    }
}

/// The members of every object in a value, with the path to each.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                // Settings and sections have names of their own.
                let name = if path.ends_with("settings") {
                    "*"
                } else {
                    name
                };
                let path = format!("{path}.{name}");
                found.insert(path.clone());
                members(value, &path, found);
            }
        }
        Value::Array(array) => array.iter().for_each(|value| members(value, path, found)),
        _ => {}
    }
}

#[test]
fn the_shapes_are_those_of_the_page() {
    let page = fs::read_to_string(top().join("docs/json.md")).unwrap();
    let examples: Vec<Value> = (page.split("```json\n").skip(1))
        .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
        .collect();
    let [list, dry_run, task, variable, check, config] = &examples[..] else {
        panic!("{} examples", examples.len());
    };
    let all = json(&["--dry-run"]);
    let mut top_level = all.clone();
    top_level["tasks"] = Value::Array(Vec::new());
    top_level["halt_task"] = Value::Null;
    let mut wrong = plan()
        .config("[runner]\nmax_trys = 3")
        .args(["--check", "--json"])
        .run()
        .status(78);
    let wrong: Value = serde_json::from_str(&std::mem::take(&mut wrong.stdout)).unwrap();
    for (found, expected) in [
        (&json(&["--list"]), list),
        (&top_level, dry_run),
        (&all["tasks"], task),
        (&all["halt_task"], task),
        (&json(&["--env", "b"]), variable),
        (&wrong, check),
    ] {
        let (mut of_answer, mut of_page) = (BTreeSet::new(), BTreeSet::new());
        members(found, "", &mut of_answer);
        members(expected, "", &mut of_page);
        assert_eq!(of_answer, of_page);
    }
    assert_eq!(all["tasks"].as_array().unwrap().len(), 4);
    assert!(all["tasks"][0]["hook"].is_array());
    assert!(all["halt_task"]["hook"].is_null());
    assert_eq!(json(&["--check"])["status"], 1);
    let config_file = top().join("runner.cfg");
    let args = [
        "runner-config",
        "-c",
        config_file.to_str().unwrap(),
        "--list",
        "work",
        "--json",
    ];
    let ran = Test::new().no_config().run_with(args).status(0);
    assert_eq!(&serde_json::from_str::<Value>(&ran.stdout).unwrap(), config);
}
