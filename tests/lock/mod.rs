//! The lock: one run of a task directory at a time, in both of its places, against other
//! versions and against other users.

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

use crate::support::{Running, Test, is_missing, quoted, skip};

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
        let runtime = if geteuid().is_root() {
            PathBuf::from("/run")
        } else {
            self.path("runtime")
        };
        let taskdir = fs::metadata(self.path("tasks.d")).unwrap();
        let name = format!("runner/{:x}-{}.lock", taskdir.dev(), taskdir.ino());
        runtime.join(name)
    }

    /// One of the two places.
    fn place(&self, in_state: bool) -> PathBuf {
        if in_state {
            self.path("state/lock")
        } else {
            self.runtime_lock()
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

/// Makes a lock file as version 0.1 did.
fn old_lock(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A number that no process has.
    fs::write(path, of_version_0_1(u32::MAX / 2)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
}

/// Lets a task end that does [`READY_UNTIL_GO`].
fn go(running: &Running) {
    fs::write(running.path("go"), "").unwrap();
}
