//! `$RUNNER_CONFIG_CMD`: it works wherever the binary and the configuration stand.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use rustix::process::{Signal, geteuid};

use crate::support::{HOLD, Ran, Test, cannot_hold, is_missing, runner};

/// Directories whose names a shell would do something with, and one of which it
/// would not.
const PLACES: [&str; 12] = [
    "plain-1.0_x+y",
    "two words",
    "it's",
    "say \"hi\"",
    "back\\slash",
    "dollar $HOME `id`",
    "star * ? [a]",
    "tilde ~",
    "semi;colon & pipe | < >",
    "größe ☃",
    "tab\tand\nline",
    "#hash",
];

/// Asks in every way in which a task may ask.
const ASK: &str = "\
$RUNNER_CONFIG_CMD -g my.key
env -i RUNNER_CONFIG_CMD=\"$RUNNER_CONFIG_CMD\" /bin/sh -c '$RUNNER_CONFIG_CMD -g my.key'
(cd / && $RUNNER_CONFIG_CMD -g my.key)
echo \"$($RUNNER_CONFIG_CMD -g my.included)\"
printf '%s\\n' \"$RUNNER_CONFIG_CMD\" >command";

const ANSWERS: &str = "a value\na value\na value\nfrom an included file\n";

impl Test {
    /// Puts the program into a directory of the story.
    #[track_caller]
    fn program_in(self, place: &str) -> Test {
        let path = self.path(place).join("runner");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let program = fs::canonicalize(runner()).unwrap();
        // A link is as good as a copy, and faster.
        fs::hard_link(&program, &path)
            .or_else(|_| fs::copy(&program, &path).map(|_| ()))
            .unwrap();
        self.program(path)
    }

    /// Puts a link beside that program.
    #[track_caller]
    fn link_in(self, place: &str) -> Test {
        symlink("runner", self.path(place).join("runner-config")).unwrap();
        self
    }

    /// Puts a configuration with a file to include into a directory of the story.
    #[track_caller]
    fn config_in(self, place: &str) -> Test {
        let text = "[runner]\nsleep_time = 0\nretry_jitter = 0\ninclude_dir = more of it's\n\
                    [my]\nkey = a value\n";
        self.file(&format!("{place}/runner.cfg"), text, 0o644)
            .file(
                &format!("{place}/more of it's/10-more"),
                "[my]\nincluded = from an included file\n",
                0o644,
            )
            .no_config()
    }
}

/// The words of the command that the task was given. There is nothing in them that
/// a shell would look at, so they are split by blanks.
#[track_caller]
fn words(ran: &Ran) -> Vec<PathBuf> {
    let command = ran.read("command");
    let command = command.strip_suffix('\n').unwrap();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./+:@%=,- ".contains(&byte);
    assert!(command.bytes().all(plain), "{command:?}");
    command.split(' ').map(PathBuf::from).collect()
}

/// The directories of the links that stand in for other paths.
fn private_directories(ran: &Ran) -> Vec<PathBuf> {
    let parents = words(ran);
    let parents = parents.iter().filter_map(|word| word.parent());
    let private = |path: &&Path| path.to_string_lossy().contains("/runner-links.");
    parents.filter(private).map(Path::to_path_buf).collect()
}

#[track_caller]
fn answers(test: Test, config: &str) -> Ran {
    let ran = test
        .task("1-a", ASK)
        .run_with(["-c", &format!("{config}/runner.cfg"), "tasks.d"])
        .status(0)
        .stdout(ANSWERS)
        .nothing_left();
    for directory in private_directories(&ran) {
        assert!(!directory.exists(), "{}", directory.display());
    }
    ran
}

#[test]
fn it_answers_wherever_the_configuration_is() {
    for place in PLACES {
        answers(Test::new().config_in(place), place);
    }
}

#[test]
fn it_answers_wherever_the_binary_is() {
    for place in PLACES {
        answers(Test::new().program_in(place).config_in("etc"), "etc");
    }
}

#[test]
fn it_answers_wherever_the_binary_and_the_link_are() {
    for place in PLACES {
        let test = Test::new().program_in(place).link_in(place);
        answers(test.config_in("etc"), "etc");
    }
}

#[test]
fn it_answers_wherever_both_are() {
    for place in PLACES {
        answers(Test::new().program_in(place).config_in(place), place);
    }
}

