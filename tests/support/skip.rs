//! Stories that need something that a machine may lack. Each check prints a line SKIPPED
//! and returns `true` if the story has to be skipped.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    process::{Command, Stdio},
};

use rustix::process::Signal;

/// Returns `true` if `utility` is not in `PATH`.
///
/// # Panics
///
/// In CI, which installs all utilities: no story is skipped there.
pub(crate) fn is_missing(utility: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let missing = !env::split_paths(&path).any(|directory| directory.join(utility).exists());
    if missing {
        assert!(env::var_os("CI").is_none(), "there is no {utility}");
        skip(&format!("there is no {utility}"));
    }
    missing
}

/// Returns `true` if there are no terminals for [`super::REPLACE_BY_TERMINAL`].
pub(crate) fn has_no_terminals() -> bool {
    let cannot = File::open("/dev/ptmx").is_err();
    if cannot {
        skip("there are no terminals");
    }
    cannot
}

/// Returns `true` if `env` cannot start a program with a signal blocked.
pub(crate) fn cannot_block_signals() -> bool {
    let mut env = Command::new("env");
    let env = env.args(["--block-signal", "true"]).stderr(Stdio::null());
    let cannot = !env.status().is_ok_and(|status| status.success());
    if cannot {
        skip("env cannot block signals");
    }
    cannot
}

/// Returns `true` if this process ignores `signal`: the runner would inherit that.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let ignored = ignores(&fs::read_to_string("/proc/self/status").unwrap(), signal);
    if ignored {
        skip(&format!("{signal:?} is ignored here"));
    }
    ignored
}

/// Returns `true` if a process ignores `signal`; `status` is its `/proc/PID/status`.
pub(crate) fn ignores(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

/// Prints that the current story is skipped or incomplete, and why.
pub(crate) fn skip(why: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    // The output of `eprintln!` is only shown if the test fails.
    let line = format!("SKIPPED {name}: {why}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
