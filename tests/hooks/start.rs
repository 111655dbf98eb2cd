//! The start of a hook: its words and its path.

use std::env;

use crate::support::Test;

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

/// Script of a hook that prints all arguments except the last one, the JSON.
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

#[test]
fn a_hook_that_is_beside_the_configuration_and_not_in_path_has_a_hint() {
    let test = || {
        let test = Test::new().task("1-a", "").args(["--check"]);
        test.config("task_hook = my-hook")
    };
    let hint = "`my-hook` was not found in PATH\n  hint: ";
    let fixed = format!("{hint}fix `task_hook`\n");
    test().run().status(1).says(&fixed);
    let beside = format!("{hint}write `./my-hook` for the file of this name\n");
    let there = || test().file("my-hook", "", 0o755);
    there().run().status(1).says(&beside);
    // A path in `--set` is relative to the working directory.
    there()
        .args(["--set", "task_hook=my-hook"])
        .run()
        .status(1)
        .says(&beside);
    there()
        .args(["--set", "task_hook=./my-hook"])
        .run()
        .status(0);
}
