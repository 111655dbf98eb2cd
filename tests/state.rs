//! State: what a run leaves behind in `state_dir`, and what the next one makes of it.
#![expect(
    clippy::disallowed_methods,
    reason = "other runners, and what a killed one left, are started here"
)]

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::CommandExt},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Map, Value};

use crate::support::{PATIENCE, Ran, Running, Test, is_ignored, is_missing, once, runner, top};

const SOON: Duration = Duration::from_secs(10);

/// A task that says so in a file and stays until another file is there.
pub(crate) const STAY: &str = ": >ready; until [ -e go ]; do sleep 0.02; done";

impl Test {
    /// An empty task directory with a state directory.
    #[track_caller]
    pub(crate) fn with_state() -> Test {
        Test::new().config("state_dir = state")
    }

    /// Lets whoever is not root find a place for a lock without a state directory.
    #[track_caller]
    pub(crate) fn with_runtime_dir(self) -> Test {
        let runtime = self.path("runtime");
        fs::create_dir_all(&runtime).unwrap();
        self.env("XDG_RUNTIME_DIR", runtime)
    }
}

impl Running {
    /// Starts another runner of the same tasks while this one goes on. Returns its exit
    /// status and what it said.
    #[track_caller]
    pub(crate) fn beside(&self, args: &[&str]) -> (Option<i32>, String) {
        self.with_args(&[&["-c", "runner.cfg"], args, &["tasks.d"]].concat())
    }

    /// Starts another runner with these arguments and no others.
    #[track_caller]
    pub(crate) fn with_args(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(args);
        let other = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut other = other.unwrap();
        let clock = Instant::now();
        while other.try_wait().unwrap().is_none() && clock.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(2));
        }
        // One that should have been kept out and runs the chain could go on for an hour.
        other.kill().unwrap();
        let out = other.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        (out.status.code(), said)
    }

    /// Another runner with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(runner());
        command
            .args(args)
            .current_dir(self.path(""))
            .env("XDG_RUNTIME_DIR", self.path("runtime"))
            .stdin(Stdio::null());
        command
    }
}

impl Ran {
    /// The lines of the journal that are JSON.
    fn journal(&self) -> Vec<Map<String, Value>> {
        let lines = self.lines("state/journal.jsonl");
        let parsed = lines.iter().map(|line| serde_json::from_str(line));
        parsed.filter_map(Result::ok).collect()
    }

    /// The journal without what differs from run to run: events and the given members.
    fn events(&self, members: &[&str]) -> Vec<String> {
        let journal = self.journal();
        let event = |line: &Map<String, Value>| {
            let mut event = line["event"].as_str().unwrap().to_owned();
            for member in members {
                if let Some(value) = line.get(*member) {
                    event += &format!(" {}", value.to_string().trim_matches('"'));
                }
            }
            event
        };
        journal.iter().map(event).collect()
    }
}

// The journal.

#[test]
fn the_journal_says_what_happened_in_its_order() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", &once(7))
        .task("3-c", "exit 2")
        .task("halt.sh", "exit 0")
        .hook()
        .run()
        .status(2)
        .order("1-a 2-b 1-a 2-b 3-c halt.sh");
    let members = [
        "task", "phase", "try_num", "result", "outcome", "reason", "status", "before",
    ];
    assert_eq!(
        ran.events(&members),
        [
            "run-start",
            "try-start 1",
            "hook-start 1-a pre",
            "hook-end 1-a pre exited:0",
            "task-start 1-a 1",
            "task-end 1-a 1 OK exited:0",
            "hook-start 1-a post",
            "hook-end 1-a post exited:0",
            "hook-start 2-b pre",
            "hook-end 2-b pre exited:0",
            "task-start 2-b 1",
            "task-end 2-b 1 RETRY exited:7",
            "hook-start 2-b post",
            "hook-end 2-b post exited:0",
            "wait try",
            "try-start 2",
            "hook-start 1-a pre",
            "hook-end 1-a pre exited:0",
            "task-start 1-a 2",
            "task-end 1-a 2 OK exited:0",
            "hook-start 1-a post",
            "hook-end 1-a post exited:0",
            "hook-start 2-b pre",
            "hook-end 2-b pre exited:0",
            "task-start 2-b 2",
            "task-end 2-b 2 OK exited:0",
            "hook-start 2-b post",
            "hook-end 2-b post exited:0",
            "hook-start 3-c pre",
            "hook-end 3-c pre exited:0",
            "task-start 3-c 2",
            "task-end 3-c 2 HALT exited:2",
            "hook-start 3-c post",
            "hook-end 3-c post exited:0",
            "halt-start halt.sh halted",
            "halt-end halt.sh exited:0",
            "run-end halted 2",
        ]
    );
}

