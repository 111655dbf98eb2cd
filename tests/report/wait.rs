//! `--wait`.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::Command,
    time::Duration,
};

use crate::support::{Running, Test, pause, skip, until};

use super::{StandIn, ask, end, journal, line, start, task, this_boot, whole};

/// Starts `runner-report --wait`, and returns when it watches the state directory.
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
fn a_wait_ends_with_the_current_run_and_its_status() {
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
        // A line counts when it is complete.
        let (half, rest) = whole.split_at(30);
        append(&path, half);
        append(&path, rest);
        waiting.wait().status(status.into()).stdout("").stderr("");
    }
}

#[test]
fn a_wait_follows_a_real_run_to_its_end_or_death() {
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
    ran.says("was cut off: its runner ended without a record");
    fs::write(runner.path("go"), "").unwrap();
}

#[test]
fn a_wait_ends_with_the_next_run_if_none_is_running() {
    // The first run was cut off.
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
fn a_wait_notices_a_new_journal() {
    let runner = StandIn::start();
    let waiting = wait(Test::new().no_config().file("state/lock", "", 0o644), &[]);
    let path = waiting.path("state/journal.jsonl");
    append(&path, &start("r1", runner.pid()));
    append(&path, &end("r1", 4));
    waiting.wait().status(4).stderr("");
}

#[test]
fn a_wait_continues_after_the_journal_is_rotated() {
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
fn a_wait_follows_a_journal_that_the_runner_renames() {
    let runner = Test::new()
        .config("state_dir = state\njournal_size = 1\nmax_tries = 0\nstop_codes = 3")
        .task(
            "1-a",
            "[ $RUNNER_TRY_NUM -lt 4 ] && exit 1; until [ -e go ]; do sleep 0.01; done; exit 3",
        )
        .start();
    runner.until("state/journal.jsonl.old", "\"try_num\":3");
    let state = runner.path("state");
    let waiting = wait_for(state.to_str().unwrap(), Test::new().no_config(), &[]);
    fs::write(runner.path("go"), "").unwrap();
    waiting.wait().status(3).stdout("").stderr("");
    runner.wait().status(3);

    // The run that is waited for started in the older part, and ends after two more renames.
    for args in [&[][..], &["--run", "r1"], &["--run", "-1"]] {
        let runner = StandIn::start();
        let test = journal(&task("r1", "1-a")).file(
            "state/journal.jsonl.old",
            &start("r1", runner.pid()),
            0o644,
        );
        let waiting = wait(test, args);
        let (path, old) = (
            waiting.path("state/journal.jsonl"),
            waiting.path("state/journal.jsonl.old"),
        );
        fs::rename(&path, &old).unwrap();
        append(&path, &end("r1", 3));
        fs::rename(&path, &old).unwrap();
        waiting.wait().status(3).stdout("").stderr("");
    }
}

#[test]
fn a_wait_continues_after_the_journal_is_emptied() {
    let runner = StandIn::start();
    let text = whole("r0") + &start("r1", runner.pid());
    let waiting = wait(journal(&text), &[]);
    fs::write(waiting.path("state/journal.jsonl"), end("r1", 2)).unwrap();
    waiting.wait().status(2).stderr("");
}

#[test]
fn a_runner_that_is_killed_ends_the_wait() {
    for args in [&[][..], &["--run", "r1"], &["--run", "-1"]] {
        let runner = StandIn::start();
        let waiting = wait(journal(&start("r1", runner.pid())), args);
        runner.kill();
        waiting
            .wait()
            .status(1)
            .stdout("")
            .stderr("error: run r1 was cut off: its runner ended without a record\n");
    }
}

/// Members of the event that a halt task starts.
const HALT: &str = r#""halt-start","task":"halt.sh","reason":"halted""#;

#[test]
fn a_runner_that_is_gone_after_its_halt_task_started_has_halted() {
    for before in [true, false] {
        let runner = StandIn::start();
        let (start, halt) = (start("r1", runner.pid()), line("r1", &this_boot(), HALT));
        let waiting = if before {
            wait(journal(&(start + &halt)), &[])
        } else {
            wait(journal(&start), &[])
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
fn an_end_written_just_before_the_runner_died_counts() {
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
        .stderr("error: run x1 was refused: configuration or\\nplan is wrong\n");
}

#[test]
fn a_wait_for_a_run_that_has_ended_answers_at_once() {
    let gone = u32::MAX / 2;
    let alive = StandIn::start();
    let earlier = start("r7", alive.pid()).replace(&this_boot(), "an-earlier-boot");
    let refused = r#""refused","status":75,"reason":"busy""#;
    let old = whole("r1") + &start("r2", gone);
    let text = end("r2", 3)
        + &start("r3", gone)
        + &line("r3", &this_boot(), HALT)
        + &start("r4", gone)
        + &line("r5", &this_boot(), refused)
        + &task("r6", "1-a")
        + &earlier
        + &start("r8", alive.pid());
    let cut_off =
        |run| format!("error: run {run} was cut off: its runner ended without a record\n");
    let halted = "error: run r3 halted: its runner is gone since the halt task started\n";
    for (run, status, message) in [
        ("r1", 1, String::new()),
        ("r2", 3, String::new()),
        ("r3", 2, halted.to_owned()),
        ("r4", 1, cut_off("r4")),
        ("r5", 75, "error: run r5 was refused: busy\n".to_owned()),
        // The start with its process was moved away, so it can be alive.
        ("r6", 124, String::new()),
        ("r7", 1, cut_off("r7")),
        ("-2", 1, cut_off("r7")),
        ("-5", 2, halted.to_owned()),
        ("-7", 1, String::new()),
        ("r8", 124, String::new()),
        ("-1", 124, String::new()),
        ("r9", 124, String::new()),
    ] {
        let test = journal(&text).file("state/journal.jsonl.old", &old, 0o644);
        ask(test, &["--wait", "--run", run, "--timeout", "0"])
            .status(status)
            .stdout("")
            .stderr(&message);
    }
}

#[test]
fn a_wait_for_an_id_can_be_faster_than_the_runner() {
    let runner = StandIn::start();
    let (r2_ends, r2_refused) = (
        start("r2", runner.pid()) + &whole("r3") + &end("r2", 3),
        line(
            "r2",
            &this_boot(),
            r#""refused","status":75,"reason":"busy""#,
        ),
    );
    for (lines, status, message) in [
        (r2_ends, 3, ""),
        (r2_refused, 75, "error: run r2 was refused: busy\n"),
    ] {
        // There is no journal yet.
        let test = Test::new().no_config().file("state/lock", "", 0o644);
        let waiting = wait(test, &["--run", "r2"]);
        let path = waiting.path("state/journal.jsonl");
        append(&path, &whole("r1"));
        append(
            &path,
            &line(
                "x1",
                &this_boot(),
                r#""refused","status":78,"reason":"wrong""#,
            ),
        );
        append(&path, &lines);
        waiting.wait().status(status).stdout("").stderr(message);
    }
}

#[test]
fn a_wait_for_a_run_of_several_ends_with_that_run() {
    let runner = Test::new()
        .config("state_dir = state\nrequired = no\nmax_tries = 1")
        .task(
            "1-a",
            "echo >>starts; n=$(wc -l <starts); echo $RUNNER_RUN_ID >id$n
             until [ -e go$n ]; do sleep 0.01; done; exit 1",
        )
        .args(["-n", "3"])
        .start();
    let state = runner.path("state");
    let wait_for_nth = |n: u32| {
        runner.until(&format!("id{n}"), "Z-");
        let id = fs::read_to_string(runner.path(&format!("id{n}"))).unwrap();
        let id = id.trim().to_owned();
        let none = Test::new().no_config();
        let waiting = wait_for(state.to_str().unwrap(), none, &["--run", &id]);
        (id, waiting)
    };
    let (_, first) = wait_for_nth(1);
    fs::write(runner.path("go1"), "").unwrap();
    first.wait().status(4).stdout("").stderr("");
    // The runner is alive, and its second run has started.
    let (id, second) = wait_for_nth(2);
    runner.signal(rustix::process::Signal::KILL);
    second.wait().status(1).stderr(&format!(
        "error: run {id} was cut off: its runner ended without a record\n"
    ));
    fs::write(runner.path("go2"), "").unwrap();
}

#[test]
fn a_wait_can_have_a_timeout() {
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
    // The process may not have begun to wait yet.
    until(|| {
        let before = switches();
        pause(Duration::from_millis(500));
        switches() == before
    });
    append(&waiting.path("state/journal.jsonl"), &end("r1", 0));
    waiting.wait().status(0);
}

/// A journal can name any file as a log. If root makes a report of it, the report must not
/// show a file that the author of the journal cannot read.
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
        ("touch state/journal.jsonl.old", "secret", true),
        (
            "touch state/journal.jsonl.old; chown 65534 state/journal.jsonl.old",
            "secret",
            false,
        ),
        (
            "touch state/journal.jsonl.old; chmod g+w state/journal.jsonl.old",
            "secret",
            false,
        ),
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
        for format in ["html", "junit", "md"] {
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
