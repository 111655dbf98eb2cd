//! What the lock's file says: who has it, and what that one runs.
//!
//! It is text that ends at the first empty line: the number of the runner's process,
//! then the boot, then a line for each process that it runs. A killed runner leaves it
//! behind, and by it the next one knows which of them go on.

use std::{
    fmt::Write,
    fs::{self, File},
    io, iter,
    os::unix::fs::FileExt,
};

use rustix::param::clock_ticks_per_second;

use super::{boot_id, durable_file::LARGEST};
use crate::{
    plan::task_name::TaskName,
    process::{Process, processes, ticks, variables},
    run::{event::Part, hook::Phase},
};

/// Size of the file that is reserved when it is locked, in bytes: a page, and some 60 lines.
const ROOM: usize = 4096;

/// Maximum time from the line about a process to its start, in seconds.
const START_TIME: u64 = 10;

/// The content of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The process of the runner.
    pub(super) pid: i32,
    /// Where its numbers are those of processes.
    boot: String,
    /// The id of the run.
    pub(super) run: String,
    running: Vec<Running>,
}

/// Something that the runner runs, or is about to start.
#[derive(Debug, PartialEq, Eq)]
struct Running {
    /// The name of the task, as it is shown.
    task: String,
    part: Part,
    /// The clock when the line was written, in ticks; version 0.1 did not write it.
    since: Option<u64>,
    /// There once it has started.
    process: Option<Started>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Started {
    pid: i32,
    /// The clock when that was written. Whoever has this number and started later is
    /// somebody else.
    by: u64,
}

/// Which time the machine runs for, and which PID namespace this process is in: in
/// another one the same number is somebody else's.
pub(super) fn machine() -> String {
    let boot = boot_id().unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{boot} {}", namespace.display())
}

/// What goes on although its runner is gone.
#[derive(Debug)]
pub(super) struct Survivor {
    pub(super) name: String,
    pub(super) process: Process,
}

impl Holder {
    /// This process, which runs nothing yet.
    pub(super) fn new(boot: String) -> Holder {
        Holder {
            pid: std::process::id() as i32,
            boot,
            run: String::new(),
            running: Vec::new(),
        }
    }

    /// What `file` says, if it says anything.
    pub(super) fn read(file: &File) -> Option<Holder> {
        let length = file.metadata().ok()?.len().min(LARGEST);
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, 0).ok()?;
        Holder::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Writes it into a file that was just locked, and takes room for what comes later: the
    /// disk can fill up.
    ///
    /// # Errors
    ///
    /// There is no room.
    pub(super) fn reserve(&self, file: &File) -> io::Result<()> {
        let mut text = self.text();
        let room = ROOM.saturating_sub(text.len());
        text.extend(iter::repeat_n('\n', room));
        file.write_all_at(text.as_bytes(), 0)
    }

    /// Writes it into `file`. Without that the lock holds all the same.
    pub(super) fn write(&self, file: &File) {
        // In one piece, and without its old rest, which is behind the empty line.
        let _ = file.write_all_at(self.text().as_bytes(), 0);
    }

    fn text(&self) -> String {
        let mut text = format!("{}\nboot {}\nrun {}\n", self.pid, self.boot, self.run);
        for Running {
            task,
            part,
            since,
            process,
        } in &self.running
        {
            let part = word(*part);
            let _ = match (process, since) {
                (Some(Started { pid, by }), _) => writeln!(text, "{part} {pid} {by} {task}"),
                (None, Some(since)) => writeln!(text, "{part} - {since} {task}"),
                (None, None) => writeln!(text, "{part} - - {task}"),
            };
        }
        text + "\n"
    }

    fn parse(text: &str) -> Option<Holder> {
        let mut lines = text.lines().take_while(|line| !line.is_empty());
        Some(Holder {
            pid: lines.next()?.parse().ok()?,
            boot: lines.next()?.strip_prefix("boot ")?.to_owned(),
            run: lines.next()?.strip_prefix("run ")?.to_owned(),
            running: lines.filter_map(parse_running).collect(),
        })
    }

    pub(super) fn starts(&mut self, task: &TaskName, part: Part) {
        self.ended(task, part);
        self.running.push(Running {
            task: task.shown().into_owned(),
            part,
            since: Some(ticks()),
            process: None,
        });
    }

