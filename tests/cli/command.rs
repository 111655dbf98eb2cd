//! `-- COMMAND`, which replaces the runner.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::support::Test;

/// A story with one task, and this command after `--`.
fn then(command: &[&str]) -> Test {
    Test::new()
        .task("1-a", "")
        .args_after(["--"])
        .args_after(command)
}

#[test]
fn a_command_replaces_the_runner() {
    let running = then(&["sh", "-c", "echo $$; echo error >&2; exit 9"]).start();
    let pid = running.pid();
    running
        .wait()
        .status(9)
        .order("1-a")
        .stdout(&format!("{pid}\n"))
        .says("error\n");
}

#[test]
fn a_command_gets_its_arguments_as_they_are() {
    then(&["printf", "<%s>", "-n", "a b", "", "--", "$X", "*"])
        .run()
        .status(0)
        .stdout("<-n><a b><><--><$X><*>");
}

#[test]
fn a_command_gets_the_configured_environment_without_the_runners_variables() {
    let mut test = then(&["env"])
        .env("INHERITED", "outside")
        .env("BOTH", "outside");
    let own = [
        "RUNNER_CONFIG_CMD",
        "RUNNER_TASK",
        "RUNNER_TRY_NUM",
        "RUNNER_MAX_TRIES",
        "RUNNER_RUN_ID",
        "RUNNER_HOOK",
        "RUNNER_RESULT",
        "RUNNER_OUTCOME",
        "RUNNER_ELAPSED",
        "RUNNER_HALT_REASON",
    ];
    for name in own {
        test = test.env_remove(name);
    }
    let ran = test
        .hook()
        .task("halt.sh", "")
        .config("[env]\nBOTH = file\nCONFIGURED = a b")
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    for expected in ["INHERITED=outside", "BOTH=file", "CONFIGURED=a b"] {
        assert!(lines.contains(&expected), "{lines:?}");
    }
    for name in own {
        let set = |line: &&str| line.split_once('=').is_some_and(|(set, _)| set == name);
        assert!(!lines.iter().any(set), "{name}: {lines:?}");
    }
}

#[test]
fn a_command_gets_the_outputs_and_is_looked_up_in_their_path() {
    let hand = "printf 'PATH=%s\nPORT=80\n' \"$PWD/bin:$PATH\" >$RUNNER_OUTPUTS";
    then(&["service", "--now"])
        .task("1-a", hand)
        .task(
            "2-b",
            "[ \"$(service)\" = '80 file' ] && echo USER=output >$RUNNER_OUTPUTS",
        )
        .file("bin/service", "#!/bin/sh\necho $PORT $USER $1\n", 0o755)
        .config("[env]\nPORT = file\nUSER = file")
        .run()
        .status(0)
        .stdout("80 output --now\n");
}

#[test]
fn a_command_gets_the_outputs_of_the_last_run() {
    then(&["sh", "-c", "echo ${FIRST-} ${BOTH-}; [ -z \"${RUNNER_OUTPUTS-}\" ]"])
        .task("1-a", "[ -e second ] || echo FIRST=1 >$RUNNER_OUTPUTS; echo BOTH=$(ls second 2>&1 | head -c 6) >>$RUNNER_OUTPUTS; >second")
        .args(["-n", "2"])
        .run()
        .status(0)
        .stdout("second\n");
}

#[test]
fn a_command_gets_the_stdin_that_tasks_do_not_get() {
    Test::new()
        .file("input", "hello\n", 0o644)
        .task("1-a", "cat")
        .through("exec <input")
        .args_after(["--", "cat"])
        .run()
        .status(0)
        .order("1-a")
        .stdout("hello\n");
}

#[test]
fn a_command_that_cannot_start_is_126_or_127() {
    for (command, status, why) in [
        ("./nowhere", 127, "no such file or directory"),
        ("no-such-command", 127, "no such file or directory"),
        // The name of an applet is not a command.
        ("runner-config", 127, "no such file or directory"),
        ("./text", 126, "permission denied"),
        ("./tasks.d", 126, "permission denied"),
    ] {
        let test = then(&[command]).file("text", "echo hello\n", 0o644);
        // `PATH` has only a directory that can be searched: another one would change the reason.
        let path = test.dir().to_owned();
        test.env("PATH", path)
            .run()
            .status(status)
            .order("1-a")
            .stdout("")
            .says(&format!("error: cannot execute `{command}`: {why}\n"));
    }
}

