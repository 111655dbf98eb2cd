//! The environment of each kind of process.

use crate::support::{Test, once};

/// Command that appends the variables of the runner, in one line, to the file `variables`.
/// Ids, paths and times are written without their value.
const PRINT_VARIABLES: &str = "\
env | sed -n -e 's/^\\(RUNNER_RUN_ID\\)=2.*Z-.*/\\1/' \
             -e 's/^\\(RUNNER_CONFIG_CMD\\)=.* -c .*/\\1/' \
             -e 's/^\\(RUNNER_ELAPSED\\)=[0-9]*[.][0-9]*$/\\1/' \
             -e 's/^\\(RUNNER_OUTPUTS\\)=.*runner-outputs[.].*\\/[0-9]*$/\\1/' \
             -e '/^RUNNER_/p' | LC_ALL=C sort | tr '\\n' ' ' >>variables\n\
echo >>variables";

/// All variables that a runner sets for its processes.
const RUNNER_VARIABLES: [&str; 11] = [
    "RUNNER_CONFIG_CMD",
    "RUNNER_TASK",
    "RUNNER_TRY_NUM",
    "RUNNER_MAX_TRIES",
    "RUNNER_RUN_ID",
    "RUNNER_HOOK",
    "RUNNER_RESULT",
    "RUNNER_OUTCOME",
    "RUNNER_ELAPSED",
    "RUNNER_HALT_REASON",
    "RUNNER_OUTPUTS",
];

fn printing_variables() -> Test {
    let test = Test::new()
        .task("1-a", &format!("{PRINT_VARIABLES}\n{}", once(7)))
        .task("2-b", &format!("{PRINT_VARIABLES}\nexit 2"))
        .task("halt.sh", PRINT_VARIABLES)
        .file("hook", &format!("#!/bin/sh\n{PRINT_VARIABLES}\n"), 0o755)
        .config("task_hook = ./hook\n[b]\nmax_tries = 3");
    RUNNER_VARIABLES
        .iter()
        .fold(test, |test, name| test.env_remove(name))
}

const EXPECTED: [&str; 10] = [
    "RUNNER_CONFIG_CMD RUNNER_HOOK=pre RUNNER_MAX_TRIES=5 RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=1 ",
    "RUNNER_CONFIG_CMD RUNNER_MAX_TRIES=5 RUNNER_OUTPUTS RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=1 ",
    "RUNNER_CONFIG_CMD RUNNER_ELAPSED RUNNER_HOOK=post RUNNER_MAX_TRIES=5 RUNNER_OUTCOME=exited:7 RUNNER_RESULT=RETRY RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=1 ",
    "RUNNER_CONFIG_CMD RUNNER_HOOK=pre RUNNER_MAX_TRIES=5 RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_MAX_TRIES=5 RUNNER_OUTPUTS RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_ELAPSED RUNNER_HOOK=post RUNNER_MAX_TRIES=5 RUNNER_OUTCOME=exited:0 RUNNER_RESULT=OK RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_HOOK=pre RUNNER_MAX_TRIES=3 RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_MAX_TRIES=3 RUNNER_OUTPUTS RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_ELAPSED RUNNER_HOOK=post RUNNER_MAX_TRIES=3 RUNNER_OUTCOME=exited:2 RUNNER_RESULT=HALT RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_HALT_REASON=halted RUNNER_MAX_TRIES=3 RUNNER_OUTCOME=exited:2 RUNNER_RESULT=HALT RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
];

#[test]
fn every_kind_of_process_sees_the_variables_that_are_for_it() {
    let ran = printing_variables().run().status(2).nothing_left();
    assert_eq!(ran.lines("variables"), EXPECTED);
}

#[test]
fn variables_of_an_outer_runner_do_not_mislead() {
    let test = RUNNER_VARIABLES
        .iter()
        .fold(printing_variables(), |test, name| test.env(name, "outer"));
    let ran = test.run().status(2).nothing_left();
    assert_eq!(ran.lines("variables"), EXPECTED);
}

#[test]
fn the_runs_of_a_program_have_different_ids() {
    let ran = Test::new()
        .task("1-a", "echo $RUNNER_RUN_ID $RUNNER_TRY_NUM >>ids")
        .args(["-n", "3"])
        .run()
        .status(0)
        .nothing_left();
    let mut ids = ran.lines("ids");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.ends_with(" 1")));
}

#[test]
fn env_is_taken_literally_and_wins_over_what_is_inherited() {
    let print = "printf '%s\\n' \"$PLAIN\" \"$QUOTED\" \"$INHERITED\" \"$OTHER\"";
    let printed = "\"a\" $(id) 'b' # c\\n\nliteral $HOME\nfrom env\ninherited\n";
    Test::new()
        .task("1-a", print)
        .task("halt.sh", print)
        .file("hook", &format!("#!/bin/sh\n{print}\n"), 0o755)
        .config("task_hook = ./hook\n[env]")
        .config("PLAIN = \"a\" $(id) 'b' # c\\n\nQUOTED = literal $HOME")
        .config("INHERITED = from env")
        .env("INHERITED", "inherited")
        .env("OTHER", "inherited")
        .args(["-H"])
        .run()
        .status(0)
        .stdout(&printed.repeat(4))
        .says("the value of `QUOTED` contains a `$`, which is taken literally")
        .nothing_left();
}

#[test]
fn the_runners_own_variables_win_over_env() {
    let wrong = |test: Test, name: &&str| test.config(&format!("{name} = wrong"));
    let test = printing_variables().config("[env]");
    let ran = RUNNER_VARIABLES[..5]
        .iter()
        .fold(test, wrong)
        .run()
        .status(2)
        .nothing_left();
    assert_eq!(ran.lines("variables"), EXPECTED);
}
