//! The applet `runner`: wires configuration, plan, processes and log together.

pub(crate) mod config_cmd;
mod exec_command;
pub(crate) mod load;
pub(crate) mod sd_notify;
mod session;
pub(crate) mod show;
mod trust_checks;

use std::{
    cell::Cell,
    ffi::OsString,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicBool},
};

use jiff::Timestamp;
use runner_config::{Problems, Settings};
use runner_exec::{
    Cancel, Environment, Lock, Patience, Plan, Processes, Reload, Run, RunId, Runs, Signal,
    StateDir, Supervised, Supervisor, Trust, end_everything,
};

use crate::{
    address_space,
    cli::RunnerArgs,
    config_applet,
    console::{level::Verbosity, log::Log},
    exit::Exit,
    install_links,
    runner::{
        config_cmd::ConfigCmd,
        exec_command::hand_over,
        load::{Source, Unusable},
        sd_notify::Notify,
        session::{Keeper, Locked, Record, first_error},
        show::show,
    },
};

pub(crate) fn start(args: RunnerArgs) -> Exit {
    let config = args.file.path();
    if let Some(key) = &args.get {
        return config_applet::get(config.as_deref(), key, None);
    }
    let verbosity = match (args.quiet, args.verbose) {
        (0, 0) => Verbosity::Normal,
        (0, _) => Verbosity::Verbose,
        (_, _) => Verbosity::Quiet,
    };
    if let Some(directory) = &args.install_links {
        return install_links::install(directory, &Log::plain(verbosity));
    }
    let command = match args.command.first() {
        // A container's empty command is none.
        Some(program) if !program.is_empty() => args.command.clone(),
        Some(_) | None => Vec::new(),
    };
    if args.times == 0 && !command.is_empty() {
        let log = Log::plain(verbosity);
        log.error("`-n 0` runs for ever, so COMMAND would never be reached");
        return Exit::Usage;
    }
    let source = Source {
        config,
        overrides: args.overrides(),
        taskdir: args.taskdir.clone().unwrap_or_default(),
        needs_halt: args.halt_after,
        needs_tasks: args.halt_after || args.times != 1,
        trust: match args.insecure {
            true => None,
            false => Trust::of_root(args.trust_owner.iter().copied()),
        },
    };
    if let Some(question) = args.question() {
        return show(&source, &question, args.json, verbosity);
    }
    address_space::economize();
    let log = Log::stamped(verbosity);
    let log = match args.syslog {
        true => log.with_syslog(),
        false => log,
    };
    let log = match args.no_progress {
        true => log,
        false => log.with_progress(),
    };
    let what = match args.only {
        Some(name) => What::Task(name),
        None => What::Chain {
            times: NonZeroU32::new(args.times),
            halt_after: args.halt_after,
            command,
        },
    };
    let log = Arc::new(log);
    let keeper = Keeper {
        taskdir: source.taskdir.clone(),
        remembers: matches!(what, What::Chain { .. }),
        patience: match (args.no_lock, args.wait_lock) {
            (true, _) => None,
            (false, None) => Some(Patience::None),
            (false, Some(time)) => Some(Patience::Wait(time)),
        },
        notify: match what {
            What::Chain { .. } => Notify::new(args.ready),
            What::Task(_) => None,
        },
        log: log.clone(),
    };
    run(source, what, Arc::new(keeper), log)
}

/// What is to be run.
enum What {
    /// One task by its name, and no chain.
    Task(String),
    Chain {
        /// How often; `None` for ever.
        times: Option<NonZeroU32>,
        halt_after: bool,
        /// What replaces the runner in the end, if it is not empty.
        command: Vec<OsString>,
    },
}

