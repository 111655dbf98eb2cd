//! The parts of a path: directories, links, and paths that cannot be followed.

use crate::support::{Test, is_missing};

use super::{STRANGER, is_not_root, refused, shell, story};

#[test]
fn the_directories_on_the_way_count() {
    if is_not_root() {
        return;
    }
    refused("mkdir way; mv target way; ln -sf ../way/target tasks.d/3-c; chmod o+w way")
        .says("refusing to run task `tasks.d/3-c` as root: `");
    refused("mkdir way; mv target way; ln -sf ../way/target tasks.d/3-c; chown STRANGER way")
        .says("way` belongs to user");
    // The directories of links in the path count too.
    refused("mkdir way; mv target way; ln -s way link; ln -sf ../link/target tasks.d/3-c; chmod o+w way")
        .says("way` is world-writable");
    refused("mv tasks.d real; mkdir open; mv real open; ln -s open/real tasks.d; chmod o+w open")
        .says("refusing to run tasks in `tasks.d` as root: `");
}

#[test]
fn a_sticky_directory_lets_others_add_and_not_replace() {
    if is_not_root() {
        return;
    }
    // Accepted as a part of a path, if its entry belongs to root.
    let test = story();
    shell(
        &test,
        "mkdir way; mv target way; ln -sf ../way/target tasks.d/3-c; chmod 1777 way",
    );
    test.run().status(0).order("1-a 2-b 3-c");
    refused("mkdir way; mv target way; ln -sf ../way/target tasks.d/3-c; chmod 1777 way; chown STRANGER way/target")
        .says("target` belongs to user");
    // The owner of a link in it can replace the link.
    refused("mkdir way; ln -s ../target way/link; ln -sf ../way/link tasks.d/3-c; chmod 1777 way; chown -h STRANGER way/link")
        .says("link` belongs to user");
    // Every user can create a file that does not exist.
    refused("mkdir way; ln -sf ../way/target tasks.d/3-c; chmod 1777 way")
        .says("is world-writable");
    // Every user can add files to a directory that is listed.
    for path in ["tasks.d", "include", "var"] {
        refused(&format!("chmod 1777 {path}")).says("the sticky bit does not help here");
    }
}

#[test]
fn a_task_directory_that_another_user_can_make_is_refused() {
    if is_not_root() {
        return;
    }
    for change in [
        "chmod 1777 open",
        "chown STRANGER open",
        "ln -s missing open/tasks.d; chmod 1777 open",
    ] {
        refused(&format!(
            "mkdir open; {change}; mv tasks.d real; ln -s open/tasks.d tasks.d"
        ))
        .says("refusing to run tasks in `tasks.d`");
    }
}

#[test]
fn a_path_too_long_for_one_system_call_is_still_checked() {
    if is_not_root() || is_missing("python3") {
        return;
    }
    // The kernel resolves the links one by one; the real path is longer than 4096 bytes.
    let python = "import os
name, real = 'n' * 200, os.path.realpath('real')
def down(at, times):
    for _ in range(times):
        os.mkdir(name, dir_fd=at)
        at = os.open(name, os.O_RDONLY, dir_fd=at)
    return at
os.mkdir('deep')
half = down(os.open('deep', os.O_RDONLY), 18)
os.symlink('/'.join([name] * 6 + ['end']), 'link', dir_fd=half)
os.symlink(real, 'end', dir_fd=down(half, 6))
os.symlink('/'.join(['deep'] + [name] * 18 + ['link']), 'tasks.d')";
    refused(&format!(
        "mv tasks.d real; python3 -c \"{python}\"; ls tasks.d/1-a; chown STRANGER deep"
    ))
    .says("refusing to run tasks in `tasks.d`");
}

#[test]
fn a_path_through_a_missing_directory_is_refused() {
    if is_not_root() {
        return;
    }
    for setting in ["log_dir", "state_dir"] {
        let test = Test::new().task("1-a", "exit 0");
        shell(&test, &format!("mkdir theirs; chown {STRANGER} theirs"));
        let ran = test
            .config(&format!("{setting} = missing/../theirs/x"))
            .run();
        let ran = ran
            .status(78)
            .order("")
            .says(&format!("refusing to write to `{setting}`"));
        assert!(!ran.test.path("theirs/x").exists());
    }
}

/// The other user could replace it by a task later.
#[test]
fn a_link_of_which_another_user_changes_the_end_is_refused_whatever_it_leads_to() {
    if is_not_root() {
        return;
    }
    for end in [
        "mkdir theirs/it",
        "mkfifo theirs/it",
        "true",
        "echo x >theirs/it",
    ] {
        let make = format!("mkdir theirs; {end}; chown STRANGER theirs");
        refused(&format!("{make}; ln -s ../theirs/it tasks.d/4-d"))
            .says("refusing to run task `tasks.d/4-d`");
        refused(&format!("{make}; ln -s ../theirs/it include/z.cfg"))
            .says("refusing to read configuration file `include/z.cfg`");
    }
    // A directory is not a task.
    let test = story();
    shell(
        &test,
        &format!("mkdir tasks.d/lib include/lib; chown {STRANGER} tasks.d/lib include/lib"),
    );
    test.run().status(0);
}

#[test]
fn a_hint_can_be_pasted_whatever_a_name_holds() {
    if is_not_root() {
        return;
    }
    let test = story();
    shell(
        &test,
        &format!("cp -p tasks.d/1-a 'tasks.d/4-x;id>hint;'; chown {STRANGER} tasks.d/4*"),
    );
    let ran = test.run().status(78);
    let hint = ran
        .stderr
        .split("hint: `")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap()
        .to_owned();
    shell(&ran.test, &hint);
    assert!(!ran.test.path("hint").exists(), "{hint}");
    ran.again().run().status(0);
}

/// As a part of the path a sticky directory is accepted, as the task directory it is not.
#[test]
fn a_task_directory_reached_through_dots_or_a_link_is_checked() {
    if is_not_root() {
        return;
    }
    for link in ["open/way/..", "open/way/../.", "open/link"] {
        refused(&format!(
            "mkdir open; mv tasks.d/* open; rmdir tasks.d; mkdir open/way; ln -s . open/link; \
             chmod 1777 open; ln -s {link} tasks.d"
        ))
        .says("refusing to run tasks in `tasks.d` as root: `");
    }
}
