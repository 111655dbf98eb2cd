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
fn a_directory_without_a_task_is_an_error_with_several_runs_or_a_halt_task() {
    for args in [&["-H"][..], &["-n", "2"], &["-n", "0"], &["-H", "-n1"]] {
        Test::new()
            .task("halt.sh", "")
            .args(args)
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
fn a_directory_may_be_a_link_or_have_an_odd_name() {
    for taskdir in ["link", "odd $name", "odd $name/", "./link/../link"] {
        let test = Test::new().no_config();
        let script = test.script("1-a", "");
        let test = test.file("odd $name/1-a", &script, 0o755);
        link(&test, "link", "odd $name");
        test.run_with([taskdir]).status(0).order("1-a");
    }
}