#[test]
fn plain_paths_are_used_as_they_are() {
    let ran = answers(Test::new().program_in("bin").config_in("etc"), "etc");
    let dir = fs::canonicalize(ran.test.dir()).unwrap();
    let config = ran.test.path("etc/runner.cfg");
    let expected = [
        dir.join("bin/runner"),
        "runner-config".into(),
        "-c".into(),
        config,
    ];
    assert_eq!(words(&ran), expected);
}

#[test]
fn a_link_beside_the_binary_is_used() {
    let test = Test::new().program_in("bin").link_in("bin");
    let ran = answers(test.config_in("etc"), "etc");
    let dir = fs::canonicalize(ran.test.dir()).unwrap();
    let config = ran.test.path("etc/runner.cfg");
    let expected = [dir.join("bin/runner-config"), "-c".into(), config];
    assert_eq!(words(&ran), expected);
}

#[test]
fn something_else_of_that_name_beside_the_binary_is_not_used() {
    let other = "#!/bin/sh\necho a wrong one\n";
    let test = Test::new()
        .program_in("bin")
        .file("bin/runner-config", other, 0o755);
    answers(test.config_in("etc"), "etc");
    let test = Test::new()
        .program_in("two words")
        .file("two words/runner-config", other, 0o755);
    answers(test.config_in("etc"), "etc");
}

#[test]
fn the_binary_may_be_called_by_a_link() {
    for name in ["start-tasks", "runner"] {
        let test = Test::new().program_in("bin").config_in("etc");
        fs::create_dir(test.path("links")).unwrap();
        let link = test.path("links").join(name);
        symlink("../bin/runner", &link).unwrap();
        answers(test.program(link), "etc");
    }
}

#[test]
fn without_a_configuration_nothing_is_found() {
    for place in ["bin", "two words"] {
        Test::new()
            .no_config()
            .program_in(place)
            .task(
                "1-a",
                "$RUNNER_CONFIG_CMD -g my.key && exit 9\n\
                 [ \"$($RUNNER_CONFIG_CMD -g my.key --default 'it is unset')\" = 'it is unset' ] || exit 9\n\
                 $RUNNER_CONFIG_CMD --settings | grep max_tries >&2",
            )
            .run()
            .status(0)
            .stdout("")
            .says("max_tries  ")
            .nothing_left();
    }
}

#[test]
fn the_configuration_may_be_named_by_a_variable() {
    for place in ["etc", "two words"] {
        let ran = Test::new()
            .config_in(place)
            .env("RUNNER_CONFIG", format!("{place}/runner.cfg"))
            .task("1-a", ASK)
            .run_with(["tasks.d"])
            .status(0)
            .stdout(ANSWERS)
            .nothing_left();
        assert!(words(&ran).contains(&"-c".into()));
    }
}

#[test]
fn the_configuration_named_by_an_argument_wins_over_the_variable() {
    let test = Test::new().config_in("etc").env("RUNNER_CONFIG", "nowhere");
    answers(test, "etc");
}

#[test]
fn the_option_wins_over_the_one_in_the_command() {
    Test::new()
        .config_in("etc")
        .file("other.cfg", "[my]\nkey = another value\n", 0o644)
        .task(
            "1-a",
            "env -i RUNNER_CONFIG=other.cfg $RUNNER_CONFIG_CMD -g my.key",
        )
        .run_with(["-c", "etc/runner.cfg", "tasks.d"])
        .status(0)
        .stdout("a value\n");
}

#[test]
fn every_process_can_ask() {
    Test::new()
        .config_in("two words")
        .program_in("two words")
        .task("1-a", "$RUNNER_CONFIG_CMD -g my.key\nexit 2")
        .task("halt.sh", "$RUNNER_CONFIG_CMD -g my.key")
        .file(
            "two words/more of it's/hook",
            "[runner]\ntask_hook = ../../hook\n",
            0o644,
        )
        .file("hook", "#!/bin/sh\n$RUNNER_CONFIG_CMD -g my.key\n", 0o755)
        .run_with(["-c", "two words/runner.cfg", "tasks.d"])
        .status(2)
        .stdout("a value\na value\na value\na value\n");
}

#[test]
fn messages_name_the_file_itself() {
    Test::new()
        .file("two words/runner.cfg", "[a]\nx = 1\n", 0o644)
        .no_config()
        .task(
            "1-a",
            "$RUNNER_CONFIG_CMD --list --show-origin; echo oops >>'two words/runner.cfg'\n\
             $RUNNER_CONFIG_CMD -g a.x",
        )
        .run_with([
            "-c",
            "two words/runner.cfg",
            "--set",
            "max_tries=1",
            "tasks.d",
        ])
        .status(1)
        .says("/two words/runner.cfg:3: ")
        .does_not_say("runner-links");
}