fn run(source: Source, what: What, keeper: Arc<Keeper>, log: Arc<Log>) -> Exit {
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
            return keeper.refuse(state_dir.as_deref(), exit, &why);
        }
    };
    let state_dir = plan.settings.state_dir.clone();
    let refuse = |why: &str| {
        log.error(why);
        keeper.refuse(state_dir.as_deref(), Exit::System, why)
    };
    let workers = plan.settings.jobs.get().min(plan.tasks.len());
    if let Some(sentence) = address_space::too_small(workers) {
        return refuse(&sentence);
    }
    if let Some(sentence) = plan.jobs_without_use() {
        log.info(&sentence);
    }
    // Before there is anything that a signal would leave behind.
    let supervisor = match Supervisor::new() {
        Ok(supervisor) => supervisor,
        Err(error) => return refuse(&cannot("handle signals", &error)),
    };
    let config_cmd = match ConfigCmd::new(source.config.as_deref()) {
        Ok(config_cmd) => config_cmd,
        Err(sentence) => return refuse(&sentence),
    };
    let processes = match Processes::new() {
        Ok(processes) => processes,
        Err(error) => return refuse(&cannot("open `/dev/null`", &error)),
    };
    let cancel = supervisor.cancel.clone();
    let original = supervisor.original;
    let world = World {
        config_cmd: config_cmd.value.clone(),
        processes,
        cancel: cancel.clone(),
        log: log.clone(),
        keeper: keeper.clone(),
    };
    let (command, work): (Vec<OsString>, Work) = match what {
        What::Task(name) => {
            if let Err(sentence) = plan.find(&name) {
                log.error(&sentence);
                return Exit::Usage;
            }
            (Vec::new(), Box::new(move || world.only(&plan, &name)))
        }
        What::Chain {
            times,
            halt_after,
            command,
        } => {
            let work = move || world.runs(source, plan, times, halt_after);
            (command, Box::new(work))
        }
    };
    let goes_on = !command.is_empty();
    let asked = cancel.clone();
    let said = log.clone();
    let work = move || {
        let (exit, settings) = work()?;
        said.drain(&asked);
        let goes_on = goes_on && exit.is_finished() && asked.asked().is_none();
        if !goes_on {
            end_everything(settings.task.kill_grace, &asked);
        }
        std::io::Result::Ok((exit, settings, goes_on))
    };
    let done = supervisor.run(work, |signal, nth| {
        log.heard(signal, nth);
        keeper.heard(signal, nth);
    });
    let (exit, settings, goes_on) = match done {
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
    match cancel.asked() {
        None if goes_on => {
            drop(config_cmd);
            log.flush();
            hand_over(&command, &settings.env, original, &log)
        }
        // A signal that came in the last moment is not lost on what would follow.
        Some(signal) if !command.is_empty() && exit.is_finished() => Exit::Signaled(signal),
        Some(_) | None => exit,
    }
}

/// What is done beside the signals: its status, and the settings that were in force last.
type Work = Box<dyn FnOnce() -> std::io::Result<(Exit, Arc<Settings>)> + Send>;

fn cannot(what: &str, error: &std::io::Error) -> String {
    format!("cannot {what}: {}", runner_config::reason(error))
}

/// Everything outside that a run needs.
struct World {
    config_cmd: OsString,
    processes: Processes,
    cancel: Cancel,
    log: Arc<Log>,
    keeper: Arc<Keeper>,
}

