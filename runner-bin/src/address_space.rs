//! `RLIMIT_AS`: the runner fits into a small address space, or refuses to start.
//!
//! For each thread that allocates, glibc reserves 64 MiB of address space, and for a moment
//! twice that; another allocation that fails meanwhile aborts the program in the middle of a
//! run. Only the environment at the start of a program changes that, so the program is
//! executed again with another one.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the runner is executed again"
)]

use std::{env, os::unix::process::CommandExt, process::Command};

use runner_exec::SMALL_ADDRESS_SPACE;
use rustix::process::{Resource, getrlimit};

/// Bytes that a run needs, and each job in addition: its thread, and what it allocates.
const FOR_A_RUN: u64 = 12 << 20;
const FOR_A_JOB: u64 = 1 << 20;

/// Executes the program again where the address space is limited, so that its threads
/// share one heap and have small stacks. Returns where that is not needed, or fails.
/// A user who has set one of the variables has made this decision.
pub(crate) fn economize() {
    let is_set = |name: &str| env::var_os(name).is_some();
    if getrlimit(Resource::As).current.is_none()
        || SMALL_ADDRESS_SPACE.iter().any(|(name, _)| is_set(name))
    {
        return;
    }
    let mut args = env::args_os();
    let _ = Command::new("/proc/self/exe")
        .arg0(args.next().unwrap_or_default())
        .args(args)
        .envs(SMALL_ADDRESS_SPACE)
        .exec();
}

/// The reason to refuse a run with this number of jobs, if the address space is too small.
pub(crate) fn too_small(jobs: usize) -> Option<String> {
    let limit = getrlimit(Resource::As).current?;
    let needed = FOR_A_RUN + FOR_A_JOB * jobs as u64;
    (limit < needed).then(|| {
        let (limit, needed) = (limit / 1024, needed / 1024);
        format!(
            "the address space is limited to {limit} KiB (`ulimit -v`, `LimitAS=`), and this run \
             needs {needed} KiB"
        )
    })
}
