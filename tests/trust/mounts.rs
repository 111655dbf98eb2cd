//! Mounts that show a wrong owner, and links that lead to another file than their text says.

use std::{path::Path, process::Command};

use super::{STRANGER, is_not_root, refused, shell, story};
use crate::support::{Ran, Test, install_program, is_missing, skip};

/// Runs a story in its own mount namespace, after `first`.
#[track_caller]
fn inside(test: Test, first: &str) -> Ran {
    let first = first.replace("STRANGER", STRANGER);
    let first = format!(
        "[ -z \"$INSIDE\" ] && INSIDE=1 exec \
         unshare -mpf --mount-proc \"$0\" \"$@\"\nset -e\n{first}"
    );
    test.through(&first).run()
}

/// Returns `true` if nothing can be mounted, and prints SKIPPED.
fn cannot_mount() -> bool {
    if is_not_root() || is_missing("unshare") {
        return true;
    }
    let can = Command::new("unshare").args(["-m", "true"]).status();
    let cannot = !can.is_ok_and(|status| status.success());
    if cannot {
        skip("no mounts can be made here");
    }
    cannot
}

#[test]
fn a_read_only_mount_earns_no_trust() {
    if cannot_mount() {
        return;
    }
    let bind = "mount --bind tasks.d tasks.d && mount -o remount,bind,ro tasks.d";
    let mounted_later = "mkdir theirs && cp -a tasks.d/. theirs && chown -R STRANGER theirs && \
                         mount --bind theirs tasks.d && mount -o remount,bind,ro tasks.d";
    let overlay = "mkdir upper work theirs && chown STRANGER theirs && cp -a tasks.d/. theirs && \
                   chown STRANGER theirs/1-a && mount -t tmpfs none work && mkdir work/u work/w && \
                   mount -t overlay -o ro,lowerdir=theirs,upperdir=work/u,workdir=work/w none tasks.d";
    let test = story();
    shell(&test, &format!("chown -R {STRANGER} tasks.d"));
    for (test, mount) in [(test, bind), (story(), mounted_later), (story(), overlay)] {
        let ran = inside(test, mount).status(78).order("");
        ran.says("belongs to user");
    }
    // A read-only mount of root's files is accepted.
    inside(story(), bind).status(0).order("1-a 2-b 3-c");
}

#[test]
fn a_mount_on_a_single_file_is_seen() {
    if cannot_mount() {
        return;
    }
    let mount = "printf '#!/bin/sh\\n' >theirs && chmod 755 theirs && chown STRANGER theirs && \
                 mount --bind theirs ";
    for (path, what) in [
        ("tasks.d/1-a", "run task `tasks.d/1-a`"),
        ("target", "run task `tasks.d/3-c`"),
        ("hook", "run hook `"),
        ("runner.cfg", "read configuration file `runner.cfg`"),
    ] {
        let ran = inside(story(), &format!("{mount}{path}"))
            .status(78)
            .order("");
        ran.says(&format!("refusing to {what}"));
    }
}

/// Command that lets every user mount FUSE file systems for all users. It creates a device
/// of its own, in case only root can use that of the machine.
const LET_USERS_MOUNT: &str = "mknod -m 666 device c 10 229 && mount --bind device /dev/fuse
    grep -qs '^user_allow_other' /etc/fuse.conf || { echo user_allow_other >fuse.conf &&
    mount --bind fuse.conf /etc/fuse.conf; }";

fn cannot_mount_fuse() -> bool {
    cannot_mount()
        || is_missing("bindfs")
        || is_missing("setpriv")
        || !Path::new("/dev/fuse").exists()
}

#[test]
fn a_fuse_mount_of_another_user_is_refused_whatever_owner_it_shows() {
    if cannot_mount_fuse() {
        return;
    }
    let mount = |user: &str| {
        format!(
            "cp -a tasks.d theirs/it && rm theirs/it/3-c && chown -R STRANGER theirs && {user} bindfs \
             -o allow_other --force-user=root --force-group=root theirs fuse && \
             rm -r tasks.d && ln -s fuse/it tasks.d"
        )
    };
    // A mount that belongs to root is trusted to show the right owners.
    let test = story();
    shell(&test, "mkdir fuse theirs");
    inside(test, &mount("")).status(0).order("1-a 2-b");

    let test = story();
    shell(&test, "mkdir fuse theirs; chmod 755 .; chown 65534 fuse");
    let as_user = mount("setpriv --reuid STRANGER --regid STRANGER --clear-groups");
    let as_user = format!("{LET_USERS_MOUNT}; {as_user}");
    let ran = inside(test, &as_user).status(78).order("");
    let ran = ran.says("is on a FUSE mount of user `");
    assert!(!ran.stderr.contains("belongs to user"), "{}", ran.stderr);
}

