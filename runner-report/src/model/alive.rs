//! Edge: what the machine says of its boot and of processes.

use std::fs;

use jiff::ZonedDateTime;
use runner_exec::boot_id;

use crate::model::{
    now::{Now, Process},
    run_header::Head,
};

impl Now {
    /// The present, with those of the runners of `heads` that are alive.
    pub fn of<'a>(heads: impl IntoIterator<Item = &'a Head>) -> Now {
        let boot = boot_id().unwrap_or_default();
        let heads = heads.into_iter().filter(|head| head.boot == boot);
        let alive = heads.filter_map(|head| head.process);
        let alive = alive.filter(|process| process.is_alive()).collect();
        Now {
            at: ZonedDateTime::now(),
            boot,
            alive,
        }
    }
}

impl Process {
    /// Whether this very process is still there. One that has ended and whose parent has
    /// not asked for it is not.
    pub(crate) fn is_alive(self) -> bool {
        let stat = fs::read(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        let found = parse(&stat);
        found.is_some_and(|(state, start_time)| {
            let is_same = self
                .start_time
                .is_none_or(|expected| expected == start_time);
            is_same && !matches!(state, "Z" | "X")
        })
    }
}

/// State and start of a line of `/proc/PID/stat`, see proc(5). The name of the program
/// stands in brackets and may hold anything, brackets too.
fn parse(stat: &str) -> Option<(&str, u64)> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    // Fields 3 and 22.
    let state = fields.next()?;
    let start_time = fields.nth(22 - 4)?.parse().ok()?;
    Some((state, start_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let pid = std::process::id() as i32;
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let (_, start_time) = parse(&stat).unwrap();
        for (start_time, alive) in [
            (Some(start_time), true),
            (None, true),
            (Some(start_time + 1), false),
        ] {
            assert_eq!(Process { pid, start_time }.is_alive(), alive);
        }
        let pid = i32::MAX;
        let start_time = None;
        assert!(!Process { pid, start_time }.is_alive());
    }

    #[test]
    fn a_name_may_hold_brackets_and_blanks() {
        let line = "42 (a) (b) Z 7 41 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        assert_eq!(parse(line), Some(("Z", 123_456)));
    }
}
