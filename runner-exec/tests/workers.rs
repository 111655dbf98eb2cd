//! Several workers: random plans, held against a model after every single end of a task.
//!
//! The launcher starts nothing. What it is given to start stands still until the test
//! lets it end, and the test does so when everything that may run does. So nothing here
//! depends on time, and a start that the rules forbid is seen when it happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    sync::{Arc, Condvar, Mutex, MutexGuard, mpsc},
    thread,
    time::Duration,
};

use proptest::{prelude::*, sample::Index};
use runner_config::{Document, Problems, Settings};
use runner_exec::{
    Cancel, ChainEnd, CommandLine, DirEntry, Ended, Event, Head, Kind, Outcome, Plan, Run,
    TaskName, Tools,
};

/// How long something that has to happen may take, however busy the machine is.
const WORKER_TIMEOUT: Duration = Duration::from_secs(60);

const MAX_TRIES: u32 = 4;
const FAILED: u8 = 1;
const HALT: u8 = 2;
const STOP: u8 = 3;

/// What the tasks are, in the order of their names.
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
    /// Whether task `a` has to be passed before task `b` may start.
    fn comes_before(&self, a: usize, b: usize) -> bool {
        self.tasks[a].number < self.tasks[b].number || self.tasks[b].needs.contains(&a)
    }

    fn config(&self) -> String {
        let retry_from = if self.from_failed { "failed" } else { "start" };
        let mut config = format!(
            "[runner]\njobs = {}\nmax_tries = {MAX_TRIES}\nretry_from = {retry_from}\n\
             sleep_time = 0\nretry_jitter = 0\nstop_codes = {STOP}\n",
            self.workers
        );
        for task in &self.tasks {
            let required = if task.required { "yes" } else { "no" };
            let needs = task.needs.iter().map(|&need| &*self.tasks[need].name);
            let needs = needs.collect::<Vec<_>>().join(" ");
            let name = &task.name;
            writeln!(
                config,
                "[{name}]\nrequired = {required}\ndepends_on = {needs}"
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
                head: Head::Binary,
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

/// What happened so far, and what may happen now.
#[derive(Clone)]
struct Model {
    world: Arc<World>,
    running: BTreeSet<usize>,
    /// Tasks that succeeded, or failed and need not succeed.
    passed: BTreeSet<usize>,
    /// Tasks that failed and need not succeed.
    failed: BTreeSet<usize>,
    /// Tasks that have passed, of which the worker that ran them may still have to tell
    /// the others. Until then they hold back what comes after them, and their worker.
    /// Nothing can be seen of that moment from outside.
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

    /// The first by name that may start, when everybody knows what has been told.
    fn first(&self) -> Option<usize> {
        let tasks = 0..self.world.tasks.len();
        let unannounced = |&other: &usize| self.unannounced.contains(&other);
        tasks.into_iter().find(|&task| {
            let mut unannounced = (0..self.world.tasks.len()).filter(unannounced);
            self.may_start(task) && !unannounced.any(|other| self.world.comes_before(other, task))
        })
    }

    /// What can be running once nothing changes any more by itself. It is one set of
    /// tasks, unless there are several who have not told yet: the first of them that
    /// does decides what its worker finds to start.
    fn settled(&self) -> BTreeSet<BTreeSet<usize>> {
        let mut settled = BTreeSet::new();
        if self.running.len() + self.unannounced.len() < self.world.workers
            && let Some(first) = self.first()
        {
            let mut next = self.clone();
            next.running.insert(first);
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

    /// A task starts; says why when it must not.
    fn start(&mut self, task: usize, try_num: u32) -> Result<(), String> {
        let name = &self.world.tasks[task].name;
        if !self.may_start(task) {
            return Err(format!(
                "`{name}` started, and must not yet, or not any more"
            ));
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

    /// A running task ends.
    fn end(&mut self, task: usize, code: u8) {
        self.running.remove(&task);
        match code {
            // It was asked to end, and what it says changes nothing.
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
        // One waits for the next try, and all have told before.
        self.unannounced.clear();
        if !self.world.from_failed {
            self.passed.clear();
            self.failed.clear();
        }
    }

    /// Draws from what has started meanwhile who must have told.
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

/// Where the tasks stand still.
struct Stage {
    scene: Mutex<Scene>,
    changed: Condvar,
}

struct Scene {
    model: Model,
    /// How the tasks end that may.
    ends: BTreeMap<usize, End>,
    /// Whether the chain knows of the last end.
    applied: bool,
    /// What went wrong first; from then on everything ends at once.
    broken: Option<String>,
}

#[derive(Clone, Copy)]
struct End {
    code: u8,
    /// Whether the runner has asked the task to end.
    asked: bool,
}

impl Stage {
    fn lock(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap()
    }

    /// Waits until `reached` says so, or something is wrong.
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
        if let Event::TaskEnd { .. } = event {
            self.lock().applied = true;
            self.changed.notify_all();
        }
    }

    /// Lets a task end, and says what can be running then.
    fn let_end(
        &self,
        mut scene: MutexGuard<Scene>,
        task: usize,
        code: u8,
    ) -> BTreeSet<BTreeSet<usize>> {
        let asked = scene.model.over.is_some();
        scene.ends.insert(task, End { code, asked });
        scene.applied = false;
        scene.model.end(task, code);
        self.changed.notify_all();
        scene.model.settled()
    }
}

impl Stage {
    fn launch(&self, command: CommandLine, cancel: &Cancel) -> Ended {
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
        let asked = (cancel.cut.as_ref()).is_some_and(|cut| cut.get().is_some());
        let end = scene.ends.remove(&task);
        if end.is_some_and(|end| end.asked != asked) {
            let wrong = format!("{name:?} was asked to end: {asked}");
            scene.broken.get_or_insert(wrong);
            self.changed.notify_all();
        }
        Ended {
            outcome: Outcome::Exited(end.map_or(0, |end| end.code)),
            elapsed: Duration::ZERO,
            asked,
            left: Vec::new(),
            unknown: Vec::new(),
            undying: Vec::new(),
        }
    }
}

/// Runs the plan on the stage, beside; the end comes through the channel.
fn run(plan: Plan, stage: &Arc<Stage>) -> mpsc::Receiver<ChainEnd> {
    let (ended, end) = mpsc::channel();
    let stage = stage.clone();
    // A runner that hangs keeps this thread, and not the test.
    thread::spawn(move || {
        let tools = Tools {
            launcher: &|command, _, cancel, _| stage.launch(command, cancel),
            stop: &Cancel::default(),
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

/// Lets the tasks end one after the other, as `script` says, and all of them well behind
/// its end. In between everything that may run does, and nothing else.
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
        // Whoever starts first, it is as many in the end.
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
                // Ranks go another way than names, so that both orders matter.
                if same && dice[need].3 < *rank {
                    tasks[task].needs.insert(need);
                }
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
        // A worker that stays idle is waited for each time.
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
