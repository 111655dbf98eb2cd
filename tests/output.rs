//! The output of several tasks at once, and the last line of a terminal.

use std::{fs, io::Read, time::Duration};

use rustix::process::Signal;

use crate::support::{Running, Test, is_missing, pause, quoted, runner};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn each_line_starts_with_the_name_of_its_task() {
    let ran = Test::new()
        .task("1-a", "echo out; echo err >&2")
        .task("2-long-name", "echo out")
        .args(["-q", "-j", "2"])
        .run()
        .status(0);
    ran.stdout("1-a         | out\n2-long-name | out\n")
        .stderr("1-a         | err\n");
}

#[test]
fn the_output_of_a_task_follows_the_message_about_its_start() {
    let names: Vec<String> = (10..50).map(|number| format!("1-{number}")).collect();
    let add = |test: Test, name: &String| test.task(name, "echo out >&2");
    let test = names.iter().fold(Test::new(), add);
    let ran = test.args(["-j", "4"]).run().status(0);
    for name in &names {
        let start = ran.stderr.find(&format!("`{name}` starts")).unwrap();
        let output = ran.stderr.find(&format!("{name} | out")).unwrap();
        assert!(start < output, "{}", ran.stderr);
    }
}

#[test]
fn output_is_unchanged_with_one_task_at_a_time() {
    Test::new()
        .task("1-a", "printf 'no end'")
        .task("2-b", "echo; echo b")
        .run()
        .status(0)
        .stdout("no end\nb\n");
}

#[test]
fn hooks_and_the_halt_task_have_names_before_their_lines_too() {
    Test::new()
        .task("1-a", "exit 2")
        .task("halt.sh", "echo halt")
        .file("hook", "#!/bin/sh\necho $RUNNER_HOOK\n", 0o755)
        .config("task_hook = ./hook")
        .args(["-q", "-j", "2"])
        .run()
        .status(2)
        .stdout("1-a     | pre\n1-a     | post\nhalt.sh | halt\n");
}

#[test]
fn stderr_of_hooks_goes_to_stderr() {
    Test::new()
        .task("1-a", "echo err >&2")
        .file(
            "hook",
            "#!/bin/sh\necho out $RUNNER_HOOK\necho err $RUNNER_HOOK >&2\n",
            0o755,
        )
        .config("task_hook = ./hook")
        .args(["-q", "-j", "2"])
        .run()
        .status(0)
        .stdout("1-a | out pre\n1-a | out post\n")
        .stderr("1-a | err pre\n1-a | err\n1-a | err post\n");
}

#[test]
fn an_incomplete_line_is_shown_and_continues_below() {
    let story = Test::new()
        .task(
            "1-a",
            "printf part; while [ ! -e go ]; do sleep 0.05; done; echo ' rest'",
        )
        .args(["-q", "-j", "2"])
        .start();
    story.until("stdout", "1-a | part\n");
    fs::write(story.path("go"), "").unwrap();
    story.wait().status(0).stdout("1-a | part\n1-a +  rest\n");
}

#[test]
fn output_can_be_reassembled_from_its_lines() {
    let body = "i=0; while [ $i -lt 5 ]; do i=$((i+1)); cat bytes; done";
    let mut bytes: Vec<u8> = (0..200_000_u32).map(|n| ((n * 7919) >> 5) as u8).collect();
    // One line is longer than the maximum that is shown in one piece.
    bytes[..150_000].iter_mut().for_each(|byte| *byte |= 1 << 4);
    bytes.push(b'\n');
    let test = Test::new().task("1-a", body).task("1-b", body);
    fs::write(test.path("bytes"), &bytes).unwrap();
    let ran = test.args(["-q", "-j", "2"]).run().status(0).within(SOON);
    let shown = fs::read(ran.test.path("stdout")).unwrap();
    for name in ["1-a", "1-b"] {
        assert!(put_together(name, &shown) == bytes.repeat(5), "{name}");
    }
}

/// Reassembles the output of the task `name` from the lines that were shown.
fn put_together(name: &str, shown: &[u8]) -> Vec<u8> {
    let mut again: Vec<u8> = Vec::new();
    for line in shown.split_inclusive(|&byte| byte == b'\n') {
        let begins = line.strip_prefix(format!("{name} | ").as_bytes());
        let continued = line.strip_prefix(format!("{name} + ").as_bytes());
        if continued.is_some() {
            again.pop();
        }
        again.extend(begins.or(continued).unwrap_or_default());
    }
    again
}

