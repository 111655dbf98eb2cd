//! What would be run, and what is wrong with it.

use runner_config::Problems;
use runner_exec::{Chain, Plan, Step, Task, TaskId, Verdict};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    load::{Source, Unusable},
    log::{Log, Verbosity},
    out::answer,
};

/// `--list`: the tasks in their order.
pub(crate) fn list(source: &Source, json: bool, verbosity: Verbosity) -> Exit {
    let log = Log::plain(verbosity);
    let mut problems = Problems::default();
    let plan = source.load(&mut problems);
    log.problems(problems);
    let plan = match plan {
        Ok(plan) => plan,
        Err(unusable) => return unusable.into(),
    };
    let order = order(&plan);
    let text = match json {
        true => format!(
            "{:#}\n",
            order.iter().map(|&id| object(&plan, id)).collect::<Value>()
        ),
        false => order
            .iter()
            .map(|&id| format!("{}\n", task(&plan, id).name))
            .collect(),
    };
    answer(&text, Exit::Finished, &log)
}

/// `--check`: everything that is wrong.
pub(crate) fn check(source: &Source) -> Exit {
    let log = Log::plain(Verbosity::Verbose);
    let mut problems = Problems::default();
    let plan = source.load(&mut problems);
    let warned = problems.has_warnings();
    log.problems(problems);
    match plan {
        Err(unusable) => unusable.into(),
        Ok(_) if warned => Exit::Warned,
        Ok(plan) => {
            let tasks = match plan.tasks.len() {
                1 => "1 task".to_owned(),
                tasks => format!("{tasks} tasks"),
            };
            log.info(&format!("nothing is wrong with {tasks}"));
            Exit::Finished
        }
    }
}

impl From<Unusable> for Exit {
    fn from(unusable: Unusable) -> Exit {
        match unusable {
            Unusable::Wrong => Exit::Config,
            Unusable::NoTasks => Exit::NoInput,
        }
    }
}

/// The order in which one worker runs the tasks: the chain itself, walked with
/// every task succeeding, so that the list cannot disagree with the run.
fn order(plan: &Plan) -> Vec<TaskId> {
    let mut chain = Chain::new(plan.links.clone(), plan.settings.retry_from);
    let mut order = Vec::with_capacity(plan.tasks.len());
    while let Step::Start(task) = chain.next_step() {
        order.push(task);
        chain.judge(task, Verdict::Proceed);
        chain.ended(task);
    }
    order
}

fn task(plan: &Plan, id: TaskId) -> &Task {
    &plan.tasks[id.0]
}

fn object(plan: &Plan, id: TaskId) -> Value {
    let task = task(plan, id);
    let settings = &task.settings;
    json!({
        "task": task.name.as_os_str().to_string_lossy(),
        "path": task.path.to_string_lossy(),
        "level": plan.links[id.0].level,
        "depends_on": settings.depends_on,
        "max_time": settings.max_time.map(|time| time.as_secs_f64()),
        "max_tries": settings.max_tries.number(),
        "required": settings.required,
    })
}
