//! The lock, which allows one run of a task directory at a time. It is taken in two places:
//! in the state directory and in the runtime directory.

mod other_users;
mod places;
mod version_0_1;

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};

use crate::support::{Running, Test, is_missing, quoted, skip, top};

/// Content of a lock file that version 0.1 wrote, for a runner and a task with these process
/// numbers.
fn of_version_0_1(in_state: bool, runner: u32, task: u32) -> String {
    let place = if in_state { "state" } else { "runtime" };
    let file = top().join(format!("tests/fixtures/0.1/locks/killed-in-{place}"));
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    let text = fs::read_to_string(file).unwrap();
    let [_, _, run, _, ""] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("not the lock of a runner with one task: {text}");
    };
    let boot = format!("boot {} {}", boot.trim(), namespace.display());
    format!(
        "{runner}\n{boot}\n{run}\ntask {task} {} 3-work\n\n",
        u64::MAX
    )
}

/// A number that no process has.
const NO_PROCESS: u32 = u32::MAX / 2;

/// User id of an unprivileged user.
const STRANGER: u32 = 65534;

/// Returns `true` if no process can be started as another user, and prints SKIPPED.
fn has_no_stranger() -> bool {
    if !geteuid().is_root() {
        skip("only root can become another user");
        return true;
    }
    is_missing("setpriv") || is_missing("flock")
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
    /// Path of the lock in the runtime directory.
    fn runtime_lock(&self) -> PathBuf {
        let runtime = if geteuid().is_root() {
            PathBuf::from("/run")
        } else {
            self.path("runtime")
        };
        let taskdir = fs::metadata(self.path("tasks.d")).unwrap();
        let name = format!("runner/{:x}-{}.lock", taskdir.dev(), taskdir.ino());
        runtime.join(name)
    }

    /// Path of the lock in one of its two places.
    fn place(&self, in_state: bool) -> PathBuf {
        if in_state {
            self.path("state/lock")
        } else {
            self.runtime_lock()
        }
    }

    /// A story with a state directory and a runtime directory, which other users can enter.
    fn open() -> Test {
        let test = Test::with_state().with_runtime_dir();
        fs::set_permissions(test.dir(), Permissions::from_mode(0o755)).unwrap();
        test
    }

    /// Starts the program as an unprivileged user, who owns the directory of the story.
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

/// Creates a lock file as version 0.1 did.
fn old_lock(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, of_version_0_1(true, NO_PROCESS, NO_PROCESS)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
}

/// Ends a task with [`READY_UNTIL_GO`].
fn go(running: &Running) {
    fs::write(running.path("go"), "").unwrap();
}
