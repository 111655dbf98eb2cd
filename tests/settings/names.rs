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
    for name in ["depends_on", "enabled", "required", "frequency"] {
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
