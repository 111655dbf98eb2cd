//! A drill: walks the chain, and finds the tasks that cannot be started again.
//!
//! The first success of each task counts as a failure, so the chain starts again after every
//! prefix of it. Pure, as the chain itself; its driver is `run/drill`.
//!
//! | standing of the task | succeeded | skipped | failed, requested a halt or the end |
//! | --- | --- | --- | --- |
//! | new, or has only failed | passed; the chain starts again | skipped | has failed, or ends the drill if it is required |
//! | skipped | passed; the chain starts again | skipped | finding |
//! | passed | passed | passed | finding |
//!
//! A finding counts as done: no try starts the task again, and those that need it start. So does
//! the success of a task that runs once.

use std::sync::Arc;

use runner_config::RetryFrom;

use crate::{
    chain::{Chain, Node, TaskId, verdict::Verdict},
    process::outcome::Outcome,
};

/// Reaction of a drill to the end of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The chain continues.
    Continue,
    /// The task has succeeded for the first time, and the chain starts again.
    Again,
    /// The task failed after it had succeeded. It counts as done.
    Finding,
    /// The task has not succeeded yet. It is not required, so the chain continues.
    Note,
    /// The task has not succeeded yet and is required, so the drill ends.
    End,
}

/// A failure of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its outcome.
    pub outcome: Outcome,
    /// Some process of it survived SIGKILL.
    pub survived: bool,
}

/// The part of a drill that is about one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrilledTask {
    /// Number of its starts.
    pub starts: usize,
    /// Its standing.
    pub standing: Standing,
    /// Its first failure before its first success. It is not required.
    pub failed_first: Option<Failure>,
}

/// Standing of a task in a drill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It has not started.
    #[default]
    New,
    /// It has only failed so far.
    Failed,
    /// It did not apply so far.
    Skipped,
    /// It has succeeded, and in every further start too.
    Passed,
    /// It has succeeded, and runs once.
    Once,
    /// It failed when it was started again.
    Finding {
        /// The failure.
        failure: Failure,
        /// The last task that had run before the chain started again.
        after: TaskId,
    },
    /// It ended the drill: it failed in its first start, or cannot be ended.
    Ended(Failure),
}

/// State of a drill.
#[derive(Clone, Debug)]
pub(crate) struct Drill {
    pub(crate) chain: Chain,
    tasks: Vec<DrilledTask>,
    /// The task whose first success has started this try.
    after: Option<TaskId>,
}

impl Drill {
    /// Creates a drill before its first try.
    pub(crate) fn new(nodes: Arc<[Node]>) -> Drill {
        Drill {
            tasks: vec![DrilledTask::default(); nodes.len()],
            chain: Chain::new(nodes, RetryFrom::Start),
            after: None,
        }
    }

    /// Counts a start of `task`.
    pub(crate) fn count_start(&mut self, task: TaskId) {
        self.tasks[task.0].starts += 1;
    }

    /// Applies the end of a task, in place of [`Chain::apply`]. With `is_once`, a task that has
    /// succeeded is never started again.
    pub(crate) fn apply(
        &mut self,
        task: TaskId,
        verdict: Verdict,
        failure: Failure,
        is_once: bool,
    ) -> Reaction {
        let is_required = self.chain.nodes[task.0].required;
        let drilled = &mut self.tasks[task.0];
        let has_failed = match verdict {
            Verdict::Proceed | Verdict::Skip => false,
            Verdict::Retry | Verdict::Stop | Verdict::Halt => true,
        };
        let is_first = matches!(drilled.standing, Standing::New | Standing::Failed);
        let (standing, reaction) = match (&drilled.standing, has_failed) {
            // Its processes could disturb every further start.
            _ if failure.survived => (Standing::Ended(failure), Reaction::End),
            (_, true) if is_first && is_required => (Standing::Ended(failure), Reaction::End),
            (_, true) if is_first => {
                drilled.failed_first.get_or_insert(failure);
                (Standing::Failed, Reaction::Note)
            }
            (_, true) => {
                // In the first try nothing is started again.
                let after = self.after.unwrap_or(task);
                (Standing::Finding { failure, after }, Reaction::Finding)
            }
            (Standing::Passed, false) => (Standing::Passed, Reaction::Continue),
            (_, false) if verdict == Verdict::Skip => (Standing::Skipped, Reaction::Continue),
            (_, false) if is_once => (Standing::Once, Reaction::Continue),
            (_, false) => (Standing::Passed, Reaction::Again),
        };
        let is_settled = matches!(standing, Standing::Once | Standing::Finding { .. });
        drilled.standing = standing;
        if is_settled {
            self.chain.settle(task);
        }
        match reaction {
            Reaction::Continue | Reaction::Finding => {
                self.chain.apply(task, Verdict::Proceed);
            }
            Reaction::Note => {
                self.chain.apply(task, Verdict::Retry);
            }
            Reaction::Again => {
                self.after = Some(task);
                self.chain.withdraw(task);
                self.chain.start_again();
            }
            Reaction::End => {
                self.chain.withdraw(task);
                self.chain.give_up();
            }
        }
        reaction
    }

