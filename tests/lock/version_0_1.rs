//! Version 0.1, which locked one of the two places, with mode 0644.

use std::{
    fs::{self},
    os::unix::fs::MetadataExt,
    process::Command,
    time::Duration,
};

use crate::support::{Test, is_missing, until};

use super::{NO_PROCESS, Other, is_locked, of_version_0_1, old_lock};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_living_runner_of_version_0_1_keeps_the_next_one_out() {
    if is_missing("flock") {
        return;
    }
    for in_state in [true, false] {
        let test = Test::open().task("1-a", "exit 0");
        let place = test.place(in_state);
        old_lock(&place);
        let inode = fs::metadata(&place).unwrap().ino();
        let mut first = Command::new("flock");
        // With `--no-fork` the process that was started is the one with the lock.
        let first = first.arg("--no-fork").arg(&place).args(["sleep", "60"]);
        let first = Other::start(first);
        let text = of_version_0_1(in_state, first.0.id(), NO_PROCESS);
        fs::write(&place, &text).unwrap();
        until(|| is_locked(&place));
        let run = text.lines().nth(2).unwrap();
        let who = format!("another runner (pid {}, {run})", first.0.id());
        let ran = test.run().status(75).order("").says(&who);
        let ran = ran.again().args(["--only", "1-a"]).run().status(75);
        // The file is kept: the runner of version 0.1 removes it at its end.
        assert_eq!(fs::metadata(&place).unwrap().ino(), inode);
        let waiting = ran.again().args(["--wait-lock"]).start();
        waiting.until("stderr", "waiting for it");
        drop(first);
        waiting.wait().status(0).order("1-a");
    }
}

#[test]
fn a_task_that_version_0_1_left_keeps_the_next_runner_out() {
    for in_state in [true, false] {
        let test = Test::open().task("1-a", "exit 0");
        let place = test.place(in_state);
        old_lock(&place);
        let task = Other::start(Command::new("sleep").arg("60"));
        let pid = task.0.id();
        fs::write(&place, of_version_0_1(in_state, 1, pid)).unwrap();
        let who = format!("`3-work` (pid {pid}) is still running; its runner was killed");
        let ran = test.run().status(75).says(&who);
        // The file that replaced the old one names the task too.
        let ran = ran.again().run().status(75).says(&who).order("");
        drop(task);
        ran.again().run().status(0).within(SOON);
    }
}
