//! Text for terminals and for JSON.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use proptest::prelude::*;
use runner_config::{
    bytes_text, escape, escape_json, escape_lines, from_name_text, is_hidden, name_text, shown,
};

fn name(bytes: &[u8]) -> String {
    shown(Path::new(OsStr::from_bytes(bytes)))
}

#[test]
fn a_name_has_one_text() {
    for (bytes, json, text) in [
        (&b"3-clobber.sh"[..], "3-clobber.sh", "3-clobber.sh"),
        (
            "Prüfung 検査 🚀".as_bytes(),
            "Prüfung 検査 🚀",
            "Prüfung 検査 🚀",
        ),
        (b"x\xff", r"x\xff", r"x\xff"),
        (b"x\xfe", r"x\xfe", r"x\xfe"),
        (br"x\xff", r"x\\xff", r"x\\xff"),
        (b"a\nb", "a\nb", r"a\nb"),
        (br"a\nb", r"a\\nb", r"a\\nb"),
        (b"a\\\nb", "a\\\\\nb", r"a\\\nb"),
        (b"\xc2\x9b", "\u{9b}", r"\u009b"),
        (b"\x9b", r"\x9b", r"\x9b"),
    ] {
        assert_eq!(name_text(OsStr::from_bytes(bytes)), json);
        assert_eq!(name(bytes), text);
    }
}

#[test]
fn single_backslashes_of_earlier_journals_stay() {
    for text in [
        r"a\b", r"\", r"a\", r"\xf", r"\x+f", r"\x1b", r"\xé", r"a\é",
    ] {
        assert_eq!(from_name_text(text), *text);
    }
}

#[test]
fn hidden_characters_are_spelled() {
    for (text, escaped, json) in [
        ("é\\ \"", "é\\ \"", "é\\ \""),
        ("\t\r", r"\t\r", r"\u0009\u000d"),
        ("\0\u{1b}[31m", r"\x00\x1b[31m", r"\u0000\u001b[31m"),
        ("\u{7f}\u{9b}", r"\x7f\u009b", r"\u007f\u009b"),
        ("\u{ad}\u{61c}", r"\u00ad\u061c", r"\u00ad\u061c"),
        ("\u{200b}\u{200f}", r"\u200b\u200f", r"\u200b\u200f"),
        ("\u{2028}\u{202e}", r"\u2028\u202e", r"\u2028\u202e"),
        ("\u{2066}\u{fe0f}", r"\u2066\ufe0f", r"\u2066\ufe0f"),
        ("\u{feff}\u{2060}", r"\ufeff\u2060", r"\ufeff\u2060"),
        ("\u{e0041}", r"\U000e0041", r"\udb40\udc41"),
    ] {
        assert_eq!(escape(text), escaped);
        assert_eq!(escape_json(text.to_owned()), json);
    }
    assert_eq!(
        escape_lines("a\u{9b}\n\tb\u{fe0f}\r"),
        "a\\u009b\n\tb\u{fe0f}\\r"
    );
    assert_eq!(escape_json("{\n}\n".to_owned()), "{\n}\n");
    assert_eq!(bytes_text(b"a\\\xe9\n"), "a\\\\xe9\n");
}

/// Names made from few pieces, so that two of them are often nearly equal.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "a",
        "\\",
        "x",
        "xff",
        "n",
        "u202e",
        "\n",
        "\u{1b}",
        "\u{85}",
        "\u{202e}",
        "\u{e0001}",
    ];
    let piece = prop_oneof![
        prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        any::<u8>().prop_map(|byte| vec![byte]),
        prop::sample::select(&b"\xff\x85\xe2\x80\xae"[..]).prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Reads a text as bash reads `$'…'`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    let code = |rest: &mut std::str::Chars, digits| {
        let digits: String = rest.by_ref().take(digits).collect();
        u32::from_str_radix(&digits, 16).unwrap()
    };
    while let Some(c) = rest.next() {
        let c = match c {
            '\\' => match rest.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'x' => {
                    bytes.push(code(&mut rest, 2) as u8);
                    continue;
                }
                'u' => char::from_u32(code(&mut rest, 4)).unwrap(),
                'U' => char::from_u32(code(&mut rest, 8)).unwrap(),
                '\\' => '\\',
                other => panic!("{other}"),
            },
            c => c,
        };
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    bytes
}

proptest! {
    #[test]
    fn no_two_names_have_the_same_text(bytes in bytes()) {
        let json = name_text(OsStr::from_bytes(&bytes)).into_owned();
        let read = from_name_text(&json);
        prop_assert_eq!(read.as_bytes(), &bytes);
        let text = name(&bytes);
        prop_assert_eq!(unescape(&text), bytes);
        prop_assert!(!text.contains(is_hidden));
        // A report escapes the text of a journal again, which may already be escaped.
        prop_assert_eq!(escape(&json), &*text);
        prop_assert_eq!(escape(&text), &*text);
    }
}
