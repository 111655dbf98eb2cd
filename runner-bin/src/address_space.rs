//! `RLIMIT_AS`: the runner fits into a small address space, or refuses to start.
//!
//! glibc reserves 64 MiB of address space for each thread that allocates, and twice that for a
//! moment. An allocation that fails in that moment aborts the program in the middle of a run.
//! Only the environment at the start of a program changes this, so the program is executed again
//! with another environment.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the runner is executed again"
)]

use std::{env, os::unix::process::CommandExt, process::Command};

use runner_exec::SMALL_ADDRESS_SPACE;
use rustix::process::{Resource, getrlimit};

/// Bytes that a run needs.
const RUN_BYTES: u64 = 12 << 20;

/// Bytes that each job needs in addition, for its thread and its allocations.
const JOB_BYTES: u64 = 1 << 20;

/// Executes the program again if the address space is limited, so that its threads share one heap
/// and have small stacks. Returns if that is not necessary, fails, or the user has set one of the
/// variables.
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

/// Returns the reason to refuse a run with this number of jobs, if the address space is too small.
pub(crate) fn too_small(jobs: usize) -> Option<String> {
    let limit = getrlimit(Resource::As).current?;
    let needed = RUN_BYTES + JOB_BYTES * jobs as u64;
    (limit < needed).then(|| {
        let (limit, needed) = (limit / 1024, needed / 1024);
        format!(
            "the address space is limited to {limit} KiB (`ulimit -v`, `LimitAS=`), and this run \
             needs {needed} KiB"
        )
    })
}
