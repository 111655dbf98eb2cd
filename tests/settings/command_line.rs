//! Settings on the command line.

use crate::support::Test;

use super::in_force;

#[test]
fn settings_of_the_command_line_win_over_the_file() {
    let test = || Test::new().config("max_time = 1").task("1-a", "");
    let time = |args: &[&str]| in_force(test().args(args), "max_time");
    assert_eq!(time(&[]), 1.0);
    assert_eq!(time(&["--set", "max_time=2"]), 2.0);
    assert_eq!(time(&["--set=max_time = 2m "]), 120.0);
    assert_eq!(time(&["--set", "max_time=2", "--set", "max_time=3"]), 3.0);
    let own = test().config("[a]\nmax_time = 5");
    assert_eq!(in_force(own.args(["--set", "max_time=2"]), "max_time"), 5.0);
}

#[test]
fn of_jobs_and_set_the_last_one_counts() {
    for (args, jobs) in [
        (&["-j", "2", "--set", "jobs=3"][..], 3),
        (&["--set", "jobs=3", "-j", "2"], 2),
        (&["-j2", "-j", "4"], 4),
        (&["--set", "jobs=3", "-j2", "--set=jobs=5"], 5),
        (&["--jobs=2", "--set", "max_time=1"], 2),
    ] {
        let test = Test::new().config("jobs = 9").task("1-a", "").args(args);
        let ran = test.args(["-v"]).run().status(0);
        ran.says(&format!("`jobs` is {jobs}, but "));
    }
}

#[test]
fn a_setting_of_the_command_line_hides_a_wrong_one_of_the_file() {
    Test::new()
        .config("max_tries = many")
        .task("1-a", "exit 1")
        .args(["--set", "max_tries=2"])
        .run()
        .status(1)
        .order("1-a 1-a");
}

#[test]
fn problems_on_the_command_line_are_reported_too() {
    for (set, expected) in [
        (
            "max_tries=x",
            "error: --set: `max_tries` must be a whole number of 0 or more, not `x`\n",
        ),
        (
            "max_trys=3",
            "error: --set: unknown setting `max_trys`\n  hint: did you mean `max_tries`?\n",
        ),
        (
            "remote=u",
            "error: --set: unknown setting `remote`\n  \
             hint: `runner-config --settings` lists the names\n",
        ),
        (
            "enabled=no",
            "error: --set: `enabled` cannot be set in `[runner]`\n  \
             hint: put it in a task's section\n",
        ),
    ] {
        Test::new()
            .task("1-a", "")
            .args(["--check", "--set", set])
            .run()
            .status(78)
            .order("")
            .stdout("")
            .stderr(expected);
    }
}

#[test]
fn the_command_line_can_name_another_directory_to_include() {
    Test::new()
        .config("include_dir = nowhere\nmax_time = 1")
        .file("conf.d/x", "[runner]\nmax_tries = 2\n", 0o644)
        .task("1-a", "exit 1")
        .args(["--set", "include_dir=conf.d"])
        .run()
        .status(1)
        .order("1-a 1-a");
    Test::new()
        .task("1-a", "")
        .args(["--set", "include_dir=nowhere"])
        .run()
        .status(78)
        .order("")
        .says("error: --set: cannot read `include_dir` `nowhere`: no such file or directory\n");
}

#[test]
fn a_directory_is_included_also_without_a_file() {
    Test::new()
        .no_config()
        .file("conf.d/x", "[env]\nFROM = conf.d\n", 0o644)
        .task("1-a", "echo $FROM")
        .args(["--set", "include_dir=conf.d"])
        .run()
        .status(0)
        .stdout("conf.d\n");
}
