//! `runner-config --check`, which reports all problems.

use super::ask;

#[test]
fn the_status_of_the_check_distinguishes_errors_warnings_and_success() {
    ask(
        "[runner]\nmax_tries = 3\n[env]\nA = b\n[hg]\nx = y\n",
        &["--check"],
    )
    .status(0)
    .stdout("")
    .stderr("");
    ask("[runner]\nremote = u\n[env]\nA = $B\n", &["--check"])
        .status(1)
        .stdout("")
        .stderr(
            "warning: runner.cfg:2: unknown setting `remote`\n  \
             hint: `runner-config --settings` lists the names; keys for tasks belong in their own section\n\
             warning: runner.cfg:4: the value of `A` contains a `$`, which is taken literally\n  \
             hint: variables are not expanded in a configuration file\n",
        );
    ask("[runner]\nremote = u\njobs = 0\n", &["--check"])
        .status(78)
        .stdout("")
        .says("error: runner.cfg:3: `jobs` must be a whole number of 1 or more, not `0`\n")
        .says("warning: runner.cfg:2: unknown setting `remote`\n");
}
