//! The command lines: applets and their names, options, links, what follows the
//! runs, and several of them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;

use crate::support::{Ran, Test, runner};

/// A link of this name to the program under test.
#[track_caller]
fn link(test: &Test, name: &str) -> PathBuf {
    let link = test.path(name);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(runner(), &link).unwrap();
    link
}

/// A program of this name that stands there itself, so that links may stand beside it.
#[track_caller]
fn own_program(test: &Test, name: &str) -> PathBuf {
    let program = fs::canonicalize(runner()).unwrap();
    let own = test.path(name);
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    if fs::hard_link(&program, &own).is_err() {
        fs::copy(&program, &own).unwrap();
    }
    fs::canonicalize(own).unwrap()
}

// Applets

#[test]
fn the_name_of_the_program_selects_the_applet() {
    for (name, found) in [
        ("bin/runner-config", "u\n"),
        ("bin/runner", "runner\n"),
        ("bin/run-it", "runner\n"),
    ] {
        let test = Test::new()
            .config("[hg]\nremote = u")
            .task("1-a", "echo runner");
        let program = link(&test, name);
        let test = test.program(program);
        let ran = match name {
            "bin/runner-config" => test.run_with(["-c", "runner.cfg", "-g", "hg.remote"]),
            _ => test.run(),
        };
        ran.status(0).stdout(found);
    }
}

#[test]
fn the_first_argument_selects_another_applet() {
    let test = || {
        Test::new()
            .config("[hg]\nremote = u")
            .task("1-a", "echo runner")
    };
    test()
        .run_with(["runner-config", "-c", "runner.cfg", "-g", "hg.remote"])
        .status(0)
        .stdout("u\n");
    test()
        .run_with(["runner", "-c", "runner.cfg", "tasks.d"])
        .status(0)
        .stdout("runner\n");
    let config = test();
    let program = link(&config, "bin/runner-config");
    config
        .program(program)
        .run_with(["runner", "-c", "runner.cfg", "tasks.d"])
        .status(0)
        .stdout("runner\n");
}

#[test]
fn a_task_directory_may_have_the_name_of_an_applet() {
    for taskdir in ["./runner-config", "runner-config/"] {
        let test = Test::new().no_config();
        let script = test.script("1-a", "");
        test.file("runner-config/1-a", &script, 0o755)
            .run_with([taskdir])
            .status(0)
            .order("1-a");
    }
}

#[test]
fn the_runner_answers_questions_in_the_original_spelling() {
    let ask = |key| {
        Test::new()
            .only_config("[hg]\nremote = u\n[runner]\njobs = 0\n")
            .run_with(["-c", "runner.cfg", "-g", key])
    };
    ask("hg.remote").status(0).stdout("u\n").stderr("");
    ask("hg.remotes")
        .status(1)
        .stdout("")
        .stderr("error: unknown key `hg.remotes`; section `hg` has `remote`\n");
    Test::new()
        .only_config("[hg\n")
        .run_with(["-c", "runner.cfg", "-g", "hg.remote"])
        .status(78)
        .stdout("");
}

// Options

#[test]
fn options_may_stand_behind_the_directory() {
    Test::new()
        .no_config()
        .file("own.cfg", "[runner]\nsleep_time = 0\n", 0o644)
        .task("1-a", "")
        .args_after(["-c", "own.cfg", "-q", "-n", "2"])
        .run()
        .status(0)
        .order("1-a 1-a")
        .stderr("");
}

#[test]
fn a_number_may_be_glued_to_its_option() {
    for args in [&["-n2"][..], &["-n", "2"], &["-n=2"], &["-Hn2"]] {
        let order = match args {
            ["-Hn2"] => "1-a 1-a halt.sh",
            _ => "1-a 1-a",
        };
        Test::new()
            .task("1-a", "")
            .task("halt.sh", "")
            .args(args)
            .run()
            .status(0)
            .order(order);
    }
}

