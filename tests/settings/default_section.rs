//! `[DEFAULT]`.

use crate::support::Test;

use super::{in_force, without_times};

#[test]
fn the_default_section_fills_in_settings_of_the_runner() {
    let test = || {
        Test::new()
            .only_config("[DEFAULT]\nmax_time = 3\n[runner]\nsleep_time = 0\n[a]\nkeep = 14\n")
            .task("1-a", "")
    };
    assert_eq!(in_force(test(), "max_time"), 3.0);
    let over = test().config("[runner]\nmax_time = 4");
    assert_eq!(in_force(over, "max_time"), 4.0);
}

#[test]
fn overrides_come_from_the_tasks_own_section_only() {
    let test = || {
        Test::new()
            .only_config(
                "[DEFAULT]\nmax_time = 3\nenabled = no\nok_codes = 9\n\
                 [runner]\nmax_time = 4\nok_codes = 0\n[a]\nkeep = 14\n",
            )
            .task("1-a", "$RUNNER_CONFIG_CMD -g a.max_time")
    };
    assert_eq!(in_force(test(), "max_time"), 4.0);
    test().run().status(0).order("1-a").stdout("3\n");
}

#[test]
fn keys_from_the_default_section_are_not_misspellings() {
    Test::new()
        .only_config("[DEFAULT]\nmax_trys = 3\nremote = $u\nmax_tme = 5\n[runner]\n[env]\n[a]\n")
        .env_remove("remote")
        .task("1-a", "echo $remote")
        .run()
        .status(0)
        .order("1-a")
        .stdout("$u\n")
        .does_not_say("warning");
}

#[test]
fn a_setting_of_tasks_in_the_default_section_is_warned_of() {
    let test = || {
        Test::new()
            .only_config(
                "[DEFAULT]\nenabled = no\ndepends_on = zz\nfrequency = once\n\
                 max_tries = 1\n[runner]\n[a]\n",
            )
            .task("1-a", "exit 1")
    };
    let names = ["enabled", "depends_on", "frequency"];
    let warned = (2..).zip(names).map(|(line, name)| {
        format!(
            "warning: runner.cfg:{line}: `{name}` has no effect in `[DEFAULT]`\n  \
             hint: put it in the section of each task\n"
        )
    });
    let warned: String = warned.collect();
    test().args(["--check"]).run().status(1).stderr(&warned);
    let ran = test().run().status(1).order("1-a");
    assert!(without_times(&ran.stderr).starts_with(&warned));
}
