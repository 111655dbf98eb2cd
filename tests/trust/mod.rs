//! Trust: files that root refuses to use, since another user could change them.

mod mounts;
mod paths;
mod reload;
mod words;

use std::process::Command;

use rustix::process::geteuid;

use crate::support::{Ran, Test, is_missing, skip};

/// User id of another user: that of `nobody` on most systems.
const STRANGER: &str = "65534";

/// Returns `true` if this user is not root, and prints SKIPPED.
fn is_not_root() -> bool {
    let is_not = !geteuid().is_root();
    if is_not {
        skip("only root has to trust");
    }
    is_not
}

/// A story with every kind of file that root could use.
#[track_caller]
fn story() -> Test {
    let test = Test::new()
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .task("halt.sh", "exit 0")
        .hook()
        .file("include/more.cfg", "[a]\ninterpreter = ../shell\n", 0o644)
        .file("shell", "#!/bin/sh\nexec sh \"$@\"\n", 0o755)
        .file("target", "#!/bin/sh\necho 3-c >>order\n", 0o755)
        .config("include_dir = include\nstate_dir = var/state\nlog_dir = var/logs");
    let test = test.file("var/keep", "", 0o644);
    shell(&test, "ln -s ../target tasks.d/3-c");
    test
}

/// Runs a shell script in the directory of a story.
#[track_caller]
fn shell(test: &Test, script: &str) {
    let mut sh = Command::new("sh");
    let done = sh.args(["-ec", script]).current_dir(test.dir()).status();
    assert!(done.unwrap().success(), "{script}");
}

/// Runs a story as root after `script`. Asserts that the run is refused and nothing runs.
#[track_caller]
fn refused(script: &str) -> Ran {
    let test = story();
    shell(&test, &script.replace("STRANGER", STRANGER));
    let ran = test.run().status(78).order("").says("nothing was run");
    // Nothing was written to a directory where another user could have left links.
    assert!(!ran.test.path("var/logs").exists());
    ran
}

#[test]
fn files_of_root_alone_are_run() {
    if is_not_root() {
        return;
    }
    story().run().status(0).order("1-a 2-b 3-c");
}

#[test]
fn a_file_of_another_user_is_not_run() {
    if is_not_root() {
        return;
    }
    for (path, what) in [
        ("runner.cfg", "read configuration file `runner.cfg`"),
        ("include", "read `include_dir` `include`"),
        (
            "include/more.cfg",
            "read configuration file `include/more.cfg`",
        ),
        ("tasks.d", "run tasks in `tasks.d`"),
        ("tasks.d/1-a", "run task `tasks.d/1-a`"),
        ("tasks.d/halt.sh", "run task `tasks.d/halt.sh`"),
        ("target", "run task `tasks.d/3-c`"),
        ("hook", "run hook `"),
        ("shell", "run interpreter `"),
        ("var", "write to `log_dir` `var/logs`"),
    ] {
        let test = story();
        let touch = if path == "runner.cfg" {
            "touch runner.cfg;"
        } else {
            ""
        };
        shell(&test, &format!("{touch} chown {STRANGER} {path}"));
        let ran = test.run().status(78).order("");
        let ran = ran.says(&format!("error: refusing to {what}"));
        let expected = format!("{path}` belongs to user `");
        assert!(ran.stderr.contains(&expected), "{expected}: {}", ran.stderr);
        // The user of `--trust-owner` can own it.
        ran.again()
            .args(["--trust-owner", STRANGER])
            .run()
            .status(0);
    }
}

#[test]
fn a_file_that_others_may_write_is_not_run() {
    if is_not_root() {
        return;
    }
    for path in [
        "include",
        "include/more.cfg",
        "tasks.d",
        "tasks.d/1-a",
        "target",
        "hook",
        "var",
    ] {
        let ran = refused(&format!("chmod o+w {path}"));
        assert!(ran.stderr.contains("is world-writable"), "{}", ran.stderr);
        let ran = ran.says(&format!("{path}`"));
        // A trusted owner makes no difference.
        let ran = ran
            .again()
            .args(["--trust-owner", STRANGER])
            .run()
            .status(78);
        ran.again().args(["--insecure"]).run().status(0);
        refused(&format!("chgrp STRANGER {path}; chmod g+w {path}")).says("group `");
        // Group 0 is root.
        let test = story();
        shell(&test, &format!("chgrp 0 {path}; chmod g+w {path}"));
        test.run().status(0);
    }
}

