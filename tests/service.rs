//! The runner as a service: notifications to the manager, and messages for the journal.

use std::{
    fs,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::PathBuf,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::support::{Test, is_ignored, once, top};

/// Starts a service manager. The receiver gets every notification.
fn manager(socket: UnixDatagram) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Test {
    /// Starts a manager that listens at a path of the story.
    #[track_caller]
    fn with_manager(self) -> (Test, Receiver<String>) {
        let path = self.path("notify");
        let messages = manager(UnixDatagram::bind(&path).unwrap());
        (self.env("NOTIFY_SOCKET", path), messages)
    }
}

/// All notifications so far. `EXTEND_TIMEOUT_USEC` is shown as `for` and seconds.
fn all_messages(messages: &Receiver<String>) -> Vec<String> {
    let mut all = Vec::new();
    // All notifications are in the socket when the program has ended.
    while let Ok(message) = messages.recv_timeout(Duration::from_millis(500)) {
        let lines = message
            .lines()
            .map(|line| match line.split_once("EXTEND_TIMEOUT_USEC=") {
                Some((_, time)) => format!("for {}", time.parse::<u64>().unwrap() / 1_000_000),
                None => line.to_owned(),
            });
        all.push(lines.collect::<Vec<_>>().join("; "));
    }
    all
}

#[test]
fn the_manager_gets_the_progress_and_its_timeouts() {
    let (test, messages) = Test::new()
        .task("1-a", "exit 0")
        .task("2-b", &once(1))
        .hook()
        .config("kill_grace = 5\nleak_time = 1\nmax_time = 100\nhook_time = 20\n[b]\nmax_time = 0")
        .with_manager();
    test.run().status(0);
    // Timeout: the limit, twice `kill_grace`, `leak_time`, and 30 s.
    assert_eq!(
        all_messages(&messages),
        [
            "READY=1",
            "STATUS=try 1 of 5: hook of 1-a; for 71",
            "STATUS=try 1 of 5: 1-a; for 151",
            "STATUS=try 1 of 5: hook of 1-a; for 71",
            "STATUS=try 1 of 5: hook of 2-b; for 71",
            "STATUS=try 1 of 5: 2-b; for 18446744073709",
            "STATUS=try 1 of 5: hook of 2-b; for 71",
            "STATUS=next try in 0s; for 30",
            "STATUS=try 2 of 5: hook of 1-a; for 71",
            "STATUS=try 2 of 5: 1-a; for 151",
            "STATUS=try 2 of 5: hook of 1-a; for 71",
            "STATUS=try 2 of 5: hook of 2-b; for 71",
            "STATUS=try 2 of 5: 2-b; for 18446744073709",
            "STATUS=try 2 of 5: hook of 2-b; for 71",
        ]
    );
}

#[test]
fn the_timeouts_count_the_run_hook() {
    let (test, messages) = Test::new()
        .task("1-a", "exit 0")
        .run_hook()
        .config("kill_grace = 5\nleak_time = 1\nmax_time = 100\nhook_time = 20")
        .with_manager();
    test.run().status(0);
    assert_eq!(
        all_messages(&messages),
        [
            "READY=1",
            "STATUS=run hook (start); for 71",
            "STATUS=try 1 of 5: 1-a; for 151",
            "STATUS=run hook (end); for 71",
        ]
    );
}

#[test]
fn a_chain_can_be_ready_when_it_has_finished() {
    let (test, messages) = Test::new()
        .task("1-a", "exit 0")
        .args(["--ready=finished", "-n", "2"])
        .with_manager();
    test.run().status(0);
    let messages = all_messages(&messages);
    assert_eq!(
        messages.iter().position(|message| message == "READY=1"),
        Some(1),
        "{messages:?}"
    );
    assert_eq!(
        messages
            .iter()
            .filter(|message| *message == "READY=1")
            .count(),
        1
    );
    // A run that does not finish is never ready.
    let (test, messages) = Test::new()
        .task("1-a", "exit 2")
        .args(["--ready", "finished"])
        .with_manager();
    test.run().status(2);
    assert!(!all_messages(&messages).contains(&"READY=1".to_owned()));
}

#[test]
fn a_runner_without_a_valid_plan_is_not_ready() {
    let (test, messages) = Test::new()
        .task("1-a", "exit 0")
        .args(["--set", "jobs=0"])
        .with_manager();
    test.run().status(78);
    assert_eq!(all_messages(&messages), [""; 0]);
}

#[test]
fn the_manager_is_notified_of_the_end() {
    if is_ignored(Signal::TERM) {
        return;
    }
    let (test, messages) = Test::new().task("1-a", ": >ready; sleep 60").with_manager();
    let running = test.start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143);
    let messages = all_messages(&messages);
    assert_eq!(
        messages.last().unwrap(),
        "STOPPING=1; STATUS=ending because of SIGTERM"
    );
}