/// A member of an event: its name, its type, and whether it is always there.
type Member = (String, String, bool);

/// The events with their members as `docs/journal.md` has them.
fn documented() -> Vec<(String, Vec<Member>)> {
    let text = fs::read_to_string(top().join("docs/journal.md")).unwrap();
    let mut events = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [
            _,
            event,
            member,
            of_type @ ("string" | "number" | "array"),
            _,
            _,
        ] = cells[..]
        else {
            continue;
        };
        if !event.is_empty() {
            events.push((event.to_owned(), Vec::new()));
        }
        let (_, members): &mut (String, Vec<_>) = events.last_mut().unwrap();
        let always = !member.ends_with('?');
        members.push((
            member.trim_end_matches('?').to_owned(),
            of_type.to_owned(),
            always,
        ));
    }
    events
}

#[test]
fn every_event_has_the_members_that_are_documented() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", &once(1))
        .file("tasks.d/3-c", "#!/no/such/interpreter\n", 0o755)
        .task("halt.sh", "exit 0")
        .hook()
        .config("max_tries = 2\nlog_dir = logs\n[a]\nfrequency = once\nmax_time = 0")
        .run()
        .status(1);
    // It is done now, and the next start is refused.
    let ran = ran.again().run().status(1);
    let ran = ran.again().args(["--set", "jobs=0"]).run().status(78);
    let documented = documented();
    assert_eq!(
        documented.len(),
        11,
        "the table of events is not understood"
    );
    let mut seen: Vec<(String, Vec<String>)> = Vec::new();
    for line in ran.journal() {
        let names: Vec<&String> = line.keys().collect();
        let event = line["event"].as_str().unwrap();
        let (_, members) = documented.iter().find(|(name, _)| name == event).unwrap();
        let mut expected = ["ts", "run", "boot", "event"].map(str::to_owned).to_vec();
        for (member, of_type, always) in members {
            let found = match line.get(member) {
                None => None,
                Some(Value::String(_)) => Some("string"),
                Some(Value::Number(_)) => Some("number"),
                Some(Value::Array(_)) => Some("array"),
                Some(_) => Some("something else"),
            };
            if found.is_some() {
                assert_eq!(found, Some(of_type.as_str()), "`{member}` of {line:?}");
                expected.push(member.clone());
            } else {
                assert!(!always, "no `{member}` in {line:?}");
            }
        }
        let mut names: Vec<String> = names.into_iter().cloned().collect();
        seen.push((event.to_owned(), names.clone()));
        names.sort();
        expected.sort();
        assert_eq!(names, expected);
    }
    // Everything that the table has was seen, also what is not always there.
    for (event, members) in &documented {
        for (member, _, _) in members {
            assert!(
                seen.iter()
                    .any(|(name, names)| name == event && names.contains(member)),
                "`{member}` of `{event}` never turned up"
            );
        }
    }
}

#[test]
fn members_stand_in_the_order_of_the_table() {
    let ran = Test::with_state().task("1-a", "exit 0").run().status(0);
    let common = ["ts", "run", "boot", "event"].map(str::to_owned);
    for line in ran.lines("state/journal.jsonl") {
        let event = serde_json::from_str::<Value>(&line).unwrap()["event"].clone();
        let documented = documented();
        let (_, members) = documented.iter().find(|(name, _)| *name == event).unwrap();
        let members = members.iter().map(|(member, _, _)| member.clone());
        let places = common.iter().cloned().chain(members);
        let places = places.filter_map(|member| line.find(&format!("\"{member}\":")));
        let places: Vec<usize> = places.collect();
        assert!(places.is_sorted(), "{line}");
    }
}