#[test]
fn stdout_belongs_to_the_tasks() {
    for args in [&["-q"][..], &[], &["-v"]] {
        Test::new()
            .task("1-a", "echo out; echo error >&2")
            .args(args)
            .run()
            .status(0)
            .stdout("out\n")
            .says("error\n");
    }
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let test = || {
        Test::new()
            .task("1-a", "exit 1")
            .config("max_tries = 2\nremote = u")
            .args(["-q"])
    };
    let ran = test().run().status(1).order("1-a 1-a");
    for line in ran.stderr.lines() {
        let said = line.contains("warning: ") || line.contains("error: ");
        assert!(said || line.starts_with("  hint: "), "{line}");
    }
    ran.says("warning: runner.cfg:5: unknown setting `remote`\n")
        .says("`1-a` exited with 1");
    Test::new()
        .task("1-a", "")
        .args(["-q"])
        .run()
        .status(0)
        .stderr("");
}

#[test]
fn verbose_says_what_was_decided_and_why() {
    let test = || Test::new().task("1-a", "").task("2-b.bak", "");
    let usual = test().run().status(0);
    let verbose = test().args(["-v"]).run().status(0);
    let normal = usual
        .does_not_say("runner.cfg")
        .does_not_say("2-b.bak")
        .stderr;
    let verbose = verbose
        .says("`tasks.d`")
        .says("`runner.cfg`")
        .says("`2-b.bak` is no task: its name ends in `.bak`\n")
        .stderr;
    assert!(verbose.lines().count() > normal.lines().count());
}

#[track_caller]
fn assert_wrong_usage(args: &[&str]) {
    let test = Test::new().no_config().task("1-a", "echo task");
    let ran = test.run_with(args);
    let ran = ran.status(64).order("").stdout("");
    assert!(!ran.stderr.is_empty());
}

#[test]
fn wrong_usage_runs_nothing() {
    for args in [
        &[][..],
        &["--bogus", "tasks.d"],
        &["tasks.d", "other.d"],
        &["-q", "-v", "tasks.d"],
        &["-n", "x", "tasks.d"],
        &["-n", "-1", "tasks.d"],
        &["-n", "1.5", "tasks.d"],
        &["-j", "0", "tasks.d"],
        &["-j", "x", "tasks.d"],
        &["-c"],
        &["tasks.d", "-c"],
        &["--set", "max_tries", "tasks.d"],
        &["--set", "=3", "tasks.d"],
        &["--list", "--check", "tasks.d"],
        &["--list", "--only", "1-a", "tasks.d"],
        &["--list"],
        &["--check"],
        &["--only", "1-a"],
        &["--json", "tasks.d"],
        &["-g", "hg.remote", "tasks.d"],
        &["-g"],
        &["--install-links"],
        &["--list", "tasks.d", "--", "echo", "COMMAND"],
        &["--only", "1-a", "tasks.d", "--", "echo", "COMMAND"],
        &["--", "echo", "COMMAND"],
        &["-n", "0", "tasks.d", "--", "echo", "COMMAND"],
        &["tasks.d", "-n0", "--", "echo", "COMMAND"],
        &["runner-config"],
        &["runner-config", "--bogus"],
        &["runner-config", "tasks.d"],
        &["runner-config", "-g"],
        &["runner-config", "-g", "hg.remote", "--list"],
        &["runner-config", "--list", "--check"],
        &["runner-config", "--list", "a", "b"],
        &["runner-config", "--default", "x"],
    ] {
        assert_wrong_usage(args);
    }
}

#[test]
fn options_that_mean_nothing_are_wrong_usage() {
    for args in [
        &["runner-config", "--check", "--default", "x"][..],
        &["runner-config", "--check", "--json"],
        &["runner-config", "--settings", "--show-origin"],
        &["runner-config", "--check", "--format", "ini"],
        &[
            "runner-config",
            "--list",
            "--format",
            "ini",
            "--show-origin",
        ],
        &["--only", "1-a", "--json", "tasks.d"],
        &["-g", "hg.remote", "--json"],
    ] {
        assert_wrong_usage(args);
    }
}