#[test]
fn a_fuse_mount_that_never_answers_does_not_block() {
    if cannot_mount_fuse() {
        return;
    }
    // Its daemon is stopped, so every access to the mount blocks forever.
    let stuck = format!(
        "{LET_USERS_MOUNT}
        setpriv --reuid STRANGER --regid STRANGER --clear-groups bindfs -f theirs fuse &
        for try in $(seq 500); do
            ! grep -q user_id=STRANGER /proc/self/mounts || break
            sleep 0.02
        done
        kill -STOP $!
        PATH=$PWD/fuse:$PATH"
    );
    let at = |setting: &str| {
        let test = Test::new().task("1-a", "exit 0").config(setting);
        shell(&test, "mkdir fuse theirs; chmod 755 .; chown 65534 fuse");
        inside(test, &stuck)
    };
    for setting in ["task_hook = fuse/hook", "interpreter = fuse/sh"] {
        at(setting)
            .status(78)
            .order("")
            .says("is on a FUSE mount of user `");
    }
    for setting in ["task_hook = true", "interpreter = sh"] {
        at(setting).status(0).order("1-a");
    }
}

#[test]
fn a_link_on_proc_is_refused() {
    if is_not_root() {
        return;
    }
    // The kernel follows such a link without its text, so the text proves nothing.
    let test = story();
    let dir = test.dir().to_str().unwrap().to_owned();
    for (path, arguments) in [
        (
            format!("/proc/self/root{dir}/tasks.d"),
            ["-c", "runner.cfg"],
        ),
        ("/proc/self/cwd/tasks.d".to_owned(), ["-c", "runner.cfg"]),
        ("tasks.d".to_owned(), ["-c", "/proc/self/cwd/runner.cfg"]),
    ] {
        let ran = story().run_with([arguments[0], arguments[1], &path]);
        ran.status(78).order("").says("is a symlink in `/proc`");
    }
    refused("ln -sfn /proc/1/root/bin/true tasks.d/3-c").says("is a symlink in `/proc`");
    refused("mv tasks.d real; ln -s /proc/self/cwd/real tasks.d").says("is a symlink in `/proc`");
}

#[test]
fn a_relative_path_needs_a_working_directory() {
    if cannot_mount() {
        return;
    }
    let test = story();
    let dir = test.dir().to_str().unwrap().to_owned();
    let first = format!(
        "mkdir gone && mount -t tmpfs none gone && cp -a tasks.d runner.cfg include shell hook target gone && \
         cd gone && umount -l {dir}/gone && INSIDE=2"
    );
    let ran = inside(test, &first);
    ran.status(78)
        .order("")
        .says("the working directory has no path");
}

#[test]
fn users_outside_of_the_namespace_are_not_offered_as_trusted() {
    if is_not_root() || is_missing("setpriv") || is_missing("unshare") {
        return;
    }
    let test = Test::new().task("1-a", "exit 0");
    shell(&test, &format!("chmod 755 .; chown -R {STRANGER} ."));
    let first = "[ -z \"$INSIDE\" ] && INSIDE=1 exec setpriv --reuid 65533 --regid 65533 \
                 --clear-groups unshare -Ur \"$0\" \"$@\"";
    shell(
        &test,
        "chmod 755 . tasks.d; : >runner.cfg; chmod 644 runner.cfg",
    );
    // This user cannot enter the directory of the program.
    let program = test.path("program");
    install_program(&program);
    let ran = test.program(program).through(first).run();
    if ran.stderr.contains("unshare failed") {
        return skip("users cannot make user namespaces here");
    }
    let ran = ran.status(78).says("outside of this user namespace");
    assert!(!ran.stderr.contains("--trust-owner"), "{}", ran.stderr);
}