#[test]
fn no_hint_proposes_to_change_a_device() {
    if is_not_root() {
        return;
    }
    for (config, device) in [("/dev/null/x", "/dev/null"), ("/dev/stdin", "/dev/stdin")] {
        let test = Test::new().no_config().task("1-a", "exit 0");
        let test = test.through("exec </dev/null").args(["-c", config]);
        let ran = test.run().status(78);
        let ran = ran.says(&format!("hint: `{device}` is a device; write another path"));
        assert!(!ran.stderr.contains("chmod"), "{}", ran.stderr);
    }
}

#[test]
fn a_mark_of_another_user_does_not_count() {
    if is_not_root() {
        return;
    }
    for mark in [
        "echo run = x >var/state/done/1-a; chown STRANGER var/state/done/1-a",
        "echo run = x >mark; ln -s ../../../mark var/state/done/1-a",
        "ln -s nowhere var/state/done/1-a",
        "mkdir var/state/done/1-a",
        "echo run = x >var/state/done/1-a; chmod o+w var/state/done/1-a",
    ] {
        let test = story().config("[a]\nfrequency = once");
        shell(
            &test,
            &format!(
                "mkdir -p var/state/done; {}",
                mark.replace("STRANGER", STRANGER)
            ),
        );
        let ran = test.run().says(
            "warning: `var/state/done/1-a` does not count: another user could have written it\n",
        );
        assert_eq!(
            ran.lines("order").first().map(String::as_str),
            Some("1-a"),
            "{mark}: {}",
            ran.stderr
        );
    }
}

#[test]
fn marks_in_a_directory_of_another_user_are_not_removed() {
    if is_not_root() {
        return;
    }
    let test = story().config("[a]\nfrequency = once");
    shell(
        &test,
        &format!("mkdir -p var/state/done; : >var/state/done/1-a; chown {STRANGER} var/state"),
    );
    let ran = test.args(["--forget-all"]).run().status(78);
    assert!(ran.test.path("var/state/done/1-a").exists());
}

#[test]
fn an_access_control_list_counts() {
    if is_not_root() || is_missing("setfacl") {
        return;
    }
    let listed = "an access control list lets other users write to `";
    for entry in ["u:STRANGER:rw", "g:STRANGER:w", "u:0:rw,g:STRANGER:rw"] {
        for path in ["tasks.d/1-a", "target", "hook", "include", "var"] {
            refused(&format!("chgrp 0 {path}; setfacl -m {entry} {path}")).says(listed);
        }
    }
    // The list has the permissions of the file's group in an entry of its own.
    refused("chgrp STRANGER tasks.d/1-a; setfacl -m u:0:rw,g::rw tasks.d/1-a").says(listed);
    for allowed in [
        "setfacl -m u:0:rw tasks.d/1-a",
        "chgrp 0 tasks.d/1-a; setfacl -m g:0:rw,g::rw tasks.d/1-a",
        "setfacl -m u:STRANGER:rx tasks.d/1-a",
        // The mask takes the permission away.
        "setfacl -m u:STRANGER:rw,m::rx tasks.d/1-a",
        "setfacl -m g:STRANGER:rw,m::rx tasks.d/1-a",
        "chgrp STRANGER tasks.d/1-a; setfacl -m u:0:r,g::rw,m::rx tasks.d/1-a",
        // A default list only applies to files that are created later.
        "setfacl -d -m u:STRANGER:rwx include",
    ] {
        let test = story();
        shell(&test, &allowed.replace("STRANGER", STRANGER));
        test.run().status(0);
    }
    let test = story();
    shell(&test, &format!("setfacl -m u:{STRANGER}:rw tasks.d/1-a"));
    test.args(["--trust-owner", STRANGER]).run().status(0);
}

