//! `--drill`: starts every task again, and finds those that cannot bear it.

mod answers;
mod ends;
mod page;
mod settings;
mod surroundings;
mod usage;

use serde_json::Value;

use crate::support::{Ran, Test};

/// Body of a task that succeeds in its first start only. Later it prints a line and exits
/// with `code`.
fn only_once(code: u8) -> String {
    format!(
        "[ ! -e ran-$RUNNER_TASK ] || {{ echo again; exit {code}; }}\n\
         : >ran-$RUNNER_TASK"
    )
}

impl Test {
    /// Makes it a drill.
    fn drill(self) -> Test {
        self.args(["--drill", "--yes"])
    }

    /// Drills to the end with `--json`. Returns the answer.
    #[track_caller]
    fn drill_json(self, status: i32) -> Value {
        let ran = self.drill().args(["--json"]).run().status(status);
        serde_json::from_str(&ran.stdout).unwrap()
    }
}

impl Ran {
    /// The lines of stdout that are the answer, and not output of a task.
    fn answer(&self) -> String {
        let lines = self.stdout.lines();
        let answer = lines.filter(|line| !line.contains(" | ") || line.starts_with("  | "));
        answer.collect::<Vec<_>>().join("\n")
    }
}

/// The members of each task in an answer, as words.
#[track_caller]
fn members(answer: &Value, names: &[&str]) -> Vec<String> {
    let tasks = answer["tasks"].as_array().unwrap().iter();
    let words = tasks.map(|task| {
        let values = names.iter().map(|name| match &task[*name] {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        });
        values.collect::<Vec<_>>().join(" ")
    });
    words.collect()
}

#[test]
fn every_task_is_started_after_every_prefix() {
    for tasks in 0..=6_usize {
        let names: Vec<String> = (1..=tasks).map(|number| format!("{number}-t")).collect();
        let mut test = Test::new();
        for name in &names {
            test = test.task(name, "");
        }
        let ran = test.drill().run().status(0);
        let mut order: Vec<&str> = Vec::new();
        for end in (1..=tasks).chain([tasks]) {
            order.extend(names[..end].iter().map(String::as_str));
        }
        assert_eq!(order.len(), tasks * (tasks + 1) / 2 + tasks);
        let starts = if order.len() == 1 { "start" } else { "starts" };
        let summary = format!(", {} {starts}, nothing found\n", order.len());
        assert!(ran.stdout.ends_with(&summary), "{}", ran.stdout);
        ran.order(&order.join(" "));
    }
}

#[test]
fn exactly_the_tasks_that_cannot_be_started_again_are_found() {
    // Adds a user as useradd does, to a file of this story.
    let useradd = "#!/bin/sh\ngrep -qx \"$1\" users 2>/dev/null && exit 9\necho \"$1\" >>users\n";
    let append = "echo 'Port 22' >>sshd.conf\n[ \"$(sort sshd.conf | uniq -d)\" = '' ]";
    let ran = Test::new()
        .file("useradd", useradd, 0o755)
        .task("1-mkdir", "mkdir dir")
        .task("2-correct", "mkdir -p other")
        .task("3-link", "ln -s target link")
        .task("4-append", append)
        .task("5-user", "./useradd app")
        .task("6-plain-append", "echo line >>log")
        .drill()
        .run()
        .status(4);
    let answer = ran.answer();
    let findings = answer.lines().filter(|line| line.contains("cannot: "));
    let findings: Vec<&str> = findings.collect();
    assert_eq!(
        findings,
        [
            "1-mkdir         2 starts  cannot: exited with 1 when started again after `1-mkdir`",
            "3-link          2 starts  cannot: exited with 1 when started again after `3-link`",
            "4-append        2 starts  cannot: exited with 1 when started again after `4-append`",
            "5-user          2 starts  cannot: exited with 9 when started again after `5-user`",
        ]
    );
    // An exit code does not show that a line is there many times.
    assert_eq!(ran.lines("log").len(), 2);
    ran.says("warning: drill finished after ")
        .says(", with 4 findings\n");
}

#[test]
fn a_task_that_a_later_one_disturbs_is_found_with_that_one() {
    Test::new()
        .task("1-fetch", "mkdir -p download; : >download/app")
        .task("2-install", "cp download/app app")
        .task(
            "3-configure",
            "grep -q x conf || echo x >conf; [ ! -e cleaned ]",
        )
        .task("4-clean", "rm -r download; : >cleaned")
        .drill()
        .run()
        .status(4)
        .order(
            "1-fetch 1-fetch 2-install 1-fetch 2-install 3-configure \
             1-fetch 2-install 3-configure 4-clean 1-fetch 2-install 3-configure 4-clean",
        )
        .stdout(
            "1-fetch      5 starts  can be started again\n\
             2-install    4 starts  can be started again\n\
             3-configure  3 starts  cannot: exited with 1 when started again after `4-clean`\n\
             4-clean      2 starts  can be started again\n\
             4 tasks, 14 starts, 1 cannot be started again\n",
        );
}

#[test]
fn a_finding_counts_as_done_and_the_drill_finds_all() {
    for code in [1, 2, 3, 7] {
        let mut test = Test::new().config("stop_codes = 3").task("halt.sh", "");
        for name in ["1-a", "2-b", "3-c"] {
            test = test.task(name, &only_once(code));
        }
        let ran = test.drill().run().status(4);
        let ran = ran.order("1-a 1-a 2-b 2-b 3-c 3-c");
        assert!(ran.stdout.ends_with("3 cannot be started again\n"));
        assert_eq!(ran.stdout.matches("\n  | again\n").count(), 3);
    }
}

#[test]
fn a_task_that_needs_a_finding_starts() {
    let ran = Test::new()
        .task("1-a", &only_once(1))
        .task("1-b", "")
        .config("[b]\ndepends_on = a\n[a]\nrequired = no")
        .drill()
        .run()
        .status(4);
    ran.order("1-a 1-a 1-b 1-b");
}

#[test]
fn the_outputs_of_a_finding_are_those_of_its_success() {
    let hand = format!(
        "echo TOKEN=$RUNNER_TRY_NUM >$RUNNER_OUTPUTS\n{}",
        only_once(1)
    );
    Test::new()
        .task("1-a", &hand)
        .task("2-b", "[ \"$TOKEN\" = 1 ]")
        .task("3-c", "echo TOKEN=c >$RUNNER_OUTPUTS; echo \"$TOKEN\"")
        .drill()
        .run()
        .status(4)
        .order("1-a 1-a 2-b 2-b 3-c 2-b 3-c");
    // A new try forgets those of all other tasks, as a retry does: together they are too large.
    let large = "printf 'A=%060000d\\n' 0 >$RUNNER_OUTPUTS";
    let first = format!("[ ! -e last ] || {large}");
    let last = format!("[ -e last ] || {{ {large}; touch last; }}");
    Test::new()
        .task("1-a", &first)
        .task("2-b", large)
        .task("3-c", large)
        .task("4-d", large)
        .task("5-e", &last)
        .drill()
        .run()
        .status(0);
    // Those of a task that is skipped now are gone.
    let ran = Test::new()
        .task(
            "1-a",
            "[ $RUNNER_TRY_NUM = 1 ] || exit 77; echo A=1 >$RUNNER_OUTPUTS",
        )
        .task("2-b", "[ -z \"$A\" ]")
        .config("skip_codes = 77")
        .drill()
        .run()
        .status(0);
    ran.order("1-a 1-a 2-b 1-a 2-b");
}