impl World {
    fn runs(
        &self,
        source: Source,
        mut plan: Plan,
        times: Option<NonZeroU32>,
        halt_after: bool,
    ) -> std::io::Result<(Exit, Arc<Settings>)> {
        let Locked { lock, waited } = match self.keeper.lock(&plan, &self.cancel) {
            Ok(locked) => locked,
            Err(exit) => return Ok((exit, plan.settings)),
        };
        let refused = Cell::new(Exit::Config);
        if waited {
            match reload(&source, &self.keeper, lock.as_deref(), &plan, &refused) {
                Reload::Plan(read) => plan = *read,
                Reload::Wrong => {}
                Reload::Refused => return Ok((refused.get(), plan.settings)),
            }
        }
        if let Err(exit) = self.keeper.own_state(&plan, lock.as_deref()) {
            return Ok((exit, plan.settings));
        }
        if let (Some(_), Some(state_dir)) = (&lock, StateDir::of(&plan.settings)) {
            state_dir.remove_drafts();
        }
        // What is read anew may have a journal where this has none.
        let with_journal = plan.settings.state_dir.is_some() || times != Some(NonZeroU32::MIN);
        let record = Record::start(&source.taskdir, lock.clone(), with_journal, &self.log)?;
        let (log, keeper) = (self.log.clone(), self.keeper.clone());
        let streams = self.log.clone();
        let runs = Runs {
            times,
            halt_after,
            config_cmd: self.config_cmd.clone(),
            launcher: &self.processes,
            cancel: &self.cancel,
            sink: &move |event| {
                record.event(event);
                log.event(event);
                if let Some(notify) = &keeper.notify {
                    notify.event(event);
                }
            },
            draw: rand::random,
            outlet: &move |task| streams.streams(task),
            reload: &|plan| reload(&source, &self.keeper, lock.as_deref(), plan, &refused),
        };
        let end = runs.run(plan)?;
        let exit = match end.end {
            Some(end) => Exit::Ended(end, self.asked()),
            None => refused.get(),
        };
        Ok((exit, end.plan.settings))
    }

    fn only(&self, plan: &Plan, name: &str) -> std::io::Result<(Exit, Arc<Settings>)> {
        let lock = match self.keeper.lock(plan, &self.cancel) {
            Ok(locked) => locked.lock,
            Err(exit) => return Ok((exit, plan.settings.clone())),
        };
        let record = Record::start(&self.keeper.taskdir, lock.clone(), false, &self.log)?;
        let log = self.log.clone();
        let id = new_run_id();
        if let Some(lock) = &lock {
            lock.start_run(&id);
        }
        let run = Run {
            id: &id,
            plan,
            environment: &Environment::new(&plan.settings.env, &self.config_cmd, &id),
            launcher: &self.processes,
            cancel: &self.cancel,
            sink: &move |event| {
                record.event(event);
                log.event(event);
            },
            draw: rand::random,
            // It is run although it may be done, and nothing follows from that.
            state: None,
            // Whoever tries a single task wants to see what it says.
            logs: None,
            outlet: None,
            said_no_log: &AtomicBool::new(false),
        };
        let result = plan.find(name).ok().map(|task| run.only(task));
        let exit = result.map_or(Exit::Usage, |result| Exit::of_task(result, self.asked()));
        Ok((exit, plan.settings.clone()))
    }

    fn asked(&self) -> Option<Signal> {
        self.cancel.asked()
    }
}

/// Reads configuration and directory again, and reports what has become wrong with them. The
/// old plan is used on only while no other user can change its files.
fn reload(
    source: &Source,
    keeper: &Keeper,
    lock: Option<&Lock>,
    old: &Plan,
    refused: &Cell<Exit>,
) -> Reload {
    let mut problems = Problems::default();
    let loaded = source.load_again(&mut problems);
    let loaded = match loaded {
        Ok(plan) => match keeper.own_state(&plan, lock) {
            Ok(()) => Ok(Some(plan)),
            // Another runner has these tasks by now.
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
    let log = &keeper.log;
    log.problems(problems);
    match loaded {
        Ok(Some(plan)) => Reload::Plan(Box::new(plan)),
        Ok(None) => {
            log.warning(
                "configuration or tasks have become wrong; going on with the last good ones",
            );
            Reload::Wrong
        }
        Err(unusable) => {
            log.error("no further run starts");
            keeper.refuse(unusable.state_dir.as_deref(), unusable.exit, &why);
            refused.set(unusable.exit);
            Reload::Refused
        }
    }
}

/// The id of a run that starts now.
pub(crate) fn new_run_id() -> RunId {
    RunId::new(Timestamp::now(), rand::random())
}
