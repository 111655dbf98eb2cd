//! Unknown names.

use crate::support::Test;

use super::ask;

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
fn settings_of_tasks_are_refused_in_the_section_of_the_runner() {
    for name in ["depends_on", "enabled", "frequency"] {
        ask(&format!("[runner]\n{name} = no\n"), &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!(
                "error: runner.cfg:2: `{name}` cannot be set in `[runner]`\n  \
                 hint: put it in a task's section\n"
            ));
    }
}

#[test]
fn a_word_of_another_tool_is_an_error_that_names_the_setting() {
    let of_task = "did you mean `depends_on` in a task's section?";
    let own_retries = "`max_tries` counts the first try too: retries + 1";
    let other = "not a setting; see `interpreter` in runner.cfg(5)";
    for (written, hint) in [
        ("timeout", "did you mean `max_time`?"),
        ("time_limit", "did you mean `max_time`?"),
        ("Time-Limit", "did you mean `max_time`?"),
        ("retries", own_retries),
        ("max_retries", own_retries),
        ("attempts", "did you mean `max_tries`?"),
        ("delay", "did you mean `sleep_time`?"),
        ("interval", "did you mean `sleep_time`?"),
        ("sleep", "did you mean `sleep_time`?"),
        ("jitter", "did you mean `retry_jitter`?"),
        ("parallel", "did you mean `jobs`?"),
        ("workers", "did you mean `jobs`?"),
        ("max_parallel", "did you mean `jobs`?"),
        ("hook", "did you mean `task_hook`?"),
        ("on_failure", "did you mean `halt_task`?"),
        ("halt", "did you mean `halt_task`?"),
        ("depends", of_task),
        ("needs", of_task),
        ("requires", of_task),
        ("after", of_task),
        ("depend_on", of_task),
        ("environment", "environment variables belong in `[env]`"),
        ("user", other),
        ("cwd", other),
        ("nice", other),
        ("umask", other),
        ("enable", "did you mean `enabled` in a task's section?"),
    ] {
        ask(&format!("[runner]\n{written} = 1\n"), &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!(
                "error: runner.cfg:2: unknown setting `{written}`\n  hint: {hint}\n"
            ));
    }
    Test::new()
        .task("1-a", "")
        .args(["--set", "timeout=3", "--check"])
        .run()
        .status(78)
        .stderr("error: --set: unknown setting `timeout`\n  hint: did you mean `max_time`?\n");
}

#[test]
fn a_section_that_differs_from_one_of_the_runners_in_case_is_warned_of() {
    let expected = "\
warning: runner.cfg:1: section `Runner` is not `runner`: names are case-sensitive
  hint: did you mean `[runner]`?
warning: runner.cfg:3: section `ENV` is not `env`: names are case-sensitive
  hint: did you mean `[env]`?
";
    let config = "[Runner]\nmax_time = 1\n[ENV]\nA = b\n";
    ask(config, &["--check"])
        .status(1)
        .stdout("")
        .stderr(expected);
    // It matches no task, and that is said once.
    let ran = Test::new().only_config(config).task("1-a", "");
    ran.args(["--check"]).run().status(1).stderr(expected);
}
