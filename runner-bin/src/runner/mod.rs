//! The applet `runner`: wires configuration, plan, processes and log together.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the stdin of tasks is opened"
)]

pub(crate) mod config_cmd;
mod drill;
mod exec_command;
mod forget;
pub(crate) mod load;
pub(crate) mod sd_notify;
mod session;
pub(crate) mod show;
mod trust_checks;

use std::{cell::Cell, ffi::OsString, fs::File, io, num::NonZeroU32, sync::Arc};

use runner_config::{Problems, Settings, reason};
use runner_exec::{
    Lock, Plan, Reload, Run, Runs, RunsEnd, StateDir, StopSignals, Supervised, Supervisor, Tools,
    Trust, Variables, end_everything, launch,
};

use crate::{
    address_space,
    cli::RunnerArgs,
    config_applet,
    console::{answer::answer, level::Verbosity, log::Log, screen::To},
    exit::Exit,
    install_links,
    runner::{
        config_cmd::ConfigCmd,
        drill::not_confirmed,
        exec_command::hand_over,
        forget::forget,
        load::{Source, Unusable},
        sd_notify::Notify,
        session::{Locked, Session, first_error},
        show::show,
    },
};

pub(crate) fn start(args: RunnerArgs) -> Exit {
    let config = args.file.path();
    if let Some(key) = &args.get {
        return config_applet::get(config.as_deref(), key, None);
    }
    let verbosity = match (args.quiet, args.verbose) {
        (false, false) => Verbosity::Normal,
        (false, true) => Verbosity::Verbose,
        (true, _) => Verbosity::Quiet,
    };
    if let Some(directory) = &args.install_links {
        return install_links::install(directory, &Log::plain(verbosity));
    }
    let command = match args.command.first() {
        // An empty command of a container means no command.
        Some(program) if !program.is_empty() => args.command.clone(),
        Some(_) | None => Vec::new(),
    };
    if args.times == 0 && !command.is_empty() {
        let log = Log::plain(verbosity);
        log.error("`-n 0` runs forever, so COMMAND would never start");
        return Exit::Usage;
    }
    if args.drill && !args.yes {
        let taskdir = args.taskdir.clone().unwrap_or_default();
        Log::plain(verbosity).error(&not_confirmed(&taskdir));
        return Exit::Usage;
    }
    let source = Source {
        config,
        overrides: args.overrides.0.clone(),
        taskdir: args.taskdir.clone().unwrap_or_default(),
        needs_halt: args.halt_after,
        needs_tasks: args.halt_after || args.times != 1 || !command.is_empty(),
        // An image is sealed without an id, and a drill has no marks.
        needs_machine: args.forgets().is_none() && !args.drill,
        trust: if args.insecure {
            None
        } else {
            Trust::of_root(args.trust_owner.iter().copied())
        },
    };
    if let Some(question) = args.question() {
        return show(&source, &question, args.json, verbosity);
    }
    if let Some(task) = args.forgets() {
        let session = Session {
            taskdir: source.taskdir.clone(),
            has_journal: false,
            no_lock: args.no_lock,
            wait_lock: args.wait_lock,
            notify: None,
            log: Arc::new(Log::plain(verbosity)),
        };
        return forget(&source, task, &session);
    }
    address_space::economize();
    let is_chain = args.only.is_none() && !args.drill;
    let session = Session {
        taskdir: source.taskdir.clone(),
        has_journal: is_chain,
        no_lock: args.no_lock,
        wait_lock: args.wait_lock,
        notify: is_chain.then(|| Notify::new(args.ready)).flatten(),
        log: Arc::new(Log::stamped(verbosity, args.syslog, !args.no_progress)),
    };
    let what = match args.only {
        Some(name) => What::Task(name),
        None if args.drill => What::Drill { json: args.json },
        None => What::Chain {
            times: NonZeroU32::new(args.times),
            halt_after: args.halt_after,
        },
    };
    let session = Arc::new(session);
    let exit = run(source, what, &command, &session);
    // The thread of the journal can use the log until the process ends.
    session.log.flush();
    exit
}

/// The scope of a run.
enum What {
    /// One task, without the chain.
    Task(String),
    Chain {
        /// Number of runs; `None` = forever.
        times: Option<NonZeroU32>,
        halt_after: bool,
    },
    /// All tasks, each of them again and again.
    Drill { json: bool },
}