    /// Returns the tasks of the drill.
    pub(crate) fn into_tasks(self) -> Vec<DrilledTask> {
        self.tasks
    }
}

#[cfg(test)]
mod tests {
    use runner_config::MaxTries;

    use super::*;
    use crate::chain::Step;

    /// A drill whose tasks follow scripts. A script has a letter for the verdict of each start, of
    /// which the last one repeats: `o`k, `s`kip, `r`etry, `h`alt, e`x`it, or `k`: it survives
    /// SIGKILL. `?` before it: not required; `1`: runs once; `<`: needs the task before it.
    struct Scripted<'a> {
        drill: Drill,
        scripts: Vec<&'a str>,
        once: Vec<bool>,
        order: String,
    }

    impl Scripted<'_> {
        fn new(scripts: &str) -> Scripted<'_> {
            let scripts: Vec<&str> = scripts.split(' ').collect();
            let nodes = scripts.iter().enumerate().map(|(index, script)| Node {
                level: index,
                needs: if script.contains('<') {
                    vec![TaskId(index - 1)]
                } else {
                    vec![]
                },
                required: !script.contains('?'),
                max_tries: MaxTries::OfChain(1),
            });
            Scripted {
                drill: Drill::new(nodes.collect()),
                once: scripts.iter().map(|script| script.contains('1')).collect(),
                scripts: (scripts.iter())
                    .map(|script| script.trim_start_matches(['?', '1', '<']))
                    .collect(),
                order: String::new(),
            }
        }

        fn run(mut self) -> Self {
            loop {
                match self.drill.chain.next_step() {
                    Step::Start(task) => self.start(task),
                    Step::Fail { task, .. } => {
                        self.apply(task, 'r');
                        self.drill.chain.ended(task);
                    }
                    Step::Wait => {
                        self.order.push(' ');
                        self.drill.chain.next_try();
                    }
                    Step::Busy => unreachable!("nothing runs"),
                    Step::End(_) => return self,
                }
            }
        }

        fn start(&mut self, task: TaskId) {
            self.order += &(task.0 + 1).to_string();
            let starts = self.drill.tasks[task.0].starts;
            self.drill.count_start(task);
            let script = self.scripts[task.0];
            let letter = script.chars().nth(starts).or(script.chars().last());
            self.apply(task, letter.unwrap());
            self.drill.chain.ended(task);
        }

        fn apply(&mut self, task: TaskId, letter: char) {
            let verdict = match letter {
                'o' | 'k' => Verdict::Proceed,
                's' => Verdict::Skip,
                'r' => Verdict::Retry,
                'h' => Verdict::Halt,
                'x' => Verdict::Stop,
                _ => panic!("no verdict {letter}"),
            };
            let failure = Failure {
                outcome: Outcome::Exited(letter as u8),
                survived: letter == 'k',
            };
            let is_once = self.once[task.0];
            self.drill.apply(task, verdict, failure, is_once);
        }

        /// The standing of each task, and `-` behind one that failed before it succeeded.
        fn standings(&self) -> String {
            let standings = self.drill.tasks.iter().map(|task| {
                let standing = match &task.standing {
                    Standing::New => "new".to_owned(),
                    Standing::Failed => "failed".to_owned(),
                    Standing::Skipped => "skipped".to_owned(),
                    Standing::Passed => "passed".to_owned(),
                    Standing::Once => "once".to_owned(),
                    Standing::Finding { after, .. } => format!("after-{}", after.0 + 1),
                    Standing::Ended(_) => "ended".to_owned(),
                };
                let noted = task.failed_first.as_ref().map(|_| "-");
                standing + noted.unwrap_or_default()
            });
            standings.collect::<Vec<_>>().join(" ")
        }
    }

    #[test]
    fn each_task_starts_again_after_every_prefix() {
        for (scripts, order, standings) in [
            ("o", "1 1", "passed"),
            ("o o o", "1 12 123 123", "passed passed passed"),
            // A finding is done, whatever it requested.
            ("or o", "1 12 2", "after-1 passed"),
            ("oh o", "1 12 2", "after-1 passed"),
            ("ox o", "1 12 2", "after-1 passed"),
            ("oor o", "1 12 12", "after-2 passed"),
            ("or or or", "1 12 23 3", "after-1 after-2 after-3"),
            ("ok o", "1 1", "ended new"),
            // A required task must succeed, or be skipped, in its first start.
            ("o r o", "1 12", "passed ended new"),
            ("o h o", "1 12", "passed ended new"),
            ("o x o", "1 12", "passed ended new"),
            ("k o", "1", "ended new"),
            // Others are noted.
            ("?r o", "12 12", "failed- passed"),
            ("?h o", "12 12", "failed- passed"),
            ("?x", "1", "failed-"),
            ("?ro o", "12 1 12", "passed- passed"),
            ("?ror o", "12 1 12", "after-1- passed"),
            ("?rs o", "12 12", "skipped- passed"),
            ("?o o", "1 12 12", "passed passed"),
            ("?or o", "1 12 2", "after-1 passed"),
            // Skipped tasks are left out, until they succeed or fail.
            ("s o", "12 12", "skipped passed"),
            ("so o", "12 1 12", "passed passed"),
            ("os o", "1 12 12", "passed passed"),
            ("sr o", "12 12", "after-2 passed"),
            ("osr o", "1 12 12", "after-2 passed"),
            // Tasks that run once succeed once.
            ("1o o", "12 2", "once passed"),
            ("1r o", "1", "ended new"),
            ("1so o", "12 12", "once passed"),
            ("?1ro o", "12 12", "once- passed"),
            // Dependencies.
            ("?r <o", "1", "failed- ended"),
            ("?r ?<o o", "13 13", "failed- failed- passed"),
            ("?or <o", "1 12 2", "after-1 passed"),
            ("?ro ?<o", "1", "failed- failed-"),
            ("?ro ?<o o", "13 1 12 123", "passed- passed- passed"),
        ] {
            let ran = Scripted::new(scripts).run();
            assert_eq!(ran.order.trim_end(), order, "{scripts}");
            assert_eq!(ran.standings(), standings, "{scripts}");
        }
    }

    #[test]
    fn every_small_drill_ends_and_finds_what_its_scripts_say() {
        let letters = ["o", "s", "r", "h", "x"];
        let mut scripts = vec![String::new()];
        for _ in 0..3 {
            let longer = |script: &String| letters.map(|letter| format!("{script}{letter}"));
            scripts = scripts.iter().flat_map(longer).collect();
        }
        let of_tasks = |mark: &'static str| scripts.iter().map(move |it| format!("{mark}{it}"));
        let scripts: Vec<String> = ["", "?", "1"].into_iter().flat_map(of_tasks).collect();
        let mut findings = 0;
        for first in &scripts {
            for second in &scripts {
                let both = format!("{first} {second}");
                let ran = Scripted::new(&both).run();
                // Each task succeeds for the first time once.
                assert!(ran.order.len() <= 5 + 2, "{both}: {}", ran.order);
                for (task, script) in ran.drill.tasks.iter().zip(&ran.scripts) {
                    let is_finding = matches!(task.standing, Standing::Finding { .. });
                    findings += usize::from(is_finding);
                    let started: Vec<char> = script.chars().take(task.starts).collect();
                    let has_failed = |letter: &char| matches!(letter, 'r' | 'h' | 'x');
                    let again = started.iter().skip_while(|letter| has_failed(letter));
                    let fails_again = again.skip(1).any(has_failed);
                    assert_eq!(is_finding, fails_again, "{both}: {}", ran.order);
                }
            }
        }
        assert!(findings > 1000, "{findings}");
    }
}
