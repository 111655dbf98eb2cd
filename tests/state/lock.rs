//! The lock, and the files of the state directory.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::CommandExt},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use crate::support::{Test, is_ignored, is_missing, runner};

use super::READY_UNTIL_GO;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_second_run_of_the_same_tasks_is_refused() {
    for state in ["state_dir = state", ""] {
        let running = Test::new()
            .config(state)
            .with_runtime_dir()
            .task(
                "1-a",
                &format!("echo $RUNNER_RUN_ID >run\n{READY_UNTIL_GO}"),
            )
            .start();
        running.until("ready", "");
        let (status, stderr) = running.beside(&[]);
        assert_eq!(status, Some(75), "{stderr}");
        let who = format!(
            "another runner (pid {}, run {}) is running the tasks in `tasks.d`",
            running.pid(),
            fs::read_to_string(running.path("run")).unwrap().trim(),
        );
        assert!(stderr.contains(&who), "{stderr}");
        // `--only` counts as a run.
        let (status, _) = running.beside(&["--only", "1-a"]);
        assert_eq!(status, Some(75));
        // Options that only show something are allowed, and so is `--no-lock`.
        assert_eq!(running.beside(&["--list"]).0, Some(0));
        fs::write(running.path("go"), "").unwrap();
        assert_eq!(running.beside(&["--no-lock"]).0, Some(0));
        let ran = running.wait().status(0);
        if !state.is_empty() {
            let refused = ran.events(&["status"]);
            assert_eq!(
                refused
                    .iter()
                    .filter(|event| *event == "refused 75")
                    .count(),
                1
            );
            assert!(!ran.test.path("state/lock").exists());
        }
        ran.again().run().status(0);
    }
}

#[test]
fn the_lock_holds_the_number_of_its_process() {
    let running = Test::with_state().task("1-a", READY_UNTIL_GO).start();
    running.until("ready", "");
    let lock = fs::read_to_string(running.path("state/lock")).unwrap();
    assert_eq!(lock.lines().next(), Some(&*running.pid().to_string()));
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn a_run_can_wait_for_the_lock() {
    let running = Test::with_state().task("1-a", READY_UNTIL_GO).start();
    running.until("ready", "");
    let (status, stderr) = running.beside(&["--wait-lock=0.2"]);
    assert_eq!(status, Some(75), "{stderr}");
    let mut waiting = Command::new(runner())
        .args(["-c", "runner.cfg", "--wait-lock", "tasks.d"])
        .current_dir(running.path(""))
        .stderr(fs::File::create(running.path("waiting")).unwrap())
        .spawn()
        .unwrap();
    running.until("waiting", "waiting for it");
    assert_eq!(waiting.try_wait().unwrap(), None);
    fs::write(running.path("go"), "").unwrap();
    let ran = running.wait().status(0);
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    ran.order("1-a 1-a");
}

#[test]
fn a_signal_ends_the_wait_for_the_lock() {
    if is_ignored(Signal::TERM) {
        return;
    }
    let first = Test::with_state().task("1-a", READY_UNTIL_GO).start();
    first.until("ready", "");
    let mut waiting = Command::new(runner())
        .args(["-c", "runner.cfg", "--wait-lock", "tasks.d"])
        .current_dir(first.path(""))
        .stderr(fs::File::create(first.path("waiting")).unwrap())
        .spawn()
        .unwrap();
    first.until("waiting", "waiting for it");
    let pid = rustix::process::Pid::from_child(&waiting);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(143));
    fs::write(first.path("go"), "").unwrap();
    first.wait().status(0).order("1-a").within(SOON);
}

#[test]
fn a_run_hook_of_a_killed_runner_keeps_the_next_run_out() {
    let running = Test::new()
        .with_runtime_dir()
        .task("1-a", "")
        .file(
            "run-hook",
            &format!("#!/bin/sh\necho $$ >pid\n{READY_UNTIL_GO}\n"),
            0o755,
        )
        .config("run_hook = ./run-hook")
        .start();
    running.until("ready", "");
    running.signal(Signal::KILL);
    let ran = running.wait();
    let pid = ran.read("pid");
    let ran = ran.again().run().status(75);
    let ran = ran.says(&format!("`run hook` (pid {}) is still running", pid.trim()));
    fs::write(ran.test.path("go"), "").unwrap();
}

