//! Something that becomes readable when a process ends, without reaping it: while
//! it is not reaped, its number and that of its group cannot go to others.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread,
};

use rustix::{
    io::Errno,
    pipe::{PipeFlags, pipe_with},
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid},
};

pub(crate) struct ExitFd(OwnedFd);

impl ExitFd {
    /// For a child of this process that is not reaped yet.
    ///
    /// # Errors
    ///
    /// There are no file descriptors left.
    pub(crate) fn open(pid: Pid) -> io::Result<ExitFd> {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => Ok(ExitFd(fd)),
            // Before Linux 5.3, or forbidden by an old container's filter.
            Err(Errno::NOSYS | Errno::PERM) => ExitFd::by_thread(pid),
            Err(error) => Err(error.into()),
        }
    }

    /// A thread that waits, and closes its end of a pipe when the process has ended.
    fn by_thread(pid: Pid) -> io::Result<ExitFd> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        thread::Builder::new().spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
            drop(writer);
        })?;
        Ok(ExitFd(reader))
    }
}

impl AsFd for ExitFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
