//! Marks of `once` tasks.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    time::{Duration, UNIX_EPOCH},
};

use rustix::process::geteuid;
use serde_json::{Value, json};

use crate::support::{Test, is_missing, once, runner, skip};

#[test]
fn a_once_task_that_is_done_is_not_started_again() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", &once(1))
        .config("[a]\nfrequency = once")
        .run()
        .status(0)
        // It is not started in a later try either.
        .order("1-a 2-b 2-b");
    let ran = ran.again().run().status(0).order("1-a 2-b 2-b 2-b 2-b");
    assert!(
        ran.stderr.contains("2 tasks, 1 of them already done"),
        "{}",
        ran.stderr
    );
    // Without its mark the task runs again.
    fs::remove_file(ran.test.path("state/done/1-a")).unwrap();
    fs::remove_file(ran.test.path("state/journal.jsonl")).unwrap();
    ran.again()
        .run()
        .status(0)
        .order("1-a 2-b 2-b 2-b 2-b 1-a 2-b 2-b");
}

#[test]
fn a_task_with_a_mark_counts_as_done_for_its_dependents() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .task("1-b", "exit 0")
        .config("jobs = 2\n[b]\nfrequency = once\n[a]\ndepends_on = b")
        .run()
        .status(0)
        .order("1-b 1-a");
    ran.again().run().status(0).order("1-b 1-a 1-a");
}

#[test]
fn a_chain_whose_tasks_are_all_done_finishes() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once")
        .run()
        .status(0);
    ran.again().run().status(0).order("1-a");
}

#[test]
fn a_mark_is_set_only_by_success_and_halt() {
    for (code, status, marked) in [(0, 0, true), (2, 2, true), (3, 3, false), (1, 1, false)] {
        let ran = Test::with_state()
            .task("1-a", &format!("exit {code}"))
            .config("max_tries = 2\nstop_codes = 3\n[a]\nfrequency = once")
            .run()
            .status(status);
        let done = ran.test.path("state/done");
        let names = fs::read_dir(done)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names: Vec<_> = names.collect();
        assert_eq!(names, if marked { vec!["1-a"] } else { vec![] }, "{code}");
    }
}

#[test]
fn once_per_boot_is_once_for_each_boot() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once-per-boot")
        .run()
        .status(0)
        .again()
        .run()
        .status(0)
        .order("1-a");
    let mark = ran.read("state/done/1-a");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert!(mark.contains(boot.trim()), "{mark}");
    fs::write(
        ran.test.path("state/done/1-a"),
        mark.replace(boot.trim(), "another"),
    )
    .unwrap();
    let ran = ran.again().run().status(0).order("1-a 1-a");
    assert!(ran.read("state/done/1-a").contains(boot.trim()));
}

/// Starts the program on a machine whose `/etc/machine-id` has this text; without a text there is
/// no such file.
pub(super) fn on_machine(test: Test, id: Option<&str>) -> Test {
    let write = id.map(|id| format!("printf '{id}' >/etc/machine-id"));
    test.program(runner()).through(&format!(
        "[ -z \"$INSIDE\" ] && INSIDE=1 exec unshare -m \"$0\" \"$@\"\nset -e\n\
         mount -t tmpfs -o mode=755 none /etc\n{}",
        write.unwrap_or_default()
    ))
}

/// Returns `true` if this process cannot have an `/etc` of its own.
pub(super) fn has_one_machine() -> bool {
    if !geteuid().is_root() {
        skip("only root has another /etc");
        return true;
    }
    is_missing("unshare")
}

#[test]
fn once_per_machine_is_once_for_each_copy_of_the_disk() {
    if has_one_machine() {
        return;
    }
    let mut test = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .config("[a]\nfrequency = once-per-machine\n[b]\nfrequency = once");
    for (machine, order) in [
        ("one", "1-a 2-b"),
        ("one", "1-a 2-b"),
        ("two", "1-a 2-b 1-a"),
        ("two", "1-a 2-b 1-a"),
    ] {
        let ran = on_machine(test, Some(machine)).run();
        let ran = ran.status(0).order(order);
        let mark = ran.read("state/done/1-a");
        assert!(
            mark.ends_with(&format!("\nmachine = {machine}\n")),
            "{mark}"
        );
        test = ran.again();
    }
    // The mark of `once` has the machine too, so it still counts.
    let config = "[runner]\nstate_dir = state\n[b]\nfrequency = once-per-machine";
    on_machine(test.only_config(config), Some("one"))
        .run()
        .status(0)
        .order("1-a 2-b 1-a 1-a");
}

