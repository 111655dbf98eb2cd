//! The directory of the files.

use std::{fs, path::Path};

use rustix::process::{Signal, geteuid};

use super::{hand, print};
use crate::support::Test;

#[test]
fn each_start_has_a_new_file_in_a_private_directory_that_is_removed() {
    let ran = Test::new()
        .task(
            "1-a",
            "ls -A \"${RUNNER_OUTPUTS%/*}\"; stat -c %a \"${RUNNER_OUTPUTS%/*}\"; echo $RUNNER_OUTPUTS >>files; echo A=1 >$RUNNER_OUTPUTS",
        )
        .task("2-b", "ls -A \"${RUNNER_OUTPUTS%/*}\"; echo $RUNNER_OUTPUTS >>files; mkdir -p $RUNNER_OUTPUTS/x; exit 1")
        .through("umask 0")
        .config("max_tries = 2")
        .run()
        .status(1)
        .stdout("700\n2\n700\n2\n");
    let files = ran.lines("files");
    let mut distinct = files.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 4, "{files:?}");
    assert!(!Path::new(&files[0]).parent().unwrap().exists());
}

#[test]
fn the_directory_of_a_killed_runner_is_removed_by_the_next_one() {
    let test = Test::new();
    // Root uses `/run`.
    let runtime = test.dir().to_owned();
    let other = || Test::new().task("1-a", "").env("XDG_RUNTIME_DIR", &runtime);
    let running = test
        .env("XDG_RUNTIME_DIR", &runtime)
        .task(
            "1-a",
            "echo $RUNNER_OUTPUTS >file; echo >ready; exec sleep 30",
        )
        .start();
    running.until("ready", "\n");
    let file = fs::read_to_string(running.path("file")).unwrap();
    let directory = Path::new(file.trim()).parent().unwrap();
    // A living runner keeps its own.
    other().run().status(0);
    assert!(directory.exists());
    running.signal(Signal::KILL);
    let killed = running.wait();
    other().run().status(0);
    assert!(!directory.exists());
    drop(killed);
}

#[test]
fn without_a_directory_the_variable_is_not_set() {
    if !geteuid().is_root() || crate::support::is_missing("unshare") {
        return;
    }
    let mounts = "for place in /run /tmp /var/tmp; do mount --bind -o ro $place $place && mount -o remount,bind,ro $place; done";
    let test = Test::new();
    let ours = test.dir().to_owned();
    let test = test
        .task("1-a", "echo ${RUNNER_OUTPUTS-unset}")
        .env("TMPDIR", "/proc")
        .env("RUNNER_OUTPUTS", "/of/another/runner")
        .args(["--no-lock"]);
    // The story itself needs its directory.
    let script = format!(
        "[ \"$IN_NAMESPACE\" ] || IN_NAMESPACE=1 exec unshare -m sh \"$0\" \"$@\"\nmount --bind '{0}' '{0}'\n{mounts}",
        ours.display()
    );
    test.through(&script)
        .run()
        .status(0)
        .stdout("unset\n")
        .says("warning: cannot create a directory for outputs: ")
        .says("; tasks have no `RUNNER_OUTPUTS`");
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !geteuid().is_root() {
        return;
    }
    Test::new()
        .task(
            "1-a",
            "echo A=1 >$RUNNER_OUTPUTS; chown 65534 $RUNNER_OUTPUTS",
        )
        .config("max_tries = 1")
        .run()
        .status(1)
        .says("`1-a` wrote a bad output: its file belongs to another user");
}

#[test]
fn only_gets_the_variable_too() {
    Test::new()
        .task("1-a", &hand("secret"))
        .task("2-b", &print("A"))
        .args(["--only", "a"])
        .run()
        .status(1)
        .says("`1-a` wrote a bad output: line 1 has no `=`");
}