#[test]
fn output_of_a_task_precedes_the_message_about_its_end() {
    let ran = Test::new()
        .task("1-a", "echo a")
        .task("2-b", "echo b")
        .task("3-c", "printf 'no end'")
        .args(["-j", "2"])
        .through("exec >both 2>&1")
        .run()
        .status(0);
    let both = ran.read("both");
    for (line, end) in [
        ("1-a | a", "`1-a` is done"),
        ("2-b | b", "`2-b` is done"),
        ("3-c | no end", "`3-c` is done"),
    ] {
        assert!(both.find(line).unwrap() < both.find(end).unwrap(), "{both}");
    }
}

#[test]
fn output_of_a_daemon_is_read_while_the_runner_lives() {
    if is_missing("setsid") {
        return;
    }
    let daemon =
        "setsid sh -c 'until [ -e go ]; do sleep 0.05; done; echo late; touch written; sleep 3' &";
    Test::new()
        .task("1-a", daemon)
        .task(
            "2-b",
            "touch go; until [ -e written ]; do sleep 0.05; done; sleep 0.2",
        )
        .args(["-q", "-j", "2"])
        .run()
        .status(0)
        .within(SOON)
        .stdout("1-a | late\n");
}

#[test]
fn a_blocked_reader_delays_neither_limits_nor_signals() {
    let story = Test::new()
        .task("1-a", "exec head -c 1000000 /dev/zero")
        .task("1-b", "touch started; exec sleep 30")
        .config("[b]\nmax_time = 0.5\nmax_tries = 1\nrequired = no")
        .args(["-j", "2"])
        .through("rm -f pipe; mkfifo pipe; exec 3<>pipe >pipe")
        .start();
    story.until("stderr", "`1-b` ran longer than `max_time`");
    story.signal(Signal::TERM);
    story.wait().status(143).within(SOON);
}

#[test]
fn the_end_does_not_wait_forever_for_a_blocked_reader() {
    for output in [">pipe", "2>pipe"] {
        let ran = Test::new()
            .task("1-a", "head -c 1000 /dev/zero | tee /dev/stderr")
            .args(["-j", "2"])
            .through(&format!(
                "mkfifo pipe; exec 3<>pipe; \
                 dd if=/dev/zero of=pipe bs=4096 count=1024 2>/dev/null & sleep 1; exec {output}"
            ))
            .run()
            .status(0)
            .within(SOON);
        if output == ">pipe" {
            ran.says("was not read for 10s; the last output of tasks is lost");
        }
    }
}

/// A daemon writes on after its task has ended.
#[test]
fn the_end_does_not_wait_for_later_output() {
    if is_missing("setsid") {
        return;
    }
    let test = Test::new()
        .task("1-a", "setsid yes &\nsleep 0.3")
        .args(["-j", "2"]);
    let (story, mut pipe) = into_a_pipe(test, ">pipe");
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        while pipe.read(&mut bytes).is_ok_and(|read| read > 0) {
            pause(Duration::from_millis(20));
        }
    });
    story.wait().status(0).within(SOON);
    reader.join().unwrap();
}

/// Starts a story whose `output` (a redirection) goes to a pipe. Returns its read end too.
#[track_caller]
fn into_a_pipe(test: Test, output: &str) -> (Running, fs::File) {
    let before = format!("mkfifo pipe; touch there; exec {output}");
    let story = test.through(&before).start();
    story.until("there", "");
    let pipe = fs::File::open(story.path("pipe")).unwrap();
    (story, pipe)
}

#[test]
fn lines_of_both_streams_stay_whole_in_one_pipe() {
    let text: String = (0..60_000)
        .map(|n| format!("line {n} of a story\n"))
        .collect();
    let test = Test::new()
        .task("1-a", "exec cat text")
        .task("1-b", "exec cat text >&2")
        .task("1-c", "exec cat text")
        .task("1-d", "exec cat text >&2");
    fs::write(test.path("text"), &text).unwrap();
    let (story, mut pipe) = into_a_pipe(test.args(["-q", "-j", "4"]), ">pipe 2>&1");
    let (mut seen, mut some) = (Vec::new(), [0; 1000]);
    while let Ok(read @ 1..) = pipe.read(&mut some) {
        seen.extend_from_slice(&some[..read]);
    }
    drop(pipe);
    story.wait().status(0).within(SOON);
    for name in ["1-a", "1-b", "1-c", "1-d"] {
        assert!(put_together(name, &seen) == text.as_bytes(), "{name}");
    }
}

