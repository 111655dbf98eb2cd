//! `-g`: one value.

use crate::support::Test;

use super::ask;

#[test]
fn a_value_is_printed_as_it_is_written() {
    ask(
        "[hg]\nremote:  \"u\" ; no # comment \\n %(x)s ${HOME} = :  \n",
        &["-g", "hg.remote"],
    )
    .status(0)
    .stdout("\"u\" ; no # comment \\n %(x)s ${HOME} = :\n")
    .stderr("");
}

#[test]
fn a_key_is_split_at_the_first_dot_that_yields_one() {
    let config = "[a]\nb.c = 1\n[a.b]\nc = 2\nd = 3\n[a.b.c]\ne.f = 4\n";
    for (key, expected) in [("a.b.c", "1\n"), ("a.b.d", "3\n"), ("a.b.c.e.f", "4\n")] {
        ask(config, &["-g", key])
            .status(0)
            .stdout(expected)
            .stderr("");
    }
}

#[test]
fn a_missing_key_names_the_nearest_ones() {
    let config = "[hg]\nremote = u\nshare = s\n[work]\ndir = d\n[empty]\n";
    for (key, expected) in [
        (
            "hg.remotes",
            "error: unknown key `hg.remotes`; section `hg` has `remote`\n",
        ),
        (
            "hg.branch",
            "error: unknown key `hg.branch`; section `hg` has `remote`, `share`\n",
        ),
        (
            "empty.x",
            "error: unknown key `empty.x`; section `empty` has no keys\n",
        ),
        (
            "wrok.dir",
            "error: unknown section `wrok`; did you mean `work`?\n",
        ),
        (
            "git.remote",
            "error: unknown section `git`; the configuration has `hg`, `work`, `empty`\n",
        ),
    ] {
        ask(config, &["-g", key])
            .status(1)
            .stdout("")
            .stderr(expected);
    }
}

#[test]
fn a_setting_that_is_not_written_is_answered_with_its_default() {
    for (config, key, default) in [
        ("", "max_tries", "`5`"),
        ("[runner]\nmax_time = 1\n", "state_dir", "empty"),
    ] {
        ask(config, &["-g", &format!("runner.{key}")])
            .status(1)
            .stdout("")
            .stderr(&format!(
                "error: `runner.{key}` is not set; its default is {default}, and `runner \
                 --dry-run` shows what is in force\n"
            ));
    }
    // `[runner]` has no such setting.
    ask("", &["-g", "runner.enabled"])
        .status(1)
        .says("unknown section `runner`");
}

#[test]
fn nothing_is_found_without_a_configuration() {
    Test::new()
        .no_config()
        .run_with(["runner-config", "-g", "hg.remote"])
        .status(1)
        .stdout("")
        .stderr("error: unknown section `hg`; the configuration has no sections\n");
}

#[test]
fn the_default_option_answers_for_a_missing_key() {
    for (args, expected) in [
        (["-g", "hg.branch", "--default", "tip"], "tip\n"),
        (["-g", "git.remote", "--default", ""], "\n"),
        (["-g", "hg.branch", "--default", "-5"], "-5\n"),
        (["-g", "hg.remote", "--default", "other"], "u\n"),
    ] {
        ask("[hg]\nremote = u\n", &args)
            .status(0)
            .stdout(expected)
            .stderr("");
    }
}

#[test]
fn a_value_of_several_lines_keeps_them() {
    ask(
        "[a]\nk = one\n   two\n# a comment\n ; another\n\n\tthree\n\n\nl = 1\n",
        &["-g", "a.k"],
    )
    .status(0)
    .stdout("one\ntwo\n\nthree\n")
    .stderr("");
}

#[test]
fn keys_keep_their_case_and_the_last_value_wins() {
    let config = "[a]\nKey = 1\nkey = 2\n[b]\n[a]\nother = 3\nkey = 4\n";
    for (key, expected) in [("a.Key", "1\n"), ("a.key", "4\n"), ("a.other", "3\n")] {
        ask(config, &["-g", key]).status(0).stdout(expected);
    }
}

#[test]
fn files_from_windows_are_read() {
    ask("\u{feff}[a]\r\nk = 1\r\n  2\r\n", &["-g", "a.k"])
        .status(0)
        .stdout("1\n2\n");
}

#[test]
fn the_default_section_fills_in_what_is_missing() {
    let config = "[DEFAULT]\nd = 0\n[a]\nd = 1\n[b]\n";
    for (key, expected) in [("a.d", "1\n"), ("b.d", "0\n"), ("DEFAULT.d", "0\n")] {
        ask(config, &["-g", key]).status(0).stdout(expected);
    }
    ask(config, &["-g", "c.d"]).status(1).stdout("");
}

#[test]
fn a_malformed_file_answers_nothing() {
    let expected = "\
error: runner.cfg:2: `tries` has no `=` or `:`
  hint: write `[section]` or `key = value`; indent a line that continues a value
error: runner.cfg:3: section header `[env` has no closing `]`
  hint: write `[section]` or `key = value`; indent a line that continues a value
";
    let config = "[hg]\ntries\n[env\nremote = u\n";
    for args in [
        &["-g", "hg.remote"][..],
        &["-g", "hg.branch", "--default", "tip"],
        &["--list"],
        &["--check"],
    ] {
        ask(config, args).status(78).stdout("").stderr(expected);
    }
    Test::new()
        .only_config(config)
        .task("1-a", "")
        .run()
        .status(78)
        .order("")
        .stdout("")
        .says("runner.cfg:2: `tries` has no `=` or `:`");
}

#[test]
fn every_refused_line_has_a_reason_and_a_hint() {
    for (config, expected) in [
        (
            "k = 1\nl = 2\n[a]\n",
            "1: `k` is before the first section header\n  \
             hint: put a line such as `[runner]` above it\n",
        ),
        (
            "[a]\n = 1\n",
            "2: no name before the `=` or `:`\n  hint: write `key = value`\n",
        ),
        (
            "[ a]\n",
            "1: section header `[ a]` has blanks inside the brackets\n  hint: write `[a]`\n",
        ),
        (
            "[a] b\n",
            "1: section header `[a]` is followed by something that is not a comment\n  \
             hint: put it on its own line\n",
        ),
        (
            "[a]]\n",
            "1: section header with a second `]`\n  \
             hint: a section's name cannot contain `]`; put a comment on its own line\n",
        ),
        (
            "[a]\nk = \u{7}\n",
            "2: control character U+0007\n  hint: remove it; a value cannot contain one\n",
        ),
    ] {
        ask(config, &["--check"])
            .status(78)
            .stdout("")
            .stderr(&format!("error: runner.cfg:{expected}"));
    }
}

#[test]
fn a_wrong_setting_does_not_prevent_queries() {
    let config = "[runner]\nmax_tries = many\n[hg]\nremote = u\n";
    ask(config, &["-g", "hg.remote"])
        .status(0)
        .stdout("u\n")
        .stderr("");
    ask(config, &["-g", "runner.max_tries"])
        .status(0)
        .stdout("many\n")
        .stderr("");
}
