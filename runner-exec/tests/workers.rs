//! Several workers on random plans, checked against a model after each end of a task.
//!
//! The launcher starts no process. A task runs until the test ends it, and the test does so
//! when all tasks run that are allowed to. So the result does not depend on time, and a
//! start that the rules forbid is noticed immediately.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, mpsc},
    thread,
    time::Duration,
};

use proptest::{prelude::*, sample::Index};
use runner_config::{Document, Problems, Settings};
use runner_exec::{
    ChainEnd, CommandLine, DirEntry, Ended, Event, FileFormat, Kind, Outcome, Plan, Run,
    StopSignals, TaskName, Tools,
};

/// Maximum wait for a step of the workers, with a wide margin for a busy machine.
const WORKER_TIMEOUT: Duration = Duration::from_secs(60);

const MAX_TRIES: u32 = 4;
const FAILED: u8 = 1;
const HALT: u8 = 2;
const STOP: u8 = 3;

/// A random plan. The tasks are in the order of their names.
#[derive(Clone, Debug)]
struct World {
    workers: usize,
    from_failed: bool,
    tasks: Vec<Task>,
}

#[derive(Clone, Debug)]
struct Task {
    name: String,
    number: usize,
    needs: BTreeSet<usize>,
    required: bool,
}

impl World {
    /// Returns `true` if task `a` must have passed before task `b` can start.
    fn comes_before(&self, a: usize, b: usize) -> bool {
        self.tasks[a].number < self.tasks[b].number || self.tasks[b].needs.contains(&a)
    }

    fn config(&self) -> String {
        let retry_from = if self.from_failed { "failed" } else { "start" };
        let mut config = format!(
            "[runner]\njobs = {}\nmax_tries = {MAX_TRIES}\nretry_from = {retry_from}\n\
             sleep_time = 0\nretry_jitter = 0\n",
            self.workers
        );
        for task in &self.tasks {
            let required = if task.required { "yes" } else { "no" };
            let needs = task.needs.iter().map(|&need| &*self.tasks[need].name);
            let needs = needs.collect::<Vec<_>>().join(" ");
            let name = &task.name;
            writeln!(
                config,
                "[{name}]\nrequired = {required}\ndepends_on = {needs}\n\
                 halt_codes = {HALT}\nstop_codes = {STOP}"
            )
            .unwrap();
        }
        config
    }

    fn plan(&self) -> Plan {
        let config = tempfile::NamedTempFile::new().unwrap();
        fs::write(config.path(), self.config()).unwrap();
        let mut problems = Problems::default();
        let document = Document::load(Some(config.path()), &[]).unwrap();
        let settings = Settings::new(document, &[], &mut problems);
        let entries = self.tasks.iter().map(|task| DirEntry {
            name: TaskName::new(&task.name),
            is_roots: true,
            kind: Kind::File {
                executable: true,
                format: FileFormat::Binary,
            },
        });
        let entries = entries.collect();
        let plan = Plan::new(
            "/tasks".as_ref(),
            entries,
            settings,
            false,
            None,
            &mut problems,
        );
        assert!(!problems.has_errors(), "{problems:?}");
        plan
    }
}

/// The events so far, and the steps that are allowed now.
#[derive(Clone)]
struct Model {
    world: Arc<World>,
    running: BTreeSet<usize>,
    /// Tasks that succeeded, and tasks that failed but are not required.
    passed: BTreeSet<usize>,
    /// Tasks that failed but are not required.
    failed: BTreeSet<usize>,
    /// Those of them that were not started.
    not_started: BTreeSet<usize>,
    /// Tasks that have passed, but whose worker may not have reported that to the chain yet.
    /// Until then the worker is busy, and the tasks after them cannot start. The test cannot
    /// observe that moment.
    unannounced: BTreeSet<usize>,
    try_num: u32,
    retry: bool,
    over: Option<ChainEnd>,
}

impl Model {
    fn new(world: Arc<World>) -> Model {
        Model {
            world,
            running: BTreeSet::new(),
            passed: BTreeSet::new(),
            failed: BTreeSet::new(),
            not_started: BTreeSet::new(),
            unannounced: BTreeSet::new(),
            try_num: 1,
            retry: false,
            over: None,
        }
    }

    fn may_start(&self, task: usize) -> bool {
        let world = &self.world;
        let mut before = (0..world.tasks.len()).filter(|&other| world.comes_before(other, task));
        !self.retry
            && self.over.is_none()
            && !self.running.contains(&task)
            && !self.passed.contains(&task)
            && before.all(|other| self.passed.contains(&other))
    }