#[test]
fn a_task_that_writes_much_to_a_slow_reader_does_not_delay_others() {
    let test = Test::new()
        .task(
            "1-a",
            "cat lines; touch flows; until [ -e seen ]; do cat lines; done",
        )
        .task("1-b", "until [ -e flows ]; do sleep 0.01; done; echo hello");
    fs::write(test.path("lines"), "\n".repeat(1_000_000)).unwrap();
    let (story, mut pipe) = into_a_pipe(test.args(["-q", "-j", "2"]), ">pipe");
    // Enough bytes for the million lines before `hello`, and for those on their way.
    let (mut seen, mut some, mut left) = (Vec::new(), [0; 1000], 20_000_000_usize);
    while left > 0 && !seen.windows(11).any(|seen| seen == b"1-b | hello") {
        let read = pipe.read(&mut some).unwrap();
        seen.drain(..seen.len().saturating_sub(11));
        seen.extend_from_slice(&some[..read]);
        left = left.saturating_sub(read);
    }
    fs::write(story.path("seen"), "").unwrap();
    std::io::copy(&mut pipe, &mut std::io::sink()).unwrap();
    story.wait().status(0).within(SOON);
    assert!(left > 0);
}

#[test]
fn unread_output_takes_no_memory() {
    let mut test = Test::new()
        .task("1-a", "exec cat /dev/zero")
        .config("[a]\nmax_time = 0");
    for number in 100..300 {
        test = test.task(&format!("1-b{number}"), "");
    }
    let story = test
        .args(["-j", "2"])
        .through("mkfifo pipe; exec 3<>pipe >pipe")
        .start();
    story.until("stderr", "`1-b299` is done");
    let status = fs::read_to_string(format!("/proc/{}/status", story.pid())).unwrap();
    let most = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes: u32 = most
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    story.signal(Signal::TERM);
    story.wait().status(143);
    assert!(kilobytes < 16_000, "{kilobytes} kB");
}

#[test]
fn a_closed_reader_ends_the_tasks_that_write() {
    Test::new()
        .task("1-a", "exec yes")
        .config("max_tries = 1")
        .args(["-j", "2"])
        .through("mkfifo gone; (exec <gone) & exec >gone; wait")
        .run()
        .status(1)
        .within(SOON)
        .says("`1-a` was ended by SIGPIPE");
}