#[test]
fn links_are_in_a_directory_that_others_may_read_and_are_gone_at_the_end() {
    let mode = "directory=${RUNNER_CONFIG_CMD%%/runner-config *}\n\
                ls -ld \"$directory\" | cut -c 1-10";
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", &format!("{ASK}\n{mode}"))
        .run_with(["-c", "two words/runner.cfg", "tasks.d"])
        .status(0)
        .stdout(&format!("{ANSWERS}drwxr-xr-x\n"));
    let directories = private_directories(&ran);
    assert_eq!(directories.len(), 2);
    assert_eq!(directories[0], directories[1]);
    assert!(!directories[0].exists());
}

#[test]
fn links_are_readable_whatever_the_mask_is() {
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .through("umask 077")
        .task("1-a", ASK)
        .waiting_for_go()
        .start_with(["-c", "two words/runner.cfg", "tasks.d"]);
    ran.until("command", "\n");
    let command = fs::read_to_string(ran.path("command")).unwrap();
    let link = command.split(' ').next().unwrap();
    let directory = fs::metadata(Path::new(link).parent().unwrap()).unwrap();
    assert_eq!(directory.permissions().mode() & 0o7777, 0o755);
    fs::write(ran.path("go"), "").unwrap();
    let ran = ran.wait().status(0);
    assert!(!private_directories(&ran)[0].exists());
}

#[test]
fn private_links_are_where_no_cleaner_removes_them() {
    if is_missing("flock") {
        return;
    }
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", ASK)
        .task(
            "2-b",
            "set -- $RUNNER_CONFIG_CMD\nflock -nx \"${1%/*}\" true; echo locked $?",
        )
        .run_with(["-c", "two words/runner.cfg", "tasks.d"])
        .status(0);
    assert!(ran.stdout.ends_with("locked 1\n"), "{}", ran.stdout);
    if geteuid().is_root() {
        let directory = &private_directories(&ran)[0];
        assert_eq!(directory.parent(), Some(Path::new("/run")));
    }
}

impl Test {
    /// A last task that waits until the story says `go`.
    fn waiting_for_go(self) -> Test {
        self.task(
            "99-wait",
            "until [ -e go ]; do sleep 0.02 2>/dev/null || sleep 1; done",
        )
    }
}

#[test]
fn links_are_gone_when_signals_ended_the_run() {
    let deaf = "trap '' TERM\n: >ready\nwhile :; do sleep 30; done";
    let running = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", &format!("{ASK}\n{deaf}"))
        .start_with(["-c", "two words/runner.cfg", "tasks.d"]);
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.until("stderr", "got SIGTERM: ending what runs");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).nothing_left();
    assert!(!private_directories(&ran)[0].exists());
}

#[test]
fn links_are_gone_when_the_third_signal_ended_the_run_at_once() {
    if cannot_hold() {
        return;
    }
    let config = "two words/runner.cfg";
    let running = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", &format!("{ASK}\n{HOLD} '{config}'"))
        .start_with(["--insecure", "-n", "2", "-c", config, "tasks.d"]);
    running.until_it_is_held();
    running.three_signals();
    let ran = running.wait().status(143).says("leaving at once");
    assert!(!private_directories(&ran)[0].exists());
}

#[test]
fn links_are_gone_when_a_command_takes_over() {
    let ran = Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", ASK)
        .run_with([
            "-c",
            "two words/runner.cfg",
            "tasks.d",
            "--",
            "sh",
            "-c",
            "read -r command <command; [ -e \"${command%% *}\" ] && echo there; exit 5",
        ])
        .status(5)
        .stdout(ANSWERS);
    assert_eq!(private_directories(&ran).len(), 2);
}

#[test]
fn links_are_beside_a_temporary_directory_that_cannot_be_used() {
    for tmpdir in ["/nowhere", "two words", "relative", ""] {
        let test = Test::new().program_in("two words").config_in("two words");
        fs::create_dir(test.path("relative")).unwrap();
        let ran = answers(test.env("TMPDIR", tmpdir), "two words");
        assert!(words(&ran)[0].is_absolute());
    }
}

#[test]
fn links_are_where_others_can_go() {
    let test = Test::new().program_in("two words").config_in("two words");
    let tmpdir = test.path("tmp");
    fs::create_dir(&tmpdir).unwrap();
    fs::set_permissions(&tmpdir, fs::Permissions::from_mode(0o700)).unwrap();
    let ran = answers(test.env("TMPDIR", tmpdir), "two words");
    for directory in private_directories(&ran)[0].ancestors().skip(1) {
        let mode = fs::metadata(directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o005, 0o005, "{}", directory.display());
    }
}

