//! Sections of tasks.

use crate::support::Test;

use super::{in_force, without_times};

#[test]
fn a_section_named_as_a_task_overrides_settings_for_it() {
    for (task, section) in [
        ("3-clobber.sh", "3-clobber.sh"),
        ("3-clobber.sh", "clobber"),
        ("003_clobber", "clobber"),
        ("clobber.sh", "clobber"),
        ("clobber", "clobber"),
        ("3-a.tar.gz", "a.tar"),
        ("3clobber.sh", "3clobber"),
        ("1-2-x", "2-x"),
        ("with blank", "with blank"),
        ("3-é.sh", "é"),
    ] {
        let test = Test::new()
            .config(&format!("max_time = 1\n[{section}]\nmax_time = 7"))
            .task(task, "");
        assert_eq!(in_force(test, "max_time"), 7.0, "[{section}] for {task}");
    }
    for (task, section) in [
        ("3-clobber.sh", "3-clobber"),
        ("3-clobber.sh", "clobber.sh"),
    ] {
        let test = Test::new()
            .config(&format!("max_time = 1\n[{section}]\nmax_time = 7"))
            .task(task, "");
        assert_eq!(in_force(test, "max_time"), 1.0, "[{section}] for {task}");
    }
}

#[test]
fn overrides_apply_to_their_task_and_no_other() {
    Test::new()
        .task("1-a", "exit 9")
        .task("2-b", "exit 9")
        .config("max_tries = 1\n[a]\nok_codes = 9")
        .run()
        .status(1)
        .order("1-a 2-b");
    Test::new()
        .task("1-a", "exit 2")
        .config("max_tries = 5\n[a]\nhalt_codes =\nstop_codes = 2")
        .run()
        .status(3)
        .order("1-a");
    Test::new()
        .file("tasks.d/1-a", "echo by sh\n", 0o644)
        .task("2-b", "")
        .config("[a]\ninterpreter = sh")
        .run()
        .status(0)
        .order("2-b")
        .stdout("by sh\n");
    Test::new()
        .file("tasks.d/1-a", "not by sh\n", 0o644)
        .task("2-b", "")
        .config("interpreter = echo\n[2-b]\ninterpreter =")
        .run()
        .status(0)
        .order("2-b")
        .stdout("tasks.d/1-a\n");
}

#[test]
fn two_sections_for_one_task_are_an_error() {
    Test::new()
        .only_config("[clobber]\nmax_time = 1\n[3-clobber.sh]\nkeep = 14\n")
        .task("3-clobber.sh", "")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:3: section `3-clobber.sh` is for task `3-clobber.sh`, which has \
             section `clobber` at runner.cfg:1\n  hint: merge the two sections\n",
        );
}

#[test]
fn no_error_hides_another_one() {
    for (config, errors) in [
        (
            "[1-a]\nmax_time = never\n[a]\nenabled = perhaps\ndepends_on = nobody\n",
            &[
                "2: `max_time` must be ",
                "3: section `a` is for task `1-a`",
                "4: `enabled` must be ",
                "5: task `1-a` depends on `nobody`, which does not exist",
            ][..],
        ),
        (
            "[c]\nmax_tries = x\nrequired = maybe\n",
            &[
                "1: section `c` is the short name of ",
                "2: `max_tries` must be ",
                "3: `required` must be ",
            ],
        ),
        (
            "[runner]\nok_codes = 0 2 3\nhalt_codes = 2 3\n[1-a]\nmax_time = x\n",
            &[
                "2: exit code 2 is in both ",
                "2: exit code 3 is in both ",
                "5: `max_time` must be ",
            ],
        ),
        (
            "[env]\n= 1\n[runner]\nmax_tries = x\nlog_keep\n[b\nmax_trys = 3\n[runner]\n[\u{7}]\n\
             max_trys = 1\n[runner]\nmax_time = y\n",
            &[
                "2: no name before the `=` or `:`",
                "4: `max_tries` must be ",
                "5: `log_keep` has no `=` or `:`",
                "6: section header `[b` has no closing `]`",
                "9: control character U+0007",
                "12: `max_time` must be ",
            ],
        ),
    ] {
        let ran = Test::new()
            .only_config(config)
            .task("1-a", "")
            .task("2-c", "")
            .task("3-c", "")
            .args(["--check"])
            .run()
            .status(78);
        let mut messages = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        for error in errors {
            let line = messages.next().unwrap_or_default();
            let expected = format!("error: runner.cfg:{error}");
            assert!(line.starts_with(&expected), "no {error}: {}", ran.stderr);
        }
        assert_eq!(messages.next(), None);
    }
}