#[test]
fn every_applet_has_help_and_a_version() {
    for applet in [&[][..], &["runner"], &["runner-config"], &["runner-report"]] {
        let name = applet.first().copied().unwrap_or("runner");
        let ask = |option| {
            let test = Test::new().no_config();
            let args = applet.iter().copied().chain([option]);
            test.run_with(args).status(0).stderr("").stdout
        };
        for option in ["--help", "-h"] {
            let help = ask(option);
            assert!(help.contains(&format!("Usage: {name} ")), "{help}");
            assert!(help.contains("--config <FILE>"), "{help}");
        }
        for option in ["--version", "-V"] {
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(ask(option), format!("{name} {version}\n"));
        }
    }
    let test = Test::new();
    let program = link(&test, "runner-config");
    let ran = test.program(program).run_with(["--help"]).status(0);
    assert!(ran.stdout.contains("Usage: runner-config "));
}

#[test]
fn the_help_lists_every_exit_status() {
    for option in ["--help", "-h"] {
        let help = Test::new().no_config().run_with([option]).status(0).stdout;
        for status in [
            "0", "1", "2", "3", "4", "64", "66", "71", "78", "126", "127", "128+N",
        ] {
            let said = help
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{status}  ")));
            assert!(said, "{status}: {help}");
        }
    }
}

// `--install-links`

/// Makes the links in this directory of the story.
#[track_caller]
fn install(test: Test, directory: &str) -> Ran {
    test.run_with(["--install-links", directory])
}

#[test]
fn installed_links_are_relative_and_work() {
    let test = Test::new().no_config().task("1-a", "echo task");
    let program = own_program(&test, "opt/bin/runner");
    fs::create_dir_all(test.path("usr/bin")).unwrap();
    let test = install(test.program(&program), "usr/bin")
        .status(0)
        .stdout("")
        .test;
    for name in ["runner", "runner-config", "runner-report"] {
        let name = format!("usr/bin/{name}");
        let target = fs::read_link(test.path(&name)).unwrap();
        assert_eq!(target, Path::new("../../opt/bin/runner"));
    }
    // They lead from where they are, so they may be moved together with the program.
    let moved = test.path("moved");
    fs::create_dir(&moved).unwrap();
    fs::rename(test.path("opt"), moved.join("opt")).unwrap();
    fs::rename(test.path("usr"), moved.join("usr")).unwrap();
    let test = test
        .program(moved.join("usr/bin/runner"))
        .run()
        .status(0)
        .stdout("task\n")
        .test;
    test.only_config("[hg]\nremote = u\n")
        .program(moved.join("usr/bin/runner-config"))
        .run_with(["-c", "runner.cfg", "-g", "hg.remote"])
        .status(0)
        .stdout("u\n");
}

#[test]
fn links_are_installed_beside_the_program_as_well() {
    let test = Test::new().no_config();
    let program = own_program(&test, "bin/runner");
    let test = install(test.program(program), "bin").status(0).test;
    let target = fs::read_link(test.path("bin/runner-config")).unwrap();
    assert_eq!(target, Path::new("runner"));
    assert!(!test.path("bin/runner").is_symlink());
}

#[test]
fn links_that_are_there_already_are_left_as_they_are() {
    let test = Test::new().no_config();
    fs::create_dir(test.path("bin")).unwrap();
    let test = install(test, "bin").status(0).test;
    let target = fs::read_link(test.path("bin/runner")).unwrap();
    // Made anew where one is missing, and only there.
    fs::remove_file(test.path("bin/runner-config")).unwrap();
    let test = install(test, "bin").status(0).test;
    let test = install(test, "bin").status(0).test;
    for name in ["bin/runner", "bin/runner-config"] {
        assert_eq!(fs::read_link(test.path(name)).unwrap(), target);
    }
}

