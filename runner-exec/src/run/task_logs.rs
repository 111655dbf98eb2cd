//! `log_dir`: where the output of tasks goes, one file per task and try. The file is
//! the task's stdout and stderr itself, so nothing stands between.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where old logs are looked for"
)]

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Seek, SeekFrom},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use runner_config::{bytes_text, escape_lines};
use rustix::{fs::OFlags, io::Errno};

use crate::plan::task_name::TaskName;

/// Of a task that failed, so much is shown.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 64 * 1024;
const TAIL_LINE: usize = 1000;

/// Bytes that the name of a file can have (NAME_MAX).
const MAX_FILE_NAME: usize = 255;

/// The logs of one run.
#[derive(Clone, Debug)]
pub struct Logs {
    directory: PathBuf,
}

impl Logs {
    /// Makes the directory of the run `id` in `log_dir`, and removes the oldest ones
    /// so that `keep` are left; 0 keeps all.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub fn create(log_dir: &Path, id: &str, keep: u32) -> io::Result<Logs> {
        let directory = log_dir.join(id);
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(&directory)?;
        if keep > 0 {
            // What cannot be removed now is tried again by the next run.
            let _ = remove_old(log_dir, id, keep);
        }
        Ok(Logs { directory })
    }

    /// The file for the output of `task` in try `try_num`: `TASK.TRY.log`, or a shortened
    /// name with a hash of the task's where that is too long for the name of a file.
    pub fn path(&self, task: &TaskName, try_num: u32) -> PathBuf {
        let name = task.as_os_str().as_bytes();
        let mut end = format!(".{try_num}.log");
        let mut kept = name.len();
        if name.len() + end.len() > MAX_FILE_NAME {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            end = format!("~{:016x}{end}", hasher.finish());
            let is_start = |cut: &usize| name[*cut] & 0xc0 != 0x80;
            // Not within a character.
            let room = MAX_FILE_NAME - end.len();
            kept = (1..=room).rev().find(is_start).unwrap_or(room);
        }
        let file = [&name[..kept], end.as_bytes()].concat();
        self.directory.join(OsStr::from_bytes(&file))
    }
}

/// Makes the file at `path` for the output of a task. Nothing stands there, unless
/// somebody has put it there: a pipe would hold up the runner, and a link would let the
/// task write to another file.
///
/// # Errors
///
/// It cannot be made.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o640)
        .open(path)
}

/// Removes the oldest runs, but never `own`: the clock may have been set back.
fn remove_old(log_dir: &Path, own: &str, keep: u32) -> io::Result<()> {
    let names = fs::read_dir(log_dir)?.map(|entry| Ok(entry?.file_name().into_string()));
    let names: Vec<_> = names.collect::<io::Result<_>>()?;
    let mut runs: Vec<String> = names
        .into_iter()
        .flatten()
        .filter(|name| is_run(name) && name != own)
        .collect();
    // The id begins with the time, so the oldest is the first; but a run that is later than
    // this one is from a clock that was ahead, and would be the newest for years.
    runs.sort();
    runs.sort_by_key(|run| run.as_str() <= own);
    let old = (runs.len() + 1).saturating_sub(keep as usize);
    for run in &runs[..old] {
        // One that cannot be removed does not keep the others.
        let _ = fs::remove_dir_all(log_dir.join(run));
    }
    Ok(())
}

/// Whether a directory is a run's: nothing else is removed, whatever stands there.
fn is_run(name: &str) -> bool {
    name.len() == "20260101T000000.000Z-00000000".len()
        && name.char_indices().all(|(index, c)| match index {
            8 => c == 'T',
            15 => c == '.',
            19 => c == 'Z',
            20 => c == '-',
            0..20 => c.is_ascii_digit(),
            _ => c.is_ascii_hexdigit(),
        })
}

/// The last lines of the file at `path`, read from its end, fit for a terminal. Whatever
/// the task has put in place of its log is neither waited for nor followed. With `owner`, the
/// file must belong to that user.
///
/// # Errors
///
/// It cannot be read, is no regular file, or belongs to another user.
pub fn tail(path: &Path, owner: Option<u32>) -> io::Result<Vec<String>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::LOOP | Errno::NXIO) => not_regular(),
            _ => error,
        })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    if owner.is_some_and(|owner| owner != metadata.uid()) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let length = metadata.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = bytes_text(&bytes);
    let mut lines: Vec<String> = text.lines().rev().take(TAIL_LINES).map(shown).collect();
    lines.reverse();
    Ok(lines)
}

fn not_regular() -> io::Error {
    io::Error::other("it is no regular file")
}

