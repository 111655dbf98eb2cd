//! The content of the lock file: the runner that has the lock, and its processes.
//!
//! It is text that ends at the first empty line: the number of the runner's process, then the
//! boot, then a line for each process that it runs. A killed runner leaves it behind, and the
//! next runner reads which of them are still running.

use std::{
    ffi::OsString,
    fmt::Write,
    fs::{self, File},
    os::unix::{ffi::OsStringExt, fs::FileExt},
};

use rustix::param::clock_ticks_per_second;

use super::{boot_id, durable_file::MAX_FILE_BYTES};
use crate::{
    plan::task_name::TaskName,
    process::{Process, processes, ticks, variables},
    run::hook::{Phase, RunPhase},
};

/// Maximum time from the line about a process to its start, in seconds.
const START_TIME: u64 = 10;

/// Content of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The process of the runner.
    pub(super) pid: i32,
    /// The boot and PID namespace in which its process numbers are valid.
    machine: String,
    /// The id of the run.
    pub(super) run: String,
    running: Vec<Running>,
}

/// A process that the runner runs, or is about to start.
#[derive(Debug, PartialEq, Eq)]
struct Running {
    part: Part,
    /// Its number, once it has started.
    pid: Option<i32>,
    /// The time when the line was written, in clock ticks. Version 0.1 wrote it only with a number.
    clock: Option<u64>,
    /// The text of the name of the task.
    task: String,
}

/// Role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Task,
    Hook(Phase),
    RunHook(RunPhase),
    Halt,
}

impl Part {
    fn parse(word: &str) -> Option<Part> {
        match word {
            "task" => Some(Part::Task),
            "halt" => Some(Part::Halt),
            word => {
                let of_run = || RunPhase::parse(word).map(Part::RunHook);
                Phase::parse(word).map(Part::Hook).or_else(of_run)
            }
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Part::Task => "task",
            Part::Hook(phase) => phase.as_str(),
            Part::RunHook(phase) => phase.variable(),
            Part::Halt => "halt",
        }
    }
}

/// Returns the boot and the PID namespace of this process. In another one, the same number
/// belongs to another process.
fn machine() -> String {
    let boot = boot_id().unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{boot} {}", namespace.display())
}

impl Holder {
    /// Creates the content for this process, which runs nothing yet.
    pub(super) fn new() -> Holder {
        Holder {
            pid: std::process::id() as i32,
            machine: machine(),
            run: String::new(),
            running: Vec::new(),
        }
    }

