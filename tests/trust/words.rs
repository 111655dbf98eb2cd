//! The words of a command that could name a program or a script.

use super::{STRANGER, is_not_root, shell};
use crate::support::{Ran, Test};

/// A story in a directory of root, with `srv/mine` (of root), `srv/theirs` (of another user)
/// and `srv/open` (sticky, for all users). Each contains programs, scripts and Python modules.
#[track_caller]
fn world() -> Test {
    let test = Test::new().task("1-a", "exit 0");
    let script = "mkdir -p srv/mine srv/theirs srv/open
        for it in mine theirs open; do
            printf '#!/bin/sh\\nexit 0\\n' >srv/$it/script
            chmod 755 srv/$it/script
            cp /bin/sh srv/$it/mysh
            cp /usr/bin/env srv/$it/env
            mkdir srv/$it/module srv/$it/empty
            : >srv/$it/module/__main__.py
        done
        printf \"#!$PWD/srv/theirs/mysh\\n\" >srv/mine/nested
        printf \"#!$PWD/srv/mine/nested\\n\" >srv/mine/nested2
        chmod 755 srv/mine/nested srv/mine/nested2
        mkdir srv/mine/mixed; : >srv/mine/mixed/__main__.py
        chown STRANGER srv/mine/mixed/__main__.py
        chown -R STRANGER srv/theirs; chmod 1777 srv/open";
    shell(&test, &script.replace("STRANGER", STRANGER));
    test
}

/// Runs the story after `change`. `DIR` in `change` and `config` stands for its directory.
#[track_caller]
fn with(change: &str, config: &str) -> Ran {
    let test = world();
    let dir = test.dir().to_str().unwrap().to_owned();
    shell(&test, &change.replace("DIR", &dir));
    test.config(&config.replace("DIR", &dir)).run()
}

const REFUSED: &[&str] = &[
    "sh DIR/srv/open/missing.sh",
    "sh srv/open/missing.sh",
    "sh DIR/srv/theirs/script",
    "sh srv/theirs/../theirs/script",
    "sh bare",
    "sh -- bare",
    "python3 bare-module",
    "python3 srv/theirs/module",
    "python3 srv/mine/mixed",
    "bash --rcfile=DIR/srv/theirs/missing",
    "bash --rcfile=bare",
    "env BASH_ENV=DIR/srv/open/missing sh",
    "env A=B=srv/open/missing sh",
    "awk -fDIR/srv/open/missing",
    "env -i zzpy",
    "env -S zzpy",
    "env -Szzpy",
    "env -vS 'A=1 zzpy -u'",
    "env PATH=DIR/srv/theirs mysh",
    "env missing-program",
    "env -S 'A=1\\_zzpy'",
    "env --split=zzpy",
    "env -C DIR/srv/theirs ./script",
    "setpriv --no-new-privs env --chdir=srv/theirs ./script",
    "env -S '-C srv/theirs ./script'",
    "env -S '\"srv/theirs/script\"'",
    // Another user can replace a directory by a script.
    "sh srv/theirs/empty",
    "timeout 5 zzpy",
    "nice zzpy",
    "true zzpy",
    "env LANG=C true zzpy",
    "srv/mine/env zzpy",
    "DIR/srv/mine/nested",
    "DIR/srv/mine/nested2",
    "nice DIR/srv/mine/nested",
    "/usr/bin/nice srv/open/missing/deeper/still",
    "DIR/srv/theirs/missing",
    "zzpy",
    "sh /dev/shm/runner-no-such-file",
];

const ACCEPTED: &[&str] = &[
    "sh DIR/srv/mine/script",
    "sh srv/mine/missing.sh",
    "sh srv/open/script",
    "sh mine-bare",
    "sh -c true",
    "python3 srv/mine/module",
    "true --url=https://example.org/srv/theirs/script",
    "true https://example.org/srv",
    "true /dev/null",
    "true /dev/stderr --log=/dev/stdout",
    "true srv/mine",
    "env -u X A=b true",
    "env PATH=/usr/bin:/bin true",
    "nice true",
    "true sh",
];