#[test]
fn it_can_be_split_by_a_program_that_is_no_shell() {
    let running = Test::new()
        .program_in("it's")
        .config_in("it's")
        .task("1-a", ASK)
        .waiting_for_go()
        .start_with(["-c", "it's/runner.cfg", "tasks.d"]);
    running.until("command", "\n");
    let command = fs::read_to_string(running.path("command")).unwrap();
    let mut words = command.split_whitespace();
    let asked = Test::new()
        .no_config()
        .program(words.next().unwrap())
        .run_with(words.chain(["-g", "my.key"]))
        .status(0)
        .stdout("a value\n");
    drop(asked);
    fs::write(running.path("go"), "").unwrap();
    running.wait().status(0);
}

#[test]
fn relative_paths_count_from_where_the_file_is() {
    let story = |config: &str| {
        Test::new()
            .config_in("two words")
            .file("two words/conf/hook", "#!/bin/sh\necho hook\n", 0o755)
            .file(
                "two words/more of it's/20-hook",
                "[runner]\ntask_hook = ../conf/hook\n",
                0o644,
            )
            .task("1-a", ASK)
            .run_with(["-c", config, "tasks.d"])
            .status(0)
            .stdout(&format!("hook\n{ANSWERS}hook\n"));
    };
    story("two words/runner.cfg");
    story("./two words/../two words/runner.cfg");
    story("tasks.d/../two words/runner.cfg");
}

#[test]
fn the_next_run_can_ask_as_well() {
    Test::new()
        .program_in("two words")
        .config_in("two words")
        .task("1-a", "$RUNNER_CONFIG_CMD -g my.key")
        .args(["-n", "2"])
        .run_with(["-n", "2", "-c", "two words/runner.cfg", "tasks.d"])
        .status(0)
        .stdout("a value\na value\n");
}

const ASK_STDIN: &str = "echo \"$X\"; $RUNNER_CONFIG_CMD -g env.X; cat";

#[test]
fn a_file_at_stdin_is_still_the_configuration_when_tasks_run() {
    for stdin in ["/dev/stdin", "/proc/self/fd/0", "/dev/../dev/fd/0", "link"] {
        Test::new()
            .file("given.cfg", "[env]\nX = 1\n", 0o644)
            .task("1-a", ASK_STDIN)
            .through("ln -sf /dev/stdin link; exec <given.cfg")
            .run_with(["-q", "-n", "2", "-c", stdin, "tasks.d"])
            .status(0)
            .stdout("1\n1\n1\n1\n");
    }
}

#[test]
fn a_configuration_that_tasks_cannot_read_again_is_refused() {
    for stdin in [
        "printf '[env]\\nX = 1\\n' >gone; exec <gone; rm gone",
        // A pipe, where the shell is not bash.
        "exec <<END\n[env]\nX = 1\nEND",
    ] {
        Test::new()
            .task("1-a", ASK_STDIN)
            .through(stdin)
            .run_with(["-q", "-c", "/dev/stdin", "tasks.d"])
            .status(71)
            .stdout("")
            .says("cannot make RUNNER_CONFIG_CMD work");
    }
}

#[test]
fn a_configuration_without_end_is_refused() {
    let large = Test::new().no_config();
    let file = std::fs::File::create(large.path("large.cfg")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    for (config, said) in [
        (
            "large.cfg",
            "cannot read configuration file `large.cfg`: it is larger than 64 MiB",
        ),
        (
            "/dev/zero",
            "cannot read configuration file `/dev/zero`: it is larger than 64 MiB",
        ),
    ] {
        let test = Test::new().no_config();
        std::fs::hard_link(large.path("large.cfg"), test.path("large.cfg")).unwrap();
        let ran = test.run_with(["runner-config", "-c", config, "-g", "a.b"]);
        ran.status(78).stdout("").says(said);
    }
    // An included one as well.
    let include = large.file("main.cfg", "[runner]\ninclude_dir = more\n", 0o644);
    let include = include.file("more/1.cfg", "", 0o644);
    std::fs::rename(include.path("large.cfg"), include.path("more/2.cfg")).unwrap();
    let ran = include.run_with(["runner-config", "-c", "main.cfg", "-g", "a.b"]);
    ran.status(78)
        .says("cannot read configuration file `more/2.cfg`");
}