#[test]
fn the_socket_can_be_an_abstract_one() {
    let name = format!("runner-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let messages = manager(UnixDatagram::bind_addr(&address).unwrap());
    Test::new()
        .task("1-a", "exit 0")
        .env("NOTIFY_SOCKET", format!("@{name}"))
        .run()
        .status(0);
    assert_eq!(all_messages(&messages)[0], "READY=1");
}

#[test]
fn a_missing_manager_changes_nothing() {
    Test::new()
        .task("1-a", "exit 0")
        .env("NOTIFY_SOCKET", "/no/such/socket")
        .run()
        .status(0)
        .does_not_say("socket");
}

#[test]
fn tasks_cannot_notify_the_manager() {
    let (test, _messages) = Test::new()
        .task("1-a", "env >task")
        .task("halt.sh", "env >halt")
        .file("hook", "#!/bin/sh\nenv >hooked\n", 0o755)
        .config("task_hook = ./hook")
        .env("WATCHDOG_USEC", "30000000")
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", "web")
        .env("JOURNAL_STREAM", "1:2")
        .through("LISTEN_PID=$$; export LISTEN_PID")
        .args(["-H"])
        .args_after(["--", "sh", "-c", "env >command; echo PID=$$ >>command"])
        .with_manager();
    let ran = test.run().status(0);
    for (file, there) in [
        ("task", false),
        ("halt", false),
        ("hooked", false),
        ("command", true),
    ] {
        let environment = ran.read(file);
        assert!(environment.contains("RUNNER_TASK=") || there, "{file}");
        for name in [
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
            "LISTEN_FDS",
            "LISTEN_PID",
            "LISTEN_FDNAMES",
        ] {
            let name = format!("{name}=");
            assert_eq!(environment.contains(&name), there, "{file}: {name}");
        }
        assert!(environment.contains("JOURNAL_STREAM=1:2\n"), "{file}");
    }
    // COMMAND replaces the process that the manager has started, so it gets the sockets.
    let command = ran.read("command");
    let value = |name| {
        command
            .lines()
            .find_map(|line: &str| line.strip_prefix(name))
    };
    assert_eq!(value("LISTEN_PID="), value("PID="));
    // A variable from `[env]` is passed on.
    let ran = Test::new()
        .task("1-a", "env >task")
        .config("[env]\nNOTIFY_SOCKET = mine")
        .env("NOTIFY_SOCKET", "/no/such/socket")
        .run()
        .status(0);
    assert!(ran.read("task").contains("NOTIFY_SOCKET=mine\n"));
}

#[test]
fn lines_for_the_journal_begin_with_their_priority() {
    let ran = Test::new()
        .task("1-a", "exit 1")
        .config("max_tries = 2")
        .args(["-v"])
        .through("JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2); export JOURNAL_STREAM")
        .run()
        .status(1);
    let line = |text: &str| {
        let mut lines = ran.stderr.lines();
        lines
            .find(|line| line.contains(text))
            .unwrap_or_default()
            .to_owned()
    };
    assert!(
        line("try 1 starts").starts_with("<7>try 1"),
        "{}",
        ran.stderr
    );
    assert_eq!(line("`1-a` starts"), "<6>`1-a` starts");
    assert!(
        line("trying again").starts_with("<4>`1-a` exited with 1"),
        "{}",
        ran.stderr
    );
    assert!(
        line("giving up").starts_with("<3>`1-a` exited with 1"),
        "{}",
        ran.stderr
    );
    // stderr is not the journal that `JOURNAL_STREAM` names.
    let ran = Test::new()
        .task("1-a", "exit 0")
        .env("JOURNAL_STREAM", "1:2")
        .run()
        .status(0);
    assert!(!ran.stderr.contains("<6>"));
}

#[test]
fn the_units_use_existing_options() {
    for unit in ["runner.service", "runner@.service"] {
        let path: PathBuf = top().join("packaging/systemd").join(unit);
        let text = fs::read_to_string(path).unwrap();
        let start = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/runner "));
        let words = start.unwrap().replace("$RUNNER_OPTIONS", "-n 2 -H");
        let words = words
            .replace("/etc/runner/runner.cfg", "runner.cfg")
            .replace("/etc/runner/%i.cfg", "runner.cfg");
        let words = words
            .replace("/etc/runner/tasks.d", "tasks.d")
            .replace("/etc/runner/%i.d", "tasks.d");
        Test::new()
            .task("1-a", "exit 0")
            .task("halt.sh", "exit 0")
            .run_with(words.split(' '))
            .status(0);
    }
}