#[test]
fn a_mark_of_version_0_1_counts_but_not_for_a_machine() {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let mark = format!("run = 20261124T065504.123Z-da2e7952\nboot = {boot}");
    for (frequency, order) in [
        ("once", ""),
        ("once-per-boot", ""),
        ("once-per-machine", "1-a"),
    ] {
        if frequency == "once-per-machine" && fs::read("/etc/machine-id").is_err() {
            skip("this machine has no id");
            continue;
        }
        Test::with_state()
            .task("1-a", "exit 0")
            .file("state/done/1-a", &mark, 0o644)
            .config(&format!("[a]\nfrequency = {frequency}"))
            .run()
            .status(0)
            .order(order);
    }
}

#[test]
fn a_machine_without_an_id_has_no_tasks_that_run_once_per_machine() {
    if has_one_machine() {
        return;
    }
    for (id, why) in [
        (None, "does not exist"),
        (Some(""), "is empty"),
        (Some("uninitialized"), "is `uninitialized`"),
    ] {
        let test = Test::with_state()
            .task("1-a", "exit 0")
            .config("[a]\nfrequency = once-per-machine");
        let ran = on_machine(test, id).run().status(78).order("");
        let ran = ran.says(&format!(
            "runner.cfg:6: `frequency = once-per-machine` needs the id of this machine, and \
             `/etc/machine-id` {why}\n  hint: `systemd-machine-id-setup` writes it; in a \
             container, set `frequency = once`\n"
        ));
        // A disabled task is not part of the plan.
        let test = ran.again().config("enabled = no");
        on_machine(test, id).run().status(0).order("");
    }
}

#[test]
fn a_task_whose_mark_cannot_be_written_is_not_started() {
    let ran = Test::with_state()
        .file("state/done", "", 0o644)
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .config("max_tries = 2\n[a]\nfrequency = once")
        .run()
        .status(1)
        .order("")
        .says("`1-a` did not start: cannot write its mark `state/done/1-a`: not a directory");
    assert_eq!(
        ran.events(&["task", "outcome"])[2..4],
        ["task-end 1-a not-started", "wait"]
    );
}

#[test]
fn the_list_and_the_dry_run_show_which_tasks_earlier_runs_have_done() {
    let test = Test::with_state()
        .task("1-a", "exit 0")
        .task("2-b", "exit 0")
        .task("3-c", "exit 0")
        .file(
            "state/done/1-a",
            "run = 20261124T065504.123Z-da2e7952\n",
            0o644,
        )
        // This one was written by hand.
        .file("state/done/2-b", "", 0o644)
        .config("[a]\nfrequency = once\n[b]\nfrequency = once\n[c]\nfrequency = once-per-boot")
        .env("TZ", "UTC-1");
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let mark = fs::File::open(test.path("state/done/2-b")).unwrap();
    mark.set_modified(time).unwrap();
    let ran = test.args(["--list"]).run().status(0).stdout(
        "1-a  level 0  limit 10m  5 tries  once  done 2026-11-24 07:55\n\
         2-b  level 1  limit 10m  5 tries  once  done 2001-09-09 02:46\n\
         3-c  level 2  limit 10m  5 tries  once-per-boot\n",
    );
    let ran = ran.again().args(["--dry-run"]).run().status(0);
    for head in ["\n1-a, done 2026-11-24 07:55\n", "\n3-c\n"] {
        assert!(ran.stdout.contains(head), "{}", ran.stdout);
    }
    let ran = ran.again().args(["--list", "--json"]).run().status(0);
    let list: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    let done: Vec<&Value> = list.iter().map(|task| &task["done"]).collect();
    assert_eq!(
        json!(done),
        json!(["2026-11-24T06:55:04.123Z", "2001-09-09T01:46:40Z", null])
    );
    ran.again().run().status(0).order("3-c");
}