    /// Reads the content of `file`; `None` if it does not have this form.
    pub(super) fn read(file: &File) -> Option<Holder> {
        let length = file.metadata().ok()?.len().min(MAX_FILE_BYTES);
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, 0).ok()?;
        Holder::parse(&String::from_utf8_lossy(&bytes))
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\nboot {}\nrun {}\n", self.pid, self.machine, self.run);
        for running in &self.running {
            let pid = running.pid.map_or("-".to_owned(), |pid| pid.to_string());
            let clock = running
                .clock
                .map_or("-".to_owned(), |clock| clock.to_string());
            let (part, task) = (running.part.as_str(), &running.task);
            let _ = writeln!(text, "{part} {pid} {clock} {task}");
        }
        text + "\n"
    }

    fn parse(text: &str) -> Option<Holder> {
        let mut lines = text.lines().take_while(|line| !line.is_empty());
        Some(Holder {
            pid: lines.next()?.parse().ok()?,
            machine: lines.next()?.strip_prefix("boot ")?.to_owned(),
            run: lines.next()?.strip_prefix("run ")?.to_owned(),
            running: lines.filter_map(Running::parse).collect(),
        })
    }

    pub(super) fn starting(&mut self, task: &TaskName, part: Part) {
        self.ended(task, part);
        self.running.push(Running {
            part,
            pid: None,
            clock: Some(ticks()),
            task: task.shown().into_owned(),
        });
    }

    pub(super) fn started(&mut self, task: &TaskName, part: Part, pid: i32) {
        let mut running = self.running.iter_mut();
        if let Some(running) = running.find(|running| running.is(task, part)) {
            running.pid = Some(pid);
            running.clock = Some(ticks());
        }
    }

    /// Removes the line of a process. Returns `false` if it had no number: then the file must be
    /// written again, or the line would match any process with the same environment.
    pub(super) fn ended(&mut self, task: &TaskName, part: Part) -> bool {
        let mut ended = (self.running).extract_if(.., |running| running.is(task, part));
        ended.all(|running| running.pid.is_some())
    }

    /// Returns a process that is still running although its runner is gone, with the name of its
    /// task.
    pub(super) fn survivor(self) -> Option<(String, Process)> {
        if self.machine != machine() {
            return None;
        }
        self.running.iter().find_map(|running| {
            let process = match (running.pid, running.clock) {
                // A process that started later is another one with the same number.
                (Some(pid), Some(clock)) => {
                    Process::read(pid).filter(|process| process.lives() && process.started <= clock)
                }
                _ => self.find_unnumbered(running),
            };
            Some((running.task.clone(), process?))
        })
    }

    /// Finds a process whose runner was killed before it wrote the number. No other leader of a
    /// group has the same environment.
    fn find_unnumbered(&self, running: &Running) -> Option<Process> {
        let is_it = |process: &Process| {
            let names = [
                "RUNNER_RUN_ID",
                "RUNNER_HOOK",
                "RUNNER_HALT_REASON",
                "RUNNER_TASK",
            ];
            let Some([run, hook, halt, task]) = variables(process.pid, names) else {
                return false;
            };
            let hook = hook.as_deref();
            let is_part = match running.part {
                // The halt task gets the name of the task that caused the halt.
                Part::Halt => halt.is_some(),
                Part::Hook(_) | Part::RunHook(_) => hook == Some(running.part.as_str().as_bytes()),
                Part::Task => hook.is_none() && halt.is_none(),
            };
            let name = task.map(|task| TaskName::new(OsString::from_vec(task)));
            let is_task = match running.part {
                Part::Halt | Part::RunHook(_) => true,
                Part::Task | Part::Hook(_) => name.is_some_and(|it| it.shown() == running.task),
            };
            run.as_deref() == Some(self.run.as_bytes()) && is_part && is_task
        };
        // Another user can start a process with the same environment later.
        let is_in_time = |process: &Process| {
            running.clock.is_none_or(|since| {
                let latest = since.saturating_add(START_TIME * clock_ticks_per_second());
                (since.saturating_sub(1)..=latest).contains(&process.started)
            })
        };
        let leads = |process: &Process| {
            process.pid == process.group && process.lives() && is_in_time(process)
        };
        let mut processes = processes().unwrap_or_default().into_iter();
        processes.find(|process| leads(process) && is_it(process))
    }
}

impl Running {
    fn parse(line: &str) -> Option<Running> {
        let mut words = line.splitn(4, ' ');
        Some(Running {
            part: Part::parse(words.next()?)?,
            pid: words.next()?.parse().ok(),
            clock: words.next()?.parse().ok(),
            task: words.next()?.to_owned(),
        })
    }

    fn is(&self, task: &TaskName, part: Part) -> bool {
        self.part == part && self.task == task.shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut holder = Holder::new();
        holder.run = "run id".to_owned();
        assert_eq!(Holder::parse(&holder.text()).as_ref(), Some(&holder));
        let names = ["1 a", "2-é\n", "- -"].map(TaskName::new);
        holder.starting(&names[0], Part::Task);
        holder.starting(&names[1], Part::Hook(Phase::Pre));
        holder.starting(&names[2], Part::Halt);
        holder.starting(&TaskName::new("run hook"), Part::RunHook(RunPhase::End));
        holder.started(&names[1], Part::Hook(Phase::Pre), 42);
        let full = holder.text();
        assert_eq!(Holder::parse(&full).as_ref(), Some(&holder));
        // The rest of a longer text follows after the empty line.
        holder.ended(&names[0], Part::Task);
        let text = holder.text();
        let over = format!("{text}{}", &full[text.len()..]);
        assert_eq!(Holder::parse(&over).as_ref(), Some(&holder));
        for broken in ["", "\n", "x\n", "12\n", "12\nboot\n"] {
            assert_eq!(Holder::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_process_that_started_later_is_another_one() {
        let me = std::process::id() as i32;
        let started = Process::read(me).unwrap().started;
        for (clock, is_found) in [(started, true), (ticks(), true), (started - 1, false)] {
            let mut holder = Holder::new();
            holder.starting(&TaskName::new("1-a"), Part::Task);
            holder.running[0].pid = Some(me);
            holder.running[0].clock = Some(clock);
            assert_eq!(holder.survivor().is_some(), is_found);
        }
    }
}
