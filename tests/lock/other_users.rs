//! Other users, who try to hold the lock or wait for it.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

use crate::{
    state::READY_UNTIL_GO,
    support::{Test, is_missing, until},
};

use super::{Other, STRANGER, go, has_no_stranger, is_locked, mode, old_lock};

/// A command that an unprivileged user runs.
fn stranger(program: &str) -> Command {
    let mut setpriv = Command::new("setpriv");
    let user = STRANGER.to_string();
    setpriv.args([
        "--reuid",
        &user,
        "--regid",
        &user,
        "--clear-groups",
        program,
    ]);
    setpriv
}

#[test]
fn no_other_user_can_open_the_lock() {
    for umask in ["0", "022", "0777"] {
        let test = Test::open().through(&format!("umask {umask}"));
        let place = test.runtime_lock();
        let runtime = place.parent().unwrap().to_owned();
        fs::create_dir_all(&runtime).unwrap();
        // Version 0.1 created the directory with this mode.
        fs::set_permissions(&runtime, Permissions::from_mode(0o755)).unwrap();
        let test = test.file(
            "tasks.d/1-a",
            &format!("#!/bin/sh\n{READY_UNTIL_GO}\n"),
            0o755,
        );
        fs::create_dir(test.path("state")).unwrap();
        let running = test.start();
        until(|| place.exists() && running.path("ready").exists());
        assert_eq!(mode(&place), 0o600, "umask {umask}");
        assert_eq!(mode(&running.path("state/lock")), 0o600, "umask {umask}");
        assert_eq!(mode(&runtime), 0o700, "umask {umask}");
        go(&running);
        running.wait().status(0);
    }
}

#[test]
fn another_user_who_locks_the_new_file_first_does_not_block_a_run() {
    if has_no_stranger() || is_missing("perl") {
        return;
    }
    // Locks the file as soon as it can be opened, and holds the lock for 0.2 s.
    let attack = "use Fcntl ':flock'; alarm 60; while (1) { \
         if (open(my $file, '<', $ARGV[0])) { if (flock($file, LOCK_EX | LOCK_NB)) { \
         select(undef, undef, undef, 0.2) } } }";
    let mut test = Test::open().task("1-a", "exit 0").run().status(0).again();
    let place = test.path("state/lock");
    let _attack = Other::start(stranger("perl").args(["-e", attack]).arg(place));
    for _ in 0..60 {
        test = test.run().status(0).again();
    }
}

#[test]
fn a_lock_that_a_killed_runner_left_is_closed_to_other_users() {
    if has_no_stranger() {
        return;
    }
    let running = Test::open().task("1-a", READY_UNTIL_GO).start();
    running.until("ready", "");
    let places = [running.path("state/lock"), {
        let taskdir = fs::metadata(running.path("tasks.d")).unwrap();
        let name = format!("{:x}-{}.lock", taskdir.dev(), taskdir.ino());
        Path::new("/run/runner").join(name)
    }];
    running.signal(rustix::process::Signal::KILL);
    go(&running);
    let test = running.wait().again();
    for place in places {
        assert!(place.exists());
        let attack = stranger("flock").arg("-n").arg(&place).arg("true").status();
        assert_ne!(attack.unwrap().code(), Some(0), "{}", place.display());
    }
    test.args(["--wait-lock"]).run().status(0).order("1-a 1-a");
}

#[test]
fn another_user_who_holds_an_old_lock_does_not_block_a_run() {
    if has_no_stranger() {
        return;
    }
    // The process that took the lock runs, or has ended and left the open file to another one.
    for attack in [
        "exec flock --no-fork /proc/self/fd/0 sleep 60",
        "flock 0; exec sleep 60",
    ] {
        for in_state in [true, false] {
            let test = Test::open().task("1-a", "stat -c %a state/lock >mode");
            let place = test.place(in_state);
            old_lock(&place);
            let mut sh = stranger("sh");
            let sh = sh.args(["-c", attack]).stdin(File::open(&place).unwrap());
            let _attack = Other::start(sh);
            until(|| is_locked(&place));
            let ran = test.run().status(0).order("1-a");
            assert_eq!(ran.read("mode"), "600\n");
            assert!(!place.exists());
            // No draft of a lock file remains.
            for entry in fs::read_dir(ran.test.path("state")).unwrap() {
                let name = entry.unwrap().file_name();
                assert!(!name.to_string_lossy().starts_with('.'), "{name:?}");
            }
        }
    }
}

#[test]
fn another_user_who_waits_for_an_old_lock_does_not_block_a_run() {
    if has_no_stranger() {
        return;
    }
    // A runner of version 0.1 has the lock. Another user waits for it, then a new runner.
    for in_state in [true, false] {
        let test = Test::open().task("1-a", "exit 0");
        let place = test.place(in_state);
        old_lock(&place);
        let mut flock = Command::new("flock");
        let flock = flock.arg("--no-fork").arg(&place).args(["sleep", "60"]);
        let first = Other::start(flock);
        until(|| is_locked(&place));
        let mut sh = stranger("sh");
        let sh = sh.args(["-c", "exec flock --no-fork /proc/self/fd/0 sleep 60"]);
        let attack = Other::start(sh.stdin(File::open(&place).unwrap()));
        let pid = format!(" {} ", attack.0.id());
        let waits = |line: &str| line.contains("->") && line.contains(&pid);
        until(|| {
            fs::read_to_string("/proc/locks")
                .unwrap()
                .lines()
                .any(waits)
        });
        let waiting = test.args(["--wait-lock"]).start();
        waiting.until("stderr", "waiting for it");
        drop(first);
        waiting.wait().status(0).order("1-a");
        drop(attack);
    }
}
