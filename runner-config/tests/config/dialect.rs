//! The INI dialect: accepted text, refused text, and the configuration written as one file.

use std::io::Write;

use proptest::prelude::*;
use runner_config::{Document, Entry, Origin, Problems};

/// Reads a file with this content. Returns the document and the problems, in which the file
/// has the name `f`.
fn load(bytes: &[u8]) -> (Document, Vec<String>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut problems = Problems::default();
    let path = Some(file.path());
    let document = Document::load_readable(path, &[], &mut |_, _| true, &mut problems);
    let path = format!("{}:", file.path().display());
    let problems = problems
        .iter()
        .map(|it| it.to_string().replace(&path, "f:"));
    (document, problems.collect())
}

/// The sections and their keys with values and lines, and the problems.
fn read(text: &str) -> (String, String) {
    let (document, problems) = load(text.as_bytes());
    let line = |origin: &Origin| match origin {
        Origin::File(_, line) => *line,
        Origin::Option(_) | Origin::Default => panic!("{origin}"),
    };
    let mut seen = String::new();
    for name in document.sections() {
        let header = document.header(name).unwrap();
        seen += &format!("{}[{name}]", line(header));
        for Entry {
            key, value, origin, ..
        } in document.entries(name)
        {
            seen += &format!(" {}{{{key}|{value}}}", line(origin));
        }
    }
    (seen.replace('\n', "~"), problems.join("; "))
}

#[test]
fn accepted_text_reads_as_python_reads_it() {
    for (text, expected) in [
        ("[a]\nk = v\n", "1[a] 2{k|v}"),
        ("\u{feff}[a]\r\nk: v\r\n", "1[a] 2{k|v}"),
        ("[a]\nK=a=b:c\n", "1[a] 2{K|a=b:c}"),
        ("[a]\nk = v ; no # comment\n", "1[a] 2{k|v ; no # comment}"),
        ("[a]\nk = \"q\" %(x)s \\n\n", "1[a] 2{k|\"q\" %(x)s \\n}"),
        ("[a]\nk =\n", "1[a] 2{k|}"),
        ("[a]\nk =\n  one\n  two\n", "1[a] 2{k|~one~two}"),
        ("[a]\nk = 1\n # no\n  2\n", "1[a] 2{k|1~2}"),
        ("[a]\nk = 1\n\n  2\n\n\n", "1[a] 2{k|1~~2}"),
        ("[a]\n  k = 1\n  l = 2\n   m\n", "1[a] 2{k|1} 3{l|2~m}"),
        ("[a]\nk = 1\n [b]\n", "1[a] 2{k|1~[b]}"),
        ("[a]\n[a=b\n", "1[a] 2{[a|b}"),
        ("[a] ; why\n[]=1\n", "1[a] 2{[]|1}"),
        ("[a]\nk k = v\nl =\nk k = w\n", "1[a] 4{k k|w} 3{l|}"),
        ("[a]\nk = x\u{a0}\n", "1[a] 2{k|x}"),
    ] {
        assert_eq!(read(text), (expected.to_owned(), String::new()), "{text:?}");
    }
}

#[test]
fn refused_text_names_line_and_reason() {
    for (text, expected) in [
        (
            "k = 5\nl = 6\n",
            "f:1: `k` is before the first section header",
        ),
        (
            "[runner\n",
            "f:1: section header `[runner` has no closing `]`",
        ),
        (
            "[a]\n[runner\n",
            "f:2: section header `[runner` has no closing `]`",
        ),
        ("[a]\nmax_tries 5\n", "f:2: `max_tries 5` has no `=` or `:`"),
        ("[env]\nhunter2\n", "f:2: line without `=` or `:`"),
        ("[a]\n = 5\n", "f:2: no name before the `=` or `:`"),
        (
            "[ a]\n",
            "f:1: section header `[ a]` has blanks inside the brackets",
        ),
        ("[a]b]\n", "f:1: section header with a second `]`"),
        (
            "[a] b\n",
            "f:1: section header `[a]` is followed by something that is not a comment",
        ),
        ("[a]\nk = \0\n", "f:2: control character U+0000"),
        ("[a]\rk = 1\n", "f:1: control character U+000D"),
    ] {
        assert_eq!(read(text).1, expected, "{text:?}");
    }
}

