//! The loop that follows the chain, with a scripted launcher instead of processes.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use runner_config::{Document, Origin, Override, Problems, Settings};
use runner_exec::{
    ChainEnd, CommandLine, DirEntry, Ended, Event, FileFormat, Kind, Latch, Outcome, Plan, Reload,
    Run, Runs, Signal, StartFailure, StopSignals, TaskName, Tools,
};

/// Launcher without processes. A program exits with its code in `codes`, or with 0.
#[derive(Default)]
struct Script {
    codes: HashMap<(&'static str, u32), u8>,
    /// Names of the started programs, in order. A hook is `PHASE:TASK`.
    started: Mutex<Vec<String>>,
    running: AtomicUsize,
    most_running: AtomicUsize,
    /// Each program waits until this number of programs run at the same time.
    meeting: Option<usize>,
    met: (Mutex<()>, Condvar),
    /// The outputs of each program.
    outputs: HashMap<String, String>,
    /// For each program, the variables whose names begin with `V`.
    seen: Mutex<HashMap<String, String>>,
    /// Sends a stop signal when this program starts.
    stop_at: Option<(&'static str, Arc<Latch<Signal>>)>,
}

impl Script {
    fn launch(&self, command: CommandLine, stop: &StopSignals) -> Ended {
        let variable = |name: &str| {
            let (_, value) = command.env.iter().rfind(|(set, _)| set == name)?;
            value.as_ref()?.to_str()
        };
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        let name = command.program.file_name().unwrap().to_str().unwrap();
        let (task, phase) = (variable("RUNNER_TASK").unwrap(), variable("RUNNER_HOOK"));
        let started = match phase {
            Some(phase) => format!("{phase}:{task}"),
            None => name.to_owned(),
        };
        self.started.lock().unwrap().push(started.clone());
        let mut values = BTreeMap::new();
        for (name, value) in command.env.iter() {
            let name = name.to_str().unwrap();
            if let (Some(value), true) = (value, name.starts_with('V')) {
                values.insert(name, value);
            }
        }
        (self.seen.lock().unwrap()).insert(started, format!("{values:?}"));
        if let (Some(text), None) = (self.outputs.get(name), phase) {
            fs::write(variable("RUNNER_OUTPUTS").unwrap(), text).unwrap();
        }
        if let Some(number) = self.meeting {
            let lock = self.met.0.lock().unwrap();
            let far = |_: &mut ()| self.most_running.load(Ordering::SeqCst) < number;
            self.met.1.notify_all();
            let timeout = Duration::from_secs(60);
            let met = self.met.1.wait_timeout_while(lock, timeout, far).unwrap();
            assert!(!met.1.timed_out(), "{number} never ran at the same time");
        }
        let end_requested = match &self.stop_at {
            Some((program, latch)) if *program == name => {
                latch.set(Signal(15));
                stop.requested().is_some()
            }
            _ => stop.requested().is_some(),
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        let try_num: u32 = variable("RUNNER_TRY_NUM").unwrap().parse().unwrap();
        let code = match phase {
            Some(_) => 0,
            None => self
                .codes
                .iter()
                .find_map(|((program, at), code)| {
                    (*program == name && *at == try_num).then_some(*code)
                })
                .unwrap_or(0),
        };
        Ended {
            outcome: match code {
                127 => Outcome::NotStarted(StartFailure {
                    reason: "the script says so".to_owned(),
                    hint: None,
                }),
                code => Outcome::Exited(code),
            },
            elapsed: Duration::ZERO,
            end_requested,
            left: Vec::new(),
            unknown: Vec::new(),
            unkillable: Vec::new(),
        }
    }
}

fn plan(tasks: &[&str], settings: &[(&str, &str)]) -> Plan {
    plan_of(tasks, settings, Document::default())
}

fn plan_of(tasks: &[&str], settings: &[(&str, &str)], document: Document) -> Plan {
    let waitless = [
        ("sleep_time", "0"),
        ("retry_jitter", "0"),
        ("task_hook", "/hook"),
    ];
    let overrides: Vec<Override> = (waitless.iter().chain(settings))
        .map(|(key, value)| Override {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: Origin::Option("--set"),
        })
        .collect();
    let entries = tasks.iter().map(|name| DirEntry {
        name: TaskName::new(name),
        is_roots: true,
        kind: Kind::File {
            executable: true,
            format: FileFormat::Binary,
        },
    });
    let mut problems = Problems::default();
    let settings = Settings::new(document, &overrides, &mut problems);
    let plan = Plan::new(
        "/tasks".as_ref(),
        entries.collect(),
        settings,
        false,
        None,
        &mut problems,
    );
    assert!(!problems.has_errors(), "{problems:?}");
    plan
}

fn run(script: &Script, plan: &Plan, stop: &StopSignals) -> ChainEnd {
    let tools = Tools {
        launcher: &|command, _, stop, _| script.launch(command, stop),
        stop,
        sink: &|_| {},
        lock: None,
        outlet: None,
        random: || 0.0,
        config_cmd: "runner-config".as_ref(),
    };
    Run::new(plan, &tools).run().unwrap()
}

fn started(script: &Script) -> String {
    script.started.lock().unwrap().join(" ")
}

#[test]
fn hooks_run_around_each_task_and_not_around_the_halt_task() {
    let script = Script {
        codes: HashMap::from([(("1-a", 1), 1), (("2-b", 2), 2)]),
        ..Script::default()
    };
    let end = run(
        &script,
        &plan(&["1-a", "2-b", "halt.sh"], &[]),
        &StopSignals::default(),
    );
    assert_eq!(end, ChainEnd::Halted);
    assert_eq!(
        started(&script),
        "pre:1-a 1-a post:1-a pre:1-a 1-a post:1-a pre:2-b 2-b post:2-b halt.sh"
    );
}

#[test]
fn exactly_jobs_tasks_run_at_the_same_time() {
    let tasks = ["1-a", "1-b", "1-c", "1-d", "1-e", "1-f"];
    let script = Script {
        meeting: Some(3),
        ..Script::default()
    };
    let end = run(
        &script,
        &plan(&tasks, &[("jobs", "3")]),
        &StopSignals::default(),
    );
    assert_eq!(end, ChainEnd::Finished { failed: 0 });
    assert_eq!(script.most_running.load(Ordering::SeqCst), 3);
}

#[test]
fn a_task_that_did_not_start_is_tried_again() {
    let script = Script {
        codes: HashMap::from([(("1-a", 1), 127), (("1-a", 2), 127)]),
        ..Script::default()
    };
    let plan = plan(&["1-a"], &[("max_tries", "2"), ("task_hook", "")]);
    assert_eq!(
        run(&script, &plan, &StopSignals::default()),
        ChainEnd::GaveUp
    );
    assert_eq!(started(&script), "1-a 1-a");
}

#[test]
fn after_a_stop_signal_only_the_post_hook_starts() {
    for jobs in ["1", "2"] {
        let latch = Arc::new(Latch::new().unwrap());
        let stop = StopSignals {
            request: Some(latch.clone()),
            ..StopSignals::default()
        };
        let script = Script {
            codes: HashMap::from([(("1-a", 1), 2)]),
            stop_at: Some(("1-a", latch)),
            ..Script::default()
        };
        let plan = plan(&["1-a", "2-b", "halt.sh"], &[("jobs", jobs)]);
        assert_eq!(run(&script, &plan, &stop), ChainEnd::Interrupted);
        assert_eq!(started(&script), "pre:1-a 1-a post:1-a");
    }
}

#[test]
fn each_run_counts_its_tries_from_one() {
    let script = Script {
        codes: HashMap::from([(("1-a", 1), 1)]),
        ..Script::default()
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = seen.clone();
        move |event: &Event| {
            if let Event::TryStart { try_num, .. } = event {
                seen.lock().unwrap().push(*try_num);
            }
        }
    };
    let runs = Runs {
        times: 3.try_into().ok(),
        halt_after: true,
        tools: Tools {
            launcher: &|command, _, stop, _| script.launch(command, stop),
            stop: &StopSignals::default(),
            sink: &sink,
            lock: None,
            outlet: None,
            random: || 0.0,
            config_cmd: "runner-config".as_ref(),
        },
        reload: &|_| Reload::Wrong,
    };
    let end = runs
        .run(plan(&["1-a", "halt.sh"], &[("task_hook", "")]))
        .unwrap();
    assert_eq!(end.end, Some(ChainEnd::Finished { failed: 0 }));
    assert_eq!(started(&script), "1-a 1-a 1-a 1-a 1-a 1-a halt.sh");
    assert_eq!(*seen.lock().unwrap(), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn the_longest_wait_of_several_retries_counts() {
    /// Random numbers, taken from the end. The first one is for the id of the run.
    static RANDOM_NUMBERS: Mutex<Vec<f64>> = Mutex::new(Vec::new());
    *RANDOM_NUMBERS.lock().unwrap() = vec![0.25, 0.5, 0.125, 1.0, 0.0];
    let script = Script {
        codes: HashMap::from([(("a", 1), 1), (("b", 1), 1), (("c", 1), 1), (("b", 2), 1)]),
        meeting: Some(3),
        ..Script::default()
    };
    let waits = Mutex::new(Vec::new());
    let tools = Tools {
        launcher: &|command, _, stop, _| script.launch(command, stop),
        stop: &StopSignals::default(),
        sink: &|event| {
            if let Event::Wait { time, .. } = event {
                waits.lock().unwrap().push(time.as_millis());
            }
        },
        lock: None,
        outlet: None,
        random: || RANDOM_NUMBERS.lock().unwrap().pop().unwrap(),
        config_cmd: "runner-config".as_ref(),
    };
    let plan = plan(
        &["a", "b", "c"],
        &[("jobs", "3"), ("task_hook", ""), ("retry_jitter", "0.4")],
    );
    let end = Run::new(&plan, &tools).run().unwrap();
    assert_eq!(end, ChainEnd::Finished { failed: 0 });
    assert_eq!(*waits.lock().unwrap(), [400, 100]);
}

/// Names of random tasks: three numbers, four tasks each.
const NAMES: [&str; 12] = [
    "1-a", "1-b", "1-c", "1-d", "2-a", "2-b", "2-c", "2-d", "3-a", "3-b", "3-c", "3-d",
];

/// Returns `true` if the task must wait for the other one.
fn waits_for(needs: &[Vec<usize>], task: usize, other: usize) -> bool {
    let number = |task: usize| task / 4;
    number(other) < number(task)
        || (needs[task].iter()).any(|need| *need == other || waits_for(needs, *need, other))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn with_any_number_of_jobs_a_task_sees_the_outputs_of_those_it_waited_for(
        ranks in prop::array::uniform12(any::<u8>()),
        wishes in prop::array::uniform12(prop::array::uniform12(prop::bool::weighted(0.3))),
        outputs in prop::array::uniform12(prop::collection::btree_set(0..3_u8, 0..3)),
        failing in 0..12_usize,
    ) {
        let needs: Vec<Vec<usize>> = (0..12).map(|task| {
            let lower = |other: &usize| (ranks[*other], *other) < (ranks[task], task);
            let wished = |other: &usize| *other / 4 <= task / 4 && wishes[task][*other];
            (0..12).filter(lower).filter(wished).collect()
        }).collect();
        let mut config = String::new();
        for (task, needs) in needs.iter().enumerate() {
            let needs: Vec<&str> = needs.iter().map(|need| NAMES[*need]).collect();
            config += &format!("[{}]\ndepends_on = {}\n", NAMES[task], needs.join(" "));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), config).unwrap();
        // The order of the plan: of the tasks that can start, the first by name.
        let mut order: Vec<usize> = Vec::new();
        while order.len() < 12 {
            let is_done = |task: usize| order.contains(&task);
            let can_start = |task: &usize| !is_done(*task)
                && (0..12).all(|other| is_done(other) || !waits_for(&needs, *task, other));
            let next = (0..12).find(can_start).unwrap();
            order.push(next);
        }
        let written = |task: usize| outputs[task].iter().map(move |name| (format!("V{name}"), NAMES[task]));
        let expected = |task: usize| {
            let visible = order.iter().filter(|other| waits_for(&needs, task, **other));
            let values: BTreeMap<String, &str> = visible.flat_map(|other| written(*other)).collect();
            format!("{values:?}")
        };
        for jobs in ["1", "4"] {
            let script = Script {
                codes: HashMap::from([((NAMES[failing], 1), 1)]),
                outputs: (0..12).map(|task| {
                    let lines = written(task).map(|(name, value)| format!("{name}={value}\n"));
                    (NAMES[task].to_owned(), lines.collect())
                }).collect(),
                ..Script::default()
            };
            let runs = Runs {
                times: 1.try_into().ok(),
                halt_after: false,
                tools: Tools {
                    launcher: &|command, _, stop, _| script.launch(command, stop),
                    stop: &StopSignals::default(),
                    sink: &|_| {},
                    lock: None,
                    outlet: None,
                    random: || 0.0,
                    config_cmd: "runner-config".as_ref(),
                },
                reload: &|_| Reload::Wrong,
            };
            let document = Document::load(Some(file.path()), &[]).unwrap();
            let end = runs.run(plan_of(&NAMES, &[("jobs", jobs)], document)).unwrap();
            prop_assert_eq!(end.end, Some(ChainEnd::Finished { failed: 0 }));
            let seen = script.seen.lock().unwrap();
            for (task, name) in NAMES.iter().enumerate() {
                for process in ["", "pre:", "post:"] {
                    let process = format!("{process}{name}");
                    prop_assert_eq!(&seen[&process], &expected(task), "{}", process);
                }
            }
            let all: BTreeMap<String, OsString> = (order.iter().flat_map(|task| written(*task)))
                .map(|(name, value)| (name, value.into()))
                .collect();
            prop_assert_eq!(end.outputs, all);
        }
    }
}
