//! Task directories.

use crate::support::Test;

use super::link;

#[test]
fn a_directory_without_a_task_is_a_warning() {
    Test::new()
        .run()
        .status(0)
        .order("")
        .stdout("")
        .says("warning: there is no task in `tasks.d`\n");
    Test::new()
        .args(["--check"])
        .run()
        .status(1)
        .stderr("warning: there is no task in `tasks.d`\n");
    Test::new()
        .task("1-a", "")
        .task("1-b.bak", "")
        .config("[a]\nenabled = no")
        .run()
        .status(0)
        .order("")
        .says("warning: there is no task in `tasks.d`\n");
}

#[test]
fn a_directory_without_a_task_is_an_error_with_several_runs_a_halt_task_or_a_command() {
    for args in [
        &["-H"][..],
        &["-n", "2"],
        &["-n", "0"],
        &["-H", "-n1"],
        &["--", "echo", "COMMAND"],
    ] {
        Test::new()
            .task("halt.sh", "")
            .args_after(args)
            .run()
            .status(66)
            .order("")
            .stdout("")
            .says("error: there is no task in `tasks.d`\n");
    }
}

#[test]
fn a_directory_that_is_missing_is_an_error() {
    let test = || Test::new().no_config().file("file", "", 0o755);
    let expected = "error: cannot read task directory `no.d`: no such file or directory\n";
    for args in [
        &["no.d"][..],
        &["no.d", "-n", "2"],
        &["no.d", "--list"],
        &["no.d", "--check"],
        &["no.d", "--only", "a"],
        &["no.d", "--", "echo", "COMMAND"],
    ] {
        test().run_with(args).status(66).stdout("").says(expected);
    }
    test()
        .run_with(["file"])
        .status(66)
        .stdout("")
        .says("error: cannot read task directory `file`: not a directory\n");
}

#[test]
fn a_directory_of_a_similar_name_is_proposed() {
    let test = || {
        Test::new()
            .no_config()
            .file("okay", "", 0o644)
            .task("1-a", "")
    };
    for (name, near) in [
        ("task.d", "tasks.d"),
        ("./Tasks.d/", "./tasks.d"),
        ("nowhere/tasks.d", ""),
        // It is a file.
        ("okey", ""),
    ] {
        let hint = match near {
            "" => "name the directory that holds the tasks".to_owned(),
            near => format!("did you mean `{near}`?"),
        };
        let ran = test().run_with([name]).status(66);
        ran.says(&format!("  hint: {hint}\n"));
    }
}

#[test]
fn a_configuration_and_a_directory_that_were_swapped_are_one_error() {
    let test = Test::new().task("1-a", "");
    let ran = test.run_with(["-c", "tasks.d", "runner.cfg"]).status(78);
    let lines = ran.stderr.lines().count();
    assert_eq!(lines, 3, "{}", ran.stderr);
    ran.says("error: `tasks.d` is a directory and `runner.cfg` is a file\n")
        .says("`-c runner.cfg tasks.d`\n")
        .order("");
}

#[test]
fn a_directory_may_be_a_link_or_have_an_odd_name() {
    for taskdir in ["link", "odd $name", "odd $name/", "./link/../link"] {
        let test = Test::new().no_config();
        let script = test.script("1-a", "");
        let test = test.file("odd $name/1-a", &script, 0o755);
        link(&test, "link", "odd $name");
        test.run_with([taskdir]).status(0).order("1-a");
    }
}