#[test]
fn each_directory_is_reported_once() {
    if is_not_root() {
        return;
    }
    let ran = refused("chmod o+w tasks.d");
    assert_eq!(
        ran.stderr.matches("error: refusing to").count(),
        1,
        "{}",
        ran.stderr
    );
}

#[test]
fn queries_check_trust_too() {
    if is_not_root() {
        return;
    }
    let test = story();
    shell(&test, "chmod o+w tasks.d/1-a");
    test.args(["--check"])
        .run()
        .status(78)
        .says("error: refusing to run task `tasks.d/1-a`");
}

#[test]
fn a_state_directory_that_is_not_trusted_is_not_written() {
    if is_not_root() {
        return;
    }
    let ran = refused("mkdir var/state; chown STRANGER var/state");
    assert!(!ran.test.path("var/state/journal.jsonl").exists());
}

#[test]
fn an_unknown_user_cannot_be_trusted() {
    story()
        .args(["--trust-owner", "no-such-user"])
        .run()
        .status(64)
        .says("there is no such user in /etc/passwd; write a number");
}

#[test]
fn a_secret_of_the_environment_is_written_nowhere() {
    const CANARY: &str = "canary-4711";
    let arguments: [&[&str]; 8] = [
        &["-v"],
        &["-q"],
        &["-v", "--set", "jobs=2"],
        &["--check"],
        &["--check", "--json"],
        &["--list", "--json"],
        &["--dry-run"],
        &["--set", "max_tries=wrong"],
    ];
    for args in arguments {
        let ran = Test::new()
            .task("1-a", "sleep 0.3 & exit 7")
            .file("tasks.d/2-b", "#!/no/such/interpreter\n", 0o755)
            .task("halt.sh", "kill -SEGV $$")
            .hook()
            .config("state_dir = state\nlog_dir = logs\nmax_tries = 1\nleak_time = 0")
            .config(&format!(
                "[env]\nSECRET = {CANARY}\nexport TWO = {CANARY} $HOME"
            ))
            .args(args)
            .run();
        let mut grep = Command::new("grep");
        let found = grep
            .args(["-rl", CANARY, "."])
            .current_dir(ran.test.dir())
            .output();
        let found = String::from_utf8(found.unwrap().stdout).unwrap();
        assert_eq!(found, "./runner.cfg\n", "{args:?}");
    }
    // A task can print the secret itself, so the secret was really set.
    let ran = Test::new()
        .task("1-a", "echo $SECRET")
        .config(&format!("[env]\nSECRET = {CANARY}"))
        .run();
    assert!(ran.stdout.contains(CANARY));
}

#[test]
fn links_of_another_user_in_a_state_directory_are_not_followed() {
    if is_not_root() {
        return;
    }
    for name in [
        "journal.jsonl",
        "journal.jsonl.old",
        "halts",
        "taskdir",
        "lock",
        "done",
    ] {
        // The other user created the links before root became the owner of the directory.
        let ran = refused(&format!(
            "mkdir var/state; echo keep >victim; ln -s ../../victim var/state/{name}; \
             chown -h STRANGER var/state/{name}"
        ));
        assert_eq!(ran.read("victim"), "keep\n", "{name}");
    }
    // A draft that is a link is replaced.
    let test = story().config("max_halts = 3\n[b]\nfrequency = once");
    shell(&test, "mkdir -p var/state/done; chmod 755 var/state");
    test.run().status(0);
}

#[test]
fn a_script_that_a_hook_runs_is_checked_like_the_hook() {
    if is_not_root() {
        return;
    }
    for setting in ["task_hook", "run_hook"] {
        let test = story().file("script", "", 0o755);
        shell(&test, &format!("chown {STRANGER} script"));
        test.args(["--set", &format!("{setting}=sh ./script")])
            .run()
            .status(78)
            .says("refusing to run hook `./script`");
    }
}
