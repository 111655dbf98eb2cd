//! The order of starts and ends when several tasks run at the same time.
//!
//! Each task appends a line to one file when it starts and before it ends. The order of the
//! lines is the order of the events, without a clock.

use std::collections::BTreeSet;

use crate::support::{Dice, Test};

struct Task {
    number: usize,
    name: String,
    /// Indices of the tasks it depends on.
    needs: BTreeSet<usize>,
}

/// Random tasks with few numbers, and dependencies between tasks of one number.
fn tasks(dice: &mut Dice) -> Vec<Task> {
    let mut tasks: Vec<Task> = ('a'..='l')
        .map(|letter| {
            let number = 1 + dice.below(3);
            Task {
                number,
                name: format!("{number}-{letter}"),
                needs: BTreeSet::new(),
            }
        })
        .collect();
    for _ in 0..2 * tasks.len() {
        let (task, need) = (dice.below(tasks.len()), dice.below(tasks.len()));
        // The task with the later letter runs first, against the order of the names.
        if need > task && tasks[need].number == tasks[task].number {
            tasks[task].needs.insert(need);
        }
    }
    tasks
}

/// Adds a task that writes a line to `steps` before and after `body`.
fn step(test: Test, name: &str, body: &str) -> Test {
    test.task(
        name,
        &format!("echo '+{name}' >>steps\n{body}\necho '-{name}' >>steps"),
    )
}

/// Checks the steps: when a task starts, all tasks before it have ended, and at most `jobs`
/// tasks run. Returns the first problem as the error.
fn check_steps(steps: &[String], tasks: &[Task], jobs: usize) -> Result<(), String> {
    let mut running = BTreeSet::new();
    let mut done = BTreeSet::new();
    for step in steps {
        let (sign, name) = step.split_at(1);
        let task = tasks.iter().find(|task| task.name == name).unwrap();
        if sign == "-" {
            running.remove(name);
            done.insert(name);
            continue;
        }
        running.insert(name);
        if running.len() > jobs {
            return Err(format!("{running:?} run"));
        }
        let lower = tasks.iter().filter(|other| other.number < task.number);
        let mut before = lower.chain(task.needs.iter().map(|&need| &tasks[need]));
        if let Some(late) = before.find(|before| !done.contains(&*before.name)) {
            return Err(format!("{name} runs before {} has ended", late.name));
        }
    }
    if done.len() == tasks.len() && steps.len() == 2 * tasks.len() {
        Ok(())
    } else {
        Err("some did not run, or ran twice".to_owned())
    }
}

fn play(seed: u64, jobs: usize) {
    let mut dice = Dice(seed);
    let tasks = tasks(&mut dice);
    let mut test = Test::new().args(["-j".to_owned(), jobs.to_string()]);
    for task in &tasks {
        test = step(test, &task.name, &format!("sleep 0.0{}", dice.below(8)));
        let needs: Vec<&str> = task.needs.iter().map(|&need| &*tasks[need].name).collect();
        test = test.config(&format!(
            "[{}]\ndepends_on = {}",
            task.name,
            needs.join(" ")
        ));
    }
    let ran = test.run().status(0);
    let steps = ran.lines("steps");
    if let Err(wrong) = check_steps(&steps, &tasks, jobs) {
        panic!("seed {seed}: {wrong}; {}; {}", steps.join(" "), ran.stderr);
    }
}

#[test]
fn two_workers_keep_to_numbers_and_dependencies() {
    (0..4).for_each(|seed| play(seed, 2));
}

#[test]
fn three_workers_keep_to_numbers_and_dependencies() {
    (100..104).for_each(|seed| play(seed, 3));
}

/// The long task waits for the nine others, so it ends only if one worker runs all of them
/// while the other one runs the long task.
#[test]
fn short_tasks_run_beside_a_long_one_and_the_next_number_waits_for_it() {
    let long = "until [ $(grep -c '^-1-short' steps) -eq 9 ]; do sleep 0.02; done";
    let mut test = step(Test::new(), "1-long", long);
    for short in 1..=9 {
        test = step(test, &format!("1-short{short}"), "sleep 0.03");
    }
    let ran = step(test, "2-next", "")
        .config("max_time = 60\nmax_tries = 1")
        .args(["-j", "2"])
        .run()
        .status(0);
    let steps = ran.lines("steps");
    let of_short = |step: &&String| step.contains("short");
    let short: Vec<&String> = steps.iter().filter(of_short).collect();
    let others: Vec<&String> = steps.iter().filter(|step| !of_short(step)).collect();
    assert_eq!(others, ["+1-long", "-1-long", "+2-next", "-2-next"]);
    let one_by_one = (1..=9).flat_map(|n| [format!("+1-short{n}"), format!("-1-short{n}")]);
    assert_eq!(
        short,
        one_by_one.collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    assert!(steps.ends_with(&["-1-long", "+2-next", "-2-next"].map(str::to_owned)));
}
