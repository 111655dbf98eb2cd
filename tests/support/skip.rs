//! Stories that cannot be played everywhere.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    process::{Command, Stdio},
};

use rustix::process::Signal;

/// Reports it when a story needs a utility that is not installed.
///
/// # Panics
///
/// In CI, which installs what stories need: there no story is left out.
pub(crate) fn is_missing(utility: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let missing = !env::split_paths(&path).any(|directory| directory.join(utility).exists());
    if missing {
        assert!(env::var_os("CI").is_none(), "there is no {utility}");
        skip(&format!("there is no {utility}"));
    }
    missing
}

/// Says so and does nothing when there are no terminals for [`super::REPLACE_BY_TERMINAL`].
pub(crate) fn has_no_terminals() -> bool {
    let cannot = File::open("/dev/ptmx").is_err();
    if cannot {
        skip("there are no terminals");
    }
    cannot
}

/// Says so and does nothing when `env` cannot start a program with a signal blocked.
pub(crate) fn cannot_block_signals() -> bool {
    let mut env = Command::new("env");
    let env = env.args(["--block-signal", "true"]).stderr(Stdio::null());
    let cannot = !env.status().is_ok_and(|status| status.success());
    if cannot {
        skip("env cannot block signals");
    }
    cannot
}

/// Says so and does nothing when this process ignores `signal`, as the runner would
/// then.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let ignored = ignores(&fs::read_to_string("/proc/self/status").unwrap(), signal);
    if ignored {
        skip(&format!("{signal:?} is ignored here"));
    }
    ignored
}

/// Whether a process ignores `signal`, by its `/proc/PID/status`.
pub(crate) fn ignores(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

/// Says so where everybody sees it, when a story shows less than it should.
pub(crate) fn skip(why: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    // Not by a macro: what they print is shown when a test fails only.
    let line = format!("SKIPPED {name}: {why}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
