//! What is done to a process by its number.

use std::os::fd::OwnedFd;

use rustix::process::{
    Pid, PidfdFlags, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, waitid,
};

use super::{outcome::Signal, proc::Process};

/// Sends `signal` to a process, or to a group by its negative number. What cannot be sent has
/// nobody to go to, or somebody who may not be signaled; both are seen afterwards.
pub(super) fn send(number: i32, signal: Signal) {
    let Some(signal) = rustix::process::Signal::from_named_raw(signal.0) else {
        return;
    };
    let _ = match Pid::from_raw(number.saturating_abs()) {
        Some(group) if number < 0 => kill_process_group(group, signal),
        Some(pid) => kill_process(pid, signal),
        None => Ok(()),
    };
}

/// Sends `signal` as [`send`] does. A stopped process would not see it before it continues.
pub(super) fn request_end(number: i32, signal: Signal) {
    send(number, signal);
    send(number, Signal::CONT);
}

/// Returns `true` for a child of ours that has not ended, or that its tracer has to reap first:
/// until then neither its descriptor nor its state in `/proc` says so.
pub(super) fn is_running(pid: i32) -> bool {
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Pid::from_raw(pid).is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), peek), Ok(None)))
}

/// Reaps a child of ours, if it has ended.
pub(super) fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may be that another thread was faster.
        let _ = waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        );
    }
}

/// A descriptor that becomes readable when `process` ends; `None` when it has
/// ended already, so that its number may be another's.
pub(crate) fn watch(process: &Process) -> Option<OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    let now = Process::read(process.pid)?;
    (now.started == process.started && now.lives()).then_some(fd)
}
