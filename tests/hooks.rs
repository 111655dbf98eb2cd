//! Hooks: what they hear, what they see, and that they have no influence.

use std::{env, ffi::OsStr, fs, os::unix::ffi::OsStrExt, time::Duration};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Ran, Test, once, snapshots::snapshot};

const SOON: Duration = Duration::from_secs(10);

/// Does nothing, and does not tell that it ran, so that its name may be anything.
const QUIET: &str = "#!/bin/sh\n";

/// The lines that the hook heard. Each of them is exactly what is written when it
/// is read as JSON: these members, in this order, and not one byte more.
fn heard(ran: &Ran) -> String {
    let lines = ran.hooks();
    for line in &lines {
        assert_eq!(&written_anew(line), line);
    }
    lines.join("\n")
}

fn written_anew(line: &str) -> String {
    let read: Value = serde_json::from_str(line).unwrap();
    let (task, result) = (&read["task"], &read["result"]);
    assert!(task.is_string(), "{line}");
    let try_num = read["try_num"].as_u64().unwrap();
    let max_retries = read["max_retries"].as_u64().unwrap();
    let result = match result.as_str() {
        Some(result) => format!(r#","result":"{result}""#),
        None => String::new(),
    };
    format!(r#"{{"task":{task},"try_num":{try_num},"max_retries":{max_retries}{result}}}"#)
}

// What they hear.

#[test]
fn a_hook_hears_of_a_task_before_and_after_it() {
    let ran = Test::new()
        .task("3-clobber.sh", "")
        .hook()
        .run()
        .status(0)
        .order("3-clobber.sh");
    snapshot!("hook-ok", heard(&ran));
}

#[test]
fn a_hook_hears_of_an_exit_code_and_of_the_second_try() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", &once(7))
        .hook()
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b");
    snapshot!("hook-retry-after-an-exit-code", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_signal_that_ended_a_task() {
    let ran = Test::new()
        .task("1-a", "[ $RUNNER_TRY_NUM -gt 1 ] || kill -KILL $$")
        .hook()
        .run()
        .status(0)
        .order("1-a 1-a");
    snapshot!("hook-retry-after-a-signal", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_limit() {
    let ran = Test::new()
        .task("1-a", "sleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .hook()
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
    snapshot!("hook-retry-after-a-limit", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_start_that_failed() {
    let ran = Test::new()
        .file("tasks.d/1-a", "#!/nowhere/sh\n", 0o755)
        .config("max_tries = 2")
        .hook()
        .run()
        .status(1);
    snapshot!("hook-retry-of-what-did-not-start", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_halt() {
    let ran = Test::new()
        .task("1-a", "exit 2")
        .task("halt.sh", "")
        .hook()
        .run()
        .status(2)
        .order("1-a halt.sh");
    snapshot!("hook-halt", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_stop() {
    let ran = Test::new()
        .task("1-a", "exit 3")
        .config("stop_codes = 3")
        .hook()
        .run()
        .status(3);
    snapshot!("hook-exit", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_task_that_was_interrupted() {
    let running = Test::new()
        .task("1-a", "sleep 30")
        .task("2-b", "")
        .hook()
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    let ran = running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .nothing_left();
    snapshot!("hook-interrupted", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_task_that_is_not_required() {
    let ran = Test::new()
        .task("1-a", "exit 1")
        .task("2-b", "")
        .hook()
        .config("[a]\nrequired = no")
        .run()
        .status(4);
    snapshot!("hook-not-required", heard(&ran));
}

#[test]
fn a_hook_hears_the_tries_in_force_for_the_task() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .task("3-c", "")
        .config("max_tries = 7")
        .hook()
        .config("[b]\nmax_tries = 2\n[c]\nmax_tries = 0")
        .run()
        .status(0);
    snapshot!("hook-max-tries-of-a-task", heard(&ran));
}

#[test]
fn a_hook_hears_of_a_single_task() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", "exit 1")
        .hook()
        .args(["--only", "b"])
        .run()
        .status(1)
        .order("2-b");
    snapshot!("hook-only", heard(&ran));
}

#[test]
fn names_are_raw_but_for_quotes_backslashes_and_control_characters() {
    let names = [
        "1 two words",
        "2 \"double\" and 'single'",
        "3 back\\slash \\n",
        "4 tab\tand\nline\u{1b}[0m\u{7f}",
        "5 größe ☃ 𝄞 \u{2028} \u{fffd}",
        "6 $HOME `id` $(id) *; & | > < ~ %s {} [] #",
    ];
    let mut test = Test::new();
    for name in names {
        test = test.file(&format!("tasks.d/{name}"), QUIET, 0o755);
    }
    let ran = test.hook().run().status(0);
    let tasks = ran.hooks().into_iter().step_by(2).map(|line| {
        let read: Value = serde_json::from_str(&line).unwrap();
        read["task"].as_str().unwrap().to_owned()
    });
    assert_eq!(tasks.collect::<Vec<_>>(), names);
    snapshot!("hook-names", heard(&ran));
}

#[test]
fn a_name_that_is_not_utf_8_is_shown_as_such_and_kept_as_it_is() {
    let test = Test::new().task("0-a", "").hook();
    let name = OsStr::from_bytes(b"1-\xff\xc3-b");
    let script = test.script("1-b", "[ \"$RUNNER_TASK\" = \"${0##*/}\" ] || exit 1");
    let test = test.file("script", &script, 0o755);
    fs::rename(test.path("script"), test.path("tasks.d").join(name)).unwrap();
    let ran = test.run().status(0).order("0-a 1-b");
    snapshot!("hook-name-not-utf-8", heard(&ran));
}

// What they see.

/// A hook that tells what it sees of these variables.
fn tell(variables: &[&str]) -> String {
    let tell = |name: &&str| format!("echo \"{name}=${{{name}-none}}\"\n");
    let told: String = variables.iter().map(tell).collect();
    format!("#!/bin/sh\n{{\n{told}}} >>told\n")
}

#[test]
fn a_hook_sees_which_side_of_the_task_it_is_on_and_what_became_of_it() {
    let hook = tell(&["RUNNER_HOOK", "RUNNER_RESULT", "RUNNER_OUTCOME"]);
    for (body, more, expected) in [
        ("", "", "OK exited:0"),
        ("exit 7", "", "RETRY exited:7"),
        ("exit 2", "", "HALT exited:2"),
        ("exit 3", "stop_codes = 3", "EXIT exited:3"),
        ("exit 3", "ok_codes = 0 3", "OK exited:3"),
        ("kill -KILL $$", "", "RETRY signaled:SIGKILL"),
        ("kill -USR1 $$", "", "RETRY signaled:SIGUSR1"),
        ("sleep 30", "max_time = 0.2", "RETRY timed-out"),
    ] {
        let ran = Test::new()
            .task("1-a", body)
            .file("hook", &hook, 0o755)
            .config("task_hook = ./hook\nmax_tries = 1")
            .config(more)
            .run();
        let (result, outcome) = expected.split_once(' ').unwrap();
        let told = [
            "RUNNER_HOOK=pre",
            "RUNNER_RESULT=none",
            "RUNNER_OUTCOME=none",
            "RUNNER_HOOK=post",
            &format!("RUNNER_RESULT={result}"),
            &format!("RUNNER_OUTCOME={outcome}"),
        ];
        assert_eq!(ran.lines("told"), told, "{body}");
    }
}

#[test]
fn a_hook_sees_a_start_that_failed() {
    let hook = tell(&["RUNNER_RESULT", "RUNNER_OUTCOME", "RUNNER_ELAPSED"]);
    let ran = Test::new()
        .file("tasks.d/1-a", "#!/nowhere/sh\n", 0o755)
        .file("hook", &hook, 0o755)
        .config("task_hook = ./hook\nmax_tries = 1")
        .run()
        .status(1);
    let told = [
        "RUNNER_RESULT=none",
        "RUNNER_OUTCOME=none",
        "RUNNER_ELAPSED=none",
        "RUNNER_RESULT=RETRY",
        "RUNNER_OUTCOME=not-started",
        "RUNNER_ELAPSED=0.000",
    ];
    assert_eq!(ran.lines("told"), told);
}

#[test]
fn a_hook_sees_an_interruption() {
    let hook = tell(&["RUNNER_RESULT", "RUNNER_OUTCOME"]);
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", &hook, 0o755)
        .config("task_hook = ./hook")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    let told = [
        "RUNNER_RESULT=none",
        "RUNNER_OUTCOME=none",
        "RUNNER_RESULT=INTERRUPTED",
        "RUNNER_OUTCOME=signaled:SIGTERM",
    ];
    assert_eq!(ran.lines("told"), told);
}

#[test]
fn a_hook_sees_how_long_the_task_ran_in_seconds() {
    let ran = Test::new()
        .task("1-a", "sleep 1")
        .file("hook", &tell(&["RUNNER_ELAPSED"]), 0o755)
        .config("task_hook = ./hook")
        .run()
        .status(0);
    let told = ran.lines("told");
    assert_eq!(told[0], "RUNNER_ELAPSED=none");
    let elapsed = told[1].strip_prefix("RUNNER_ELAPSED=").unwrap();
    let elapsed: f64 = elapsed.parse().unwrap();
    assert!((1.0..ran.elapsed.as_secs_f64()).contains(&elapsed));
}

#[test]
fn a_task_sees_nothing_of_its_hooks() {
    Test::new()
        .task("1-a", &once(1))
        .task(
            "2-b",
            "env | grep -E '^RUNNER_(HOOK|RESULT|OUTCOME|ELAPSED|HALT_REASON)=' && exit 1; exit 0",
        )
        .hook()
        .run()
        .status(0)
        .order("1-a 1-a 2-b")
        .stdout("");
}

// What starts them.

#[test]
fn no_hook_runs_around_the_halt_task() {
    let ran = Test::new()
        .task("1-a", "")
        .task("halt.sh", "")
        .hook()
        .args(["-H"])
        .run()
        .status(0)
        .order("1-a halt.sh");
    assert_eq!(ran.hooks().len(), 2);
}

/// A hook that shows each of its arguments but the last.
const SHOW: &str = "#!/bin/sh\n\
                    while [ $# -gt 1 ]; do printf '<%s>' \"$1\"; shift; done\n\
                    echo\n";

#[test]
fn the_words_of_a_hook_are_split_as_by_a_shell_and_used_without_one() {
    Test::new()
        .task("1-a", "")
        .file("hook", SHOW, 0o755)
        .config(r#"task_hook = ./hook 'a b'  "c 'd'" e\ f '' $HOME * ~ `id` ; & | >x y#z "\"" \\"#)
        .run()
        .status(0)
        .stdout(&"<a b><c 'd'><e f><><$HOME><*><~><`id`><;><&><|><>x><y#z><\"><\\>\n".repeat(2));
}

#[test]
fn the_first_word_of_a_hook_may_be_quoted() {
    Test::new()
        .task("1-a", "")
        .file("my hooks/it's one", SHOW, 0o755)
        .config(r#"task_hook = "my hooks/it's one" x"#)
        .run()
        .status(0)
        .stdout("<x>\n<x>\n");
}

#[test]
fn a_bare_word_is_looked_up_in_the_path_of_the_runner() {
    let test = Test::new()
        .task("1-a", "")
        .file("bin/my-hook", "#!/bin/sh\necho the right one\n", 0o755)
        .file("other/my-hook", "#!/bin/sh\necho a wrong one\n", 0o755)
        .file("my-hook", "#!/bin/sh\necho a wrong one\n", 0o755);
    let before = |name| {
        let usual = env::var("PATH").unwrap();
        format!("{}:{usual}", test.path(name).display())
    };
    let ours = before("bin");
    let theirs = format!("[env]\nPATH = {}", before("other"));
    test.config("task_hook = my-hook")
        .config(&theirs)
        .env("PATH", ours)
        .run()
        .status(0)
        .stdout("the right one\nthe right one\n");
}

#[test]
fn a_relative_path_counts_from_the_directory_of_the_configuration() {
    let hook = |word: &str| format!("#!/bin/sh\necho {word}\n");
    let test = Test::new()
        .task("1-a", "")
        .file("etc/hooks/hook", &hook("beside"), 0o755)
        .file("hooks/hook", &hook("elsewhere"), 0o755)
        .file(
            "etc/runner.cfg",
            "[runner]\ntask_hook = hooks/hook\n",
            0o644,
        );
    test.run_with(["-c", "etc/runner.cfg", "tasks.d"])
        .status(0)
        .stdout("beside\nbeside\n");
}

#[test]
fn a_hook_given_by_set_counts_from_the_working_directory() {
    Test::new()
        .task("1-a", "")
        .file("hooks/hook", "#!/bin/sh\necho here\n", 0o755)
        .file("etc/runner.cfg", "", 0o644)
        .run_with([
            "-c",
            "etc/runner.cfg",
            "--set",
            "task_hook=hooks/hook",
            "tasks.d",
        ])
        .status(0)
        .stdout("here\nhere\n");
}

// That they have no influence.

/// A chain with every kind of verdict in it, and what becomes of it.
#[track_caller]
fn has_no_influence(hook: &str, hook_time: &str) -> Ran {
    let story = |test: Test| {
        test.task("1-a", "")
            .task("2-b", &once(1))
            .task("3-c", "exit 1")
            .task("4-d", "exit 2")
            .task("halt.sh", "echo $RUNNER_HALT_REASON $RUNNER_RESULT")
            .config(&format!("hook_time = {hook_time}\n[c]\nrequired = no"))
            .run()
            .status(2)
            .within(SOON)
            .order("1-a 2-b 1-a 2-b 3-c 4-d halt.sh")
            .stdout("halted HALT\n")
    };
    story(Test::new());
    story(
        Test::new()
            .file("hook", hook, 0o755)
            .config("task_hook = ./hook"),
    )
    .nothing_left()
}

#[test]
fn a_hook_that_fails_changes_nothing() {
    for code in [1, 2, 3, 75, 255] {
        has_no_influence(&format!("#!/bin/sh\nexit {code}\n"), "30")
            .says(&format!("hook before `1-a` exited with {code} after "))
            .says(&format!("hook after `4-d` exited with {code} after "))
            .says("; the chain goes on all the same");
    }
}

#[test]
fn a_hook_that_dies_changes_nothing() {
    has_no_influence("#!/bin/sh\nkill -KILL $$\n", "30")
        .says("hook before `1-a` was ended by SIGKILL");
}

#[test]
fn a_hook_that_ends_its_own_group_changes_nothing() {
    has_no_influence("#!/bin/sh\nkill 0\n", "30").says("hook before `1-a` was ended by SIGTERM");
}

#[test]
fn a_hook_that_cannot_start_changes_nothing() {
    has_no_influence("#!/nowhere/sh\n", "30")
        .says("hook before `1-a` did not start: its interpreter `/nowhere/sh` does not exist")
        .says("hook after `4-d` did not start");
}

#[test]
fn a_hook_that_hangs_is_ended_at_its_limit() {
    has_no_influence("#!/bin/sh\nsleep 30\n", "0.1")
        .says("hook before `1-a` ran longer than `hook_time` (100ms); its process group was ended");
}

#[test]
fn a_hook_that_is_missing_changes_nothing() {
    for hook in ["./missing", "missing-hook"] {
        Test::new()
            .task("1-a", &once(1))
            .config(&format!("task_hook = {hook}"))
            .run()
            .status(0)
            .order("1-a 1-a")
            .says("hook before `1-a` did not start: ")
            .says("hook after `1-a` did not start: ");
    }
}

#[test]
fn a_hook_has_a_limit_of_its_own_in_the_section_of_a_task() {
    Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .file(
            "hook",
            "#!/bin/sh\n[ $RUNNER_TASK = 1-a ] && sleep 30\nexit 0\n",
            0o755,
        )
        .config("task_hook = ./hook\nhook_time = 0")
        .config("[a]\nhook_time = 0.2")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .nothing_left()
        .says("hook before `1-a` ran longer than `hook_time` (200ms)")
        .does_not_say("`2-b` ran longer");
}

#[test]
fn a_signal_ends_the_hook_before_a_task_and_the_task_does_not_start() {
    let running = Test::new()
        .task("1-a", "")
        .file(
            "hook",
            "#!/bin/sh\necho $RUNNER_HOOK >>told\nexec sleep 30\n",
            0o755,
        )
        .config("task_hook = ./hook")
        .start();
    running.until("told", "pre");
    running.signal(Signal::TERM);
    let ran = running
        .wait()
        .status(143)
        .within(SOON)
        .order("")
        .nothing_left();
    assert_eq!(ran.lines("told"), ["pre"]);
}
