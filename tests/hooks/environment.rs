//! The environment of a hook.

use rustix::process::Signal;

use crate::support::{Test, once};

use super::SOON;

/// Script of a hook that writes the values of these variables to the file `printed`.
fn print_variables(variables: &[&str]) -> String {
    let print_variables = |name: &&str| format!("echo \"{name}=${{{name}-none}}\"\n");
    let printed: String = variables.iter().map(print_variables).collect();
    format!("#!/bin/sh\n{{\n{printed}}} >>printed\n")
}

#[test]
fn a_hook_sees_its_phase_and_the_outcome_of_the_task() {
    let hook = print_variables(&["RUNNER_HOOK", "RUNNER_RESULT", "RUNNER_OUTCOME"]);
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
        let printed = [
            "RUNNER_HOOK=pre",
            "RUNNER_RESULT=none",
            "RUNNER_OUTCOME=none",
            "RUNNER_HOOK=post",
            &format!("RUNNER_RESULT={result}"),
            &format!("RUNNER_OUTCOME={outcome}"),
        ];
        assert_eq!(ran.lines("printed"), printed, "{body}");
    }
}

#[test]
fn a_hook_sees_a_failed_start() {
    let hook = print_variables(&["RUNNER_RESULT", "RUNNER_OUTCOME", "RUNNER_ELAPSED"]);
    let ran = Test::new()
        .file("tasks.d/1-a", "#!/nowhere/sh\n", 0o755)
        .file("hook", &hook, 0o755)
        .config("task_hook = ./hook\nmax_tries = 1")
        .run()
        .status(1);
    let printed = [
        "RUNNER_RESULT=none",
        "RUNNER_OUTCOME=none",
        "RUNNER_ELAPSED=none",
        "RUNNER_RESULT=RETRY",
        "RUNNER_OUTCOME=not-started",
        "RUNNER_ELAPSED=0.000",
    ];
    assert_eq!(ran.lines("printed"), printed);
}

#[test]
fn a_hook_sees_an_interruption() {
    let hook = print_variables(&["RUNNER_RESULT", "RUNNER_OUTCOME"]);
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", &hook, 0o755)
        .config("task_hook = ./hook")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    let printed = [
        "RUNNER_RESULT=none",
        "RUNNER_OUTCOME=none",
        "RUNNER_RESULT=INTERRUPTED",
        "RUNNER_OUTCOME=signaled:SIGTERM",
    ];
    assert_eq!(ran.lines("printed"), printed);
}

#[test]
fn a_hook_sees_how_long_the_task_ran_in_seconds() {
    let ran = Test::new()
        .task("1-a", "sleep 1")
        .file("hook", &print_variables(&["RUNNER_ELAPSED"]), 0o755)
        .config("task_hook = ./hook")
        .run()
        .status(0);
    let printed = ran.lines("printed");
    assert_eq!(printed[0], "RUNNER_ELAPSED=none");
    let elapsed = printed[1].strip_prefix("RUNNER_ELAPSED=").unwrap();
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
