//! The order of tasks.

use crate::support::{Test, once};

use super::listed;

#[test]
fn tasks_are_ordered_by_number_and_then_by_bytes() {
    let expected = [
        "0",
        "00-a",
        "01-b",
        "1-a",
        "1_a",
        "02-a",
        "2-b",
        "2-x",
        "9",
        "10-y",
        "18446744073709551615-a",
        "18446744073709551616-a",
        "00099999999999999999999999999998",
        "99999999999999999999999999999-a",
        "-1",
        "B",
        "a",
        "b-1",
        "é",
    ];
    let test = || {
        let mut test = Test::new();
        for name in expected.iter().rev() {
            test = test.task(name, "");
        }
        test
    };
    assert_eq!(listed(test()), expected.join(" "));
    test().run().status(0).order(&expected.join(" "));
}

#[test]
fn dependencies_order_tasks_of_one_number() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("1-b.sh", "")
            .task("1-c", "")
            .task("1-d", "")
            .task("2-e", "")
    };
    for (config, expected) in [
        ("[a]\ndepends_on = 1-b.sh", "1-b.sh 1-a 1-c 1-d 2-e"),
        ("[a]\ndepends_on = b", "1-b.sh 1-a 1-c 1-d 2-e"),
        ("[a]\ndepends_on = d, c", "1-b.sh 1-c 1-d 1-a 2-e"),
        ("[a]\ndepends_on = d c", "1-b.sh 1-c 1-d 1-a 2-e"),
        ("[a]\ndepends_on =\n  d,\n  d\n", "1-b.sh 1-c 1-d 1-a 2-e"),
        (
            "[a]\ndepends_on = b\n[b]\ndepends_on = c\n[c]\ndepends_on = d",
            "1-d 1-c 1-b.sh 1-a 2-e",
        ),
        // A dependency that follows from the numbers is allowed.
        ("[e]\ndepends_on = 1-a b", "1-a 1-b.sh 1-c 1-d 2-e"),
    ] {
        assert_eq!(listed(test().config(config)), expected, "{config}");
        test().config(config).run().status(0).order(expected);
    }
}

#[test]
fn leading_zeros_do_not_change_a_number() {
    let test = Test::new()
        .task("02-a", "")
        .task("2-b", "")
        .task("002-c", "")
        .config("[02-a]\ndepends_on = 2-b\n[002-c]\ndepends_on = 02-a");
    test.run().status(0).order("2-b 02-a 002-c");
}

#[test]
fn tasks_without_a_number_may_depend_on_each_other() {
    Test::new()
        .task("alpha", "")
        .task("beta", "")
        .config("[alpha]\ndepends_on = beta")
        .run()
        .status(0)
        .order("beta alpha");
}

#[test]
fn a_retry_follows_the_dependencies() {
    Test::new()
        .task("1-a", &once(1))
        .task("1-b", "")
        .task("1-c", "")
        .config("[a]\ndepends_on = c")
        .run()
        .status(0)
        .order("1-b 1-c 1-a 1-b 1-c 1-a");
}

#[test]
fn an_impossible_dependency_is_an_error() {
    for (depends_on, expected) in [
        (
            "clone",
            "`2-a` depends on `clone`, which does not exist\n  \
             hint: the task directory has `1-fetch-sources`, `2-a`, `3-c`",
        ),
        (
            "of",
            "`2-a` depends on `of`, which does not exist\n  \
             hint: the task directory has `1-fetch-sources`, `2-a`, `3-c`",
        ),
        (
            "fecth-sources",
            "`2-a` depends on `fecth-sources`, which does not exist\n  \
             hint: did you mean `fetch-sources`?",
        ),
        (
            "off",
            "`2-a` depends on `off`, which is disabled\n  \
             hint: enable it, or remove the dependency",
        ),
        (
            "1-off",
            "`2-a` depends on `1-off`, which is disabled\n  \
             hint: enable it, or remove the dependency",
        ),
        (
            "1-x.bak",
            "`2-a` depends on `1-x.bak`, which is skipped\n  \
             hint: `runner --check` shows why; or remove the dependency",
        ),
        (
            "lib",
            "`2-a` depends on `lib`, which is skipped\n  \
             hint: `runner --check` shows why; or remove the dependency",
        ),
        (
            "halt",
            "`2-a` depends on `halt`, which is the halt task and never part of the chain\n  \
             hint: remove the dependency",
        ),
        (
            "3-c",
            "`2-a` depends on `3-c`, but `3-c` has a higher number and comes later\n  \
             hint: give the two the same number, or the dependent a higher one",
        ),
        (
            "c",
            "`2-a` depends on `c`, but `3-c` has a higher number and comes later\n  \
             hint: give the two the same number, or the dependent a higher one",
        ),
        (
            "a",
            "`2-a` depends on itself\n  hint: remove the dependency",
        ),
    ] {
        let test = || {
            Test::new()
                .only_config(&format!(
                    "[off]\nenabled = no\n[a]\ndepends_on = {depends_on}\n"
                ))
                .task("1-off", "")
                .task("1-x.bak", "")
                .task("1-fetch-sources", "")
                .file("tasks.d/lib/x", "", 0o644)
                .task("2-a", "")
                .task("3-c", "")
                .task("halt.sh", "")
        };
        test()
            .args(["--check"])
            .run()
            .status(78)
            .order("")
            .says(&format!("error: runner.cfg:4: task {expected}\n"));
        test().run().status(78).order("");
    }
}

#[test]
fn a_task_with_a_number_cannot_depend_on_one_without() {
    Test::new()
        .task("1-a", "")
        .task("last", "")
        .config("[a]\ndepends_on = last")
        .run()
        .status(78)
        .order("")
        .says("task `1-a` depends on `last`, but `last` ");
}

#[test]
fn a_cycle_is_an_error_that_names_all_its_tasks_in_order() {
    let test = || {
        Test::new()
            .task("1-a", "")
            .task("1-b", "")
            .task("1-c.sh", "")
            .task("1-d", "")
    };
    test()
        .only_config("[a]\ndepends_on = b\n[b]\ndepends_on = 1-a\n[d]\ndepends_on = a\n")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:2: tasks depend on each other: `1-a`, which depends on `1-b`, \
             which depends on `1-a`\n  hint: remove one of the dependencies\n",
        );
    test()
        .only_config("[a]\ndepends_on = c\n[c]\ndepends_on = b\n[b]\ndepends_on = d a\n")
        .args(["--check"])
        .run()
        .status(78)
        .order("")
        .stderr(
            "error: runner.cfg:2: tasks depend on each other: `1-a`, which depends on `1-c.sh`, \
             which depends on `1-b`, which depends on `1-a`\n  \
             hint: remove one of the dependencies\n",
        );
    test()
        .only_config(
            "[a]\ndepends_on = b\n[b]\ndepends_on = a\n[c]\ndepends_on = d\n[d]\ndepends_on = c\n",
        )
        .run()
        .status(78)
        .order("")
        .says("runner.cfg:2: tasks depend on each other: `1-a`, ")
        .says("runner.cfg:6: tasks depend on each other: `1-c.sh`, ");
    test()
        .only_config(
            "[a]\ndepends_on = b\n[b]\ndepends_on = a\n[c]\ndepends_on = a d\n[d]\ndepends_on = c\n",
        )
        .run()
        .status(78)
        .says("runner.cfg:2: tasks depend on each other: `1-a`, ")
        .says("runner.cfg:6: tasks depend on each other: `1-c.sh`, ");
}
