//! Reads the boot id and the live processes from the machine.

use jiff::ZonedDateTime;
use runner_exec::boot_id;

use crate::model::{
    now::{Now, RunnerProcess},
    run_header::RunHeader,
};

impl Now {
    /// Reads the present: time, boot, and which runners of `headers` are alive.
    pub fn read<'a>(headers: impl IntoIterator<Item = &'a RunHeader>) -> Now {
        let boot = boot_id().unwrap_or_default();
        let headers = headers.into_iter().filter(|header| header.boot == boot);
        let processes = headers.filter_map(|header| header.process);
        let alive = processes.filter(|process| process.is_alive()).collect();
        Now {
            at: ZonedDateTime::now(),
            boot,
            alive,
        }
    }
}

impl RunnerProcess {
    /// Returns `true` while the process runs. A zombie, or a later process with the same number,
    /// does not count. Journals of version 0.1 have no start time; then the number is enough.
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
    fn a_process_with_another_start_time_is_another_process() {
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
