//! Random chains of misbehaving tasks, from a seed: the run ends as the contract requires,
//! hooks get the correct results, and no process is left behind.
//!
//! `RUNNER_CHAOS=300` runs 300 chains instead of a few.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use serde_json::Value;

use crate::support::{Dice, Test};

/// A task, and its behaviour in each try. In later tries it succeeds.
#[derive(Clone)]
struct Task {
    name: String,
    tries: Vec<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Succeed,
    /// Writes much to stdout and succeeds.
    Flood,
    /// Closes stdout and stderr and succeeds.
    Close,
    /// Leaves processes in its group and succeeds.
    Leave,
    Exit(u8),
    Die,
    /// Runs forever.
    Hang,
    /// Runs forever and ignores SIGTERM.
    Ignore,
    /// Stops itself.
    Stop,
    /// Runs forever with children that ignore SIGTERM.
    Fork,
    /// Runs forever, and leaves a daemon in a session of its own.
    Daemonize,
}

use Act::{Close, Daemonize, Die, Exit, Flood, Fork, Hang, Ignore, Leave, Stop, Succeed};

impl Act {
    fn script(self) -> String {
        match self {
            Succeed => "exit 0".to_owned(),
            Flood => "dd if=/dev/zero bs=65536 count=16 2>/dev/null; exit 0".to_owned(),
            Close => "exec >&- 2>&-; exit 0".to_owned(),
            Leave => "sleep 97 & sleep 97 & exit 0".to_owned(),
            Exit(code) => format!("exit {code}"),
            Die => "kill -KILL $$".to_owned(),
            Hang => "sleep 97".to_owned(),
            Ignore => "trap '' TERM; sleep 97; sleep 97".to_owned(),
            Stop => "kill -STOP $$; sleep 97".to_owned(),
            Fork => {
                "for i in 1 2 3 4 5; do sh -c 'trap \"\" TERM; sleep 97; sleep 97' & done; wait"
                    .to_owned()
            }
            Daemonize => "(setsid sleep 97 &); sleep 97".to_owned(),
        }
    }

    /// Result that the hook gets if code 2 halts and code 3 stops.
    fn result(self) -> &'static str {
        match self {
            Succeed | Flood | Close | Leave | Exit(0) => "OK",
            Exit(2) => "HALT",
            Exit(3) => "EXIT",
            Exit(_) | Die | Hang | Ignore | Stop | Fork | Daemonize => "RETRY",
        }
    }
}

impl Task {
    fn act(&self, try_num: usize) -> Act {
        self.tries.get(try_num - 1).copied().unwrap_or(Succeed)
    }

    fn body(&self) -> String {
        let mut body = "case $RUNNER_TRY_NUM in\n".to_owned();
        for (index, act) in self.tries.iter().enumerate() {
            writeln!(body, "{}) {} ;;", index + 1, act.script()).unwrap();
        }
        body + "esac"
    }
}

impl Dice {
    fn act(&mut self) -> Act {
        match self.below(20) {
            0..8 => Succeed,
            8 | 9 => Flood,
            10 => Close,
            11 | 12 => Leave,
            13 | 14 => Exit(1 + 7 * self.below(30) as u8),
            15..18 => Die,
            18 => Exit(2),
            _ => Exit(3),
        }
    }

    fn hang(&mut self) -> Act {
        [Hang, Ignore, Stop, Fork, Daemonize][self.below(5)]
    }

    fn tries(&mut self) -> Vec<Act> {
        let hangs = self.below(6) == 0;
        let tries = self.below(3);
        (0..tries)
            .map(|_| if hangs { self.hang() } else { self.act() })
            .collect()
    }

    fn tasks(&mut self) -> Vec<Task> {
        let tasks = 1 + self.below(6);
        let level = |dice: &mut Dice| 1 + dice.below(3);
        let mut tasks: Vec<Task> = (0..tasks)
            .map(|index| Task {
                name: format!("{}-t{index}", level(self)),
                tries: self.tries(),
            })
            .collect();
        tasks.sort_by(|a, b| a.name.cmp(&b.name));
        tasks
    }
}

const MAX_TRIES: usize = 3;

