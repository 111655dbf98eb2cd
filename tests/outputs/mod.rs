//! Outputs: variables that a task hands to what comes after it.

mod bad;
mod directory;

use crate::support::{Test, once};

/// Body of a task that prints its name and these variables.
pub(crate) fn print(names: &str) -> String {
    let values = names.split(' ').map(|name| format!(" {name}=${{{name}-}}"));
    format!("echo \"$RUNNER_TASK{}\"", values.collect::<String>())
}

/// Body of a task that hands over these lines.
pub(crate) fn hand(lines: &str) -> String {
    format!("printf '{lines}' >\"$RUNNER_OUTPUTS\"")
}

#[test]
fn a_later_task_sees_what_an_earlier_one_wrote() {
    Test::new()
        .task("1-a", &hand("TOKEN=a  b=c \\nIN_FILE=output\\n"))
        .task("2-b", &print("TOKEN IN_FILE"))
        .task("3-c", &hand("TOKEN=other"))
        .task("4-d", &print("TOKEN"))
        .task("halt.sh", &print("TOKEN IN_FILE"))
        .env("TOKEN", "inherited")
        .config("[env]\nIN_FILE = file")
        .args(["-H"])
        .run()
        .status(0)
        .stdout(
            "2-b TOKEN=a  b=c  IN_FILE=output\n4-d TOKEN=other\nhalt.sh TOKEN=other IN_FILE=output\n",
        )
        .does_not_say("a  b=c");
}

#[test]
fn a_record_can_contain_newlines() {
    Test::new()
        .task("1-a", &hand("CERT=1\\n2\\n\\000OTHER=3\\000"))
        .task("2-b", &print("CERT OTHER"))
        .run()
        .status(0)
        .stdout("2-b CERT=1\n2\n OTHER=3\n");
}

#[test]
fn only_success_hands_over_and_a_retry_forgets() {
    let first = "[ $RUNNER_TRY_NUM -gt 1 ] || echo A=first >$RUNNER_OUTPUTS";
    let failed = format!("{}\n{}", hand("B=1"), once(1));
    Test::new()
        .task("1-a", first)
        .task("2-b", &format!("{}\n{failed}", print("A B")))
        .task("3-c", &print("A B"))
        .run()
        .status(0)
        .stdout("2-b A=first B=\n2-b A= B=\n3-c A= B=1\n");
    // Also when the task fails this time.
    Test::new()
        .task(
            "1-a",
            &format!("[ $RUNNER_TRY_NUM = 1 ] || exit 1\n{}", hand("A=1")),
        )
        .task(
            "2-b",
            &format!("{}\n{}\n{}", print("A B"), hand("B=1"), once(1)),
        )
        .task("3-c", "[ $RUNNER_TRY_NUM = 1 ] || exit 2")
        .task("halt.sh", &print("A B"))
        .config("[a]\nrequired = no")
        .run()
        .status(2)
        .stdout("2-b A=1 B=\n2-b A= B=\n3-c A= B=1\n");
    // Those of a task that does not start again are still there.
    Test::new()
        .task("1-a", first)
        .task("2-b", &failed)
        .task("3-c", &print("A B"))
        .config("retry_from = failed")
        .run()
        .status(0)
        .stdout("3-c A=first B=1\n");
    // The exit code of success can be another one.
    Test::new()
        .task("1-a", &format!("{}\nexit 5", hand("A=1")))
        .task("2-b", &print("A"))
        .config("ok_codes = 5\n[b]\nok_codes = 0")
        .run()
        .status(0)
        .stdout("2-b A=1\n");
}

#[test]
fn a_task_that_requests_the_halt_hands_over_nothing() {
    Test::new()
        .task("1-a", &hand("A=1"))
        .task("2-b", &format!("{}\nexit 2", hand("B=1")))
        .task("halt.sh", &print("A B"))
        .run()
        .status(2)
        .stdout("2-b A=1 B=\n");
}