/// Runs the tasks of `source`, and then `command` if there is one.
fn run(source: Source, what: What, command: &[OsString], session: &Arc<Session>) -> Exit {
    let log = &session.log;
    log.sources(&source.taskdir, source.config.as_deref());
    let mut problems = Problems::default();
    let plan = source.load(&mut problems);
    let why = first_error(&problems);
    log.problems(problems);
    let plan = match plan {
        Ok(plan) => plan,
        Err(Unusable {
            exit, state_dir, ..
        }) => {
            log.error("nothing was run");
            return session.refuse(state_dir.as_deref(), exit, &why);
        }
    };
    let (supervisor, config_cmd, stdin) = match prepare(&source, &plan, log) {
        Ok(prepared) => prepared,
        Err(why) => {
            log.error(&why);
            let state_dir = plan.settings.state_dir.as_deref();
            return session.refuse(state_dir, Exit::System, &why);
        }
    };
    if let What::Task(name) = &what
        && let Err(sentence) = plan.find(name)
    {
        log.error(&sentence);
        return Exit::Usage;
    }
    let (stop, original) = (supervisor.stop.clone(), supervisor.original.clone());
    let world = World {
        config_cmd: config_cmd.value.clone(),
        stdin: Arc::new(stdin),
        stop: stop.clone(),
        session: session.clone(),
    };
    let has_command = !command.is_empty();
    let work = move || {
        let worked = world.work(source, what, plan)?;
        world.session.log.drain(&world.stop);
        let is_finished = worked.exit.is_finished() && world.stop.requested().is_none();
        let runs_command = has_command && is_finished;
        if !runs_command {
            end_everything(worked.settings.task.kill_grace, &world.stop);
        }
        io::Result::Ok((worked, runs_command))
    };
    let done = supervisor.run(
        work,
        |request| log.remember_signal(request),
        |request| session.on_signal(request),
    );
    let (worked, runs_command) = match done {
        Ok(Supervised::Done(Ok(done))) => done,
        Ok(Supervised::Abandoned(signal)) => {
            log.flush();
            return Exit::Signaled(signal);
        }
        Ok(Supervised::Done(Err(error))) | Err(error) => {
            log.error(&cannot("run tasks", &error));
            return Exit::System;
        }
    };
    let Worked {
        exit,
        settings,
        outputs,
        answer: text,
    } = worked;
    if runs_command || text.is_some() {
        // Everything that must not be left behind at an exit in a signal handler.
        drop(config_cmd);
        log.flush();
        original.exit_at_signals();
    }
    if let Some(text) = text {
        return answer(&text, exit, log);
    }
    match stop.requested() {
        None if runs_command => hand_over(command, &settings.env, &outputs, original, log),
        // A signal in the last moment still prevents COMMAND.
        Some(signal) if has_command && exit.is_finished() => Exit::Signaled(signal),
        Some(_) | None => exit,
    }
}

/// Prepares the process for a run of `plan`. Returns the supervisor of signals and the file that is
/// the stdin of all processes.
///
/// # Errors
///
/// The system refuses something. The sentence has the reason.
fn prepare(
    source: &Source,
    plan: &Plan,
    log: &Log,
) -> Result<(Supervisor, ConfigCmd, File), String> {
    let workers = plan.settings.jobs.min(plan.tasks.len());
    if let Some(sentence) = address_space::too_small(workers) {
        return Err(sentence);
    }
    if let Some(sentence) = plan.jobs_without_use() {
        log.info(&sentence);
    }
    // Before anything exists that a signal would leave behind.
    let supervisor = Supervisor::new().map_err(|error| cannot("handle signals", &error))?;
    let config_cmd = ConfigCmd::new(source.config.as_deref())?;
    let stdin = File::open("/dev/null").map_err(|error| cannot("open `/dev/null`", &error))?;
    Ok((supervisor, config_cmd, stdin))
}

fn cannot(what: &str, error: &io::Error) -> String {
    format!("cannot {what}: {}", reason(error))
}

/// The environment of runs: files, signals, log.
struct World {
    config_cmd: OsString,
    stdin: Arc<File>,
    stop: StopSignals,
    session: Arc<Session>,
}

/// The result of all runs.
struct Worked {
    exit: Exit,
    /// The settings of the last run.
    settings: Arc<Settings>,
    /// The outputs of its tasks.
    outputs: Variables,
    /// The answer of a drill, for stdout.
    answer: Option<String>,
}

impl Worked {
    /// Returns the result if no chain has ended.
    fn without_chain(exit: Exit, plan: &Plan) -> Worked {
        Worked {
            exit,
            settings: plan.settings.clone(),
            outputs: Variables::new(),
            answer: None,
        }
    }
}

