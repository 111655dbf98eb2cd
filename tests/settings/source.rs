//! The source of the configuration: option, variable, or none.

use crate::support::Test;

#[test]
fn the_variable_names_the_file_when_no_option_does() {
    let test = || {
        Test::new()
            .no_config()
            .file("a.cfg", "[env]\nFROM = variable\n", 0o644)
            .file("b.cfg", "[env]\nFROM = option\n", 0o644)
            .task("1-a", "echo ${FROM-nowhere}")
            .env("FROM", "outside")
    };
    test()
        .env("RUNNER_CONFIG", "a.cfg")
        .run()
        .status(0)
        .stdout("variable\n");
    test()
        .env("RUNNER_CONFIG", "a.cfg")
        .args(["-c", "b.cfg"])
        .run()
        .status(0)
        .stdout("option\n");
    test()
        .env("RUNNER_CONFIG", "")
        .run()
        .status(0)
        .stdout("outside\n");
    test()
        .env("RUNNER_CONFIG", "a.cfg")
        .run_with(["runner-config", "-g", "env.FROM"])
        .status(0)
        .stdout("variable\n");
}

#[test]
fn no_default_file_is_read() {
    Test::new()
        .env_remove("FROM")
        .config("[env]\nFROM = file")
        .task("1-a", "echo ${FROM-nowhere}")
        .run_with(["tasks.d"])
        .status(0)
        .stdout("nowhere\n");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let expected = "error: cannot read configuration file `no.cfg`: no such file or directory\n";
    let test = || Test::new().no_config().task("1-a", "");
    for args in [
        &["runner-config", "-c", "no.cfg", "-g", "a.b"][..],
        &[
            "runner-config",
            "-c",
            "no.cfg",
            "-g",
            "a.b",
            "--default",
            "x",
        ],
        &["runner-config", "-c", "no.cfg", "--list"],
        &["runner-config", "-c", "no.cfg", "--check"],
        &["-c", "no.cfg", "-g", "a.b"],
        &["-c", "no.cfg", "--list", "tasks.d"],
        &["-c", "no.cfg", "--check", "tasks.d"],
    ] {
        test().run_with(args).status(78).stdout("").stderr(expected);
    }
    test()
        .env("RUNNER_CONFIG", "no.cfg")
        .run()
        .status(78)
        .order("")
        .stdout("")
        .says(&format!(
            "{expected}  hint: the environment variable `RUNNER_CONFIG` names this file\n"
        ));
}
