//! Several tasks at the same time.

use rustix::fs::FileType;

use crate::support::Test;

use super::special;

/// Two tasks that each wait for the other one. They end before their limit only if both
/// run at the same time.
fn meeting(first: &str, second: &str) -> Test {
    let test = Test::new()
        .task(first, "echo >there; read answer <back")
        .task(second, "read hello <there; echo >back")
        .config("max_time = 60\nmax_tries = 1");
    special(&test, "there", FileType::Fifo);
    special(&test, "back", FileType::Fifo);
    test
}

#[test]
fn unordered_tasks_run_at_the_same_time_with_several_jobs() {
    meeting("1-a", "1-b").config("jobs = 2").run().status(0);
    meeting("02-a", "2-b").args(["-j2"]).run().status(0);
    meeting("a", "b").args(["--set", "jobs=9"]).run().status(0);
    meeting("1-a", "1-b")
        .config("jobs = 1")
        .args(["-j", "2"])
        .run()
        .status(0);
    meeting("1-b", "1-c")
        .task("1-a", "")
        .config("jobs = 2\n[b]\ndepends_on = a\n[c]\ndepends_on = a")
        .run()
        .status(0);
}

#[test]
fn a_higher_number_waits_for_all_lower_ones() {
    Test::new()
        .task("1-a", "sleep 1; echo >a.done")
        .task("1-b", "sleep 1; echo >b.done")
        .task("2-c", "[ -e a.done ] && [ -e b.done ]")
        .task(
            "2-d",
            "[ -e a.done ] && [ -e b.done ] && sleep 1 && echo >d.done",
        )
        .task("last", "[ -e d.done ]")
        .config("jobs = 9\nmax_tries = 1")
        .run()
        .status(0);
}

#[test]
fn a_dependent_waits_while_other_tasks_run() {
    Test::new()
        .task("1-a", "[ -e c.done ]")
        .task("1-b", "sleep 2")
        .task("1-c", "sleep 1; echo >c.done")
        .config("jobs = 9\nmax_tries = 1\n[a]\ndepends_on = c")
        .run()
        .status(0);
}

#[test]
fn no_more_tasks_than_jobs_run_at_the_same_time() {
    let slot = "\
if mkdir slot.1 2>/dev/null; then slot=1; else mkdir slot.2 || exit 1; slot=2; fi
sleep 1
rmdir slot.$slot";
    Test::new()
        .task("1-a", slot)
        .task("1-b", slot)
        .task("1-c", slot)
        .task("1-d", slot)
        .config("jobs = 2\nmax_tries = 1")
        .run()
        .status(0);
    let alone = "mkdir slot || exit 1; sleep 1; rmdir slot";
    Test::new()
        .task("1-a", alone)
        .task("1-b", alone)
        .config("max_tries = 1")
        .run()
        .status(0)
        .order("1-a 1-b");
}

#[test]
fn jobs_without_effect_are_reported_once() {
    let ran = Test::new()
        .task("1-a", "")
        .task("2-b", "")
        .config("jobs = 2")
        .args(["-n", "2"])
        .run()
        .status(0)
        .order("1-a 2-b 1-a 2-b");
    let mentions = ran.stderr.lines().filter(|line| line.contains("jobs"));
    assert_eq!(mentions.count(), 1, "{}", ran.stderr);
}
