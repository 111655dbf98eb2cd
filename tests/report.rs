//! `runner-report`: answers from a journal, and waits for what is not in it yet.
#![expect(
    clippy::disallowed_methods,
    reason = "a process stands in for the runner"
)]

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use crate::support::{Ran, Running, Test, once, pause, skip, until};

/// A line of the journal, an hour ago or so.
fn line(run: &str, boot: &str, event: &str) -> String {
    format!(r#"{{"ts":"2026-11-24T06:00:00.000Z","run":"{run}","boot":"{boot}","event":{event}}}"#)
        + "\n"
}

fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    id.trim().to_owned()
}

fn start(run: &str, pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let start_time = stat.rsplit(')').next().unwrap().split_whitespace().nth(19);
    let start_time = start_time.unwrap_or("1");
    let event = format!(
        r#""run-start","version":1,"pid":{pid},"start_time":{start_time},"taskdir":"/etc/tasks.d","tasks":2,"jobs":1,"max_tries":5"#
    );
    line(run, &this_boot(), &event)
}

fn end(run: &str, status: u8) -> String {
    let event = format!(r#""run-end","status":{status},"reason":"gave-up","elapsed":1.5"#);
    line(run, &this_boot(), &event)
}

fn task(run: &str, name: &str) -> String {
    let start = format!(r#""task-start","task":"{name}","try_num":1,"pid":99"#);
    let end = format!(
        r#""task-end","task":"{name}","try_num":1,"result":"OK","outcome":"exited:0","elapsed":0.5"#
    );
    line(run, &this_boot(), &start) + &line(run, &this_boot(), &end)
}

/// A run that has ended.
fn whole(run: &str) -> String {
    start(run, u32::MAX / 2) + &task(run, "1-a") + &end(run, 1)
}

/// A story with this journal in `state`.
#[track_caller]
fn journal(text: &str) -> Test {
    Test::new()
        .no_config()
        .file("state/journal.jsonl", text, 0o644)
}

#[track_caller]
fn ask(test: Test, args: &[&str]) -> Ran {
    let args = ["runner-report", "--state-dir", "state"].iter().chain(args);
    test.run_with(args)
}

#[test]
fn a_run_is_reported_as_it_was() {
    let test = Test::new()
        .config("state_dir = state\nmax_tries = 2")
        .task("1-a", &once(7))
        .task("2-b", "exit 5")
        .file("tasks.d/halt.sh", "#!/bin/sh\n", 0o755);
    let ran = ask(test.run().status(1).test, &[]).status(0).stderr("");
    let report = &ran.stdout;
    assert!(report.contains(" gave up "), "{report}");
    assert!(report.contains("try 2 of 2\n"), "{report}");
    for (name, result, starts, outcome) in [
        ("1-a", "OK", " 2x ", "│"),
        ("2-b", "RETRY", "", "│  exited with 5"),
        ("halt task halt.sh", "", "", "│"),
    ] {
        let found = report.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with(name)
                && [result, starts].iter().all(|part| line.contains(part))
                && line.ends_with(outcome)
        });
        assert!(found, "{name}: {report}");
    }
    let ran = ask(ran.test, &["--history"]).status(0);
    assert!(ran.stdout.ends_with("  2-b\n"), "{}", ran.stdout);
    let ran = ask(ran.test, &["--tasks"]).status(0);
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
}

// Which journal, which run