    /// Returns `true` if `task` is not started, because a task that it needs failed. Such
    /// tasks are not required here: the moment at which a required one fails cannot be
    /// observed, and nothing starts after it.
    fn lacks_a_need(&self, task: usize) -> bool {
        !self.failed.is_disjoint(&self.world.tasks[task].needs)
    }

    /// Fails a task that is not started.
    fn fail(&mut self, task: usize) {
        self.failed.insert(task);
        self.not_started.insert(task);
        self.pass(task);
    }

    /// The first task by name that can start after the ends that were announced.
    fn first(&self) -> Option<usize> {
        let tasks = 0..self.world.tasks.len();
        let unannounced = |&other: &usize| self.unannounced.contains(&other);
        tasks.into_iter().find(|&task| {
            let mut unannounced = (0..self.world.tasks.len()).filter(unannounced);
            self.may_start(task) && !unannounced.any(|other| self.world.comes_before(other, task))
        })
    }

    /// All sets of tasks that can be running when nothing changes without the test. It is one
    /// set, unless several ends are unannounced: the order of their announcements decides
    /// which task a free worker starts.
    fn settled(&self) -> BTreeSet<BTreeSet<usize>> {
        let mut settled = BTreeSet::new();
        if self.running.len() + self.unannounced.len() < self.world.workers
            && let Some(first) = self.first()
        {
            let mut next = self.clone();
            if self.lacks_a_need(first) {
                next.fail(first);
            } else {
                next.running.insert(first);
            }
            settled.extend(next.settled());
        }
        for task in &self.unannounced {
            let mut next = self.clone();
            next.unannounced.remove(task);
            settled.extend(next.settled());
        }
        if settled.is_empty() {
            settled.insert(self.running.clone());
        }
        settled
    }

    /// Starts a task. Returns the broken rule as the error.
    fn start(&mut self, task: usize, try_num: u32) -> Result<(), String> {
        let name = &self.world.tasks[task].name;
        if !self.may_start(task) {
            return Err(format!(
                "`{name}` started, and must not yet, or not any more"
            ));
        }
        if self.lacks_a_need(task) {
            return Err(format!("`{name}` started without what it needs"));
        }
        if self.running.len() == self.world.workers {
            return Err(format!("`{name}` started as one too many"));
        }
        if try_num != self.try_num {
            return Err(format!("`{name}` started in try {try_num}"));
        }
        self.running.insert(task);
        Ok(())
    }

    /// Ends a running task with this exit code.
    fn end(&mut self, task: usize, code: u8) {
        self.running.remove(&task);
        match code {
            // A task that was stopped no longer counts, whatever its exit code.
            _ if self.over.is_some() => {}
            0 => self.pass(task),
            HALT => self.over = Some(ChainEnd::Halted),
            STOP => self.over = Some(ChainEnd::Stopped),
            _ if !self.world.tasks[task].required => {
                self.failed.insert(task);
                self.pass(task);
            }
            _ if self.try_num == MAX_TRIES => self.over = Some(ChainEnd::GaveUp),
            _ => self.retry = true,
        }
        if self.running.is_empty() && self.retry && self.over.is_none() {
            self.again();
        }
    }

    fn pass(&mut self, task: usize) {
        self.passed.insert(task);
        self.unannounced.insert(task);
    }

    fn again(&mut self) {
        self.try_num += 1;
        self.retry = false;
        // The next try begins when all workers have announced their ends.
        self.unannounced.clear();
        if !self.world.from_failed {
            self.passed.clear();
            self.failed.clear();
        }
        // A failed task starts again if another one needs it: that one was not started.
        let tasks = &self.world.tasks;
        let is_needed = |task: &usize| tasks.iter().any(|other| other.needs.contains(task));
        let (again, failed) = mem::take(&mut self.failed)
            .into_iter()
            .partition(|task| is_needed(task) || self.not_started.contains(task));
        self.failed = failed;
        self.passed = &self.passed - &again;
        self.not_started.clear();
    }

    /// Removes the tasks whose end must have been announced, since later tasks have started.
    fn infer_announced(&mut self) {
        if self.running.len() == self.world.workers {
            self.unannounced.clear();
        }
        let (world, running) = (&self.world, &self.running);
        let holds = |&task: &usize| !running.iter().any(|&later| world.comes_before(task, later));
        self.unannounced.retain(holds);
    }