impl World {
    /// Takes the lock, runs `plan`, and releases the lock.
    fn work(&self, source: Source, what: What, mut plan: Plan) -> io::Result<Worked> {
        let session = &self.session;
        let Locked { lock, waited } = match session.lock(&plan, &self.stop) {
            Ok(locked) => locked,
            Err(exit) => return Ok(Worked::without_chain(exit, &plan)),
        };
        // Released when this function returns.
        let lock = lock.as_ref();
        let refused = Cell::new(Exit::Config);
        let reload = |plan: &Plan| reload(&source, session, lock, plan, &refused);
        if let What::Chain { .. } | What::Drill { .. } = what {
            if waited {
                match reload(&plan) {
                    Reload::Plan(read) => plan = *read,
                    Reload::Wrong => {}
                    Reload::Refused => return Ok(Worked::without_chain(refused.get(), &plan)),
                }
            }
            if let Err(exit) = session.own_state(&plan, lock) {
                return Ok(Worked::without_chain(exit, &plan));
            }
            if let What::Chain { .. } = what
                && let (Some(_), Some(state_dir)) = (lock, StateDir::of(&plan.settings))
            {
                state_dir.remove_drafts();
            }
        }
        let with_journal = match what {
            What::Task(_) | What::Drill { .. } => false,
            // The next load can have a journal if this one has none.
            What::Chain { times, .. } => {
                plan.settings.state_dir.is_some() || times != Some(NonZeroU32::MIN)
            }
        };
        let sink = session.sink(with_journal, lock.is_some())?;
        let stdout_to = match what {
            // stdout has the answer.
            What::Drill { json: true } => To::Stderr,
            What::Drill { json: false } | What::Task(_) | What::Chain { .. } => To::Stdout,
        };
        let tools = Tools {
            launcher: &|command, limits, stop, started| {
                launch(command, &self.stdin, limits, stop, started)
            },
            stop: &self.stop,
            sink: &sink,
            lock,
            outlet: match what {
                // The output of a single task has no prefix.
                What::Task(_) => None,
                What::Chain { .. } | What::Drill { .. } => {
                    Some(&|task| session.log.streams(task, stdout_to))
                }
            },
            random: rand::random,
            config_cmd: &self.config_cmd,
        };
        match what {
            What::Task(name) => {
                let run = Run::new(&plan, &tools);
                let result = plan.find(&name).ok().map(|task| run.only(task));
                let of_task = |result| Exit::of_task(result, self.stop.requested());
                Ok(Worked::without_chain(
                    result.map_or(Exit::Usage, of_task),
                    &plan,
                ))
            }
            What::Drill { json } => Ok(self.drill(&plan, &tools, json)),
            What::Chain { times, halt_after } => {
                let runs = Runs {
                    times,
                    halt_after,
                    tools,
                    reload: &reload,
                };
                let RunsEnd { end, plan, outputs } = runs.run(plan)?;
                let of_chain = |end| Exit::Ended(end, self.stop.requested());
                Ok(Worked {
                    exit: end.map_or_else(|| refused.get(), of_chain),
                    settings: plan.settings,
                    outputs,
                    answer: None,
                })
            }
        }
    }
}

/// Reads configuration and directory again, and reports their problems. If they are wrong, the old
/// plan is used again, unless another user can change its files.
fn reload(
    source: &Source,
    session: &Session,
    lock: Option<&Lock>,
    old: &Plan,
    refused: &Cell<Exit>,
) -> Reload {
    let mut problems = Problems::default();
    let loaded = source.load_again(&mut problems);
    let loaded = match loaded {
        Ok(plan) => match session.own_state(&plan, lock) {
            Ok(()) => Ok(Some(plan)),
            // Another runner has taken these tasks meanwhile.
            Err(Exit::Busy) => {
                refused.set(Exit::Busy);
                return Reload::Refused;
            }
            Err(_) => source.check_again(old, &mut problems).map(|()| None),
        },
        Err(unusable) if unusable.is_distrusted => Err(unusable),
        Err(_) => source.check_again(old, &mut problems).map(|()| None),
    };
    let why = first_error(&problems);
    let log = &session.log;
    log.problems(problems);
    match loaded {
        Ok(Some(plan)) => Reload::Plan(Box::new(plan)),
        Ok(None) => {
            log.warning(
                "the configuration or the tasks are now invalid; using the last valid ones",
            );
            Reload::Wrong
        }
        Err(unusable) => {
            log.error("no more runs start");
            session.refuse(unusable.state_dir.as_deref(), unusable.exit, &why);
            refused.set(unusable.exit);
            Reload::Refused
        }
    }
}