#[test]
fn the_journal_names_the_process_while_it_runs() {
    let running = Test::with_state()
        .task("1-a", &format!("echo $$ >pid\n{STAY}"))
        .start();
    running.until("ready", "");
    let pid = fs::read_to_string(running.path("pid")).unwrap();
    running.until("state/journal.jsonl", &format!("\"pid\":{}}}", pid.trim()));
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn a_line_that_a_crash_cut_off_is_not_glued_to_the_next() {
    let torn = "{\"ts\":\"2026-01-01T00:00:00.000Z\",\"run\":\"r";
    let ran = Test::with_state()
        .file("state/journal.jsonl", torn, 0o644)
        .task("1-a", "exit 0")
        .run()
        .status(0);
    let lines = ran.lines("state/journal.jsonl");
    assert_eq!(lines[0], torn);
    assert_eq!(ran.journal().len(), lines.len() - 1);
    assert_eq!(ran.events(&[])[0], "run-start");
}

#[test]
fn a_journal_that_was_moved_away_is_made_anew() {
    let ran = Test::with_state()
        .task(
            "1-a",
            "until grep -q task-start state/journal.jsonl; do sleep 0.02; done\n\
             mv state/journal.jsonl state/journal.jsonl.1",
        )
        .task("2-b", "exit 0")
        .run()
        .status(0);
    assert_eq!(
        ran.events(&["task"]),
        ["task-end 1-a", "task-start 2-b", "task-end 2-b", "run-end"]
    );
    assert!(ran.read("state/journal.jsonl.1").contains("run-start"));
}

#[test]
fn a_journal_that_cannot_be_written_is_said_once_and_stops_nothing() {
    let ran = Test::with_state()
        .file("state/journal.jsonl/file", "", 0o644)
        .task("1-a", "exit 0")
        .task("2-b", "rm -r state/journal.jsonl")
        .args(["-n2"])
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b")
        .says("error: cannot write the journal `state/journal.jsonl`: it is a directory");
    assert_eq!(ran.stderr.matches("cannot write the journal").count(), 1);
    // What came after it could be written is there.
    assert!(ran.events(&["task"]).contains(&"task-end 2-b".to_owned()));
}

#[test]
fn only_and_questions_write_no_journal() {
    let mut test = Test::with_state()
        .task("1-a", "exit 0")
        .file("runner.cfg", "", 0o644);
    for args in [
        &["--only", "1-a"][..],
        &["--list"],
        &["--dry-run"],
        &["--check"],
        &["--env", "1-a"],
        &["--graph"],
    ] {
        let ran = test.args(args).run().status(0);
        assert_eq!(ran.read("state/journal.jsonl"), "", "{args:?}");
        test = ran.again();
    }
}

#[test]
fn a_state_directory_belongs_to_one_task_directory() {
    let ran = Test::with_state().task("1-a", "exit 0").run().status(0);
    let owner = ran.read("state/taskdir");
    assert!(owner.ends_with("/tasks.d\n"), "{owner}");
    fs::create_dir(ran.test.path("other")).unwrap();
    let test = ran.again().file("other/1-x", "#!/bin/sh\n", 0o755);
    let before = fs::read(test.path("state/journal.jsonl")).unwrap();
    for args in [
        &["-c", "runner.cfg", "other"][..],
        &["-c", "runner.cfg", "--check", "other"],
    ] {
        let out = Command::new(runner())
            .args(args)
            .current_dir(test.dir())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(78));
        let said = String::from_utf8(out.stderr).unwrap();
        let expected = format!(
            "runner.cfg:4: `state_dir` is that of the task directory `{}`",
            owner.trim()
        );
        assert!(said.contains(&expected), "{said}");
        assert!(said.contains("remove `state/taskdir`"), "{said}");
    }
    assert_eq!(fs::read(test.path("state/journal.jsonl")).unwrap(), before);
    // Another path to the same directory is the same directory.
    std::os::unix::fs::symlink("tasks.d", test.path("link")).unwrap();
    test.run_with(["-c", "runner.cfg", "link"]).status(0);
}

// A start that is refused.

#[test]
fn a_refused_start_is_remembered() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .file("tasks.d/2-b", "#!/bin/sh\n", 0o644)
        .run()
        .status(78);
    assert_eq!(ran.events(&["status"]), ["refused 78"]);
    let reason = ran.journal()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("`2-b` is not executable"), "{reason}");
    fs::remove_dir_all(ran.test.path("tasks.d")).unwrap();
    let ran = ran.again().run().status(66);
    assert_eq!(ran.events(&["status"]), ["refused 78", "refused 66"]);
}

// Marks.

#[test]
fn a_task_that_is_once_done_is_not_started_again() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", &once(1))
        .config("[a]\nfrequency = once")
        .run()
        .status(0)
        // Not in a later try either.
        .order("1-a 2-b 2-b");
    let ran = ran.again().run().status(0).order("1-a 2-b 2-b 2-b 2-b");
    assert!(
        ran.stderr.contains("2 tasks, 1 of them done before"),
        "{}",
        ran.stderr
    );
    // Whoever wants it to run again removes its mark.
    fs::remove_file(ran.test.path("state/done/1-a")).unwrap();
    fs::remove_file(ran.test.path("state/journal.jsonl")).unwrap();
    ran.again()
        .run()
        .status(0)
        .order("1-a 2-b 2-b 2-b 2-b 1-a 2-b 2-b");
}