    fn chain_end(&self) -> ChainEnd {
        let failed = self.failed.len();
        self.over.unwrap_or(ChainEnd::Finished { failed })
    }
}

/// Launcher whose tasks run until the test ends them.
struct Stage {
    scene: Mutex<Scene>,
    changed: Condvar,
}

struct Scene {
    model: Model,
    /// Ends of the tasks that the test has ended, for the launcher.
    ends: BTreeMap<usize, End>,
    /// `true` when the chain has applied the verdict of the last end.
    applied: bool,
    /// The first broken rule. After it all tasks end at once.
    broken: Option<String>,
}

#[derive(Clone, Copy)]
struct End {
    code: u8,
    /// `true` if the runner must have sent the task a stop signal.
    end_requested: bool,
}

impl Stage {
    fn lock(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap()
    }

    /// Waits until `reached` returns `true` or a rule is broken.
    fn until(&self, reached: impl Fn(&Scene) -> bool) -> MutexGuard<'_, Scene> {
        let not_yet = |scene: &mut Scene| scene.broken.is_none() && !reached(scene);
        let wait = self
            .changed
            .wait_timeout_while(self.lock(), WORKER_TIMEOUT, not_yet);
        let (mut scene, wait) = wait.unwrap();
        if wait.timed_out() {
            scene.broken = Some("a worker is idle although a task may start".to_owned());
            self.changed.notify_all();
        }
        scene
    }

    fn listen(&self, event: &Event) {
        if let Event::TaskEnd {
            task,
            try_num,
            outcome,
            ..
        } = event
        {
            let mut scene = self.lock();
            let model = &mut scene.model;
            match outcome {
                // The event can come after the last end of its try.
                Outcome::NotStarted(_) if model.try_num == *try_num => {
                    let mut tasks = model.world.tasks.iter();
                    let failed = tasks.position(|it| task.as_os_str() == &*it.name).unwrap();
                    model.fail(failed);
                }
                Outcome::NotStarted(_) => {}
                _ => scene.applied = true,
            }
            drop(scene);
            self.changed.notify_all();
        }
    }

    /// Ends a task. Returns the sets of tasks that can be running then.
    fn let_end(
        &self,
        mut scene: MutexGuard<Scene>,
        task: usize,
        code: u8,
    ) -> BTreeSet<BTreeSet<usize>> {
        let end_requested = scene.model.over.is_some();
        scene.ends.insert(
            task,
            End {
                code,
                end_requested,
            },
        );
        scene.applied = false;
        scene.model.end(task, code);
        self.changed.notify_all();
        scene.model.settled()
    }
}

impl Stage {
    fn launch(&self, command: CommandLine, stop: &StopSignals) -> Ended {
        let name = command.program.file_name().unwrap();
        let (_, try_num) = (command.env.iter().rfind(|(key, _)| key == "RUNNER_TRY_NUM")).unwrap();
        let try_num = try_num.as_ref().unwrap().to_str().unwrap().parse().unwrap();
        let mut scene = self.lock();
        let mut tasks = scene.model.world.tasks.iter();
        let task = tasks.position(|task| name == &*task.name).unwrap();
        if let Err(wrong) = scene.model.start(task, try_num) {
            scene.broken.get_or_insert(wrong);
        }
        self.changed.notify_all();
        let is_waiting =
            |scene: &mut Scene| scene.broken.is_none() && !scene.ends.contains_key(&task);
        let mut scene = self.changed.wait_while(scene, is_waiting).unwrap();
        let end_requested = (stop.cut.as_ref()).is_some_and(|cut| cut.get().is_some());
        let end = scene.ends.remove(&task);
        if end.is_some_and(|end| end.end_requested != end_requested) {
            let wrong = format!("{name:?} was requested to end: {end_requested}");
            scene.broken.get_or_insert(wrong);
            self.changed.notify_all();
        }
        Ended {
            outcome: Outcome::Exited(end.map_or(0, |end| end.code)),
            elapsed: Duration::ZERO,
            end_requested,
            left: Vec::new(),
            unknown: Vec::new(),
            unkillable: Vec::new(),
        }
    }
}

