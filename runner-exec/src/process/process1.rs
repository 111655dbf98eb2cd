//! The end of process 1: the kernel kills the other processes of its PID namespace without a
//! warning, so they get SIGTERM before.

use std::{os::fd::OwnedFd, time::Duration};

use rustix::process::{Pid, getpid};

use super::{
    StopSignals,
    outcome::Signal,
    pid::{request_end, watch},
    poll::Countdown,
    proc::{Process, processes},
};

/// If this is process 1: sends SIGTERM to all other processes, and waits `grace` for their
/// ends. A kill request of `stop` ends the wait.
pub fn end_everything(grace: Duration, stop: &StopSignals) {
    if getpid() != Pid::INIT {
        return;
    }
    let time = Countdown::start(Some(grace), stop.kill_only());
    for process in others() {
        request_end(process.pid, Signal::TERM);
    }
    loop {
        let ends: Vec<OwnedFd> = others().iter().filter_map(watch).collect();
        if ends.is_empty() || !time.wait_for_ends(ends, None) {
            return;
        }
    }
}

fn others() -> Vec<Process> {
    let mut others = processes().unwrap_or_default();
    others.retain(|process| process.pid != 1 && process.lives());
    others
}
