//! The state in which a task starts.

use std::{env, fs};

use crate::support::Test;

#[test]
fn stdin_is_empty_whatever_the_runner_has() {
    Test::new()
        .task("1-a", "cat; echo end")
        .task("halt.sh", "cat; echo end")
        .file("hook", "#!/bin/sh\ncat\necho end\n", 0o755)
        .config("task_hook = ./hook")
        .through("exec <<END\nsecret\nEND")
        .args(["-H"])
        .run()
        .status(0)
        .stdout("end\nend\nend\nend\n")
        .nothing_left();
}

#[test]
fn a_task_gets_no_arguments_and_the_working_directory_of_the_runner() {
    let ran = Test::new()
        .task("1-a", "echo $#; pwd -P")
        .run()
        .status(0)
        .nothing_left();
    let here = fs::canonicalize(ran.test.dir()).unwrap();
    ran.stdout(&format!("0\n{}\n", here.display()));
}

#[test]
fn every_process_leads_a_group_of_its_own() {
    let leads = "read -r pid name state parent group rest </proc/$$/stat\n\
                 echo $((group == $$)) $((parent == PPID))";
    Test::new()
        .task("1-a", leads)
        .task("halt.sh", leads)
        .file("hook", &format!("#!/bin/sh\n{leads}\n"), 0o755)
        .config("task_hook = ./hook")
        .args(["-H"])
        .run()
        .status(0)
        .stdout(&"1 1\n".repeat(4))
        .nothing_left();
}

#[test]
fn stdout_and_stderr_are_those_of_the_runner() {
    Test::new()
        .task(
            "1-a",
            "printf 'no line end'; echo oops >&2; printf '\\377\\000x\\r'",
        )
        .run()
        .status(0)
        .stdout("no line end\u{fffd}\0x\r")
        .says("oops\n")
        .nothing_left();
}

/// Every process has the descriptors that the runner inherited, and none that the runner
/// has opened.
#[test]
fn descriptors_of_the_runner_do_not_leak() {
    let list = |name: &str| format!("ls /proc/self/fd >'{name}'");
    for jobs in ["1", "2"] {
        let ran = Test::new()
            .task("1-a", &list("task"))
            .waiting("2-b", &format!(": >b\nwait_for c\n{}", list("b-task")))
            .waiting(
                "2-c",
                &format!(": >c\nwait_for ${{B-b}}\n{}", list("c-task")),
            )
            .task("halt.sh", &list("halt"))
            .file(
                "hook",
                "#!/bin/sh\nls /proc/self/fd >\"$RUNNER_HOOK\"\n",
                0o755,
            )
            .config("task_hook = ./hook\n[b]\ndepends_on =")
            .args(["-H", "-j", jobs])
            .through(&format!("{}\n: >c", list("outside")))
            .run()
            .status(0)
            .nothing_left();
        let outside = ran.read("outside");
        assert!(outside.contains("2\n"), "{outside}");
        for name in ["task", "b-task", "c-task", "halt", "pre", "post"] {
            assert_eq!(ran.read(name), outside, "{name}");
        }
    }
}

#[test]
fn a_bare_interpreter_is_looked_up_in_the_path_of_the_runner() {
    let test = Test::new()
        .task("1-a", "echo no")
        .file(
            "bin/interpret",
            "#!/bin/sh\necho the right one: $1 $2\n",
            0o755,
        )
        .file("other/interpret", "#!/bin/sh\necho a wrong one\n", 0o755);
    let before = |name| {
        let usual = env::var("PATH").unwrap();
        format!("{}:{usual}", test.path(name).display())
    };
    let ours = before("bin");
    let theirs = format!(
        "interpreter = interpret -x\n[env]\nPATH = {}",
        before("other")
    );
    test.config(&theirs)
        .env("PATH", ours)
        .run()
        .status(0)
        .stdout("the right one: -x tasks.d/1-a\n")
        .nothing_left();
}
