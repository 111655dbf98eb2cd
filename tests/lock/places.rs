//! The two places of the lock: state directory and runtime directory.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    process::{Child, Command},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};

use crate::{
    state::READY_UNTIL_GO,
    support::{Test, is_missing, until},
};

use super::{go, has_no_stranger, is_locked};

#[test]
fn runners_with_and_without_a_state_directory_exclude_each_other() {
    let with = &["-c", "runner.cfg", "tasks.d"][..];
    let without = &["tasks.d"][..];
    let only = &["--only", "1-a", "tasks.d"][..];
    let only_with = &["-c", "runner.cfg", "--only", "1-a", "tasks.d"][..];
    for (first, second) in [
        (with, without),
        (without, with),
        (with, only),
        (only, with),
        (without, only_with),
        (only_with, without),
    ] {
        let test = Test::with_state()
            .with_runtime_dir()
            .task("1-a", READY_UNTIL_GO);
        let running = test.start_with(first);
        running.until("ready", "");
        let (status, stderr) = running.with_args(second);
        assert_eq!(status, Some(75), "{first:?} {second:?}: {stderr}");
        let who = format!("another runner (pid {}, run 2", running.pid());
        assert!(stderr.contains(&who), "{stderr}");
        go(&running);
        let ran = running.wait().status(0).order("1-a");
        assert!(!ran.test.runtime_lock().exists());
        assert!(!ran.test.path("state/lock").exists());
    }
}

#[test]
fn a_removed_or_renamed_state_directory_admits_no_second_run() {
    for change in [
        "rm -r state",
        "mv state other",
        "sed -i s/state$/other/ runner.cfg",
        "sed -i /state_dir/d runner.cfg",
    ] {
        let test = Test::with_state()
            .with_runtime_dir()
            .task("1-a", READY_UNTIL_GO);
        let running = test.start();
        running.until("ready", "");
        let mut sh = Command::new("sh");
        let done = sh
            .args(["-ec", change])
            .current_dir(running.path(""))
            .status();
        assert!(done.unwrap().success());
        let (status, stderr) = running.beside(&[]);
        assert_eq!(status, Some(75), "{change}: {stderr}");
        go(&running);
        running.wait().status(0).order("1-a");
    }
}

/// Two runs: the first one changes `state_dir`, the second one waits for the file `go`.
fn moves_its_state() -> Test {
    Test::with_state()
        .with_runtime_dir()
        .task(
            "1-a",
            &format!("sed -i s/state$/other/ runner.cfg\n[ -e second ] || {{ : >second; exit 0; }}\n{READY_UNTIL_GO}"),
        )
        .args(["-n2"])
}

#[test]
fn a_new_state_directory_is_locked_before_it_is_used() {
    let running = moves_its_state().start();
    running.until("ready", "");
    assert!(is_locked(&running.path("state/lock")));
    assert!(is_locked(&running.path("other/lock")));
    go(&running);
    let ran = running.wait().status(0);
    assert!(ran.read("other/journal.jsonl").contains("run-start"));
    assert!(!ran.test.path("other/lock").exists());
    assert!(!ran.test.path("state/lock").exists());
}