/// A line without what a terminal would obey, and the end of one that is too long.
fn shown(line: &str) -> String {
    let length = line.chars().count();
    let cut = length.saturating_sub(TAIL_LINE);
    let mut end = if cut > 0 { "…" } else { "" }.to_owned();
    end.extend(line.chars().skip(cut));
    escape_lines(&end).into_owned()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, ffi::OsStr, os::unix::ffi::OsStrExt};

    use super::*;

    #[test]
    fn only_directories_of_runs_are_taken_for_old_logs() {
        assert!(is_run("20261124T065504.123Z-da2e7952"));
        for name in [
            "",
            "20261124T065504.123Z-da2e795",
            "20261124T065504.123Z-da2e795g",
            "precious-work-of-29-characters",
        ] {
            assert!(!is_run(name), "{name}");
        }
    }

    #[test]
    fn the_oldest_runs_are_removed_and_first_those_of_a_clock_that_was_ahead() {
        for (there, own, keep, expected) in [
            ("", "2026", 1, "2026"),
            ("2023 2024 2025", "2026", 0, "2023 2024 2025 2026"),
            ("2023 2024 2025", "2026", 2, "2025 2026"),
            ("2023 2024 2025", "2026", 1, "2026"),
            ("2024 2025 2225 2226", "2026", 4, "2024 2025 2026 2226"),
            ("2024 2025 2225 2226", "2026", 3, "2024 2025 2026"),
            ("2024 2025 2225 2226", "2026", 2, "2025 2026"),
            // The clock is behind now: one of those that look ahead goes, and not all.
            ("2024 2025 2026", "1970", 3, "1970 2025 2026"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let id = |year: &str| format!("{year}0101T000000.000Z-00000000");
            for year in there.split_whitespace() {
                fs::create_dir(directory.path().join(id(year))).unwrap();
            }
            Logs::create(directory.path(), &id(own), keep).unwrap();
            let left = fs::read_dir(directory.path()).unwrap();
            let mut left: Vec<String> = left
                .map(|entry| entry.unwrap().file_name().to_str().unwrap()[..4].to_owned())
                .collect();
            left.sort();
            assert_eq!(left.join(" "), expected, "{there}, {own}, {keep}");
        }
    }

    #[test]
    fn every_task_has_a_log_of_its_own_that_can_be_named() {
        let logs = Logs {
            directory: PathBuf::new(),
        };
        let path = |task: &[u8], try_num| {
            let path = logs.path(&TaskName::new(OsStr::from_bytes(task)), try_num);
            path.into_os_string()
        };
        let [a, b] = ["a", "b"].map(|last| "x".repeat(254) + last);
        let [u, v] = ["u", "v"].map(|last| "é".repeat(127) + last);
        let names: [&[u8]; 7] = [
            &[b'y'; 249],
            a.as_bytes(),
            b.as_bytes(),
            u.as_bytes(),
            v.as_bytes(),
            b"1-\xff",
            b"1-\xfe",
        ];
        let mut paths = HashSet::new();
        for name in names {
            for try_num in [1, 2, u32::MAX] {
                let path = path(name, try_num);
                assert!(path.len() <= MAX_FILE_NAME, "{path:?}");
                let end = format!(".{try_num}.log");
                assert!(path.as_bytes().ends_with(end.as_bytes()), "{path:?}");
                // Only what was no text before is none.
                assert_eq!(path.to_str().is_some(), str::from_utf8(name).is_ok());
                assert!(paths.insert(path));
            }
        }
        assert_eq!(path(b"1-a", 3), "1-a.3.log");
        assert_eq!(path(&[b'y'; 249], 1), &*("y".repeat(249) + ".1.log"));
    }

    #[test]
    fn the_tail_is_the_last_lines_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let shown = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            tail(&path, None).unwrap()
        };
        assert_eq!(shown(b""), [""; 0]);
        assert_eq!(shown(b"a\nb"), ["a", "b"]);
        assert_eq!(
            shown(b"\x1b[31mred\r\n\xff\t.\n\xc2\x9b\\\xe2\x80\xae"),
            [r"\x1b[31mred", "\\xff\t.", r"\u009b\\u202e"]
        );
        let many: String = (0..100_000).map(|line| format!("{line}\n")).collect();
        let last: Vec<String> = (99_980..100_000).map(|line| line.to_string()).collect();
        assert_eq!(shown(many.as_bytes()), last);
        let endless = shown(&vec![b'x'; 1_000_000]);
        assert_eq!(endless, [format!("…{}", "x".repeat(TAIL_LINE))]);
    }
}