#[test]
fn an_empty_command_counts_as_no_command() {
    for command in [&[][..], &[""]] {
        then(command).run().status(0).order("1-a").stdout("");
    }
    then(&[""])
        .task("2-b", "exit 2")
        .args(["-n0"])
        .run()
        .status(2)
        .order("1-a 2-b");
}

#[test]
fn a_command_comes_after_the_last_run_and_the_halt_task() {
    then(&["sh", "-c", "echo COMMAND >>order"])
        .task("halt.sh", "")
        .args(["-n3", "-H"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a halt.sh COMMAND");
}

#[test]
fn a_command_comes_also_after_failures_of_tasks_that_are_not_required() {
    then(&["sh", "-c", "echo COMMAND; exit 7"])
        .task("1-b", "exit 1")
        .config("[b]\nrequired = no")
        .run()
        .status(7)
        .order("1-a 1-b")
        .stdout("COMMAND\n");
}

#[test]
fn no_command_comes_after_a_run_that_did_not_finish() {
    for (body, status, order) in [
        ("exit 1", 1, "1-a 2-b 1-a 2-b"),
        ("exit 2", 2, "1-a 2-b"),
        ("exit 3", 3, "1-a 2-b"),
    ] {
        then(&["echo", "COMMAND"])
            .task("2-b", body)
            .config("stop_codes = 3\nmax_tries = 2")
            .run()
            .status(status)
            .order(order)
            .stdout("");
    }
    then(&["echo", "COMMAND"])
        .config("jobs = 0")
        .run()
        .status(78)
        .order("")
        .stdout("");
    let running = then(&["echo", "COMMAND"])
        .task("2-b", "echo >started; sleep 30")
        .start();
    running.until("started", "\n");
    running.signal(Signal::TERM);
    running.wait().status(143).stdout("");
}

#[test]
fn no_command_comes_after_a_signal_to_the_halt_task() {
    let running = then(&["echo", "COMMAND"])
        .task("halt.sh", "echo >started; sleep 30")
        .args(["-H"])
        .start();
    running.until("started", "\n");
    running.signal(Signal::TERM);
    running.wait().status(143).order("1-a halt.sh").stdout("");
}

#[test]
fn a_signal_right_before_the_command_is_not_lost() {
    for round in 0..60 {
        let running = then(&["sleep", "60"]).start();
        let stderr = running.path("stderr");
        // Without a pause: the command follows within a millisecond.
        while !fs::read_to_string(&stderr).is_ok_and(|text| text.contains("finished after")) {}
        let moment = Instant::now();
        while moment.elapsed() < Duration::from_micros(20) * round {}
        running.signal(Signal::TERM);
        let ran = running.wait().within(Duration::from_secs(30));
        let status = ran.status;
        assert!(
            status.code() == Some(143) || status.signal() == Some(15),
            "round {round}: {status}; {}",
            ran.stderr
        );
    }
}

/// The signals that a command ignores and those that it blocks: started by a shell after
/// `first`, and started by the runner after `first`.
#[track_caller]
fn signal_settings(first: &str) -> [[u64; 2]; 2] {
    let show = ["cat", "/proc/self/status"];
    let direct = Test::new().program(show[0]).through(first);
    let behind = then(&show).through(first);
    [direct.run_with([show[1]]), behind.run()].map(|ran| {
        let ran = ran.status(0);
        ["SigIgn:\t", "SigBlk:\t"].map(|name| {
            let mask = ran.stdout.lines().find_map(|line| line.strip_prefix(name));
            // Without the real-time signals, of which the C library uses some.
            u64::from_str_radix(mask.unwrap(), 16).unwrap() & 0x7fff_ffff
        })
    })
}

#[test]
fn a_command_gets_the_signal_settings_of_the_runner() {
    for first in [":", "trap '' HUP INT QUIT USR1 USR2 ALRM"] {
        let [direct, behind] = signal_settings(first);
        assert_eq!(behind, direct, "{first}");
    }
}

#[test]
fn a_command_ignores_sigterm_if_the_runner_started_with_it_ignored() {
    let [direct, behind] = signal_settings("trap '' TERM");
    assert_eq!(behind, direct);
}
