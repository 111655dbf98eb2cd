//! A configuration that is read from stdin.

use crate::support::Test;

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
        // A here-document: a pipe or a removed file, which depends on the shell.
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
fn a_configuration_larger_than_64_mib_is_refused() {
    let large = Test::new().no_config();
    let file = std::fs::File::create(large.path("large.cfg")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    for (config, message) in [
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
        ran.status(78).stdout("").says(message);
    }
    // The limit applies to included files too.
    let include = large.file("main.cfg", "[runner]\ninclude_dir = more\n", 0o644);
    let include = include.file("more/1.cfg", "", 0o644);
    std::fs::rename(include.path("large.cfg"), include.path("more/2.cfg")).unwrap();
    let ran = include.run_with(["runner-config", "-c", "main.cfg", "-g", "a.b"]);
    ran.status(78)
        .says("cannot read configuration file `more/2.cfg`");
}