#[test]
fn a_hook_sees_what_its_task_saw() {
    let hook = format!("#!/bin/sh\n{}\n", print("RUNNER_HOOK A RUNNER_OUTPUTS"));
    Test::new()
        .task("1-a", &hand("A=1"))
        .task("2-b", &hand("A=2"))
        .file("hook", &hook, 0o755)
        .config("task_hook = ./hook")
        .run()
        .status(0)
        .stdout(
            "1-a RUNNER_HOOK=pre A= RUNNER_OUTPUTS=\n1-a RUNNER_HOOK=post A= RUNNER_OUTPUTS=\n\
             2-b RUNNER_HOOK=pre A=1 RUNNER_OUTPUTS=\n2-b RUNNER_HOOK=post A=1 RUNNER_OUTPUTS=\n",
        );
}

#[test]
fn with_several_jobs_only_dependents_of_the_same_number_see_an_output() {
    for jobs in ["1", "4"] {
        let ran = Test::new()
            .task("1-a", &hand("X=a\\nA=1"))
            .task("1-b", &hand("X=b\\nB=1"))
            .task("1-c", &format!("sleep 0.3\n{} >>seen", print("X A B")))
            .task("1-d", &format!("{} >>seen", print("X A B")))
            .task("2-e", &format!("{} >>seen", print("X A B")))
            .config("[d]\ndepends_on = a\n[a]\ndepends_on = b")
            .args(["-j", jobs])
            .run()
            .status(0);
        let mut seen = ran.lines("seen");
        seen.sort();
        // `a` comes after `b` in the order of the plan, since it depends on it.
        let expected = ["1-c X= A= B=", "1-d X=a A=1 B=1", "2-e X=a A=1 B=1"];
        assert_eq!(seen, expected, "-j {jobs}");
    }
}

#[test]
fn a_further_run_does_not_see_the_outputs_of_the_last_one() {
    Test::new()
        .task("1-a", &print("A"))
        .task("2-b", &hand("A=1"))
        .args(["-n", "2"])
        .run()
        .status(0)
        .stdout("1-a A=\n1-a A=\n");
}

#[test]
fn the_journal_has_the_names_and_no_value() {
    let ran = Test::with_state()
        .task("1-a", &hand("TOKEN=secret\\nURL=secret\\n"))
        .task("2-b", &hand("secret\\n"))
        .config("max_tries = 1")
        .args(["-v"])
        .run()
        .status(1)
        .does_not_say("secret");
    let journal = ran.read("state/journal.jsonl");
    assert!(
        journal.contains(r#""outputs":["TOKEN","URL"]"#),
        "{journal}"
    );
    let bad = r#""outcome":"bad-output","#;
    assert!(journal.contains(bad), "{journal}");
    assert!(
        journal.contains(r#""why":"line 1 has no `=`""#),
        "{journal}"
    );
    assert!(!journal.contains("secret"), "{journal}");
}

#[test]
fn the_end_hook_of_the_run_gets_all_outputs() {
    let ran = Test::new()
        .task("1-a", &hand("A=1"))
        .task("2-b", &hand("B=2"))
        .file(
            "hook",
            "#!/bin/sh\necho $RUNNER_HOOK A=$A B=$B >>hooks\n",
            0o755,
        )
        .config("run_hook = ./hook")
        .run()
        .status(0);
    let hooks = std::fs::read_to_string(ran.test.path("hooks")).unwrap();
    assert_eq!(hooks, "run-start A= B=\nrun-end A=1 B=2\n");
}

#[test]
fn a_forgotten_task_has_no_outputs() {
    let ran = Test::new()
        .task("1-a", &hand("A=1"))
        .config("state_dir = state\n[a]\nfrequency = once")
        .run()
        .status(0);
    let stored = ran.test.path("state/outputs/1-a");
    assert!(stored.exists());
    let ran = ran.again().args_after(["--forget", "a"]).run().status(0);
    assert!(!stored.exists(), "{}", ran.stderr);
}
