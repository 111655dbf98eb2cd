//! The lock: one run of a task directory at a time, in both of its places, against other
//! versions and against other users.
#![expect(
    clippy::disallowed_methods,
    reason = "other runners, and those who hold their locks, are started here"
)]

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};

use crate::{
    state::STAY,
    support::{Running, Test, is_missing, quoted, skip, until},
};

const SOON: Duration = Duration::from_secs(10);

/// A user without rights.
const STRANGER: u32 = 65534;

/// Reports it and does nothing where no process can be started as another user.
fn has_no_stranger() -> bool {
    if !geteuid().is_root() {
        skip("only root can become another user");
        return true;
    }
    is_missing("setpriv") || is_missing("flock")
}

/// A command of a user without rights.
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

/// A process of the story, killed at its end.
struct Other(Child);

impl Other {
    fn start(command: &mut Command) -> Other {
        Other(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns `true` if a process has the lock of this file.
fn is_locked(path: &Path) -> bool {
    let file = File::open(path).unwrap();
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

impl Test {
    /// The place of the lock in the runtime directory.
    fn runtime_lock(&self) -> PathBuf {
        let runtime = match geteuid().is_root() {
            true => PathBuf::from("/run"),
            false => self.path("runtime"),
        };
        let taskdir = fs::metadata(self.path("tasks.d")).unwrap();
        let name = format!("runner/{:x}-{}.lock", taskdir.dev(), taskdir.ino());
        runtime.join(name)
    }

    /// One of the two places.
    fn place(&self, in_state: bool) -> PathBuf {
        match in_state {
            true => self.path("state/lock"),
            false => self.runtime_lock(),
        }
    }

    /// A task directory that other users can enter.
    fn open() -> Test {
        let test = Test::with_state().with_runtime_dir();
        fs::set_permissions(test.dir(), Permissions::from_mode(0o755)).unwrap();
        test
    }

    /// Starts the program as a user without rights, who owns the directory of the story.
    fn by_stranger(self) -> Test {
        for entry in [".", "tasks.d", "runtime"] {
            chown(self.path(entry), Some(STRANGER), Some(STRANGER)).unwrap();
        }
        let program = quoted(&crate::support::runner());
        let setpriv = format!("setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups");
        let script = format!("#!/bin/sh\nexec {setpriv} {program} \"$@\"\n");
        let shell = self.path("as-stranger");
        self.file("as-stranger", &script, 0o755).program(shell)
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Content of the lock of version 0.1.
fn of_version_0_1(pid: u32) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    format!(
        "{pid}\nboot {} {}\nrun 2026-old\n\n",
        boot.trim(),
        namespace.display()
    )
}

/// Makes a lock file as version 0.1 did.
fn old_lock(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A number that no process has.
    fs::write(path, of_version_0_1(u32::MAX / 2)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
}

/// Lets a task end that does [`STAY`].
fn go(running: &Running) {
    fs::write(running.path("go"), "").unwrap();
}

// The two places.

#[test]
fn runners_with_and_without_a_state_directory_meet() {
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
        let test = Test::with_state().with_runtime_dir().task("1-a", STAY);
        let running = test.start_with(first);
        running.until("ready", "");
        let (status, stderr) = running.with_args(second);
        assert_eq!(status, Some(75), "{first:?} {second:?}: {stderr}");
        let who = format!("another runner (process {}, run 2", running.pid());
        assert!(stderr.contains(&who), "{stderr}");
        go(&running);
        let ran = running.wait().status(0).order("1-a");
        assert!(!ran.test.runtime_lock().exists());
        assert!(!ran.test.path("state/lock").exists());
    }
}

#[test]
fn a_state_directory_that_is_removed_or_renamed_meanwhile_lets_nobody_in() {
    for change in [
        "rm -r state",
        "mv state other",
        "sed -i s/state$/other/ runner.cfg",
        "sed -i /state_dir/d runner.cfg",
    ] {
        let test = Test::with_state().with_runtime_dir().task("1-a", STAY);
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

/// A first run that changes the configuration, and a second one that stays.
fn moves_its_state() -> Test {
    Test::with_state()
        .with_runtime_dir()
        .task(
            "1-a",
            &format!("sed -i s/state$/other/ runner.cfg\n[ -e second ] || {{ : >second; exit 0; }}\n{STAY}"),
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
    let ran = test.run().status(75).says("another runner runs the tasks");
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
    // The second run, of the other directory.
    running.until("second", "");
    let (status, stderr) = running.with_args(&["-c", "runner.cfg", "tasks.d"]);
    assert_eq!(status, Some(75), "{stderr}");
    fs::write(running.path("second.go"), "").unwrap();
    running.wait().status(0).order("1-a 1-a");
}

/// The runner was killed while a line had no number. Another user read the id of the run.
#[test]
fn a_process_that_started_later_is_no_survivor() {
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
    // An hour ago, in ticks; and just before.
    let test = test.file("state/lock", &lock(started.saturating_sub(360_000)), 0o600);
    let ran = test.run().status(0).order("1-a");
    let ran = ran.test.file("state/lock", &lock(started), 0o600).run();
    ran.status(75).says("still runs");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_full_machine_is_not_a_place_without_locks() {
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
        // With another place it is only a warning.
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
fn a_wait_for_the_second_place_holds_the_first_for_nobody() {
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
    // Each run fails when it finds another one at work.
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
fn where_there_is_no_place_there_is_no_lock() {
    if has_no_stranger() {
        return;
    }
    // No runtime directory, or one of another user, or one that cannot be written.
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
        let ran = ran.says("there is no lock, so another run of the same tasks may go on");
        // The other place is taken all the same.
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
    let is_held = |test: Test, why: &str| {
        let ran = test.task("1-a", "exit 0").run().status(71).order("");
        let ran = ran.says(&format!("error: cannot lock `state/lock`: {why}"));
        let ran = ran.says("hint: `--no-lock` runs without a lock");
        let journal = ran.read("state/journal.jsonl");
        assert!(journal.contains("\"refused\",\"status\":71"), "{journal}");
    };
    is_held(
        Test::open().file("state/lock/file", "", 0o644),
        "it is a directory",
    );
    let link = |test: &Test| std::os::unix::fs::symlink("nothing", test.path("state/lock"));
    let test = Test::open().file("state/keep", "", 0o644);
    link(&test).unwrap();
    is_held(test.args(["--insecure"]), "too many");
    let test = Test::open().file("state/keep", "", 0o644);
    let mkfifo = Command::new("mkfifo").arg(test.path("state/lock")).status();
    assert!(mkfifo.unwrap().success());
    is_held(test, "it is not a regular file");
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
    // In a directory that both can write, where this runner has no other place.
    let test = Test::open().file("state/lock", "", 0o600).by_stranger();
    fs::set_permissions(test.path("state"), Permissions::from_mode(0o777)).unwrap();
    let test = test.task("1-a", "exit 0").env_remove("XDG_RUNTIME_DIR");
    let ran = test.run().status(71).order("");
    let ran = ran.says("cannot lock `state/lock`: permission denied");
    // The runtime directory of another user is not used either.
    fs::create_dir(ran.test.path("runtime/runner")).unwrap();
    let test = ran.again().args(["--set", "state_dir="]);
    let runtime = test.path("runtime");
    let ran = test.env("XDG_RUNTIME_DIR", runtime).run().status(71);
    ran.says("runtime/runner`: it belongs to another user");
}

// Other users.

#[test]
fn no_other_user_can_open_the_lock() {
    for umask in ["0", "022", "0777"] {
        let test = Test::open().through(&format!("umask {umask}"));
        let place = test.runtime_lock();
        let runtime = place.parent().unwrap().to_owned();
        fs::create_dir_all(&runtime).unwrap();
        // As version 0.1 made it.
        fs::set_permissions(&runtime, Permissions::from_mode(0o755)).unwrap();
        let test = test.file("tasks.d/1-a", &format!("#!/bin/sh\n{STAY}\n"), 0o755);
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
fn another_user_who_is_fast_keeps_nobody_out() {
    if has_no_stranger() || is_missing("perl") {
        return;
    }
    // It locks the file as soon as it can open it, and keeps the lock for a moment.
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
    let running = Test::open().task("1-a", STAY).start();
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
fn another_user_who_has_an_old_lock_keeps_nobody_out() {
    if has_no_stranger() {
        return;
    }
    // The process that took the lock is there, or has left it to another one.
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
            // No draft is left either.
            for entry in fs::read_dir(ran.test.path("state")).unwrap() {
                let name = entry.unwrap().file_name();
                assert!(!name.to_string_lossy().starts_with('.'), "{name:?}");
            }
        }
    }
}

#[test]
fn another_user_who_waits_for_an_old_lock_keeps_nobody_out() {
    if has_no_stranger() {
        return;
    }
    // A runner of version 0.1, another user who waits for its end, and a runner that does.
    for in_state in [true, false] {
        let test = Test::open().task("1-a", "exit 0");
        let place = test.place(in_state);
        old_lock(&place);
        let mut first = Command::new("flock");
        let first = first.arg("--no-fork").arg(&place).args(["sleep", "60"]);
        let first = Other::start(first);
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

// Version 0.1, which took one of the two places, with mode 0644.

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
        // The process that has the lock is the one that started it.
        let first = first.arg("--no-fork").arg(&place).args(["sleep", "60"]);
        let first = Other::start(first);
        fs::write(&place, of_version_0_1(first.0.id())).unwrap();
        until(|| is_locked(&place));
        let who = format!("another runner (process {}, run 2026-old)", first.0.id());
        let ran = test.run().status(75).order("").says(&who);
        let ran = ran.again().args(["--only", "1-a"]).run().status(75);
        // It is the same file, which that runner removes at its end.
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
        let text = of_version_0_1(1).replace("\n\n", &format!("\ntask {pid} 99999999999 1-a\n\n"));
        fs::write(&place, text).unwrap();
        let who = format!("`1-a` (process {pid}) still runs, whose runner was killed");
        let ran = test.run().status(75).says(&who);
        // It is found again in the file that took the place of the old one.
        let ran = ran.again().run().status(75).says(&who).order("");
        drop(task);
        ran.again().run().status(0).within(SOON);
    }
}