#[test]
fn what_is_not_an_own_link_is_never_replaced() {
    let refused = |test: Test| {
        let ran = install(test, "bin").stdout("");
        let ran = ran.says("bin/runner-config`: something else is there");
        ran.status(71).test
    };
    let test = Test::new().file("bin/runner-config", "mine\n", 0o755);
    let test = refused(test);
    let text = fs::read_to_string(test.path("bin/runner-config")).unwrap();
    assert_eq!(text, "mine\n");

    for target in ["nowhere", "../tasks.d"] {
        let test = Test::new();
        fs::create_dir(test.path("bin")).unwrap();
        symlink(target, test.path("bin/runner-config")).unwrap();
        let test = refused(test);
        let found = fs::read_link(test.path("bin/runner-config")).unwrap();
        assert_eq!(found, Path::new(target));
    }

    let test = Test::new().file("bin/runner-config/x", "", 0o644);
    let test = refused(test);
    assert!(test.path("bin/runner-config/x").exists());
}

#[test]
fn links_are_not_installed_where_there_is_no_directory() {
    install(Test::new(), "nowhere")
        .status(71)
        .stdout("")
        .stderr("error: cannot make links in `nowhere`: no such file or directory\n");
}

// `-- COMMAND`

/// Runs a task, and then this command in place of the program.
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
fn a_command_gets_the_configured_environment_and_none_of_the_runners() {
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
        // An applet is no command.
        ("runner-config", 127, "no such file or directory"),
        ("./text", 126, "permission denied"),
        ("./tasks.d", 126, "permission denied"),
    ] {
        let test = then(&[command]).file("text", "echo hello\n", 0o644);
        // Directories that may not be searched would be another reason.
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
fn an_empty_command_is_none() {
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

/// The signals that a program ignores and those that it blocks, when a shell did
/// `first` before: without the runner, and in place of it.
#[track_caller]
fn signal_settings(first: &str) -> [[u64; 2]; 2] {
    let show = ["cat", "/proc/self/status"];
    let direct = Test::new().program(show[0]).through(first);
    let behind = then(&show).through(first);
    [direct.run_with([show[1]]), behind.run()].map(|ran| {
        let ran = ran.status(0);
        ["SigIgn:\t", "SigBlk:\t"].map(|name| {
            let mask = ran.stdout.lines().find_map(|line| line.strip_prefix(name));
            // Those above belong to the C library.
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
fn a_command_ignores_sigterm_when_the_runner_was_told_to() {
    let [direct, behind] = signal_settings("trap '' TERM");
    assert_eq!(behind, direct);
}

// Several runs

#[test]
fn each_run_has_an_id_of_its_own_and_starts_at_the_first_try() {
    let ran = Test::new()
        .task("1-a", "echo $RUNNER_RUN_ID $RUNNER_TRY_NUM")
        .task(
            "2-b",
            "echo $RUNNER_RUN_ID >>ids; [ -e failed ] || { echo >failed; exit 1; }",
        )
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b 1-a 2-b 1-a 2-b");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let ids: Vec<&str> = lines
        .iter()
        .map(|line| line.split_once(' ').unwrap().0)
        .collect();
    let tries: Vec<&str> = lines
        .iter()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(tries, ["1", "2", "1", "1"]);
    assert_eq!(ids[0], ids[1]);
    assert!(
        ids[1] != ids[2] && ids[2] != ids[3] && ids[1] != ids[3],
        "{ids:?}"
    );
    assert_eq!(ran.lines("ids"), ids);
    let last = format!("run {} starts", ids[3]);
    assert!(ran.stderr.contains(&last), "{}", ran.stderr);
}

#[test]
fn runs_start_at_least_the_sleep_time_apart() {
    let ran = Test::new()
        .task("1-a", "")
        .config("sleep_time = 0.4")
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a");
    assert!(
        ran.elapsed >= Duration::from_millis(800),
        "{:?}",
        ran.elapsed
    );
}

#[test]
fn a_run_that_does_not_finish_is_the_last_one() {
    for (times, body, status) in [("0", "exit 3", 3), ("9", "exit 2", 2), ("0", "exit 1", 1)] {
        Test::new()
            .task(
                "1-a",
                &format!("echo run >>runs; [ $(grep -c run runs) -lt 4 ] || {body}"),
            )
            .config("stop_codes = 3\nmax_tries = 1")
            .args(["-n", times])
            .run()
            .status(status)
            .order("1-a 1-a 1-a 1-a");
    }
}

#[test]
fn failures_of_tasks_that_are_not_required_do_not_end_the_runs() {
    Test::new()
        .task("1-a", "[ -e failed ] || { echo >failed; exit 1; }")
        .config("[a]\nrequired = no")
        .args(["-n", "3"])
        .run()
        .status(4)
        .order("1-a 1-a 1-a");
}

#[test]
fn each_run_reads_the_configuration_anew() {
    let ran = Test::new()
        .config("[env]\nX = 1")
        .file("1.next", "[runner]\nsleep_time = 0\n[env]\nX = 2\n", 0o644)
        .file(
            "2.next",
            "[runner]\nsleep_time = soon\n[env]\nX = 3\n",
            0o644,
        )
        .file("3.next", "[runner]\nsleep_time = 0\n[env]\nX = 4\n", 0o644)
        .file("4.next", "[env\n", 0o644)
        .file("5.next", "[runner]\nsleep_time = 0\n[env]\nX = 6\n", 0o644)
        .task(
            "1-a",
            "echo $X; echo run >>runs; cp $(grep -c run runs).next runner.cfg",
        )
        .args(["-n", "5"])
        .args_after(["--", "sh", "-c", "echo COMMAND $X"])
        .run()
        .status(0)
        .stdout("1\n2\n2\n4\n4\nCOMMAND 4\n")
        .says("error: runner.cfg:2: `sleep_time` must be a time")
        .says("error: runner.cfg:1: section header");
    let warned = ran.stderr.lines().filter(|line| line.contains("warning: "));
    assert_eq!(warned.count(), 2, "{}", ran.stderr);
}

#[test]
fn a_configuration_that_becomes_a_pipe_is_not_waited_for() {
    Test::new()
        .task("1-a", "rm -f runner.cfg\nmkfifo runner.cfg")
        .args(["-n", "2"])
        .run()
        .status(0)
        .within(Duration::from_secs(10))
        .order("1-a 1-a")
        .says("configuration file `runner.cfg` is a pipe now\n")
        .says("going on with the last good ones\n");
}

#[test]
fn each_run_reads_the_directory_anew() {
    let test = Test::new().task("1-a", "[ ! -e new ] || mv new tasks.d/2-b");
    let script = test.script("2-b", "mv tasks.d/2-b tasks.d/2-b.off");
    test.file("new", &script, 0o755)
        .args(["-n", "3"])
        .run()
        .status(0)
        .order("1-a 1-a 2-b 1-a");
}

#[test]
fn a_directory_that_has_become_wrong_leaves_the_last_good_plan() {
    Test::new()
        .task(
            "1-a",
            "echo >tasks.d/9-z; mv new tasks.d/2-b 2>/dev/null; true",
        )
        .file("new", "#!/bin/sh\n", 0o755)
        .args(["-n", "2"])
        .run()
        .status(0)
        .order("1-a 1-a")
        .says("error: task `9-z` is not executable\n")
        .says("warning: ")
        .does_not_say("`2-b`");
}

#[test]
fn a_configuration_that_is_removed_leaves_the_last_good_one() {
    Test::new()
        .config("[env]\nX = 1")
        .task("1-a", "echo $X; rm -f runner.cfg")
        .args(["-n", "2"])
        .run()
        .status(0)
        .stdout("1\n1\n")
        .says("error: cannot read configuration file `runner.cfg`: no such file or directory\n")
        .says("warning: ");
}

#[test]
fn a_setting_that_is_taken_for_an_option_is_named() {
    for option in ["--max-tries", "--max_tries=3", "--state-dir"] {
        let ran = Test::new().args([option]).run().status(64);
        let setting = option.trim_start_matches('-').replace('-', "_");
        let setting = setting.split('=').next().unwrap();
        let ran = ran.says(&format!(
            "tip: a setting is written in `[runner]`, or `--set {setting}=VALUE`"
        ));
        ran.does_not_say("as a value");
    }
    let ran = Test::new().args(["--lst"]).run().status(64);
    ran.says("tip: a similar argument exists: '--list'")
        .does_not_say("as a value");
}
