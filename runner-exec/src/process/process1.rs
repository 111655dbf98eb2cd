//! The end of process 1: the system kills whatever is left of its PID namespace
//! without a warning, so they are warned before.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getpid, kill_process};

use super::{
    Cancel,
    group::watch,
    poll::{from_now, wait_readable},
    proc::{Process, processes},
};

/// Asks everything that is left to end, when this is process 1, and gives it `grace`;
/// `cancel` can cut that short by killing.
pub fn end_everything(grace: Duration, cancel: &Cancel) {
    if getpid() != Pid::INIT {
        return;
    }
    let deadline = from_now(grace);
    for signal in [Signal::TERM, Signal::CONT] {
        for process in others() {
            if let Some(pid) = Pid::from_raw(process.pid) {
                let _ = kill_process(pid, signal);
            }
        }
    }
    loop {
        let ends: Vec<OwnedFd> = others().iter().filter_map(watch).collect();
        let mut fds: Vec<BorrowedFd> = ends.iter().map(AsFd::as_fd).collect();
        fds.extend(cancel.kill_fds());
        if ends.is_empty() {
            return;
        }
        wait_readable(&fds, deadline);
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) || cancel.killed() {
            return;
        }
    }
}

fn others() -> Vec<Process> {
    let mut others = processes().unwrap_or_default();
    others.retain(|process| process.pid != 1 && process.lives());
    others
}
