//! Several runs.

use std::time::Duration;

use crate::support::Test;

#[test]
fn each_run_has_an_id_of_its_own_and_starts_at_the_first_try() {
    let ran = Test::new()
        .task("1-a", "echo $RUNNER_RUN_ID $RUNNER_TRY_NUM")
        .task(
            "2-b",
            "echo $RUNNER_RUN_ID >>ids; [ -e failed ] || { echo >failed; exit 1; }",
        )
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b 1-a 2-b 1-a 2-b");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let ids: Vec<&str> = lines
        .iter()
        .map(|line| line.split_once(' ').unwrap().0)
        .collect();
    let tries: Vec<&str> = lines
        .iter()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(tries, ["1", "2", "1", "1"]);
    assert_eq!(ids[0], ids[1]);
    assert!(
        ids[1] != ids[2] && ids[2] != ids[3] && ids[1] != ids[3],
        "{ids:?}"
    );
    assert_eq!(ran.lines("ids"), ids);
    let last = format!("run {} starts", ids[3]);
    assert!(ran.stderr.contains(&last), "{}", ran.stderr);
}

#[test]
fn runs_start_at_least_the_sleep_time_apart() {
    let ran = Test::new()
        .task("1-a", "")
        .config("sleep_time = 0.4")
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a");
    assert!(
        ran.elapsed >= Duration::from_millis(800),
        "{:?}",
        ran.elapsed
    );
}

#[test]
fn a_run_that_does_not_finish_is_the_last_one() {
    for (times, body, status) in [("0", "exit 3", 3), ("9", "exit 2", 2), ("0", "exit 1", 1)] {
        Test::new()
            .task(
                "1-a",
                &format!("echo run >>runs; [ $(grep -c run runs) -lt 4 ] || {body}"),
            )
            .config("stop_codes = 3\nmax_tries = 1")
            .args(["-n", times])
            .run()
            .status(status)
            .order("1-a 1-a 1-a 1-a");
    }
}

#[test]
fn failures_of_tasks_that_are_not_required_do_not_end_the_runs() {
    Test::new()
        .task("1-a", "[ -e failed ] || { echo >failed; exit 1; }")
        .config("[a]\nrequired = no")
        .args(["-n", "3"])
        .run()
        .status(4)
        .order("1-a 1-a 1-a");
}

#[test]
fn each_run_reads_the_configuration_again() {
    let ran = Test::new()
        .config("[env]\nX = 1")
        .file("1.next", "[runner]\nsleep_time = 0\n[env]\nX = 2\n", 0o644)
        .file(
            "2.next",
            "[runner]\nsleep_time = soon\n[env]\nX = 3\n",
            0o644,
        )
        .file("3.next", "[runner]\nsleep_time = 0\n[env]\nX = 4\n", 0o644)
        .file("4.next", "[env\n", 0o644)
        .file("5.next", "[runner]\nsleep_time = 0\n[env]\nX = 6\n", 0o644)
        .task(
            "1-a",
            "echo $X; echo run >>runs; cp $(grep -c run runs).next runner.cfg",
        )
        .args(["-n", "5"])
        .args_after(["--", "sh", "-c", "echo COMMAND $X"])
        .run()
        .status(0)
        .stdout("1\n2\n2\n4\n4\nCOMMAND 4\n")
        .says("error: runner.cfg:2: `sleep_time` must be a time")
        .says("error: runner.cfg:1: section header");
    let warned = ran.stderr.lines().filter(|line| line.contains("warning: "));
    assert_eq!(warned.count(), 2, "{}", ran.stderr);
}

#[test]
fn a_configuration_replaced_by_a_pipe_does_not_block() {
    Test::new()
        .task("1-a", "rm -f runner.cfg\nmkfifo runner.cfg")
        .args(["-n", "2"])
        .run()
        .status(0)
        .within(Duration::from_secs(10))
        .order("1-a 1-a")
        .says("configuration file `runner.cfg` is now a pipe\n")
        .says("using the last valid ones\n");
}

#[test]
fn each_run_reads_the_directory_again() {
    let test = Test::new().task("1-a", "[ ! -e new ] || mv new tasks.d/2-b");
    let script = test.script("2-b", "mv tasks.d/2-b tasks.d/2-b.off");
    test.file("new", &script, 0o755)
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 1-a 2-b 1-a");
}

#[test]
fn an_invalid_directory_keeps_the_last_valid_plan() {
    Test::new()
        .task(
            "1-a",
            "echo >tasks.d/9-z; mv new tasks.d/2-b 2>/dev/null; true",
        )
        .file("new", "#!/bin/sh\n", 0o755)
        .args(["-n", "2"])
        .run()
        .status(0)
        .order("1-a 1-a")
        .says("error: task `9-z` is not executable\n")
        .says("warning: ")
        .does_not_say("`2-b`");
}

#[test]
fn a_removed_configuration_keeps_the_last_valid_one() {
    Test::new()
        .config("[env]\nX = 1")
        .task("1-a", "echo $X; rm -f runner.cfg")
        .args(["-n", "2"])
        .run()
        .status(0)
        .stdout("1\n1\n")
        .says("error: cannot read configuration file `runner.cfg`: no such file or directory\n")
        .says("warning: ");
}

#[test]
fn a_setting_used_as_an_option_gets_a_hint() {
    for option in ["--max-tries", "--max_tries=3", "--state-dir"] {
        let ran = Test::new().args([option]).run().status(64);
        let setting = option.trim_start_matches('-').replace('-', "_");
        let setting = setting.split('=').next().unwrap();
        let ran = ran.says(&format!(
            "tip: a setting is written in `[runner]`, or `--set {setting}=VALUE`"
        ));
        ran.does_not_say("as a value");
    }
    let ran = Test::new().args(["--lst"]).run().status(64);
    ran.says("tip: a similar argument exists: '--list'")
        .does_not_say("as a value");
}