#[test]
fn a_task_with_a_mark_counts_as_done_for_its_dependents() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("1-b", "exit 0")
        .config("jobs = 2\n[b]\nfrequency = once\n[a]\ndepends_on = b")
        .run()
        .status(0)
        .order("1-b 1-a");
    ran.again().run().status(0).order("1-b 1-a 1-a");
}

#[test]
fn a_chain_of_which_all_is_done_finishes() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once")
        .run()
        .status(0);
    ran.again().run().status(0).order("1-a");
}

#[test]
fn a_mark_is_set_by_success_and_by_asking_to_halt_and_by_nothing_else() {
    for (code, status, marked) in [(0, 0, true), (2, 2, true), (3, 3, false), (1, 1, false)] {
        let ran = Test::with_state()
            .task("1-a", &format!("exit {code}"))
            .config("max_tries = 2\nstop_codes = 3\n[a]\nfrequency = once")
            .run()
            .status(status);
        let done = ran.test.path("state/done");
        let names = fs::read_dir(done)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names: Vec<_> = names.collect();
        assert_eq!(names, if marked { vec!["1-a"] } else { vec![] }, "{code}");
    }
}

#[test]
fn once_per_boot_is_once_for_each_boot() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once-per-boot")
        .run()
        .status(0)
        .again()
        .run()
        .status(0)
        .order("1-a");
    let mark = ran.read("state/done/1-a");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(mark.contains(boot.trim()), "{mark}");
    fs::write(
        ran.test.path("state/done/1-a"),
        mark.replace(boot.trim(), "another"),
    )
    .unwrap();
    let ran = ran.again().run().status(0).order("1-a 1-a");
    assert!(ran.read("state/done/1-a").contains(boot.trim()));
}

#[test]
fn a_task_whose_mark_cannot_be_written_is_not_started() {
    let ran = Test::with_state()
        .file("state/done", "", 0o644)
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .config("max_tries = 2\n[a]\nfrequency = once")
        .run()
        .status(1)
        .order("")
        .says("`1-a` did not start: cannot write its mark `state/done/1-a`: not a directory");
    assert_eq!(
        ran.events(&["task", "outcome"])[2..4],
        ["task-end 1-a not-started", "wait"]
    );
}

