//! Names of task files, and their `#!` lines.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use runner_exec::{FileFormat, TaskName};
use tempfile::NamedTempFile;

#[test]
fn short_names_lose_number_and_extension() {
    for (name, short) in [
        ("3-clobber.sh", "clobber"),
        ("10_x", "x"),
        ("clobber", "clobber"),
        ("3clobber.sh", "3clobber"),
        ("3-a.tar.gz", "a.tar"),
        ("3-", "3-"),
        ("3-.sh", ".sh"),
        ("42", "42"),
        ("-a", "-a"),
        ("1-2-3", "2-3"),
    ] {
        assert_eq!(TaskName::new(name).short(), Some(short), "{name}");
    }
}

#[test]
fn names_are_ordered_by_number_and_then_by_bytes() {
    let expected = [
        "0",
        "00-a",
        "1-a",
        "01-b",
        "2",
        "2-x",
        "10-y",
        "10_y",
        "99999999999999999999998",
        "99999999999999999999999-a",
        "A",
        "a",
        "b-1",
        "é",
    ];
    let mut names: Vec<TaskName> = expected.iter().rev().copied().map(TaskName::new).collect();
    names.sort();
    let sorted: Vec<String> = names.iter().map(TaskName::to_string).collect();
    // Equal numbers are ordered by bytes, leading zeros included.
    let mut expected: Vec<&str> = expected.to_vec();
    expected.swap(2, 3);
    assert_eq!(sorted, expected);
}

#[test]
fn a_name_is_shown_on_one_line() {
    assert_eq!(TaskName::new("a\nb\u{7f}é").to_string(), r"a\nb\x7fé");
}

#[test]
fn a_hashbang_line_is_read_as_the_kernel_reads_it() {
    for (line, interpreter, argument) in [
        (&b"#!/bin/sh\n"[..], &b"/bin/sh"[..], None),
        (
            b"#! \t/bin/sh -e  x \nmore",
            b"/bin/sh",
            Some(&b"-e  x"[..]),
        ),
        (
            b"#!/usr/bin/env\t-S a  b",
            b"/usr/bin/env",
            Some(b"-S a  b"),
        ),
        (b"#!/bin/sh -e\r\n", b"/bin/sh", Some(b"-e")),
        (b"#!/a\xff b\n", b"/a\xff", Some(b"b")),
        (b"#!/a\0b c\n", b"/a", None),
        (b"#!\n", b"", None),
    ] {
        let file = NamedTempFile::new().unwrap();
        fs::write(&file, line).unwrap();
        let FileFormat::Script {
            interpreter: found,
            argument: rest,
            ..
        } = FileFormat::of(file.path())
        else {
            panic!("{line:?}");
        };
        assert_eq!(found.as_os_str().as_bytes(), interpreter, "{line:?}");
        assert_eq!(rest.as_deref().map(OsStr::as_bytes), argument, "{line:?}");
    }
}