#[test]
fn a_short_name_of_two_tasks_is_an_error_where_it_is_used() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("2-a.sh", "")
            .task("3-b", "")
    };
    test().run().status(0).order("1-a 2-a.sh 3-b");
    test()
        .only_config("[a]\nkeep = 14\n[b]\ndepends_on = a\n")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:1: section `a` is the short name of `1-a` and `2-a.sh`\n  \
             hint: write the file name between the brackets, or rename one of them\n\
             error: runner.cfg:4: task `3-b` depends on `a`, which is the short name of `1-a` \
             and `2-a.sh`\n  hint: write the file name, or rename one of them\n",
        );
    test()
        .config("[1-a]\nmax_time = 1\n[2-a.sh]\nmax_time = 2\n[b]\ndepends_on = 1-a, 2-a.sh")
        .run()
        .status(0)
        .order("1-a 2-a.sh 3-b");
    // A file name wins over the same short name.
    test()
        .task("a", "")
        .task("c", "")
        .config("[a]\nmax_time = 5\n[c]\ndepends_on = a")
        .run()
        .status(0)
        .order("1-a 2-a.sh 3-b a c");
}

#[test]
fn a_key_of_a_task_that_is_nearly_a_setting_is_a_warning() {
    let test = || {
        Test::new()
            .only_config("[a]\nmax_tme = 1\nkeep_days = 14\nenable = no\n")
            .task("1-a", "$RUNNER_CONFIG_CMD -g a.keep_days")
    };
    let expected = "\
warning: runner.cfg:2: key `max_tme` in a task's section is not a setting
  hint: did you mean `max_time`?
warning: runner.cfg:4: key `enable` in a task's section is not a setting
  hint: did you mean `enabled`?
";
    test()
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stderr(expected);
    let ran = test().run().status(0).order("1-a").stdout("14\n");
    assert!(without_times(&ran.stderr).starts_with(expected));
}

#[test]
fn a_synonym_of_depends_on_is_warned_of_and_others_are_noted() {
    let test = || {
        Test::new()
            .only_config(
                "[a]\ndepends = b\nneeds = b\nrequires = b\nafter = b\ndepend_on = b\n\
                 max_retries = 1\ntimeout = 1\nretries = 1\nuser = u\nenvironment = e\njob = 1\n",
            )
            .task("1-a", "")
            .task("1-b", "")
    };
    let line = |line, level, key, hint| {
        format!(
            "{level}runner.cfg:{line}: key `{key}` in a task's section is not a setting\n  \
             hint: {hint}\n"
        )
    };
    let keys = ["depends", "needs", "requires", "after", "depend_on"];
    let warned = (2..)
        .zip(keys)
        .map(|(number, key)| line(number, "warning: ", key, "did you mean `depends_on`?"));
    let retries = "`max_tries` counts the first try too: retries + 1";
    let warned = warned.collect::<String>() + &line(7, "warning: ", "max_retries", retries);
    let notes = line(8, "", "timeout", "did you mean `max_time`?")
        + &line(9, "", "retries", retries)
        + &line(
            10,
            "",
            "user",
            "not a setting; see `interpreter` in runner.cfg(5)",
        )
        + &line(
            11,
            "",
            "environment",
            "environment variables belong in `[env]`",
        );
    let checked = test().args(["--check"]).run().status(1).order("");
    checked.stderr(&(warned.clone() + &notes));
    let ran = test().run().status(0).order("1-a 1-b");
    assert!(without_times(&ran.stderr).starts_with(&warned));
    ran.does_not_say("timeout");
    Test::new()
        .only_config("[a]\ntimeout = 1\n")
        .task("1-a", "")
        .args(["--check"])
        .run()
        .status(0)
        .stderr(&(line(2, "", "timeout", "did you mean `max_time`?") + "1 task, no problems\n"));
}

