//! Wrong values, and the messages about them.

use serde_json::{Value, json};

use crate::support::Test;

use super::{ask, in_force, without_times};

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

const BROKEN_MESSAGES: &str = "\
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
  hint: also set `halt_codes`, to a list without it
error: runner.cfg:14: unknown setting `max_trys`
  hint: did you mean `max_tries`?
error: runner.cfg:15: `depends_on` cannot be set in `[runner]`
  hint: put it in a task's section
error: runner.cfg:16: `log_keep` must be a whole number of 0 or more, not empty
error: runner.cfg:17: `halt_period` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `a` and more lines
  hint: the text after line 17 is indented, so it continues its value
warning: runner.cfg:19: unknown setting `remote`
  hint: `runner-config --settings` lists the names; keys for tasks belong in their own section
warning: runner.cfg:21: the value of `HOME_DIR` contains a `$`, which is taken literally
  hint: variables are not expanded in a configuration file
error: runner.cfg:23: `enabled` must be `yes` or `no`, not `perhaps`
error: runner.cfg:24: `required` must be `yes` or `no`, not empty
error: runner.cfg:25: `max_time` must be a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`), not `-5s`
error: runner.cfg:26: `interpreter` must be a command with a first word that is not empty, not `''`
error: runner.cfg:27: exit code 0 is in both `ok_codes` and `halt_codes`
  hint: also set `ok_codes`, to a list without it
warning: runner.cfg:28: key `max_tmie` in a task's section is not a setting
  hint: did you mean `max_time`?
error: runner.cfg:29: section `1-a` is for task `1-a`, which has section `a` at runner.cfg:22
  hint: merge the two sections
warning: runner.cfg:31: section `x` sets `max_time`, but there is no such task
  hint: the task directory has `1-a`, `2-b`
";

#[test]
fn all_problems_are_reported_at_once_and_nothing_runs() {
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
        .stderr(BROKEN_MESSAGES);
    let ran = test().run().status(78).order("").stdout("");
    assert!(without_times(&ran.stderr).starts_with(BROKEN_MESSAGES));
}

const TIME: &str =
    "a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`)";
const NUMBER: &str = "a whole number of 0 or more";
const CODES: &str = "exit codes from 0 to 255, separated by commas or blanks";

#[test]
fn a_wrong_value_is_reported_with_the_expected_form() {
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
        ("max_tries", "5#five", NUMBER),
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
            "a command with a first word that is not empty",
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
fn a_wrong_value_in_the_section_of_a_task_is_reported_too() {
    for (key, value, expected) in [
        ("max_tries", "x", NUMBER),
        ("max_time", "x", TIME),
        ("skip_codes", "x", CODES),
        ("stop_codes", "x", CODES),
        ("leftovers", "x", "`kill`, `report` or `allow`"),
        ("enabled", "x", "`yes` or `no`"),
        ("required", "x", "`yes` or `no`"),
        (
            "frequency",
            "x",
            "`always`, `once-per-boot`, `once-per-machine` or `once`",
        ),
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
fn a_wrong_value_with_a_comment_or_an_indented_key_has_a_hint() {
    let comment = "  hint: a comment needs its own line\n";
    let indent = "  hint: the text after line 2 is indented, so it continues its value\n";
    for (value, hint) in [
        ("x # seconds", comment),
        ("x\t# seconds", comment),
        ("x#", ""),
        ("#", ""),
        ("3\n  max_time = 4", indent),
        ("3\n  # a comment\n\n  max_time = 4", indent),
    ] {
        let ran = ask(&format!("[runner]\nmax_tries = {value}\n"), &["--check"]).status(78);
        let expected = format!("error: runner.cfg:2: `max_tries` must be {NUMBER}, not `");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
        let found = ran.stderr.split_once('\n').unwrap().1;
        assert_eq!(found, hint, "{value:?}");
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
fn huge_numbers_mean_forever() {
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
