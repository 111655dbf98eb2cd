//! `runner-config --list`, which shows all values.

use serde_json::{Value, json};

use crate::support::Test;

use super::ask;

#[test]
fn the_list_has_every_key_with_the_default_section_filled_in() {
    let config = "[b]\nk = 1\n[DEFAULT]\nd = 0\n[a]\nd = 2\nm = x\n  y\n";
    ask(config, &["--list"])
        .status(0)
        .stdout("b.d=0\nb.k=1\na.d=2\na.m=x\ny\n")
        .stderr("");
    ask(config, &["--list", "b"])
        .status(0)
        .stdout("b.d=0\nb.k=1\n")
        .stderr("");
}

#[test]
fn a_missing_section_has_no_list() {
    ask("[work]\n", &["--list", "wrok"])
        .status(1)
        .stdout("")
        .stderr("error: unknown section `wrok`; did you mean `work`?\n");
}

#[test]
fn the_list_shows_where_each_value_was_written() {
    Test::new()
        .only_config("[DEFAULT]\nd = 0\n[runner]\ninclude_dir = conf.d\n[a]\n\nk = 1\nl = 2\n")
        .file("conf.d/x", "[a]\n# more\nl = 3\n", 0o644)
        .run_with([
            "runner-config",
            "-c",
            "runner.cfg",
            "--list",
            "a",
            "--show-origin",
        ])
        .status(0)
        .stdout("runner.cfg:2\ta.d=0\nrunner.cfg:7\ta.k=1\nconf.d/x:3\ta.l=3\n")
        .stderr("");
}

#[test]
fn the_list_for_programs_is_one_object() {
    let config = "[DEFAULT]\nd = 0\n[runner]\nmax_tries = 3\n[a]\nk = \"\n  é\n";
    let ran = ask(config, &["--list", "--json"]).status(0).stderr("");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = json!({
        "runner": {"d": "0", "max_tries": "3"},
        "a": {"d": "0", "k": "\"\né"},
    });
    assert_eq!(found, expected);

    let ran = ask(config, &["--list", "a", "--json"]).status(0).stderr("");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found, json!({"a": {"d": "0", "k": "\"\né"}}));
}

#[test]
fn the_list_as_ini_is_one_file_that_reads_back_the_same() {
    let list = |file: &str, args: &[&str]| {
        Test::new()
            .only_config(
                "[runner]\ninclude_dir = conf.d\n[a]\nk = \\n ; é\u{202e}\n[DEFAULT]\nd: 0\n",
            )
            .file("conf.d/x", "[a]\nl =\n  1\n\n  2\n[b]\n", 0o644)
            .file("merged", MERGED, 0o644)
            .run_with([&["runner-config", "-c", file, "--list"], args].concat())
            .status(0)
            .stderr("")
            .stdout
    };
    const MERGED: &str = "[runner]\ninclude_dir = conf.d\n\n[a]\nk = \\n ; é\u{202e}\nl = \n\t1\n\t\n\t2\n\n\
                          [DEFAULT]\nd = 0\n[b]\n";
    assert_eq!(list("runner.cfg", &["--format", "ini"]), MERGED);
    assert_eq!(list("merged", &["--format", "ini"]), MERGED);
    for args in [&["--json"][..], &["--format", "json"], &[]] {
        assert_eq!(list("merged", args), list("runner.cfg", args));
    }
    // With a section, the keys of `[DEFAULT]` are written too.
    let part = "[DEFAULT]\nd = 0\n[b]\n";
    assert_eq!(list("runner.cfg", &["b", "--format", "ini"]), part);
}
