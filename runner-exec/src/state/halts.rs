//! `max_halts`: limits the halts of a machine, over all its boots.
//!
//! The times are in a file of their own, since a journal is rotated. Each is written and flushed
//! before the halt task starts, as that can end the machine.

use std::{
    io,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::durable_file::{self, Draft};

/// Halts of a task directory.
#[derive(Debug)]
pub(crate) struct Halts {
    pub(crate) path: PathBuf,
    /// Maximum number within the period; 0 = no limit.
    pub(crate) max: u32,
    pub(crate) period: Duration,
}

/// Result of counting a halt.
#[derive(Debug)]
pub(crate) struct Counted {
    /// The maximum is exceeded, so the halt task must not run.
    pub(crate) used_up: bool,
    /// The error if this halt could not be written.
    pub(crate) written: io::Result<()>,
}

impl Halts {
    /// Counts one more halt. `None` without a limit.
    pub(crate) fn count(&self, now: SystemTime) -> Option<Counted> {
        if self.max == 0 {
            return None;
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let since = now.saturating_sub(self.period.as_secs());
        let (text, read) = match durable_file::read(&self.path) {
            Ok(text) => (text, Ok(())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        let text = String::from_utf8_lossy(&text);
        let times = text.lines().filter_map(|line| line.parse::<u64>().ok());
        // A time in the future was counted before the clock was set back.
        let mut times: Vec<u64> = times.filter(|&time| time > since).collect();
        let used_up = times.len() >= self.max as usize;
        times.push(now);
        // Older times make no difference, and a machine can fail for years.
        let first = times.len().saturating_sub(self.max as usize);
        let lines: String = (times[first..].iter())
            .map(|time| format!("{time}\n"))
            .collect();
        Some(Counted {
            used_up,
            written: read
                .and_then(|()| Draft::write(self.path.clone(), lines.as_bytes(), 0o644)?.commit()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts a halt at each of these seconds, and returns for each whether the halt task runs.
    fn runs(max: u32, period: u64, seconds: &[u64]) -> Vec<bool> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("halts");
        let period = Duration::from_secs(period);
        let halts = Halts { path, max, period };
        let run = |&second| {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            halts.count(now).is_none_or(|counted| {
                counted.written.unwrap();
                !counted.used_up
            })
        };
        seconds.iter().map(run).collect()
    }

    #[test]
    fn the_maximum_number_of_halts_runs_within_the_period() {
        let (yes, no) = (true, false);
        assert_eq!(runs(0, 10, &[1, 1, 1]), [yes, yes, yes]);
        assert_eq!(runs(2, 10, &[100, 101, 102]), [yes, yes, no]);
        // A run whose halt task is withheld counts too.
        assert_eq!(
            runs(2, 10, &[100, 105, 109, 111, 120, 131]),
            [yes, yes, no, no, yes, yes]
        );
        // After a whole period without a halt the count is empty.
        assert_eq!(runs(1, 10, &[100, 110, 115, 125]), [yes, yes, no, yes]);
        // A clock that was set back does not allow more halts.
        assert_eq!(runs(2, 10, &[1000, 1000, 5, 6]), [yes, yes, no, no]);
    }
}
