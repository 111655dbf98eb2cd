//! Tasks that fail in their first start, optional and skipped tasks, and tasks that run once.

use std::time::Duration;

use crate::support::Test;

use super::{members, only_once};

#[test]
fn a_required_task_that_fails_in_its_first_start_ends_the_drill() {
    for (body, what) in [
        ("exit 1", "exited with 1"),
        ("exit 2", "exited with 2"),
        ("exit 3", "exited with 3"),
        ("kill -9 $$", "was ended by SIGKILL"),
        ("sleep 30", "ran longer than `max_time` (200ms)"),
        (
            "echo =x >$RUNNER_OUTPUTS",
            "wrote a bad output: line 1 has a name with other \
          characters than letters, digits and `_`",
        ),
    ] {
        let ran = Test::new()
            .task("1-a", "")
            .task("2-b", body)
            .task("3-c", "")
            .task("halt.sh", "")
            .config("stop_codes = 3\nmax_tries = 9\n[2-b]\nmax_time = 0.2")
            .drill()
            .run()
            .status(1)
            .order("1-a 1-a 2-b")
            .within(Duration::from_secs(10));
        assert_eq!(
            ran.answer(),
            format!(
                "1-a  2 starts  can be started again\n\
                 2-b   1 start  ended the drill: {what} in its first start\n\
                 3-c  0 starts  not reached\n\
                 3 tasks, 3 starts, ended early"
            )
        );
        ran.says("; ending the drill")
            .says("error: `2-b` ended the drill after ");
    }
}

#[test]
fn a_task_that_does_not_start_ends_the_drill() {
    let ran = Test::new()
        .file("tasks.d/1-a", "#!/no/such/interpreter\n", 0o755)
        .drill()
        .run()
        .status(1);
    let start = "1-a  0 starts  ended the drill: did not start: ";
    assert!(ran.stdout.starts_with(start), "{}", ran.stdout);
}

#[test]
fn an_optional_task_that_fails_in_its_first_start_is_noted() {
    for (code, codes) in [(1, ""), (2, "halt_codes = 2"), (3, "stop_codes = 3")] {
        Test::new()
            .task("1-a", &format!("echo $RUNNER_TRY_NUM; exit {code}"))
            .task("2-b", "")
            .task("halt.sh", "")
            .config(&format!("[a]\nrequired = no\n{codes}"))
            .drill()
            .run()
            .status(0)
            .order("1-a 2-b 1-a 2-b")
            .stdout(&format!(
                "1-a     | 1\n\
                 1-a     | 2\n\
                 1-a  2 starts  not required: exited with {code} in its first start\n  \
                   | 1\n\
                 2-b  2 starts  can be started again\n\
                 2 tasks, 4 starts, nothing found\n"
            ))
            .says("; it is not required, so the drill continues");
    }
}

#[test]
fn an_optional_task_is_drilled_once_it_has_succeeded() {
    let later = "[ $RUNNER_TRY_NUM -gt 1 ] || exit 1";
    let answer = Test::new()
        .task("1-a", later)
        .task("2-b", &only_once(1))
        .task("3-c", "")
        .config("required = no")
        .drill_json(4);
    assert_eq!(
        members(
            &answer,
            &["task", "required", "starts", "result", "message"]
        ),
        [
            "1-a false 4 can can be started again; not required: exited with 1 in its first start",
            "2-b false 2 cannot cannot: exited with 1 when started again after `1-a`",
            "3-c false 2 can can be started again",
        ]
    );
}

#[test]
fn a_task_that_needs_a_failed_one_fails_too() {
    let test = |b: &str| {
        Test::new()
            .task("1-a", "exit 1")
            .task("1-b", "")
            .task("2-c", "")
            .config(&format!("[a]\nrequired = no\n[b]\ndepends_on = a\n{b}"))
    };
    let ran = test("").drill().run().status(1).order("1-a");
    let expected = "1-b  0 starts  ended the drill: did not start: its dependency `1-a` failed\n";
    assert!(ran.stdout.contains(expected), "{}", ran.stdout);
    let answer = test("required = no").drill_json(0);
    assert_eq!(
        members(&answer, &["task", "starts", "result", "outcome"]),
        [
            "1-a 2 failed exited:1",
            "1-b 0 failed not-started",
            "2-c 2 can null"
        ]
    );
}

#[test]
fn skipped_tasks_are_left_out() {
    let ran = Test::new()
        .task("1-a", "exit 77")
        .task("2-b", "")
        // Installs in its first start, and skips later.
        .task("3-c", "[ ! -e c ] || exit 77; : >c")
        .config("skip_codes = 77\n[b]\ndepends_on = a")
        .drill()
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b 3-c 1-a 2-b 3-c");
    ran.stdout(
        "1-a  3 starts  left out: it was skipped\n\
         2-b  3 starts  can be started again\n\
         3-c  2 starts  can be started again\n\
         3 tasks, 8 starts, nothing found\n",
    );
}

#[test]
fn a_skipped_task_that_fails_later_is_found() {
    let answer = Test::new()
        .task("1-a", "[ -e b ] || exit 77; exit 1")
        .task("2-b", ": >b")
        .config("skip_codes = 77")
        .drill_json(4);
    assert_eq!(
        members(&answer, &["task", "result", "outcome", "after"]),
        ["1-a cannot exited:1 2-b", "2-b can null null"]
    );
}

#[test]
fn a_task_that_runs_once_is_done_after_its_first_success() {
    for frequency in ["once", "once-per-boot", "once-per-machine"] {
        let ran = Test::with_state()
            .hook()
            .task("1-a", &only_once(1))
            .task("2-b", "")
            .config(&format!(
                "[a]\nfrequency = {frequency}\n[b]\ndepends_on = a"
            ))
            .drill()
            .run()
            .status(0)
            .order("1-a 2-b 2-b");
        assert!(!ran.test.path("state/done").exists());
        assert!(
            ran.hooks()[1].ends_with(r#""result":"OK"}"#),
            "{:?}",
            ran.hooks()
        );
        ran.stdout(
            "1-a   1 start  runs once\n\
             2-b  2 starts  can be started again\n\
             2 tasks, 3 starts, nothing found\n",
        );
    }
}

#[test]
fn a_mark_of_a_run_does_not_count() {
    let test = Test::with_state()
        .task("1-a", "")
        .config("[a]\nfrequency = once");
    let ran = test.run().status(0).order("1-a");
    assert!(ran.test.path("state/done/1-a").exists());
    let ran = ran.again().drill().run().status(0).order("1-a 1-a");
    // And a drill leaves it alone.
    ran.again().run().status(0).order("1-a 1-a");
}