#[test]
fn the_last_run_is_shown_unless_another_is_asked_for() {
    let text = whole("r1") + "garbage\n" + &whole("r2") + "{\"ts\":";
    for (args, run) in [
        (&[][..], "r2"),
        (&["--run", "-1"], "r2"),
        (&["--run=-2"], "r1"),
        (&["--run", "r1"], "r1"),
        (&["--this-boot"], "r2"),
        (&["--this-boot", "--run", "r1"], "r1"),
    ] {
        let ran = ask(journal(&text), args).status(0).stderr("");
        let head = format!("run {run} gave up ");
        assert!(ran.stdout.starts_with(&head), "{args:?}: {}", ran.stdout);
        assert!(
            ran.stdout.contains("  1-a   OK      500ms"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn the_configuration_names_the_state_directory() {
    let test = || journal(&whole("r1")).only_config("[runner]\nstate_dir = state\nmax_tries = x\n");
    let ran = test().run_with(["runner-report", "-c", "runner.cfg", "--history"]);
    assert!(ran.status(0).stderr("").stdout.starts_with("r1  "));
    let ran = test().env("RUNNER_CONFIG", "runner.cfg");
    let ran = ran.run_with(["runner-report", "--history"]);
    assert!(ran.status(0).stderr("").stdout.starts_with("r1  "));
    // What is said by name wins.
    let ran = test().env("RUNNER_CONFIG", "nowhere.cfg");
    ask(ran, &["--history"]).status(0);
}

#[test]
fn a_configuration_that_leads_to_no_journal_is_an_error() {
    for config in ["[runner]\nmax_tries = 3\n", "[runner]\nstate_dir =\n"] {
        Test::new()
            .only_config(config)
            .run_with(["runner-report", "-c", "runner.cfg"])
            .status(78)
            .stdout("")
            .stderr(
                "error: no state directory is configured, so there is no journal\n  \
                 hint: name it with `--state-dir`, or as `state_dir` in `[runner]`\n",
            );
    }
    Test::new()
        .only_config("[runner\n")
        .run_with(["runner-report", "-c", "runner.cfg"])
        .status(78)
        .says("runner.cfg:1");
    Test::new()
        .no_config()
        .run_with(["runner-report", "-c", "nowhere.cfg"])
        .status(78)
        .says("nowhere.cfg");
}

#[test]
fn what_is_not_there_is_said() {
    let old = line("r1", "an-earlier-boot", r#""try-start","try_num":1"#);
    for (text, args) in [
        ("", &[][..]),
        ("", &["--history"]),
        ("", &["--tasks"]),
        ("garbage\n", &[]),
        (&whole("r1"), &["--run", "-2"]),
        (&whole("r1"), &["--run", "r"]),
        (&old, &["--this-boot"]),
        (&old, &["--this-boot", "--history"]),
        (&old, &["--this-boot", "--tasks"]),
    ] {
        let such = if args.contains(&"--run") { "such " } else { "" };
        let since = match args.contains(&"--this-boot") {
            true => " since the machine was started",
            false => "",
        };
        ask(journal(text), args)
            .status(66)
            .stdout("")
            .stderr(&format!(
                "error: there is no {such}run in `state/journal.jsonl`{since}\n"
            ));
    }
    let nothing = || Test::new().no_config();
    for args in [&[][..], &["--history"], &["--tasks"]] {
        ask(nothing(), args)
            .status(66)
            .stdout("")
            .stderr("error: cannot read `state/journal.jsonl`: no such file or directory\n");
    }
    ask(nothing(), &["--wait"])
        .status(66)
        .stdout("")
        .stderr("error: cannot read `state`: no such file or directory\n");
    ask(nothing().file("state", "", 0o644), &["--wait"]).status(66);
    ask(nothing().file("state", "", 0o644), &[]).status(66);
    ask(nothing().file("state/journal.jsonl/x", "", 0o644), &[])
        .status(71)
        .says("it is a directory");
}

#[test]
fn only_refused_starts_are_a_history_too() {
    let refused = line(
        "x1",
        &this_boot(),
        r#""refused","status":75,"reason":"already running""#,
    );
    let ran = ask(journal(&refused), &[]).status(0).stderr("");
    assert!(ran.stdout.starts_with("refused "), "{}", ran.stdout);
    assert!(ran.stdout.contains(" ago: already running\n"));
    let ran = ask(ran.test, &["--history"]).status(0);
    assert!(
        ran.stdout.ends_with("  refused  already running\n"),
        "{}",
        ran.stdout
    );
    ask(ran.test, &["--tasks"]).status(66);
}

#[test]
fn wrong_usage_is_refused() {
    for args in [
        &["--bogus"][..],
        &["tasks.d"],
        &["--run"],
        &["--run", "-0"],
        &["--run", "-x"],
        &["--history", "--tasks"],
        &["--history", "--run", "-1"],
        &["--wait", "--run", "-1"],
        &["--wait", "--history"],
        &["--wait", "--format", "json"],
        &["--wait", "--this-boot"],
        &["--timeout", "1"],
        &["--wait", "--timeout", "soon"],
        &["--wait", "--timeout", "-1"],
        &["--format", "pdf"],
        &["--history", "--format", "html"],
        &["--tasks", "--format", "junit"],
        &["-c", "runner.cfg"],
    ] {
        let ran = ask(journal(&whole("r1")), args).status(64).stdout("");
        assert!(
            ran.stderr.starts_with("error: "),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_run_is_shown_as_page_picture_and_tests() {
    for (format, begin, task) in [
        ("html", "<!DOCTYPE html>\n", "<bdi>1-a</bdi>"),
        ("svg", "<svg xmlns=", "<title>1-a, try 1\n"),
        ("junit", "<?xml version=", r#"<testcase name="1-a" "#),
    ] {
        let ran = ask(journal(&whole("r1")), &["--format", format]).status(0);
        assert!(ran.stdout.starts_with(begin), "{}", ran.stdout);
        assert!(ran.stdout.contains(task), "{}", ran.stdout);
        ask(journal(&whole("r1")), &["--format", format, "--run", "r2"])
            .status(66)
            .stdout("");
    }
}

#[test]
fn a_run_is_cut_off_when_its_runner_is_gone() {
    let runner = StandIn::start();
    let test = journal(&start("r1", runner.pid()));
    let ran = ask(test, &["--history"]).status(0);
    assert!(ran.stdout.contains("  running  "), "{}", ran.stdout);
    runner.kill();
    let ran = ask(ran.test, &["--history"]).status(0);
    assert!(ran.stdout.contains("  cut off  "), "{}", ran.stdout);
}

#[test]
fn a_halt_task_after_the_end_goes_on_while_the_runner_is_alive() {
    let runner = StandIn::start();
    let halt = r#""halt-start","task":"halt.sh","reason":"halt-after""#;
    let text = start("r1", runner.pid()) + &end("r1", 0) + &line("r1", &this_boot(), halt);
    let ran = ask(journal(&text), &[]).status(0);
    assert!(ran.stdout.ends_with("│  running\n"), "{}", ran.stdout);
    runner.kill();
    let ran = ask(ran.test, &[]).status(0);
    assert!(ran.stdout.ends_with("│  cut off\n"), "{}", ran.stdout);
}

// `--wait`

/// A process that stands in for the runner.
struct StandIn(Child);

impl StandIn {
    fn start() -> StandIn {
        StandIn(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Kills it, and leaves it to be asked for: it is gone all the same.
    fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let stat = format!("/proc/{}/stat", self.pid());
        until(|| fs::read_to_string(&stat).unwrap().contains(") Z "));
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts to wait, and comes back when it does.
#[track_caller]
fn wait(test: Test, args: &[&str]) -> Running {
    wait_for("state", test, args)
}

#[track_caller]
fn wait_for(state: &str, test: Test, args: &[&str]) -> Running {
    let before = ["runner-report", "--state-dir", state, "--wait"];
    let running = test.start_with(before.iter().chain(args));
    let proc = format!("/proc/{}", running.pid());
    until(|| {
        let files = fs::read_dir(format!("{proc}/fd")).unwrap();
        let mut files = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        let watches = files.any(|file| file.to_string_lossy().contains("inotify"));
        let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
        watches && stat.contains(") S ")
    });
    running
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_wait_ends_with_the_run_that_goes_on_and_its_status() {
    for status in [0, 1, 2, 4, 143] {
        let runner = StandIn::start();
        let text = whole("r0") + &start("r1", runner.pid());
        let waiting = wait(journal(&text), &["--timeout", "1h"]);
        let path = waiting.path("state/journal.jsonl");
        append(&path, &(start("r2", runner.pid()) + &end("r2", 9)));
        append(
            &path,
            &line(
                "x1",
                &this_boot(),
                r#""refused","status":75,"reason":"busy""#,
            ),
        );
        let whole = end("r1", status);
        // Half a line is none yet.
        let (half, rest) = whole.split_at(30);
        append(&path, half);
        append(&path, rest);
        waiting.wait().status(status.into()).stdout("").stderr("");
    }
}

#[test]
fn a_wait_hears_of_a_real_run_and_of_its_death() {
    let test = || {
        Test::new()
            .config("state_dir = state")
            .file("state/note", "", 0o644)
            .task("1-a", "until [ -e go ]; do sleep 0.01; done; exit 3")
    };
    let waiting = |runner: &Running| {
        let state = runner.path("state");
        let state = state.to_str().unwrap();
        wait_for(state, Test::new().no_config(), &[])
    };
    let runner = test().config("stop_codes = 3").start();
    runner.until("state/journal.jsonl", "task-start");
    let wait = waiting(&runner);
    fs::write(runner.path("go"), "").unwrap();
    wait.wait().status(3).stdout("").stderr("");
    runner.wait().status(3);

    let runner = test().start();
    runner.until("state/journal.jsonl", "task-start");
    let wait = waiting(&runner);
    runner.signal(rustix::process::Signal::KILL);
    let ran = wait.wait().status(1);
    ran.says("was cut off: its runner is gone without a word");
    fs::write(runner.path("go"), "").unwrap();
}

#[test]
fn a_wait_ends_with_the_next_run_when_none_goes_on() {
    // The first one was cut off.
    let text = start("r0", u32::MAX / 2) + &whole("r1");
    let runner = StandIn::start();
    let waiting = wait(journal(&text), &[]);
    let path = waiting.path("state/journal.jsonl");
    append(&path, &start("r2", runner.pid()));
    append(&path, &task("r2", "1-a"));
    append(&path, &end("r2", 3));
    waiting.wait().status(3).stdout("").stderr("");
}

#[test]
fn a_wait_hears_of_a_journal_that_is_not_there_yet() {
    let runner = StandIn::start();
    let waiting = wait(Test::new().no_config().file("state/lock", "", 0o644), &[]);
    let path = waiting.path("state/journal.jsonl");
    append(&path, &start("r1", runner.pid()));
    append(&path, &end("r1", 4));
    waiting.wait().status(4).stderr("");
}

#[test]
fn a_wait_goes_on_over_a_journal_that_is_rotated() {
    let runner = StandIn::start();
    let waiting = wait(journal(&start("r1", runner.pid())), &[]);
    let path = waiting.path("state/journal.jsonl");
    append(&path, &task("r1", "1-a"));
    fs::rename(&path, waiting.path("state/journal.jsonl.1")).unwrap();
    append(&path, &task("r1", "2-b"));
    fs::rename(&path, waiting.path("state/journal.jsonl.2")).unwrap();
    append(&path, &end("r1", 2));
    waiting.wait().status(2).stderr("");
}

#[test]
fn a_wait_goes_on_over_a_journal_that_is_emptied() {
    let runner = StandIn::start();
    let text = whole("r0") + &start("r1", runner.pid());
    let waiting = wait(journal(&text), &[]);
    fs::write(waiting.path("state/journal.jsonl"), end("r1", 2)).unwrap();
    waiting.wait().status(2).stderr("");
}

#[test]
fn a_runner_that_is_killed_ends_the_wait() {
    let runner = StandIn::start();
    let waiting = wait(journal(&start("r1", runner.pid())), &[]);
    runner.kill();
    waiting
        .wait()
        .status(1)
        .stdout("")
        .stderr("error: run r1 was cut off: its runner is gone without a word\n");
}

/// The start of the halt task of a run.
const HALT: &str = r#""halt-start","task":"halt.sh","reason":"halted""#;

#[test]
fn a_runner_that_is_gone_after_its_halt_task_started_has_halted() {
    for before in [true, false] {
        let runner = StandIn::start();
        let (start, halt) = (start("r1", runner.pid()), line("r1", &this_boot(), HALT));
        let waiting = match before {
            true => wait(journal(&(start + &halt)), &[]),
            false => wait(journal(&start), &[]),
        };
        if !before {
            append(&waiting.path("state/journal.jsonl"), &halt);
        }
        runner.kill();
        waiting
            .wait()
            .status(2)
            .stdout("")
            .stderr("error: run r1 halted: its runner is gone since the halt task started\n");
    }
}

#[test]
fn a_run_whose_halt_task_took_the_machine_down_has_halted() {
    let start = start("r1", 1).replace(&this_boot(), "an-earlier-boot");
    let text = start + &line("r1", "an-earlier-boot", HALT);
    for (args, expected) in [
        (&[][..], "run r1 halted "),
        (&["--history"], "  halted  "),
        (
            &["--format", "json"],
            "\"state\": \"halted\",\n    \"status\": 2,",
        ),
        (
            &["--history", "--format", "json"],
            "\"state\": \"halted\",\n    \"status\": 2,",
        ),
        (&["--format", "html"], "Halted after "),
        (&["--format", "svg"], "Halted after "),
    ] {
        let ran = ask(journal(&text), args).status(0);
        assert!(ran.stdout.contains(expected), "{args:?}: {}", ran.stdout);
        assert!(
            !ran.stdout.to_lowercase().contains("cut off"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn the_last_words_of_a_runner_count() {
    let runner = StandIn::start();
    let waiting = wait(journal(&start("r1", runner.pid())), &[]);
    waiting.signal(rustix::process::Signal::STOP);
    append(&waiting.path("state/journal.jsonl"), &end("r1", 4));
    runner.kill();
    waiting.signal(rustix::process::Signal::CONT);
    waiting.wait().status(4).stderr("");
}

#[test]
fn a_refused_start_ends_the_wait_for_the_next_run() {
    let waiting = wait(journal(&whole("r1")), &[]);
    let event = r#""refused","status":78,"reason":"configuration or\nplan is wrong""#;
    append(
        &waiting.path("state/journal.jsonl"),
        &line("x1", &this_boot(), event),
    );
    waiting
        .wait()
        .status(78)
        .stdout("")
        .stderr("error: the next run was refused: configuration or\\nplan is wrong\n");
}

#[test]
fn the_time_for_a_wait_may_be_up() {
    for timeout in ["0", "0.2"] {
        ask(journal(&whole("r1")), &["--wait", "--timeout", timeout])
            .status(124)
            .stdout("")
            .stderr("")
            .within(Duration::from_secs(60));
    }
}

#[test]
fn a_wait_ends_when_the_state_directory_goes_away() {
    let waiting = wait(journal(&whole("r1")), &[]);
    fs::remove_dir_all(waiting.path("state")).unwrap();
    waiting.wait().status(66).says("cannot read `state`");
}

#[test]
fn a_wait_costs_no_wake_ups() {
    let runner = StandIn::start();
    let waiting = wait(journal(&start("r1", runner.pid())), &["--timeout", "1h"]);
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", waiting.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary"));
        line.unwrap().to_owned()
    };
    // It may still be on its way to the wait.
    until(|| {
        let before = switches();
        pause(Duration::from_millis(500));
        switches() == before
    });
    append(&waiting.path("state/journal.jsonl"), &end("r1", 0));
    waiting.wait().status(0);
}

/// A journal can name any file. Its author must not learn from root's report what
/// only root can read.
#[test]
fn a_report_shows_output_only_of_the_author_of_the_journal() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can read everything");
    }
    let own = "chown 65534 state/journal.jsonl";
    let by_others = "chmod g+w state/journal.jsonl";
    for (change, output, is_shown) in [
        ("true", "secret", true),
        (own, "secret", false),
        (own, "public", false),
        (own, "own", true),
        (own, "link", false),
        (own, "dir/own", true),
        (own, "fifo", false),
        (own, "/proc/self/environ", false),
        (
            "ln -s state/journal.jsonl other; chown -h 65534 other",
            "secret",
            true,
        ),
        (by_others, "secret", false),
        ("chmod o+w state/journal.jsonl", "secret", false),
        ("chmod a-w state/journal.jsonl", "secret", true),
    ] {
        let test = Test::new().no_config();
        let output = test.path(output);
        let output = output.to_str().unwrap();
        let failed = format!(
            r#""task-end","task":"1-a","try_num":1,"result":"RETRY","outcome":"exited:1","elapsed":0.5,"output":"{output}""#
        );
        let text = start("a", u32::MAX / 2) + &task("a", "0-a") + &line("a", &this_boot(), &failed);
        let test = test.file("state/journal.jsonl", &(text + &end("a", 1)), 0o644);
        let files = "umask 022; echo canary-4711 >secret; cp secret public; cp secret own; chmod 600 secret
            mkdir dir; cp own dir/own; chown 65534 own dir/own; ln -s secret link; chown -h 65534 link
            mkfifo -m 600 fifo; chown 65534 fifo";
        let mut sh = Command::new("sh");
        let script = format!("{files}\n{change}");
        let made = sh.args(["-ec", &script]).current_dir(test.dir()).status();
        assert!(made.unwrap().success(), "{script}");
        let mut test = test;
        for format in ["html", "junit"] {
            let ran = ask(test, &["--format", format]).status(0);
            let shown = ran.stdout.contains("canary-4711");
            assert_eq!(
                shown, is_shown,
                "{change} {output} {format}: {}",
                ran.stdout
            );
            test = ran.test;
        }
    }
}