#[test]
fn a_file_in_another_format_is_refused_once() {
    for (format, text) in [
        ("JSON", "{\n  \"runner\": {\n    \"max_tries\": 3\n  }\n}\n"),
        ("JSON", "\n# why\n{\"runner\": {\"max_tries\": 3}}\n"),
        ("YAML", "runner:\n  max_tries: 3\nenv:\n  - A\n"),
        ("YAML", "---\nrunner: {max_tries: 3}\n"),
        ("YAML", "- a\n- b: 1\n"),
    ] {
        let (found, problems) = load(text.as_bytes());
        assert_eq!(found.sections().count(), 0);
        let [problem] = problems.as_slice() else {
            panic!("{text:?}: {problems:?}");
        };
        let expected = format!(": this looks like {format}, and the runner reads INI");
        assert!(problem.ends_with(&expected), "{text:?}: {problem}");
    }
    // In a section a key can look like that.
    assert_eq!(load(b"[a]\nk:\n{ = 1\n\"a\": 1\n- b = 1\n").1, [""; 0]);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_with_their_line() {
    let (_, problems) = load(b"[a]\nk = \xe9\n");
    assert_eq!(problems, ["f:2: not UTF-8: found the byte 0xE9"]);
}

/// Returns the document in `text`, or `None` if it is refused.
fn document(text: &str) -> Option<Document> {
    let (document, problems) = load(text.as_bytes());
    problems.is_empty().then_some(document)
}

fn written(document: &Document, only: Option<&str>) -> String {
    let mut out = Vec::new();
    document.write(only, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Sections, keys and values, in order.
fn contents(document: &Document) -> Vec<(&str, Vec<(&str, &str)>)> {
    let keys = |name| {
        let entries = document.entries(name).into_iter();
        entries.map(|entry| (entry.key, entry.value)).collect()
    };
    let sections = document.sections().chain(["DEFAULT"]);
    sections.map(|name| (name, keys(name))).collect()
}

#[test]
fn sections_are_merged_and_values_indented() {
    let text = "[a]\nk = 1\n[b]\n[DEFAULT]\nd: x ; y\n[a]\nl =\n  1\n\n  2\nk = \\n\n";
    let document = document(text).unwrap();
    let (a, default) = (
        "[a]\nk = \\n\nl = \n\t1\n\t\n\t2\n",
        "\n[DEFAULT]\nd = x ; y\n",
    );
    assert_eq!(written(&document, None), format!("{a}[b]\n{default}"));
    assert_eq!(written(&document, Some("a")), format!("{a}{default}"));
    assert_eq!(written(&document, Some("b")), format!("[b]{default}"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        load(&bytes);
    }

    #[test]
    fn no_lines_make_it_panic(text in "([\\[\\]=:;# \ta-c\u{a0}\r\n\u{feff}]{0,8}\n){0,12}") {
        load(text.as_bytes());
    }

    #[test]
    fn a_written_document_reads_back_the_same(lines in prop::collection::vec(
        "\\[(a|b|DEFAULT|=|;|a\\[|\u{fe0f}|\u{feff})\\]|[ab\u{202e}'\"\\[\\]]{1,3} ?[=:][ a;#=:\\[\\]\\\\'\"%$\t]{0,4}|\
         [ \t]{1,2}[a=:\\[\\]\\\\\u{feff}]{0,3}|;a",
        0..12,
    )) {
        let text = format!("[a]\n{}\n", lines.join("\n"));
        if let Some(read) = document(&text) {
            let again = document(&written(&read, None));
            prop_assert_eq!(again.as_ref().map(contents), Some(contents(&read)));
        }
    }
}
