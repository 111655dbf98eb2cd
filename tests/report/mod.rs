//! `runner-report`: reports of a journal, and `--wait` for the end of a run.

mod failed_run;
mod fleet;
mod selection;
mod wait;

use std::{
    fs::{self},
    process::{Child, Command},
};

use crate::support::{Ran, Test, until};

/// A line of the journal. All lines have the same time.
fn line(run: &str, boot: &str, event: &str) -> String {
    format!(r#"{{"ts":"2026-11-24T06:00:00.000Z","run":"{run}","boot":"{boot}","event":{event}}}"#)
        + "\n"
}

fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    id.trim().to_owned()
}

fn start(run: &str, pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let start_time = stat.rsplit(')').next().unwrap().split_whitespace().nth(19);
    let start_time = start_time.unwrap_or("1");
    let event = format!(
        r#""run-start","version":1,"pid":{pid},"start_time":{start_time},"taskdir":"/etc/tasks.d","tasks":2,"jobs":1,"max_tries":5"#
    );
    line(run, &this_boot(), &event)
}

fn end(run: &str, status: u8) -> String {
    let event = format!(r#""run-end","status":{status},"reason":"gave-up","elapsed":1.5"#);
    line(run, &this_boot(), &event)
}

fn task(run: &str, name: &str) -> String {
    let start = format!(r#""task-start","task":"{name}","try_num":1,"pid":99"#);
    let end = format!(
        r#""task-end","task":"{name}","try_num":1,"result":"OK","outcome":"exited:0","elapsed":0.5"#
    );
    line(run, &this_boot(), &start) + &line(run, &this_boot(), &end)
}

/// The lines of a run that has ended.
fn whole(run: &str) -> String {
    start(run, u32::MAX / 2) + &task(run, "1-a") + &end(run, 1)
}

/// A story with this journal in the directory `state`.
#[track_caller]
fn journal(text: &str) -> Test {
    Test::new()
        .no_config()
        .file("state/journal.jsonl", text, 0o644)
}

#[track_caller]
fn ask(test: Test, args: &[&str]) -> Ran {
    let args = ["runner-report", "--state-dir", "state"].iter().chain(args);
    test.run_with(args)
}

/// A process that a journal can name as its runner.
struct StandIn(Child);

impl StandIn {
    fn start() -> StandIn {
        StandIn(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Kills the process without reaping it: a zombie counts as ended too.
    fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let stat = format!("/proc/{}/stat", self.pid());
        until(|| fs::read_to_string(&stat).unwrap().contains(") Z "));
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
