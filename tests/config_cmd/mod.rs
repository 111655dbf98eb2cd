//! `$RUNNER_CONFIG_CMD`: it works wherever the binary and the configuration are.

mod places;
mod private_links;
mod questions;
mod stdin;

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::support::{Ran, Test, install_program};

/// Directories of the private links that replace paths with special characters.
fn private_directories(ran: &Ran) -> Vec<PathBuf> {
    let parents = words(ran);
    let parents = parents.iter().filter_map(|word| word.parent());
    let private = |path: &&Path| path.to_string_lossy().contains("/runner-links.");
    parents.filter(private).map(Path::to_path_buf).collect()
}

/// Queries the configuration in every way that a task can use.
const ASK: &str = "\
$RUNNER_CONFIG_CMD -g my.key
env -i RUNNER_CONFIG_CMD=\"$RUNNER_CONFIG_CMD\" /bin/sh -c '$RUNNER_CONFIG_CMD -g my.key'
(cd / && $RUNNER_CONFIG_CMD -g my.key)
echo \"$($RUNNER_CONFIG_CMD -g my.included)\"
printf '%s\\n' \"$RUNNER_CONFIG_CMD\" >command";

const ANSWERS: &str = "a value\na value\na value\nfrom an included file\n";

impl Test {
    /// Installs the program in a directory of the story, and uses it.
    #[track_caller]
    fn program_in(self, place: &str) -> Test {
        let path = self.path(place).join("runner");
        install_program(&path);
        self.program(path)
    }

    /// Creates a link `runner-config` next to that program.
    #[track_caller]
    fn link_in(self, place: &str) -> Test {
        symlink("runner", self.path(place).join("runner-config")).unwrap();
        self
    }

    /// Writes a configuration and a file that it includes to a directory of the story.
    #[track_caller]
    fn config_in(self, place: &str) -> Test {
        let text = "[runner]\nsleep_time = 0\nretry_jitter = 0\ninclude_dir = more of it's\n\
                    [my]\nkey = a value\n";
        self.file(&format!("{place}/runner.cfg"), text, 0o644)
            .file(
                &format!("{place}/more of it's/10-more"),
                "[my]\nincluded = from an included file\n",
                0o644,
            )
            .no_config()
    }
}

/// The words of `$RUNNER_CONFIG_CMD` as the task got it. No word has a character that is
/// special to a shell, so they are split at blanks.
#[track_caller]
fn words(ran: &Ran) -> Vec<PathBuf> {
    let command = ran.read("command");
    let command = command.strip_suffix('\n').unwrap();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./+:@%=,- ".contains(&byte);
    assert!(command.bytes().all(plain), "{command:?}");
    command.split(' ').map(PathBuf::from).collect()
}

#[track_caller]
fn answers(test: Test, config: &str) -> Ran {
    let ran = test
        .task("1-a", ASK)
        .run_with(["-c", &format!("{config}/runner.cfg"), "tasks.d"])
        .status(0)
        .stdout(ANSWERS)
        .nothing_left();
    for directory in private_directories(&ran) {
        assert!(!directory.exists(), "{}", directory.display());
    }
    ran
}

impl Test {
    /// Adds a last task that waits until the story creates the file `go`.
    fn waiting_for_go(self) -> Test {
        self.task(
            "99-wait",
            "until [ -e go ]; do sleep 0.02 2>/dev/null || sleep 1; done",
        )
    }
}
