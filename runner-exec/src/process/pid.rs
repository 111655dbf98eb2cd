//! Operations on a process by its number.

use std::os::fd::OwnedFd;

use rustix::process::{
    Pid, PidfdFlags, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, waitid,
};

use super::{outcome::Signal, proc::Process};

/// Sends `signal` to a process, or to a group by its negative number. Errors are ignored: the
/// process is gone, or cannot be signaled, and both are noticed afterwards.
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

/// Sends `signal`, and SIGCONT: a stopped process would not handle it before it continues.
pub(super) fn request_end(number: i32, signal: Signal) {
    send(number, signal);
    send(number, Signal::CONT);
}

/// Returns `true` for a child that has not ended, or that its tracer must reap first. In that
/// state neither its pidfd nor `/proc` shows that it cannot be reaped.
pub(super) fn is_running(pid: i32) -> bool {
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Pid::from_raw(pid).is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), peek), Ok(None)))
}

/// Reaps a child, if it has ended.
pub(super) fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // An error means that another thread has reaped it.
        let _ = waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        );
    }
}

/// Opens a descriptor that becomes readable when `process` ends; `None` if it has ended, as
/// its number can belong to another process then.
pub(crate) fn watch(process: &Process) -> Option<OwnedFd> {
    let fd = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    let now = Process::read(process.pid)?;
    (now.started == process.started && now.lives()).then_some(fd)
}