/// Runs a story on a terminal. Returns what the terminal received.
pub(crate) fn on_a_terminal(test: Test, env: &str, args: &str) -> String {
    let program = quoted(&runner());
    let command = format!("{env} {program} {args} -c runner.cfg tasks.d");
    let script = format!("#!/bin/sh\nexec script -qec \"{command}\" seen >/dev/null </dev/null\n");
    let path = test.path("terminal");
    let ran = test
        .file("terminal", &script, 0o755)
        .program(path)
        .run_with([""; 0]);
    let seen = fs::read(ran.test.path("seen")).unwrap();
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn the_last_line_of_a_terminal_shows_progress() {
    if is_missing("script") {
        return;
    }
    let test = || {
        Test::new()
            .task("1-a", "sleep 1.3")
            .task("1-b", "[ $RUNNER_TRY_NUM -gt 1 ] || exit 1")
            .config("sleep_time = 1.3")
    };
    let bar = "1 of 2 done";
    let wait = "next try in ";
    let seen = on_a_terminal(test(), "TERM=xterm", "-j 2");
    assert!(seen.contains("0 of 2 done; 1-a "), "{seen}");
    assert!(seen.contains(bar) && seen.contains(wait), "{seen}");
    assert!(seen.contains("\x1b[2m"), "{seen}");
    // The progress line was erased before the last message.
    let end = seen.rfind("finished after").unwrap();
    assert!(!seen[end..].contains(" of 2 done"), "{seen}");
    let alone = on_a_terminal(test(), "TERM=xterm NO_COLOR=1", "");
    assert!(alone.contains(wait) && !alone.contains("1-a 1s"), "{alone}");
    assert!(!alone.contains("\x1b[2m"), "{alone}");
    for (env, args) in [
        ("TERM=dumb", "-j 2"),
        ("TERM=xterm", "-j 2 -q"),
        ("TERM=xterm", "-j 2 --no-progress"),
        ("TERM=xterm", "-j 2 2>messages"),
    ] {
        let test = Test::new().task("1-a", "sleep 0.5").task("1-b", "");
        let seen = on_a_terminal(test, env, args);
        assert!(!seen.contains(" of 2 done"), "{env} {args}: {seen}");
    }
}

#[test]
fn the_last_line_is_drawn_again_at_once_when_the_terminal_is_resized() {
    if is_missing("script") || is_missing("stty") {
        return;
    }
    let resizes = "for n in 0 1 2 3 4 5 6 7 8 9; do
        stty -F /dev/tty cols 40; sleep 0.1; stty -F /dev/tty cols 90; sleep 0.1
    done";
    let test = Test::new().task("1-a", resizes).task("1-b", "sleep 1.5");
    let seen = on_a_terminal(test, "TERM=xterm", "-j 2");
    // Once a second it is drawn in any case.
    assert!(seen.matches("2 running").count() >= 8, "{seen}");
    assert!(!seen.contains("\x1b[J"), "{seen}");
}

/// Runs with everything that has a colour on a terminal, and a wait of `wait` seconds.
fn colourful(wait: &str) -> Test {
    Test::new()
        .task("1-a", "echo out; echo err >&2; exit 1")
        .task("1-b", "sleep 0.7")
        .config(&format!("max_tries = 2\nsleep_time = {wait}"))
        .config("[nobody]\nmax_time = 1")
}

/// Returns `true` if a text has an escape sequence that sets a colour or a style.
fn is_coloured(text: &str) -> bool {
    text.split("\x1b[").skip(1).any(|escape| {
        let end = escape.find(|c: char| !c.is_ascii_digit() && c != ';');
        end.is_some_and(|end| escape[end..].starts_with('m'))
    })
}

#[test]
fn a_file_has_no_colours_even_if_forced() {
    let forced = |test: Test| {
        test.env("CLICOLOR_FORCE", "1")
            .env("FORCE_COLOR", "1")
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
    };
    for args in [
        &["-v"][..],
        &["-v", "-j", "2"],
        &["--check"],
        &["--list"],
        &["--dry-run"],
        &["--graph"],
        &["--env", "a"],
        &["--help"],
        &["-h"],
        &["--nonsense"],
    ] {
        let ran = forced(colourful("0.7")).args(args).run();
        assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{args:?}");
        assert!(!ran.stdout.contains('\x1b'), "{args:?}: {}", ran.stdout);
        assert!(!ran.stderr.contains('\x1b'), "{args:?}: {}", ran.stderr);
    }
    let ran = forced(Test::new().no_config()).run_with(["runner-config", "--help"]);
    assert!(!ran.stdout.contains('\x1b'), "{}", ran.stdout);
}

#[test]
fn no_color_disables_all_colours() {
    if is_missing("script") {
        return;
    }
    for args in ["-v", "-v -j 2", "--check", "--nonsense", "--help"] {
        let seen = |env: &str| on_a_terminal(colourful("0.7"), &format!("TERM=xterm {env}"), args);
        let with = seen("CLICOLOR_FORCE=1");
        assert!(is_coloured(&with), "{args}: {with}");
        let without = seen("NO_COLOR=1");
        assert!(!is_coloured(&without), "{args}: {without}");
    }
    // Each kind of colour appears.
    // The progress line is shown during the whole wait, even on a busy machine.
    let with = on_a_terminal(colourful("5"), "TERM=xterm", "-j 2");
    for part in [
        "\x1b[2m",
        "\x1b[33mwarning: ",
        "\x1b[1m\x1b[31merror: ",
        "m1-a\x1b[0m | out",
        "m1-a\x1b[0m | err",
        "1 of 2 done",
    ] {
        assert!(with.contains(part), "no {part:?} in {with}");
    }
}

/// The time in front of the first message of the runner, where `digits` are shown as `0`.
fn time_shape(seen: &str) -> String {
    let line = seen.lines().find(|line| line.contains(" starts: 1 task"));
    let (time, _) = line.unwrap().split_once(" run ").unwrap();
    time.chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect()
}

#[test]
fn a_terminal_shows_the_time_of_day_and_a_file_has_date_and_offset() {
    let zone = |name| Test::new().task("1-a", "").env("TZ", name);
    let ran = zone("XXX-5:30").run().status(0);
    assert_eq!(time_shape(&ran.stderr), "0000-00-00T00:00:00+00:00");
    assert!(ran.stderr.contains("+05:30 run "), "{}", ran.stderr);
    zone("UTC0").run().status(0).says("+00:00 run ");
    if !is_missing("script") {
        let seen = on_a_terminal(zone("XXX-5:30"), "TERM=xterm NO_COLOR=1", "");
        assert_eq!(time_shape(&seen), "00:00:00");
        let dumb = on_a_terminal(zone("XXX-5:30"), "TERM=dumb NO_COLOR=1", "");
        assert_eq!(time_shape(&dumb), "00:00:00");
    }
}
