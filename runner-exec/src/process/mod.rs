//! The one door to the system's processes: [`launch()`] starts one, waits for it,
//! and sees to its end, when it has to end before its time too.
//!
//! `launch` and `start` start it, `group` and `orphans` end it and what it leaves, `cancel` asks
//! for that, and `supervise` has the signals, on the main thread.

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
