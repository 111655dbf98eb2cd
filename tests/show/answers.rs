//! The output of each option.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{Ran, Test, is_missing};

use super::{plan, which};

#[track_caller]
fn shown(args: &[&str]) -> Ran {
    let ran = plan().args(args).run().order("");
    assert!(ran.hooks().is_empty(), "{args:?}");
    ran
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
            "1-a     level 0  no limit   unlimited tries\n\
             2-漢字  level 1  limit 10m  5 tries\n\
             2-b     level 1  limit 10m  5 tries          by {} -e  after 2-漢字  not required\n",
            which("sh")
        ));
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
fn the_dry_run_ends_with_the_maximum_duration_of_a_run() {
    const TASK: &str = "max_time = 60\nkill_grace = 1\nleak_time = 0\nmax_tries = 2\n";
    const HOOKS: &str = "task_hook = true\nrun_hook = true\nhook_time = 10\n";
    for (config, halt, expected) in [
        // 60 s, and twice the grace and the second for SIGKILL.
        ("", false, "a run takes at most 2m 8s"),
        ("", true, "a run takes at most 3m 12s"),
        (
            "sleep_time = 3\nretry_jitter = 2",
            false,
            "a run takes at most 2m 13s",
        ),
        (HOOKS, false, "a run takes at most 3m 32s"),
        ("jobs = 4", false, "a run takes at most 2m 8s"),
        ("max_tries = 60", false, "a run takes at most 1h 4m"),
        ("max_run_time = 30", false, "a run takes at most 34s"),
        (
            "max_run_time = 30\nmax_tries = 0",
            true,
            "a run takes at most 1m 38s",
        ),
        ("max_run_time = 3h", false, "a run takes at most 2m 8s"),
        (
            "max_run_time = 30\nrun_hook = true\nhook_time = 1\n[a]\nkill_grace = 0",
            false,
            "a run takes at most 39s",
        ),
        (
            "max_tries = 1000\nsleep_time = 1\nretry_backoff = 10",
            false,
            "a run takes at most 213503982334601d 7h",
        ),
        (
            "max_tries = 0",
            false,
            "a run can take forever: `1-a` is tried without end (`max_tries`)",
        ),
        (
            "[a]\nmax_time = 0",
            false,
            "a run can take forever: `1-a` has no time limit (`max_time`)",
        ),
        (
            "[halt.sh]\nmax_time = 0",
            true,
            "a run can take forever: `halt.sh` has no time limit (`max_time`)",
        ),
        (
            "task_hook = true\nhook_time = 0",
            false,
            "a run can take forever: the hook of `1-a` has no time limit (`hook_time`)",
        ),
        (
            "run_hook = true\nhook_time = 0\nmax_run_time = 30",
            false,
            "a run can take forever: the run hook has no time limit (`hook_time`)",
        ),
    ] {
        let mut test = Test::new().config(TASK).config(config).task("1-a", "");
        if halt {
            test = test.task("halt.sh", "");
        }
        let ran = test.args(["--dry-run"]).run().status(0);
        assert_eq!(ran.stdout.lines().last(), Some(expected), "{config}");
    }
}

