//! `[DEFAULT]`.

use crate::support::Test;

use super::in_force;

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