#[test]
fn a_section_with_settings_but_without_a_task_is_a_warning() {
    let test = || {
        Test::new()
            .only_config("[work]\ndir = x\n[clober]\nmax_time = 1\nenabled = no\nkeep = 14\n")
            .task("3-clobber.sh", "")
    };
    let expected = "warning: runner.cfg:4: section `clober` sets `enabled`, `max_time`, but there \
                    is no such task\n  hint: did you mean `clobber`?\n";
    test()
        .args(["--check"])
        .run()
        .status(1)
        .order("")
        .stderr(expected);
    test()
        .args(["-n", "2"])
        .config("[runner]\nsleep_time = 0")
        .run()
        .status(0)
        .order("3-clobber.sh 3-clobber.sh")
        .says(expected);
}

#[test]
fn a_section_that_is_near_no_task_is_warned_of_with_the_tasks() {
    for (count, hint) in [
        (1, "the task directory has `1-t`"),
        (2, "the task directory has `1-t`, `2-t`"),
        (
            9,
            "the task directory has `1-t`, `2-t`, `3-t`, `4-t`, `5-t`, `6-t`, `7-t`, `8-t` and more",
        ),
    ] {
        let mut test = Test::new().only_config("[upgrade]\nmax_time = 1\n");
        for number in 1..=count {
            test = test.task(&format!("{number}-t"), "");
        }
        test.args(["--check"]).run().status(1).stderr(&format!(
            "warning: runner.cfg:2: section `upgrade` sets `max_time`, but there is no such task\n  \
             hint: {hint}\n"
        ));
    }
}

#[test]
fn reserved_sections_never_belong_to_a_task() {
    Test::new()
        .only_config(
            "[runner]\nmax_time = 9\n[env]\nenabled = no\nmax_tries = x\n[DEFAULT]\nmax_sleep = 1\n",
        )
        .task("1-runner", "echo $enabled")
        .task("2-env.sh", "")
        .task("3-DEFAULT", "")
        .task("DEFAULT", "")
        .task("env", "")
        .args(["--set", "sleep_time=0"])
        .run()
        .status(0)
        .order("1-runner 2-env.sh 3-DEFAULT DEFAULT env")
        .stdout("no\n")
        .does_not_say("warning");
}

#[test]
fn codes_in_the_runners_section_that_no_optional_task_uses_are_warned_of() {
    let check = |config: &str| {
        Test::new()
            .only_config(config)
            .task("1-a", "")
            .args(["--check"])
            .run()
    };
    let hint = "with `required = no` in `[runner]`, write it into the sections of tasks";
    for name in ["halt_codes", "stop_codes"] {
        check(&format!("[runner]\nrequired = no\n{name} = 7\n"))
            .status(1)
            .stderr(&format!(
                "warning: runner.cfg:3: `{name}` has no effect on tasks that are not required\n  \
                 hint: {hint}\n"
            ));
        for silent in [
            format!("[runner]\nrequired = no\n{name} =\n"),
            format!("[runner]\nrequired = no\n[a]\n{name} = 7\n"),
            format!("[runner]\n{name} = 7\n[a]\nrequired = no\n"),
        ] {
            check(&silent).status(0);
        }
    }
    // These two lists count together for the required task only.
    check("[runner]\nrequired = no\nok_codes = 0 2\n").status(0);
    check("[runner]\nrequired = no\nok_codes = 0 2\n[a]\nrequired = yes\n")
        .status(78)
        .says("error: runner.cfg:3: exit code 2 is in both `ok_codes` and `halt_codes`");
}

#[test]
fn the_dry_run_shows_the_codes_that_count() {
    let ran = Test::new()
        .only_config("[a]\nrequired = no\n[b]\nrequired = no\nhalt_codes = 7\n")
        .task("1-a", "")
        .task("2-b", "")
        .task("3-c", "")
        .args(["--dry-run", "--json"])
        .run()
        .status(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let codes = |task: usize| {
        let codes = &plan["tasks"][task]["settings"]["halt_codes"];
        (codes["value"].clone(), codes["origin"].clone())
    };
    assert_eq!(codes(0), ("".into(), "runner.cfg:2".into()));
    assert_eq!(codes(1), ("7".into(), "runner.cfg:5".into()));
    assert_eq!(codes(2), ("2".into(), "default".into()));
}