    pub(super) fn started(&mut self, task: &TaskName, part: Part, pid: i32) {
        let task = task.shown();
        let is_it = |running: &&mut Running| running.part == part && running.task == task;
        if let Some(running) = self.running.iter_mut().find(is_it) {
            running.process = Some(Started { pid, by: ticks() });
        }
    }

    /// Returns `true` if it had no number: then its line has to go from the file, where it
    /// would be believed of any process that looks like it.
    pub(super) fn ended(&mut self, task: &TaskName, part: Part) -> bool {
        let task = task.shown();
        let is_it = |running: &mut Running| running.part == part && running.task == task;
        let mut ended = self.running.extract_if(.., is_it);
        ended.any(|running| running.process.is_none())
    }

    /// One of the processes that go on.
    pub(super) fn survivor(self) -> Option<Survivor> {
        if self.boot != machine() {
            return None;
        }
        self.running.iter().find_map(|running| {
            let process = match running.process {
                Some(started) => started.find(),
                None => self.find_unnumbered(running),
            };
            Some(Survivor {
                name: running.task.clone(),
                process: process?,
            })
        })
    }

    /// The runner was killed between the start of a process and the writing of its
    /// number. The leader of its group has an environment that no other leader has.
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
                // The halt task sees the name of the task that caused it.
                Part::Halt => halt.is_some(),
                Part::Hook(phase) => hook == Some(phase.as_str().as_bytes()),
                Part::Task => hook.is_none() && halt.is_none(),
            };
            let is_task =
                running.part == Part::Halt || task.is_some_and(|task| shown(task) == running.task);
            run.as_deref() == Some(self.run.as_bytes()) && is_part && is_task
        };
        // Another user can give a process any environment, later.
        let is_in_time = |process: &Process| {
            running.since.is_none_or(|since| {
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

impl Started {
    fn find(self) -> Option<Process> {
        let is_it = |process: &Process| process.lives() && process.started <= self.by;
        Process::read(self.pid).filter(is_it)
    }
}

fn parse_running(line: &str) -> Option<Running> {
    let mut words = line.splitn(4, ' ');
    let part = part(words.next()?)?;
    let (pid, by) = (words.next()?, words.next()?);
    Some(Running {
        part,
        since: by.parse().ok(),
        process: pid
            .parse()
            .ok()
            .zip(by.parse().ok())
            .map(|(pid, by)| Started { pid, by }),
        task: words.next()?.to_owned(),
    })
}

fn word(part: Part) -> &'static str {
    match part {
        Part::Task => "task",
        Part::Hook(phase) => phase.as_str(),
        Part::Halt => "halt",
    }
}

fn part(word: &str) -> Option<Part> {
    let parts = [
        Part::Task,
        Part::Halt,
        Part::Hook(Phase::Pre),
        Part::Hook(Phase::Post),
    ];
    parts.into_iter().find(|part| self::word(*part) == word)
}

fn shown(task: Vec<u8>) -> String {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    TaskName::new(OsString::from_vec(task)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut holder = Holder::new("boot id".to_owned());
        holder.run = "run id".to_owned();
        assert_eq!(Holder::parse(&holder.text()).as_ref(), Some(&holder));
        let names = ["1 a", "2-é\n", "- -"].map(TaskName::new);
        holder.starts(&names[0], Part::Task);
        holder.starts(&names[1], Part::Hook(Phase::Pre));
        holder.starts(&names[2], Part::Halt);
        holder.started(&names[1], Part::Hook(Phase::Pre), 42);
        let full = holder.text();
        assert_eq!(Holder::parse(&full).as_ref(), Some(&holder));
        // What was longer before stands behind the end.
        holder.ended(&names[0], Part::Task);
        let text = holder.text();
        let over = format!("{text}{}", &full[text.len()..]);
        assert_eq!(Holder::parse(&over).as_ref(), Some(&holder));
        for broken in ["", "\n", "x\n", "12\n", "12\nboot\n"] {
            assert_eq!(Holder::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_process_that_started_later_is_somebody_else() {
        let me = std::process::id() as i32;
        let started = Process::read(me).unwrap().started;
        assert!(
            Started {
                pid: me,
                by: started
            }
            .find()
            .is_some()
        );
        assert!(
            Started {
                pid: me,
                by: ticks()
            }
            .find()
            .is_some()
        );
        assert!(
            Started {
                pid: me,
                by: started - 1
            }
            .find()
            .is_none()
        );
    }
}
