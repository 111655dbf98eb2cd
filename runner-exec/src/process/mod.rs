//! Processes: [`launch()`] starts one, waits for its end, or ends it at its limit or at a signal.
//!
//! `launch` and `start` start a process, `group` and `orphans` end its group and its orphans,
//! `stop_signals` requests that, and `main_thread` handles the signals.

mod children;
pub(crate) mod command;
pub(crate) mod file_format;
mod group;
mod latch;
mod launch;
mod limits;
mod main_thread;
mod orphans;
pub(crate) mod outcome;
mod pid;
mod poll;
mod proc;
mod process1;
mod start;
mod stop_signals;

pub use self::{
    children::Children,
    latch::Latch,
    launch::{Ended, launch},
    limits::{LimitSetting, Limits, TimeLimit},
    main_thread::{Original, StopRequest, Supervised, Supervisor, survive_file_size_limit},
    poll::{pause, pause_until},
    proc::Process,
    process1::end_everything,
    stop_signals::StopSignals,
};
pub(crate) use self::{
    pid::watch,
    poll::{Countdown, wait_readable},
    proc::{flock_holders, processes, real_user, ticks, variables},
};
