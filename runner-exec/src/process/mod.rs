//! The one door to the system's processes: [`launch()`] starts one, waits for it,
//! and sees to its end, when it has to end before its time too.
//!
//! - `start` starts a process, and says in a sentence why one did not start.
//! - `pid` signals, watches and reaps one.
//! - `group` ends a process group, and knows who is in it.
//! - `orphans` finds and ends what left the group.
//! - `proc` reads `/proc`.
//! - `latch` is something that happens once and can be waited for.
//! - `cancel` is how a process is asked to end before its time.
//! - `children` are the groups that run now, and the clock of their limits.
//! - `process1` is what process 1 owes to the others.
//! - `supervise` has the signals, on the main thread.

mod cancel;
mod children;
pub(crate) mod command;
pub(crate) mod file_format;
mod group;
mod latch;
mod launch;
mod orphans;
pub(crate) mod outcome;
mod pid;
mod poll;
mod proc;
mod process1;
mod start;
mod supervise;

pub use self::{
    cancel::Cancel,
    children::Children,
    latch::Latch,
    launch::{Ended, Limits, launch},
    poll::{pause, pause_until},
    proc::Process,
    process1::end_everything,
    supervise::{Original, Supervised, Supervisor, survive_file_size_limit},
};
pub(crate) use self::{
    pid::watch,
    poll::wait_readable,
    proc::{flock_holders, processes, real_user, ticks, variables},
};