/// Runs the plan in a thread. The channel gets the end of the chain.
fn run(plan: Plan, stage: &Arc<Stage>) -> mpsc::Receiver<ChainEnd> {
    let (ended, end) = mpsc::channel();
    let stage = stage.clone();
    // A run that hangs blocks this thread, not the test.
    thread::spawn(move || {
        let tools = Tools {
            launcher: &|command, _, stop, _| stage.launch(command, stop),
            stop: &StopSignals::default(),
            sink: &|event| stage.listen(event),
            lock: None,
            outlet: None,
            random: || 0.0,
            config_cmd: "runner-config".as_ref(),
        };
        let _ = ended.send(Run::new(&plan, &tools).run().unwrap());
    });
    end
}

/// Ends the tasks one after the other as `script` says, and the others with success. Checks
/// before each end that exactly the allowed tasks run. Returns the first broken rule as the
/// error.
fn play(world: World, script: Vec<(Index, u8)>) -> Result<(), String> {
    let plan = world.plan();
    let model = Model::new(Arc::new(world));
    let mut possible = model.settled();
    let stage = Arc::new(Stage {
        scene: Mutex::new(Scene {
            model,
            ends: BTreeMap::new(),
            applied: true,
            broken: None,
        }),
        changed: Condvar::new(),
    });
    let end = run(plan, &stage);
    let mut script = script.into_iter();
    loop {
        // All possible sets have the same size.
        let number = possible.first().unwrap().len();
        let all_run = |scene: &Scene| scene.applied && scene.model.running.len() == number;
        let mut scene = stage.until(all_run);
        let model = &mut scene.model;
        if !possible.contains(&model.running) {
            let running = &model.running;
            let wrong = format!("{running:?} run, and not one of {possible:?}");
            scene.broken.get_or_insert(wrong);
            stage.changed.notify_all();
        }
        if let Some(wrong) = &scene.broken {
            return Err(wrong.clone());
        }
        let model = &mut scene.model;
        model.infer_announced();
        let running: Vec<usize> = model.running.iter().copied().collect();
        if running.is_empty() {
            break;
        }
        let (task, code) = match script.next() {
            Some((which, code)) => (*which.get(&running), code),
            None => (running[0], 0),
        };
        possible = stage.let_end(scene, task, code);
    }
    let end = end
        .recv_timeout(WORKER_TIMEOUT)
        .map_err(|error| error.to_string())?;
    let scene = stage.lock();
    let expected = scene.model.chain_end();
    match &scene.broken {
        Some(wrong) => Err(wrong.clone()),
        None if end != expected => Err(format!("the end is {end:?}, and not {expected:?}")),
        None => Ok(()),
    }
}

fn world() -> impl Strategy<Value = World> {
    let needs = prop::collection::vec(any::<Index>(), 0..3);
    let task = (0..4_u8, 0..6_u8, needs, any::<u16>());
    let tasks = prop::collection::vec(task, 1..14);
    (1..=4_usize, any::<bool>(), tasks).prop_map(|(workers, from_failed, dice)| {
        let mut tasks: Vec<Task> = Vec::new();
        for (letter, (next_number, optional, _, _)) in ('a'..).zip(&dice) {
            let number = tasks.last().map_or(0, |task| task.number);
            let number = number + usize::from(*next_number == 0);
            tasks.push(Task {
                name: format!("{number}-{letter}"),
                number,
                needs: BTreeSet::new(),
                required: *optional > 0,
            });
        }
        for (task, (_, _, needs, rank)) in dice.iter().enumerate() {
            for need in needs {
                let need = need.index(dice.len());
                let same = tasks[need].number == tasks[task].number;
                let lower = tasks[need].number < tasks[task].number;
                // The order of ranks differs from the order of names, so both are tested.
                if lower || same && dice[need].3 < *rank {
                    tasks[task].needs.insert(need);
                }
            }
        }
        // A task that needs an optional one is optional too; see `Model::lacks_a_need`.
        for _ in 0..tasks.len() {
            let required: Vec<bool> = tasks.iter().map(|task| task.required).collect();
            for task in &mut tasks {
                task.required &= task.needs.iter().all(|&need| required[need]);
            }
        }
        World {
            workers,
            from_failed,
            tasks,
        }
    })
}

fn code() -> impl Strategy<Value = u8> {
    prop_oneof![60 => Just(0), 6 => Just(FAILED), 1 => Just(HALT), 1 => Just(STOP)]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        // Each failing case waits for an idle worker until the timeout.
        max_shrink_time: 10_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn exactly_the_allowed_tasks_run(
        world in world(),
        script in prop::collection::vec((any::<Index>(), code()), 0..60),
    ) {
        prop_assert_eq!(play(world, script), Ok(()));
    }
}