/// In `PATH` a directory of another user is first, and a directory of root last.
const PATH: &str = "ln -s srv/theirs/script bare; ln -s srv/theirs/module bare-module
    ln -s srv/mine/script mine-bare; mv srv/theirs/mysh srv/theirs/zzpy
    cp srv/theirs/zzpy srv/theirs/mysh; chown 65534 srv/theirs/*";

#[track_caller]
fn command(key: &str, words: &str) -> Ran {
    let path = std::env::var("PATH").unwrap();
    let path = match words {
        words if words.contains("zzpy") || words.contains("missing-program") => {
            format!("{path}:DIR/srv/theirs")
        }
        _ => path,
    };
    let test = world();
    let dir = test.dir().to_str().unwrap().to_owned();
    shell(&test, PATH);
    let config = format!("{key} = {words}").replace("DIR", &dir);
    test.config(&config)
        .env("PATH", path.replace("DIR", &dir))
        .run()
}

#[test]
fn a_word_that_could_become_a_script_is_checked() {
    if is_not_root() {
        return;
    }
    for key in ["task_hook", "interpreter"] {
        let what = format!("refusing to run {} `", key.trim_start_matches("task_"));
        for words in REFUSED {
            let ran = command(key, words);
            assert!(
                ran.stderr.contains(&what),
                "{key} = {words}: {}",
                ran.stderr
            );
            ran.status(78).order("");
        }
    }
}

#[test]
fn a_word_that_no_other_user_can_change_is_accepted() {
    if is_not_root() {
        return;
    }
    for words in ACCEPTED {
        let ran = command("task_hook", words);
        assert!(
            !ran.stderr.contains("refusing to"),
            "{words}: {}",
            ran.stderr
        );
        ran.status(0).order("1-a");
    }
}

#[test]
fn a_directory_that_python_would_not_run_is_a_warning() {
    if is_not_root() {
        return;
    }
    for words in ["true srv/theirs", "true srv/open", "true --dir=srv/open"] {
        let ran = command("task_hook", words).status(0).order("1-a");
        ran.says("where other users can add files: ");
    }
}

#[test]
fn the_interpreter_of_a_hashbang_line_is_checked() {
    if is_not_root() {
        return;
    }
    for line in [
        "DIR/srv/theirs/mysh",
        "DIR/srv/open/missing",
        " DIR/srv/theirs/mysh -e",
        "DIR/srv/mine/nested",
        "srv/theirs/mysh",
        "/bin/sh DIR/srv/theirs/script",
        "/usr/bin/env DIR/srv/theirs/mysh",
        "/usr/bin/env -S A=b DIR/srv/theirs/mysh -e",
        "/usr/bin/env -S bare",
    ] {
        for task in ["2-b", "halt.sh"] {
            let ran = with(
                &format!(
                    "printf '%s\\n' '#!{line}' >tasks.d/{task}; chmod 755 tasks.d/{task}
                     ln -s srv/theirs/script bare"
                ),
                "",
            );
            ran.says("refusing to run interpreter `")
                .status(78)
                .order("");
        }
    }
    // The kernel looks up a name without a slash in the working directory.
    let ran = with(
        "chmod 1777 .; printf '#!python9\\n' >tasks.d/2-b; chmod 755 tasks.d/2-b",
        "",
    );
    ran.says("refusing to run interpreter `./python9`")
        .status(78);
    let ran = with("sed -i '1s|.*|#!DIR/srv/mine/mysh|' tasks.d/1-a", "");
    ran.status(0).order("1-a");
}

#[test]
fn a_program_behind_env_is_looked_up_where_the_task_looks() {
    if is_not_root() {
        return;
    }
    let path = |value: &str| format!("[env]\nPATH = {value}");
    let task = |program: &str| format!("sed -i '1s|.*|#!/usr/bin/env {program}|' tasks.d/1-a");
    let refused = "refusing to run interpreter `";
    for (program, value) in [
        ("mysh", "DIR/srv/theirs:/usr/bin:/bin"),
        // A directory where another user can add a program comes before root's.
        ("sh", "DIR/srv/theirs:/usr/bin:/bin"),
        ("sh", "DIR/srv/open:/usr/bin:/bin"),
        ("sh", "srv/theirs:/usr/bin:/bin"),
        ("missing-program", "/usr/bin:/bin:DIR/srv/theirs"),
        ("-S sh -e", "DIR/srv/open/missing:/usr/bin:/bin"),
    ] {
        let ran = with(&task(program), &path(value));
        ran.says(refused).status(78).order("");
    }
    for (program, value) in [
        // Root's program is found first.
        ("sh", "/usr/bin:/bin:DIR/srv/theirs"),
        ("sh", "DIR/srv/mine:/usr/bin:/bin"),
        ("mysh", "DIR/srv/mine:/usr/bin:/bin"),
    ] {
        with(&task(program), &path(value)).status(0).order("1-a");
    }
}