#[test]
fn a_task_of_a_killed_runner_keeps_the_next_run_out() {
    for state in ["state_dir = state", ""] {
        let running = Test::new()
            .config(state)
            .with_runtime_dir()
            .task("1-a", &format!("echo $$ >pid\n{READY_UNTIL_GO}"))
            .start();
        running.until("ready", "");
        running.signal(Signal::KILL);
        let pid = fs::read_to_string(running.path("pid")).unwrap();
        let pid = pid.trim();
        let ran = running.wait();
        let ran = ran.again().run().status(75);
        let who = format!("`1-a` (pid {pid}) is still running; its runner was killed");
        let ran = ran.says(&who).says(&format!("`kill -- -{pid}` ends it"));
        // `--wait-lock` waits for the task.
        let waiting = ran.again().args(["--wait-lock"]).start();
        waiting.until("stderr", "waiting for it");
        fs::write(waiting.path("go"), "").unwrap();
        waiting.wait().status(0).order("1-a 1-a");
    }
}

#[test]
fn a_process_that_was_just_started_is_not_forgotten() {
    for (other, task, text) in [
        (&b"0-daemon"[..], &b"1-a"[..], "1-a"),
        (b"x\xfe", b"x\xff", r"x\xff"),
        (b"x\xff", br"x\xff", r"x\\xff"),
        (br"a\nb", b"a\nb", r"a\nb"),
        (b"a\nb", br"a\nb", r"a\\nb"),
    ] {
        a_process_is_found(other, task, text);
    }
}

fn a_process_is_found(other: &[u8], task: &[u8], text: &str) {
    // A lock file as it is left if the runner is killed before it writes the process number.
    let test = Test::with_state().task("1-a", "exit 0").file(
        "state/lock",
        &format!(
            "1\nboot {} {}\nrun lost\ntask - - {text}\n\n",
            fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .unwrap()
                .trim(),
            fs::read_link("/proc/self/ns/pid").unwrap().display(),
        ),
        0o644,
    );
    let start = |task: &[u8], group| {
        Command::new("sleep")
            .arg("60")
            .env("RUNNER_RUN_ID", "lost")
            .env("RUNNER_TASK", OsStr::from_bytes(task))
            .process_group(group)
            .spawn()
            .unwrap()
    };
    // A daemon of another task of the same run does not block the next run.
    let mut daemon = start(other, 0);
    let mut task = start(task, 0);
    let ran = test.run().status(75);
    let ran = ran.says(&format!("`{text}` (pid {}) is still running", task.id()));
    task.kill().unwrap();
    task.wait().unwrap();
    ran.again().run().status(0);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn a_lock_from_an_earlier_boot_does_not_block_a_run() {
    let me = std::process::id();
    for text in [
        format!("{me}\nboot another\nrun r\ntask {me} 99999999999 1-a\n\n"),
        "garbage".to_owned(),
        "\n".to_owned(),
        format!("{me}"),
    ] {
        Test::with_state()
            .file("state/lock", &text, 0o644)
            .task("1-a", "exit 0")
            .run()
            .status(0);
    }
}

#[test]
fn a_daemon_does_not_have_the_lock() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::with_state()
        .task("1-a", "setsid sleep 60 >/dev/null 2>&1 &\nsleep 0.1")
        .run()
        .status(0);
    let ran = ran.again().run().status(0).order("1-a 1-a");
    ran.left("sleep sleep");
}

#[test]
fn command_runs_without_the_lock() {
    let again = format!("{} -c runner.cfg tasks.d", runner().display());
    Test::with_state()
        .task("1-a", "exit 0")
        .args_after(["--", "sh", "-c", &again])
        .run()
        .status(0)
        .order("1-a 1-a");
}

#[test]
fn tasks_run_although_the_lock_cannot_be_created() {
    let test = Test::with_state()
        .file("state", "", 0o644)
        .task("1-a", "exit 0")
        .args(["-v"]);
    // A directory in place of the file: it cannot be opened for writing, even by root.
    let ran = test
        .run()
        .status(0)
        .says("cannot lock `state/lock`: not a directory");
    assert!(ran.stderr.contains("cannot write the journal"));
}

