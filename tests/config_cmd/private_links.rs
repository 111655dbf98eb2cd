//! Private links, which replace paths with special characters.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rustix::process::{Signal, geteuid};

use crate::support::{REPLACE_BY_TERMINAL, Test, has_no_terminals, is_missing};

use super::{ANSWERS, ASK, answers, private_directories, words};

#[test]
fn links_are_readable_by_others_and_removed_at_the_end() {
    let mode = "directory=${RUNNER_CONFIG_CMD%%/runner-config *}\n\
                ls -ld \"$directory\" | cut -c 1-10";
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", &format!("{ASK}\n{mode}"))
        .run_with(["-c", "two words/runner.cfg", "tasks.d"])
        .status(0)
        .stdout(&format!("{ANSWERS}drwxr-xr-x\n"));
    let directories = private_directories(&ran);
    assert_eq!(directories.len(), 2);
    assert_eq!(directories[0], directories[1]);
    assert!(!directories[0].exists());
}

#[test]
fn links_are_readable_with_any_umask() {
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .through("umask 077")
        .task("1-a", ASK)
        .waiting_for_go()
        .start_with(["-c", "two words/runner.cfg", "tasks.d"]);
    ran.until("command", "\n");
    let command = fs::read_to_string(ran.path("command")).unwrap();
    let link = command.split(' ').next().unwrap();
    let directory = fs::metadata(Path::new(link).parent().unwrap()).unwrap();
    assert_eq!(directory.permissions().mode() & 0o7777, 0o755);
    fs::write(ran.path("go"), "").unwrap();
    let ran = ran.wait().status(0);
    assert!(!private_directories(&ran)[0].exists());
}

#[test]
fn links_are_protected_from_cleaners() {
    if is_missing("flock") {
        return;
    }
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", ASK)
        .task(
            "2-b",
            "set -- $RUNNER_CONFIG_CMD\nflock -nx \"${1%/*}\" true; echo locked $?",
        )
        .run_with(["-c", "two words/runner.cfg", "tasks.d"])
        .status(0);
    assert!(ran.stdout.ends_with("locked 1\n"), "{}", ran.stdout);
    if geteuid().is_root() {
        let directory = &private_directories(&ran)[0];
        assert_eq!(directory.parent(), Some(Path::new("/run")));
    }
}

#[test]
fn links_are_removed_after_signals() {
    let deaf = "trap '' TERM\n: >ready\nwhile :; do sleep 30; done";
    let running = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", &format!("{ASK}\n{deaf}"))
        .start_with(["-c", "two words/runner.cfg", "tasks.d"]);
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.until("stderr", "got SIGTERM: ending what runs");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).nothing_left();
    assert!(!private_directories(&ran)[0].exists());
}

#[test]
fn links_are_removed_after_a_third_signal() {
    if has_no_terminals() {
        return;
    }
    let config = "two words/runner.cfg";
    let running = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", &format!("{ASK}\n{REPLACE_BY_TERMINAL} '{config}'"))
        .start_with(["--insecure", "-n", "2", "-c", config, "tasks.d"]);
    running.until_it_reads_the_terminal();
    running.three_signals();
    let ran = running.wait().status(143).says("exiting at once");
    assert!(!private_directories(&ran)[0].exists());
}

#[test]
fn links_are_removed_before_a_command_replaces_the_runner() {
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", ASK)
        .run_with([
            "-c",
            "two words/runner.cfg",
            "tasks.d",
            "--",
            "sh",
            "-c",
            "read -r command <command; [ -e \"${command%% *}\" ] && echo there; exit 5",
        ])
        .status(5)
        .stdout(ANSWERS);
    assert_eq!(private_directories(&ran).len(), 2);
}

#[test]
fn links_do_not_need_a_usable_temporary_directory() {
    for tmpdir in ["/nowhere", "two words", "relative", ""] {
        let test = Test::new().program_in("two words").config_in("two words");
        fs::create_dir(test.path("relative")).unwrap();
        let ran = answers(test.env("TMPDIR", tmpdir), "two words");
        assert!(words(&ran)[0].is_absolute());
    }
}

#[test]
fn links_are_in_a_directory_that_other_users_can_enter() {
    let test = Test::new().program_in("two words").config_in("two words");
    let tmpdir = test.path("tmp");
    fs::create_dir(&tmpdir).unwrap();
    fs::set_permissions(&tmpdir, fs::Permissions::from_mode(0o700)).unwrap();
    let ran = answers(test.env("TMPDIR", tmpdir), "two words");
    for directory in private_directories(&ran)[0].ancestors().skip(1) {
        let mode = fs::metadata(directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o005, 0o005, "{}", directory.display());
    }
}
