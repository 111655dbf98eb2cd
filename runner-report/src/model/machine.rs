//! Edge: what the machine says of its boot and of processes.

use jiff::ZonedDateTime;
use runner_exec::boot_id;

use crate::model::{
    now::{Now, RunnerProcess},
    run_header::RunHeader,
};

impl Now {
    /// The present, with those of the runners of `headers` that are alive.
    pub fn read<'a>(headers: impl IntoIterator<Item = &'a RunHeader>) -> Now {
        let boot = boot_id().unwrap_or_default();
        let headers = headers.into_iter().filter(|header| header.boot == boot);
        let alive = headers.filter_map(|header| header.process);
        let alive = alive.filter(|process| process.is_alive()).collect();
        Now {
            at: ZonedDateTime::now(),
            boot,
            alive,
        }
    }
}

impl RunnerProcess {
    /// Whether this very process is still there. One that has ended and whose parent has
    /// not asked for it is not.
    pub(crate) fn is_alive(self) -> bool {
        let found = runner_exec::Process::read(self.pid).filter(runner_exec::Process::lives);
        let is_it = |started| self.start_time.is_none_or(|expected| expected == started);
        found.is_some_and(|found| is_it(found.started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let pid = std::process::id() as i32;
        let start_time = runner_exec::Process::read(pid).unwrap().started;
        for (start_time, alive) in [
            (Some(start_time), true),
            (None, true),
            (Some(start_time + 1), false),
        ] {
            assert_eq!(RunnerProcess { pid, start_time }.is_alive(), alive);
        }
        let pid = i32::MAX;
        let start_time = None;
        assert!(!RunnerProcess { pid, start_time }.is_alive());
    }
}