#[test]
fn only_ignores_marks() {
    let ran = Test::with_state()
        .task("1-a", "exit 0")
        .config("[a]\nfrequency = once")
        .args(["--only", "a"])
        .run()
        .status(0);
    assert!(!ran.test.path("state/done").exists());
    let ran = ran.again().run().status(0);
    ran.again()
        .args(["--only", "a"])
        .run()
        .status(0)
        .order("1-a 1-a 1-a");
}

/// Body of a task that appends `A` and `B` to the file `seen`.
const PRINT: &str = "echo \"A=${A-} B=${B-}\" >>seen";

#[test]
fn a_mark_keeps_the_outputs_of_its_task() {
    let ran = Test::with_state()
        .task("1-a", "printf 'A=x\\ny\\000' >$RUNNER_OUTPUTS")
        .task("1-b", PRINT)
        .task("2-c", PRINT)
        .config("[a]\nfrequency = once")
        .run()
        .status(0);
    let outputs = ran.test.path("state/outputs/1-a");
    assert_eq!(fs::read(&outputs).unwrap(), b"A=x\ny\0");
    assert_eq!(fs::metadata(&outputs).unwrap().mode() & 0o777, 0o600);
    let ran = ran.again().run().status(0);
    // `--only` sees them too, and makes no mark.
    let ran = ran.again().args(["--only", "c"]).run().status(0);
    let ran = ran.again().args(["--only", "a"]).run().status(0);
    assert_eq!(
        ran.read("seen"),
        "A= B=\nA=x\ny B=\nA= B=\nA=x\ny B=\nA=x\ny B=\n"
    );
    // Only the names are shown before a run.
    let answer = ran.again().args(["--env", "c"]).run().status(0);
    assert!(answer.stdout.lines().any(|line| line == "output\tA"));
    let ran = answer.again().args(["--env", "b"]).run().status(0);
    assert!(!ran.stdout.contains("output\t"), "{}", ran.stdout);
    // Without the mark they do not count.
    fs::remove_file(ran.test.path("state/done/1-a")).unwrap();
    let ran = ran.again().args(["--only", "c"]).run().status(0);
    assert!(ran.read("seen").ends_with("y B=\nA= B=\n"));
}

#[test]
fn a_later_mark_does_not_keep_the_outputs_of_an_earlier_one() {
    let ran = Test::with_state()
        .task("1-a", "[ -e second ] || echo A=1 >$RUNNER_OUTPUTS; >second")
        .task("2-b", PRINT)
        .config("[a]\nfrequency = once")
        .run()
        .status(0);
    assert!(ran.test.path("state/outputs/1-a").exists());
    fs::remove_file(ran.test.path("state/done/1-a")).unwrap();
    let ran = ran.again().run().status(0).order("1-a 2-b 1-a 2-b");
    assert!(!ran.test.path("state/outputs/1-a").exists());
    assert_eq!(ran.read("seen"), "A=1 B=\nA= B=\n");
}

#[test]
fn a_further_run_starts_with_the_outputs_of_marks() {
    let ran = Test::with_state()
        .task("1-a", "echo A=1 >$RUNNER_OUTPUTS")
        .task("2-b", PRINT)
        .task("3-c", "echo B=1 >$RUNNER_OUTPUTS")
        .config("[a]\nfrequency = once")
        .args(["-n", "2"])
        .run()
        .status(0)
        .order("1-a 2-b 3-c 2-b 3-c");
    assert_eq!(ran.read("seen"), "A=1 B=\nA=1 B=\n");
}

#[test]
fn outputs_that_cannot_be_stored_or_read_are_reported() {
    let ran = Test::with_state()
        .task("1-a", "echo A=secret >$RUNNER_OUTPUTS")
        .task("2-b", PRINT)
        .file("state/outputs", "", 0o644)
        .config("[a]\nfrequency = once")
        .run()
        .status(0)
        .order("1-a 2-b")
        .says("cannot commit the mark `");
    // Without its outputs the task is not done.
    assert!(!ran.test.path("state/done/1-a").exists());
    fs::remove_file(ran.test.path("state/outputs")).unwrap();
    let ran = ran.again().run().status(0).order("1-a 2-b 1-a 2-b");
    fs::write(ran.test.path("state/outputs/1-a"), "secret\0").unwrap();
    ran.again()
        .run()
        .status(0)
        .says("error: cannot use the outputs in `")
        .says("state/outputs/1-a`: record 1 has no `=`; later tasks do not see them")
        .does_not_say("secret");
}