#[test]
fn state_files_are_readable_by_all_users_and_writable_by_one() {
    let ran = Test::with_state()
        .through("umask 0")
        .task("1-a", "stat -c %a state/lock >mode")
        .config("[a]\nfrequency = once")
        .run()
        .status(0);
    let mode = |name: &str| {
        fs::metadata(ran.test.path(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(ran.read("mode").trim(), "600");
    assert_eq!((mode("state"), mode("state/done")), (0o755, 0o755));
    for name in ["state/journal.jsonl", "state/done/1-a", "state/taskdir"] {
        assert_eq!(mode(name), 0o644, "{name}");
    }
}

#[test]
fn a_check_reports_an_unwritable_state_directory() {
    Test::new()
        .config("state_dir = runner.cfg/state")
        .task("1-a", "exit 0")
        .args(["--check"])
        .run()
        .status(1)
        .says("warning: cannot write to `state_dir` `runner.cfg/state`")
        .says("hint: without it, there is no journal, and no `once` task starts");
}

#[test]
fn a_halt_that_cannot_be_counted_is_reported_and_runs() {
    Test::with_state()
        .file("state/halts/file", "", 0o644)
        .task("1-a", "exit 2")
        .task("halt.sh", "exit 0")
        .config("max_halts = 1")
        .run()
        .status(2)
        .order("1-a halt.sh")
        .says("error: cannot count the halts in `state/halts`: it is a directory");
}

/// Creates a named pipe. A process that opens it would block.
#[track_caller]
fn pipe(test: &Test, name: &str) {
    let mkfifo = Command::new("mkfifo").arg(test.path(name)).status();
    assert!(mkfifo.unwrap().success());
}

#[test]
fn a_pipe_in_place_of_a_state_file_does_not_block() {
    for name in ["journal.jsonl", "halts", "taskdir", "done/1-a"] {
        let test = Test::with_state()
            .file("state/done/keep", "", 0o644)
            .task("1-a", "exit 0")
            .task("2-b", "exit 2")
            .task("halt.sh", "exit 0")
            .config("max_halts = 5\n[a]\nfrequency = once-per-boot");
        pipe(&test, &format!("state/{name}"));
        test.run().status(2).within(SOON).order("1-a 2-b halt.sh");
    }
    let test = Test::with_state();
    fs::create_dir(test.path("state")).unwrap();
    pipe(&test, "state/journal.jsonl");
    let report = [
        "runner-report",
        "--state-dir",
        "state",
        "--wait",
        "--timeout",
        "0.2",
    ];
    test.run_with(report).within(SOON);
}

#[test]
fn a_broken_line_does_not_reset_the_count_of_halts() {
    let ran = Test::with_state()
        .task("1-a", "exit 2")
        .task("halt.sh", "exit 0")
        .config("max_halts = 1")
        .run()
        .status(2);
    let halts = [
        fs::read(ran.test.path("state/halts")).unwrap(),
        b"\xff\n".to_vec(),
    ]
    .concat();
    fs::write(ran.test.path("state/halts"), halts).unwrap();
    ran.again().run().status(1).order("1-a halt.sh 1-a");
}

#[test]
fn a_runner_removes_no_lock_but_its_own() {
    let first = Test::with_state().task("1-a", READY_UNTIL_GO).start();
    first.until("ready", "");
    fs::remove_file(first.path("state/lock")).unwrap();
    fs::write(first.path("state/lock"), "another's").unwrap();
    fs::write(first.path("go"), "").unwrap();
    let ran = first.wait().status(0);
    assert_eq!(ran.read("state/lock"), "another's");
}

#[test]
fn a_lock_of_another_pid_namespace_names_no_process() {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let me = std::process::id();
    let lock = format!(
        "1\nboot {} pid:[1]\nrun r\ntask {me} 99999999999 1-a\n\n",
        boot.trim()
    );
    Test::with_state()
        .file("state/lock", &lock, 0o644)
        .task("1-a", "exit 0")
        .run()
        .status(0);
}

#[test]
fn a_state_directory_records_its_task_directory_without_a_lock_too() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .args(["--no-lock"])
        .run()
        .status(0);
    assert!(ran.read("state/taskdir").ends_with("/tasks.d\n"));
}

#[test]
fn a_huge_lock_file_changes_nothing() {
    let test = Test::with_state()
        .file("state/lock", "", 0o644)
        .task("1-a", "exit 0");
    let lock = fs::OpenOptions::new()
        .write(true)
        .open(test.path("state/lock"))
        .unwrap();
    lock.set_len(1 << 40).unwrap();
    test.run().status(0);
}
