//! `log_dir`: names of logs, removal of old logs, and their last lines.
#![expect(clippy::disallowed_methods, reason = "the directory of logs is read")]

use std::{collections::HashSet, ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use runner_exec::{Logs, OutputLine, RunId, TaskName, tail};

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
        // The clock was set back. Of the runs that look later, only one is removed.
        ("2024 2025 2026", "1970", 3, "1970 2025 2026"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let id = |year: &str| RunId::parse(&format!("{year}0101T000000.000Z-00000000")).unwrap();
        for year in there.split_whitespace() {
            fs::create_dir(directory.path().join(id(year).as_str())).unwrap();
        }
        // Other files and directories are kept.
        let others = ["2000-precious-work", "20000101T000000.000Z-0000000g"];
        for name in others {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        Logs::create(directory.path(), &id(own), keep).unwrap();
        for name in others {
            fs::remove_dir(directory.path().join(name)).unwrap();
        }
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
    let directory = tempfile::tempdir().unwrap();
    let id = RunId::parse("20260101T000000.000Z-00000000").unwrap();
    let logs = Logs::create(directory.path(), &id, 0).unwrap();
    let path = |task: &[u8], try_num| {
        let path = logs.path(&TaskName::new(OsStr::from_bytes(task)), try_num);
        path.file_name().unwrap().to_owned()
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
            assert!(path.len() <= 255, "{path:?}");
            let end = format!(".{try_num}.log");
            assert!(path.as_bytes().ends_with(end.as_bytes()), "{path:?}");
            // The log of a name that is not UTF-8 is not UTF-8 either.
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
        let lines = tail(&path, None).unwrap();
        lines.iter().map(OutputLine::plain).collect::<Vec<_>>()
    };
    assert_eq!(shown(b""), [""; 0]);
    assert_eq!(shown(b"a\nb"), ["a", "b"]);
    // A hyperlink, as compilers print it.
    assert_eq!(
        shown(b"\x1b]8;;https://a.example\x1b\\E0308\x1b]8;;\x1b\\:"),
        ["E0308:"]
    );
    assert_eq!(
        shown(b"\x1b[31mred\x1b[0m\r\n\xff\t.\n\xc2\x9b\\\xe2\x80\xae"),
        ["red", "\\xff\t.", r"\u009b\\u202e"]
    );
    let many: String = (0..100_000).map(|line| format!("{line}\n")).collect();
    let last: Vec<String> = (99_980..100_000).map(|line| line.to_string()).collect();
    assert_eq!(shown(many.as_bytes()), last);
    let endless = shown(&vec![b'x'; 1_000_000]);
    assert_eq!(endless, [format!("…{}", "x".repeat(1000))]);
}
