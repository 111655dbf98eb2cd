//! The last message of a run that did not finish, which has the reason.

use rustix::process::Signal;

use crate::support::{Ran, Test, once};

/// Four tasks, the second one with this body.
fn four_tasks(body: &str) -> Test {
    Test::new()
        .task("10-a", "exit 0")
        .task("20-build", body)
        .task("30-test", "exit 0")
        .task("40-deploy", "exit 0")
}

/// The last line of stderr, without its time.
fn last(ran: &Ran) -> &str {
    let line = ran.stderr.lines().last().unwrap();
    line.split_once(' ').unwrap().1
}

#[test]
fn the_deciding_task_and_the_tasks_not_reached_are_named() {
    for (body, config, status, expected) in [
        (
            "exit 1",
            "max_tries = 3",
            1,
            "error: gave up: `20-build` exited with 1 (3 of 3 tries)",
        ),
        (
            "exit 1",
            "max_tries = 1",
            1,
            "error: gave up: `20-build` exited with 1 (1 of 1 try)",
        ),
        (
            "exit 1",
            "[build]\nmax_tries = 2",
            1,
            "error: gave up: `20-build` exited with 1 (2 of 2 failures)",
        ),
        (
            "kill -SEGV $$",
            "max_tries = 1",
            1,
            "error: gave up: `20-build` was ended by SIGSEGV (1 of 1 try)",
        ),
        (
            "sleep 30",
            "max_tries = 1\nmax_time = 0.2",
            1,
            "error: gave up: `20-build` ran longer than `max_time` (200ms) (1 of 1 try)",
        ),
        (
            "exit 2",
            "",
            2,
            "warning: halted: `20-build` exited with 2 (1 of 5 tries)",
        ),
        (
            "exit 2",
            "[build]\nmax_tries = 3",
            2,
            "warning: halted: `20-build` exited with 2 (try 1)",
        ),
        (
            "[ $RUNNER_TRY_NUM -gt 1 ] && exit 3; exit 1",
            "max_tries = 0\nstop_codes = 3",
            3,
            "warning: stopped: `20-build` exited with 3 (try 2)",
        ),
    ] {
        let ran = four_tasks(body).config(config).run().status(status);
        let expected = format!("{expected}; not reached: 30-test, 40-deploy");
        assert_eq!(last(&ran), expected, "{}", ran.stderr);
        // With `-q` too.
        let quiet = four_tasks(body)
            .config(config)
            .args(["-q"])
            .run()
            .status(status);
        assert!(
            quiet.stderr.ends_with(&(expected + "\n")),
            "{}",
            quiet.stderr
        );
    }
}

#[test]
fn a_task_that_does_not_start_is_named_with_its_reason() {
    let ran = four_tasks("").file("tasks.d/20-build", "#!/nowhere/sh\n", 0o755);
    let ran = ran.config("max_tries = 1").run().status(1);
    assert!(
        last(&ran).starts_with("error: gave up: `20-build` did not start: its interpreter "),
        "{}",
        ran.stderr
    );
    assert!(last(&ran).ends_with(" (1 of 1 try); not reached: 30-test, 40-deploy"));
}

#[test]
fn a_task_that_started_in_an_earlier_try_was_reached() {
    let ran = Test::new()
        .task("1-a", "[ $RUNNER_TRY_NUM -lt 2 ]")
        .task("2-b", &once(1))
        .config("max_tries = 2")
        .run()
        .status(1)
        .order("1-a 2-b 1-a");
    assert_eq!(
        last(&ran),
        "error: gave up: `1-a` exited with 1 (2 of 2 tries)"
    );
}

#[test]
fn a_task_done_by_an_earlier_run_is_not_listed_as_not_reached() {
    let once = "[2-b]\nfrequency = once";
    let first = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .config(once)
        .run()
        .status(0);
    let ran = first
        .again()
        .task("1-a", "exit 1")
        .config(once)
        .run()
        .status(1);
    ran.says("error: gave up: `1-a` exited with 1 (5 of 5 tries)\n");
}

#[test]
fn many_tasks_that_were_not_reached_are_counted() {
    let mut test = Test::new().task("0-a", "exit 1").config("max_tries = 1");
    for number in 10..22 {
        test = test.task(&format!("{number}-t"), "exit 0");
    }
    let ran = test.run().status(1);
    assert!(last(&ran).ends_with(
        "not reached: 10-t, 11-t, 12-t, 13-t, 14-t, 15-t, 16-t, 17-t, 18-t, 19-t and 2 others"
    ));
}

#[test]
fn a_signal_and_the_tasks_not_reached_are_named() {
    let running = four_tasks(": >ready; sleep 30").start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    let ran = running.wait();
    let (before, rest) = ran
        .stderr
        .split_once("interrupted by SIGTERM after ")
        .unwrap();
    assert!(
        before.contains("got SIGTERM: ending what runs; "),
        "{}",
        ran.stderr
    );
    assert!(
        rest.ends_with("; not reached: 30-test, 40-deploy\n"),
        "{rest}"
    );
}