#[test]
fn only_pays_no_heed_to_marks() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once")
        .args(["--only", "a"])
        .run()
        .status(0);
    assert!(!ran.test.path("state/done").exists());
    let ran = ran.again().run().status(0);
    ran.again()
        .args(["--only", "a"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a");
}

// Halts.

#[test]
fn the_halt_task_runs_so_often_and_no_more() {
    let mut ran = Test::with_state()
        .task("1-a", "exit 2")
        .task("halt.sh", "exit 0")
        .config("max_halts = 2\nhalt_period = 1h")
        .run()
        .status(2)
        .again()
        .run()
        .status(2);
    for _ in 0..2 {
        // The journal has nothing to do with it.
        fs::rename(
            ran.test.path("state/journal.jsonl"),
            ran.test.path("state/old"),
        )
        .unwrap();
        ran = ran
            .again()
            .run()
            .status(1)
            .says("error: the halt task would run now, because a task asked for it, but `max_halts` is used up: 2 halts within 1h")
            .says("remove `state/halts` to count anew");
        assert_eq!(
            ran.events(&["reason", "status"]).last().unwrap(),
            "run-end halts-used-up 1"
        );
        assert_eq!(
            ran.lines("order")
                .iter()
                .filter(|name| *name == "halt.sh")
                .count(),
            2
        );
    }
    fs::remove_file(ran.test.path("state/halts")).unwrap();
    ran.again().run().status(2);
}

#[test]
fn giving_up_and_halting_in_the_end_count_as_well() {
    let ran = Test::with_state()
        .task("1-a", "[ ! -e fail ]")
        .task("halt.sh", "exit 0")
        .config("max_halts = 2\nmax_tries = 1")
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh");
    let ran = ran.again().file("fail", "", 0o644).run().status(1);
    let ran = ran.order("1-a halt.sh 1-a halt.sh");
    fs::remove_file(ran.test.path("fail")).unwrap();
    ran.again()
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh 1-a halt.sh 1-a")
        .says("because the last run has finished, but `max_halts` is used up");
}

// The lock.

#[test]
fn a_second_run_of_the_same_tasks_is_refused() {
    for state in ["state_dir = state", ""] {
        let running = Test::new()
            .config(state)
            .with_runtime_dir()
            .task("1-a", &format!("echo $RUNNER_RUN_ID >run\n{STAY}"))
            .start();
        running.until("ready", "");
        let (status, said) = running.beside(&[]);
        assert_eq!(status, Some(75), "{said}");
        let who = format!(
            "another runner (process {}, run {}) runs the tasks of `tasks.d`",
            running.pid(),
            fs::read_to_string(running.path("run")).unwrap().trim(),
        );
        assert!(said.contains(&who), "{said}");
        // One task alone is a run as well.
        let (status, _) = running.beside(&["--only", "1-a"]);
        assert_eq!(status, Some(75));
        // To ask is allowed, and so is to insist.
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
    let running = Test::with_state().task("1-a", STAY).start();
    running.until("ready", "");
    let lock = fs::read_to_string(running.path("state/lock")).unwrap();
    assert_eq!(lock.lines().next(), Some(&*running.pid().to_string()));
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn a_run_can_wait_for_the_lock() {
    let running = Test::with_state().task("1-a", STAY).start();
    running.until("ready", "");
    let (status, said) = running.beside(&["--wait-lock=0.2"]);
    assert_eq!(status, Some(75), "{said}");
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
    let first = Test::with_state().task("1-a", STAY).start();
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
fn a_task_of_a_killed_runner_keeps_the_next_run_out() {
    for state in ["state_dir = state", ""] {
        let running = Test::new()
            .config(state)
            .with_runtime_dir()
            .task("1-a", &format!("echo $$ >pid\n{STAY}"))
            .start();
        running.until("ready", "");
        running.signal(Signal::KILL);
        let pid = fs::read_to_string(running.path("pid")).unwrap();
        let pid = pid.trim();
        let ran = running.wait();
        let ran = ran.again().run().status(75);
        let who = format!("`1-a` (process {pid}) still runs, whose runner was killed");
        let ran = ran.says(&who).says(&format!("`kill -- -{pid}` ends it"));
        // It can be waited for as well.
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
    // As if the runner had been killed before it could write down the number.
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
    // A daemon of another task of the same run keeps nobody out.
    let mut daemon = start(other, 0);
    let mut task = start(task, 0);
    let ran = test.run().status(75);
    let ran = ran.says(&format!("`{text}` (process {}) still runs", task.id()));
    task.kill().unwrap();
    task.wait().unwrap();
    ran.again().run().status(0);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn what_an_earlier_boot_left_in_the_lock_keeps_nobody_out() {
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
fn where_no_lock_can_be_had_the_tasks_run_all_the_same() {
    let test = Test::with_state()
        .file("state", "", 0o644)
        .task("1-a", "exit 0")
        .args(["-v"]);
    // A directory where the file should be: nobody can open that for writing.
    let ran = test
        .run()
        .status(0)
        .says("cannot lock `state/lock`: not a directory");
    assert!(ran.stderr.contains("cannot write the journal"));
}

#[test]
fn the_files_of_the_state_are_for_everybody_to_read_and_for_one_to_write() {
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
fn a_check_says_when_the_state_cannot_be_written() {
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
fn a_halt_that_cannot_be_counted_is_said_and_runs() {
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

/// Makes a named pipe, for which whoever opens it would wait.
#[track_caller]
fn pipe(test: &Test, name: &str) {
    let mkfifo = Command::new("mkfifo").arg(test.path(name)).status();
    assert!(mkfifo.unwrap().success());
}

#[test]
fn a_pipe_in_place_of_a_file_of_the_state_holds_up_nobody() {
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
fn a_line_of_the_halts_that_is_broken_does_not_count_anew() {
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
    let first = Test::with_state().task("1-a", STAY).start();
    first.until("ready", "");
    fs::remove_file(first.path("state/lock")).unwrap();
    fs::write(first.path("state/lock"), "another's").unwrap();
    fs::write(first.path("go"), "").unwrap();
    let ran = first.wait().status(0);
    assert_eq!(ran.read("state/lock"), "another's");
}

#[test]
fn a_lock_of_another_pid_namespace_accuses_nobody() {
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
fn a_state_directory_has_an_owner_without_a_lock_too() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .args(["--no-lock"])
        .run()
        .status(0);
    assert!(ran.read("state/taskdir").ends_with("/tasks.d\n"));
}

#[test]
fn a_huge_lock_is_no_matter() {
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
