//! Processes that a story leaves running. Every process of a story inherits the cookie of
//! the story in its environment, so it is found even if it left its group or session.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Ran, Test};

/// A process of the story that is still alive.
struct Leftover {
    pid: i32,
    name: String,
}

impl Test {
    /// Name of a variable that only the processes of this story have.
    pub(super) fn cookie(&self) -> String {
        let name = self.dir().file_name().unwrap().to_string_lossy();
        let random = name.rsplit('.').next().unwrap();
        format!("COOKIE_{random}")
    }

    /// The living processes of the story. A process that has ended has no environment.
    fn leftovers(&self) -> Vec<Leftover> {
        let cookie = format!("{}=1", self.cookie());
        let has_cookie = |pid: i32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environ.split(|&byte| byte == 0);
            variables.any(|variable| variable == cookie.as_bytes())
        };
        let processes = fs::read_dir("/proc").unwrap();
        let pids = processes
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter(|&pid| has_cookie(pid));
        pids.map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            let name = name.trim_end().to_owned();
            Leftover { pid, name }
        })
        .collect()
    }

    fn leftover_names(&self) -> String {
        let mut names: Vec<String> = self
            .leftovers()
            .into_iter()
            .map(|leftover| leftover.name)
            .collect();
        names.sort();
        names.join(" ")
    }
}

impl Ran {
    /// Asserts that no process of the story is alive.
    #[track_caller]
    pub(crate) fn nothing_left(self) -> Ran {
        assert_eq!(
            self.test.leftover_names(),
            "",
            "left; {}",
            self.transcript()
        );
        self
    }

    /// Asserts that exactly these processes are alive: the names of their programs,
    /// sorted and separated by blanks. Kills them.
    #[track_caller]
    pub(crate) fn left(self, expected: &str) -> Ran {
        // A process that was just forked has the name of its parent until it calls exec.
        let clock = Instant::now();
        while self.test.leftover_names() != expected && clock.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(
            self.test.leftover_names(),
            expected,
            "left; {}",
            self.transcript()
        );
        self.test.kill_leftovers();
        self
    }
}

impl Test {
    fn kill_leftovers(&self) {
        // A process may have forked just before it was killed, so look again.
        for _ in 0..1000 {
            let leftovers = self.leftovers();
            if leftovers.is_empty() {
                return;
            }
            for Leftover { pid, .. } in leftovers {
                let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Kills the processes of a story that failed half way.
impl Drop for Test {
    fn drop(&mut self) {
        self.kill_leftovers();
    }
}
