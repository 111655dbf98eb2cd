//! What a story leaves running. Every process of a story has its cookie in the
//! environment, so it is found wherever it went.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Ran, Test};

/// A process that is still there.
struct Leftover {
    pid: i32,
    name: String,
}

impl Test {
    /// The variable that all processes of the story have, and no others.
    pub(super) fn cookie(&self) -> String {
        let name = self.dir().file_name().unwrap().to_string_lossy();
        let random = name.rsplit('.').next().unwrap();
        format!("COOKIE_{random}")
    }

    /// The living processes of the story. What has ended has no environment.
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
    /// Nothing of the story is running any more.
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

    /// These are still running, and nothing else: the names of their programs, in
    /// the order of the alphabet. They are ended now.
    #[track_caller]
    pub(crate) fn left(self, expected: &str) -> Ran {
        // They may still be on the way to becoming these programs.
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
        // What is killed forks no more, but may have forked just before.
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

/// A story that fails half way leaves nothing behind either.
impl Drop for Test {
    fn drop(&mut self) {
        self.kill_leftovers();
    }
}