/// The worker sees such a signal before the main thread does.
#[test]
fn a_signal_is_logged_before_the_end_that_it_requests() {
    for _ in 0..10 {
        let ran = four_tasks("kill -TERM $PPID").run().status(143);
        let (before, _) = ran.stderr.split_once("interrupted by SIGTERM").unwrap();
        assert_eq!(before.matches("got SIGTERM: ending").count(), 1);
        assert_eq!(ran.stderr.matches("got SIGTERM").count(), 1);
    }
}

#[test]
fn with_a_journal_the_command_that_shows_more_is_named() {
    let ran = four_tasks("exit 7")
        .config("max_tries = 1\nstate_dir = state of it")
        .run()
        .status(1);
    let hint = "  hint: `runner-report --state-dir 'state of it'` shows more\n";
    assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
    let args = ["runner-report", "--state-dir", "state of it"];
    let report = ran.test.run_with(args).status(0);
    assert!(report.stdout.contains("20-build"), "{}", report.stdout);
}

#[test]
fn the_command_that_shows_more_can_be_pasted_whatever_the_directory_is_called() {
    for (name, quoted) in [("it's", r"'it'\''s'"), ("a\u{1b}b", r"$'a\x1bb'")] {
        let set = format!("state_dir={name}");
        let ran = four_tasks("exit 7").args(["--set", "max_tries=1", "--set", &set]);
        let hint = format!("  hint: `runner-report --state-dir {quoted}` shows more\n");
        ran.run().status(1).says(&hint);
    }
}

#[test]
fn a_missing_default_halt_task_is_only_a_detail() {
    let missing = "there is none";
    four_tasks("exit 2").run().status(2).does_not_say(missing);
    four_tasks("exit 2")
        .args(["-v"])
        .run()
        .status(2)
        .says(missing);
    let none = four_tasks("exit 2").config("halt_task =").args(["-v"]);
    none.run().status(2).does_not_say(missing);
}

#[test]
fn a_message_about_a_task_follows_its_result() {
    let test = Test::new()
        .task("1-a", "exit 3")
        .config("ok_codes = 3")
        .run()
        .status(0);
    let ran = test.says("`1-a` is done (exited with 3) after ");
    ran.again()
        .task("1-a", "exit 0")
        .config("max_tries = 1\nok_codes = 3")
        .run()
        .status(1)
        .says("`1-a` exited with 0 after ");
}

const REPEATED: &str = "the end of the output of `";

/// A task that fails while another one runs, which writes something when it is ended.
fn parallel() -> Test {
    let fails = "until [ -e ready ]; do sleep 0.02; done
        seq 30; sleep 0.1; printf '\\033[31mboom\\033[0m\\n' >&2; exit 1";
    let other = "trap 'echo ended; exit 0' TERM; : >ready; sleep 30 & wait";
    Test::new()
        .task("1-a", fails)
        .task("1-b", other)
        .config("max_tries = 1")
        .args(["-j", "2"])
}

#[test]
fn the_last_output_of_the_deciding_task_is_repeated_before_the_last_message() {
    let lines: String = (12..=30).map(|n| format!("  | {n}\n")).collect();
    let expected = format!("{REPEATED}1-a`:\n{lines}  | boom\n");
    for args in [&[][..], &["-q"], &["--set", "log_dir=logs"]] {
        let ran = parallel().args(args).run().status(1);
        let (before, end) = ran.stderr.split_once(REPEATED).unwrap();
        let (end, last) = end.split_once("  | boom\n").unwrap();
        assert_eq!(format!("{REPEATED}{end}  | boom\n"), expected);
        assert!(
            last.contains(" error: gave up: `1-a` exited with 1 "),
            "{last}"
        );
        assert_eq!(last.lines().count(), 1, "{last}");
        assert!(before.contains("`1-a` exited with 1 after "), "{before}");
    }
}

#[test]
fn output_that_was_shown_last_is_not_repeated() {
    for args in [["-j", "2"], ["--set", "log_dir=logs"]] {
        let fails = || {
            four_tasks("echo boom; exit 1")
                .config("max_tries = 1")
                .args(args)
        };
        fails().run().status(1).does_not_say(REPEATED);
        let halts = fails().task("halt.sh", "echo halt").run().status(1);
        halts.says(&format!("{REPEATED}20-build`:\n  | boom\n"));
        let silent = four_tasks("exit 1").config("max_tries = 1").args(args);
        let silent = silent.task("halt.sh", "echo halt").run().status(1);
        silent.does_not_say(REPEATED);
    }
}

#[test]
fn a_run_that_finished_repeats_nothing() {
    let body = format!("echo boom; {}", once(1));
    for args in [["-j", "2"], ["--set", "log_dir=logs"]] {
        let ran = four_tasks(&body).args(args).run().status(0);
        ran.says("trying again").does_not_say(REPEATED);
    }
}
