//! The applet is chosen by the name of the program or by the first argument.

use crate::support::Test;

use super::link;

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
fn the_runner_answers_queries_in_the_original_syntax() {
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
