//! The one door to the system's processes: [`launch`] starts one, waits for it,
//! and sees to its end, when it has to end before its time too.
//!
//! - `start` starts a process, and says in a sentence why one did not start.
//! - `exit_fd` is what becomes readable when it ends.
//! - `group` ends a process group, and knows who is in it.
//! - `orphans` finds and ends what left the group.
//! - `proc` reads `/proc`.
//! - `cancel` is how a process is asked to end before its time.
//! - `supervise` has the signals, on the main thread.

mod cancel;
mod exit_fd;
mod group;
mod launch;
mod orphans;
mod poll;
mod proc;
mod start;
mod supervise;

pub use self::{
    cancel::{Cancel, Flag},
    launch::{Ended, Limits, launch},
    poll::pause,
    proc::Process,
    supervise::{Supervised, Supervisor, release_orphans},
};