#[test]
fn graphviz_draws_the_graph_with_levels_as_ranks() {
    let ran = shown(&["--graph"]).status(0);
    assert!(
        ran.stdout.contains(r#""2-c\"q\"\\\\" -> "2-b.sh""#),
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
    assert_eq!(height("\"2-b.sh\""), height(r#""2-c\"q\"\\\\""#));
    assert_ne!(height("\"1-a\""), height("\"2-b.sh\""));
}

#[test]
fn no_task_can_have_the_name_of_a_join_point() {
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
    // No file can have a name with `/`.
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
    let answer = test().args(["--env", "b"]).run().status(0).order("");
    let ran = test().run().status(0);
    let differs = [
        "RUNNER_RUN_ID=",
        "RUNNER_CONFIG_CMD=",
        "PWD=",
        "OLDPWD=",
        "SHLVL=",
        "_=",
        "COOKIE_",
        "RUNNER_OUTPUTS",
    ];
    let same = |line: &&str| !differs.iter().any(|name| line.starts_with(name));
    let seen = ran.read("seen");
    let seen: BTreeSet<&str> = seen.lines().filter(same).collect();
    let lines = answer
        .stdout
        .lines()
        .filter_map(|line| line.split_once('\t'));
    let expected: BTreeSet<&str> = lines.map(|(_, variable)| variable).filter(same).collect();
    assert_eq!(seen, expected);
    for line in [
        "runner.cfg:7\tGREETING=a  b\n",
        "\nrunner\tRUNNER_TASK=2-b.sh\n",
        "inherited\tPATH=",
        // Only a run knows its value.
        "\nrunner\tRUNNER_OUTPUTS\n",
    ] {
        assert!(answer.stdout.contains(line), "{line}{}", answer.stdout);
    }
    plan()
        .args(["--env", "x"])
        .run()
        .status(64)
        .order("")
        .stdout("");
}

#[test]
fn the_check_reports_more_than_the_start() {
    let semicolon = "runner.cfg:16: Python 2 treated the text after ` ;` as a comment: `dir`";
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
        .says("`jobs` is 2, but numbers and dependencies let only one task run at a time");
}

#[test]
fn json_is_refused_with_graph_or_alone() {
    for args in [&["--graph", "--json"][..], &["--json"]] {
        plan().args(args).run().status(64).order("").stdout("");
    }
}

#[test]
fn the_check_answers_in_json_whatever_its_status_is() {
    let answer = |test: Test, args: &[&str], status: i32| -> Value {
        let ran = test.run_with(args).status(status).stderr("");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let fine = || Test::new().task("1-a", "").task("2-b", "").no_config();
    assert_eq!(
        answer(fine(), &["--check", "--json", "tasks.d"], 0),
        serde_json::json!({"status": 0, "tasks": 2, "problems": []})
    );
    // The notes are included although they are not problems.
    let skipped = fine().file("tasks.d/README", "", 0o644);
    let answered = answer(skipped, &["--check", "--json", "tasks.d"], 0);
    assert_eq!(answered["status"], 0);
    assert_eq!(answered["problems"][0]["severity"], "note");
    let answered = answer(fine(), &["--check", "--json", "missing.d"], 66);
    assert_eq!(
        (&answered["status"], &answered["tasks"]),
        (&66.into(), &0.into())
    );
    let problems = answered["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{answered}");
    assert_eq!(problems[0]["severity"], "error");
    let message = problems[0]["message"].as_str().unwrap();
    assert!(message.contains("`missing.d`"), "{message}");
}

#[test]
fn runner_config_warns_of_python_2_comments_too() {
    let check = |config: &str| {
        let test = Test::new().only_config(config);
        test.run_with(["runner-config", "-c", "runner.cfg", "--check"])
            .stdout("")
    };
    let mark = "Python 2 treated the text after ` ;` as a comment";
    check("[work]\ndir = /tmp ; here\nlist = a;b\n")
        .status(1)
        .says(&format!("runner.cfg:2: {mark}: `dir`"))
        .does_not_say("`list`");
    check("[env]\nSECRET = hunter2 ; x\n")
        .status(1)
        .says("`SECRET`")
        .does_not_say("hunter2");
    check("[work]\ndir = a;b\n; a comment\n")
        .status(0)
        .stderr("");
}

#[test]
fn a_value_of_several_lines_is_shown_as_the_task_sees_it() {
    let test = || {
        Test::new()
            .task(
                "1-a",
                "printf %s \"$TWO\" >two; echo \"$RUNNER_CONFIG_CMD\" >cmd",
            )
            .config("[env]\nTWO = a b\n  c = d\n[work]\ndir = here")
    };
    let ran = test().run().status(0);
    assert_eq!(ran.read("two"), "a b\nc = d");
    let text = test().args(["--env", "a"]).run().status(0).stdout;
    assert!(text.contains("\nrunner.cfg:5\tTWO=a b\\nc = d\n"), "{text}");
    let shown = test().args(["--env", "a", "--json"]).run().status(0);
    let variables: Value = serde_json::from_str(&shown.stdout).unwrap();
    let variable = |name: &str| {
        let mut variables = variables.as_array().unwrap().iter();
        let found = variables.find(|variable| variable["name"] == name).unwrap();
        let text = |member: &str| found[member].as_str().unwrap().to_owned();
        (text("value"), text("origin"))
    };
    let of_config = ("a b\nc = d".to_owned(), "runner.cfg:5".to_owned());
    assert_eq!(variable("TWO"), of_config);
    // The output equals the environment that the task saw, except for the directory of the story.
    let (value, origin) = variable("RUNNER_CONFIG_CMD");
    let dir = |ran: &Ran| ran.test.dir().to_str().unwrap().to_owned();
    let seen = ran.read("cmd").trim_end().replace(&dir(&ran), &dir(&shown));
    assert_eq!((value.as_str(), origin.as_str()), (&*seen, "runner"));
    let command = format!("{value} -g work.dir");
    let answer = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert_eq!(String::from_utf8(answer.stdout).unwrap(), "here\n");
}