/// Expected results of the hooks in order, and exit status, with one worker.
fn expected(tasks: &[Task]) -> (Vec<(String, usize, &'static str)>, i32) {
    let mut results = Vec::new();
    for try_num in 1..=MAX_TRIES {
        let mut failed = false;
        for task in tasks {
            let result = task.act(try_num).result();
            results.push((task.name.clone(), try_num, result));
            match result {
                "OK" => {}
                "HALT" => return (results, 2),
                "EXIT" => return (results, 3),
                _ => {
                    failed = true;
                    break;
                }
            }
        }
        if !failed {
            return (results, 0);
        }
    }
    (results, 1)
}

fn play(seed: u64, jobs: usize) {
    let tasks = Dice(seed).tasks();
    let mut test = Test::new().hook().config(&format!(
        "max_tries = {MAX_TRIES}\nstop_codes = 3\nleftovers = kill\nleak_time = 0.01\n\
             kill_grace = 0.1\njobs = {jobs}"
    ));
    for task in &tasks {
        test = test.task(&task.name, &task.body());
        // Only tasks that run forever have a limit: on a busy machine others could reach it.
        let hangs = |act: &Act| matches!(act, Hang | Ignore | Stop | Fork | Daemonize);
        if task.tries.iter().any(hangs) {
            test = test.config(&format!("[{}]\nmax_time = 1", task.name));
        }
    }
    let ran = test
        .task("halt.sh", "")
        .run()
        .within(Duration::from_secs(60));
    let reported: Vec<(String, usize, String)> = ran
        .hooks()
        .iter()
        .map(|line| serde_json::from_str::<BTreeMap<String, Value>>(line).unwrap())
        .filter_map(|stats| {
            let text = |name: &str| stats[name].as_str().unwrap().to_owned();
            let result = stats.get("result")?.as_str().unwrap().to_owned();
            Some((
                text("task"),
                stats["try_num"].as_u64().unwrap() as usize,
                result,
            ))
        })
        .collect();
    let halted = ran
        .lines("order")
        .iter()
        .filter(|name| *name == "halt.sh")
        .count();
    let (results, status) = expected(&tasks);
    let script = || {
        let acts: Vec<String> = tasks
            .iter()
            .map(|t| format!("{} {:?}", t.name, t.tries))
            .collect();
        format!("seed {seed}, {jobs} jobs, {}", acts.join(", "))
    };
    if jobs == 1 {
        let reported: Vec<_> = reported
            .iter()
            .map(|(t, n, r)| (t.clone(), *n, r.as_str()))
            .collect();
        assert_eq!(reported, results, "{}", script());
        let ran = ran.status(status);
        assert_eq!(
            halted,
            usize::from([1, 2].contains(&status)),
            "{}",
            script()
        );
        ran.nothing_left();
        return;
    }
    for (name, try_num, result) in &reported {
        let task = tasks.iter().find(|task| task.name == *name).unwrap();
        let does = task.act(*try_num).result();
        assert!(
            result == does || result == "INTERRUPTED",
            "{name} {result}; {}",
            script()
        );
    }
    let any = |wanted: &str| reported.iter().any(|(_, _, result)| result == wanted);
    let status = match (any("HALT"), any("EXIT")) {
        (true, _) => 2,
        (false, true) => 3,
        (false, false) => status_of_tries(&reported, &tasks),
    };
    assert_eq!(
        halted,
        usize::from([1, 2].contains(&status)),
        "{}",
        script()
    );
    ran.status(status).nothing_left();
}

/// Expected exit status of a run without a halt or a stop: that of its last try.
fn status_of_tries(reported: &[(String, usize, String)], tasks: &[Task]) -> i32 {
    let last = reported
        .iter()
        .map(|(_, try_num, _)| *try_num)
        .max()
        .unwrap();
    let ok = reported
        .iter()
        .filter(|(_, try_num, result)| *try_num == last && result == "OK");
    if ok.count() == tasks.len() {
        0
    } else {
        assert_eq!(last, MAX_TRIES, "it gave up too early");
        1
    }
}

fn chains() -> u64 {
    std::env::var("RUNNER_CHAOS").map_or(8, |chains| chains.parse().unwrap())
}

#[test]
fn one_worker_among_misbehaving_tasks() {
    (0..chains()).for_each(|seed| play(seed, 1));
}

#[test]
fn four_workers_among_misbehaving_tasks() {
    (0..chains()).for_each(|seed| play(1_000_000 + seed, 4));
}