#[test]
fn a_new_state_directory_that_another_runner_has_is_not_used() {
    let test = moves_its_state().file("other/lock", "", 0o600);
    let lock = File::open(test.path("other/lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let ran = test
        .run()
        .status(75)
        .says("another runner is running the tasks");
    assert_eq!(ran.read("other/journal.jsonl"), "");
}

#[test]
fn a_task_directory_that_is_replaced_between_two_runs_is_locked_too() {
    let test = Test::new().with_runtime_dir().task(
        "1-a",
        "if [ -e first ]; then run=second; else run=first; ln -sfn two.d tasks.d; fi
: >$run; while [ ! -e $run.go ]; do sleep 0.01; done",
    );
    fs::rename(test.path("tasks.d"), test.path("one.d")).unwrap();
    symlink("one.d", test.path("tasks.d")).unwrap();
    let copied = Command::new("cp")
        .args(["-a", "one.d", "two.d"])
        .current_dir(test.dir())
        .status();
    assert!(copied.unwrap().success());
    let running = test.args(["-n", "2"]).start();
    running.until("first", "");
    fs::write(running.path("first.go"), "").unwrap();
    // The second run, in the other directory.
    running.until("second", "");
    let (status, stderr) = running.with_args(&["-c", "runner.cfg", "tasks.d"]);
    assert_eq!(status, Some(75), "{stderr}");
    fs::write(running.path("second.go"), "").unwrap();
    running.wait().status(0).order("1-a 1-a");
}

/// A lock file can name a task without its process number, if the runner was killed at that
/// moment. Another user who has read the id of the run can fake the environment of the task.
#[test]
fn a_process_that_started_later_is_not_a_survivor() {
    let test = Test::with_state().task("1-a", "exit 0");
    let holder = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    let machine = format!("{} {}", holder.trim(), namespace.display());
    let mut sleep = Command::new("setsid");
    let mut other = sleep
        .args(["sleep", "30"])
        .envs([("RUNNER_RUN_ID", "a-run"), ("RUNNER_TASK", "1-a")])
        .spawn()
        .unwrap();
    let started = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", other.id())).unwrap();
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        fields.clone().nth(19).unwrap().parse::<u64>().unwrap()
    };
    let is_leader =
        || fs::read_to_string(format!("/proc/{}/comm", other.id())).unwrap() == "sleep\n";
    until(is_leader);
    let started = started();
    let lock = |since: u64| format!("99999999\nboot {machine}\nrun a-run\ntask - {since} 1-a\n\n");
    // The lock file says that the task started an hour earlier (in ticks), or at that time.
    let test = test.file("state/lock", &lock(started.saturating_sub(360_000)), 0o600);
    let ran = test.run().status(0).order("1-a");
    let ran = ran.test.file("state/lock", &lock(started), 0o600).run();
    ran.status(75).says("still running");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_full_file_system_does_not_disable_the_lock() {
    if !geteuid().is_root() || is_missing("unshare") {
        return;
    }
    let full = "[ -z \"$INSIDE\" ] && INSIDE=1 exec unshare -m \"$0\" \"$@\"\nset -e\n\
                mount -t tmpfs -o size=64k,nr_inodes=20,mode=755 none /run\n";
    let inodes = "i=0; while true >/run/f$i; do i=$((i+1)); done 2>&-";
    let bytes = "mkdir -m 700 /run/runner; cat /dev/zero >/run/f 2>&- || :";
    for fill in [inodes, bytes] {
        let test = Test::new()
            .task("1-a", "exit 0")
            .through(&format!("{full}{fill}"));
        test.run()
            .status(71)
            .order("")
            .says("cannot lock `/run/runner");
        // If the other place is usable, it is only a warning.
        let test = Test::with_state()
            .task("1-a", "exit 0")
            .through(&format!("{full}{fill}"));
        test.run()
            .status(0)
            .order("1-a")
            .says("warning: cannot lock `/run/runner");
    }
}

#[test]
fn a_wait_for_the_second_place_releases_the_first() {
    let test = Test::with_state().with_runtime_dir().task("1-a", "exit 0");
    let test = test.file("state/lock", "", 0o600);
    let lock = File::open(test.path("state/lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let waiting = test.args(["--wait-lock"]).start();
    waiting.until("stderr", "waiting for it");
    let (status, stderr) = waiting.with_args(&["tasks.d"]);
    assert_eq!(status, Some(0), "{stderr}");
    drop(lock);
    let ran = waiting.wait().status(0).order("1-a 1-a");
    assert!(!ran.test.path("state/lock").exists());
}

#[test]
fn many_runners_that_wait_run_one_after_the_other() {
    // A run fails if another one runs at the same time.
    let test = Test::with_state()
        .with_runtime_dir()
        .task("1-a", "mkdir alone || exit 3; sleep 0.02; rmdir alone");
    let running = test.config("stop_codes = 3").args(["--wait-lock"]).start();
    let others: Vec<Child> = (0..12)
        .map(|number| {
            let args: &[&str] = match number % 2 {
                0 => &["--wait-lock", "tasks.d"],
                _ => &["-c", "runner.cfg", "--wait-lock", "tasks.d"],
            };
            running.command(args).arg("-q").spawn().unwrap()
        })
        .collect();
    for mut other in others {
        assert_eq!(other.wait().unwrap().code(), Some(0));
    }
    let ran = running.wait().status(0);
    assert_eq!(ran.lines("order").len(), 13);
}

#[test]
fn tasks_run_unlocked_if_no_place_is_usable() {
    if has_no_stranger() {
        return;
    }
    // There is no runtime directory, it belongs to another user, or it is not writable.
    let root = tempfile::tempdir().unwrap();
    for (runtime, writable) in [(None, false), (Some(root.path()), false), (None, true)] {
        let test = Test::open().task("1-a", "exit 0").by_stranger();
        let test = match (runtime, writable) {
            (Some(path), _) => test.env("XDG_RUNTIME_DIR", path),
            (None, false) => test.env_remove("XDG_RUNTIME_DIR"),
            (None, true) => {
                let path = test.path("runtime");
                fs::set_permissions(path, Permissions::from_mode(0o555)).unwrap();
                test
            }
        };
        let ran = test.run_with(["-v", "tasks.d"]).status(0);
        let ran = ran.says("there is no lock, so another run of the same tasks can start");
        // The place in the state directory is locked nevertheless.
        let test = ran.again().task("1-a", "ls state/lock >found");
        let ran = test
            .args(["-v"])
            .run()
            .status(0)
            .does_not_say("there is no lock");
        assert_eq!(ran.read("found"), "state/lock\n");
    }
}

#[test]
fn a_lock_that_cannot_be_opened_is_an_error() {
    let is_refused = |test: Test, why: &str| {
        let ran = test.task("1-a", "exit 0").run().status(71).order("");
        let ran = ran
            .says(&format!("error: cannot lock `state/lock`: {why}"))
            .says("hint: `--no-lock` runs without a lock");
        let journal = ran.read("state/journal.jsonl");
        assert!(journal.contains("\"refused\",\"status\":71"), "{journal}");
    };
    is_refused(
        Test::open().file("state/lock/file", "", 0o644),
        "it is a directory",
    );
    let link = |test: &Test| std::os::unix::fs::symlink("nothing", test.path("state/lock"));
    let test = Test::open().file("state/keep", "", 0o644);
    link(&test).unwrap();
    is_refused(test.args(["--insecure"]), "too many");
    let test = Test::open().file("state/keep", "", 0o644);
    let mkfifo = Command::new("mkfifo").arg(test.path("state/lock")).status();
    assert!(mkfifo.unwrap().success());
    is_refused(test, "it is not a regular file");
    let test = Test::open().file("runtime/keep", "", 0o644);
    let place = test.runtime_lock();
    fs::create_dir_all(&place).unwrap();
    let ran = test.task("1-a", "exit 0").run().status(71);
    let ran = ran.says(&format!("cannot lock `{}`: it is a dir", place.display()));
    fs::remove_dir(&place).unwrap();
    ran.again().run().status(0);
}

#[test]
fn a_lock_of_another_user_is_an_error() {
    if has_no_stranger() {
        return;
    }
    // Both users can write the state directory, and this runner has no other place.
    let test = Test::open().file("state/lock", "", 0o600).by_stranger();
    fs::set_permissions(test.path("state"), Permissions::from_mode(0o777)).unwrap();
    let test = test.task("1-a", "exit 0").env_remove("XDG_RUNTIME_DIR");
    let ran = test.run().status(71).order("");
    let ran = ran.says("cannot lock `state/lock`: permission denied");
    // A runtime directory of another user is an error too.
    fs::create_dir(ran.test.path("runtime/runner")).unwrap();
    let test = ran.again().args(["--set", "state_dir="]);
    let runtime = test.path("runtime");
    let ran = test.env("XDG_RUNTIME_DIR", runtime).run().status(71);
    ran.says("runtime/runner`: it belongs to another user");
}
