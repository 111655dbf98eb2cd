//! `--install-links`.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::support::{Test, install_program};

use super::install;

/// A copy of the program at this path, so that links can be installed next to it.
#[track_caller]
fn own_program(test: &Test, name: &str) -> PathBuf {
    let own = test.path(name);
    install_program(&own);
    fs::canonicalize(own).unwrap()
}

#[test]
fn installed_links_are_relative_and_work() {
    let test = Test::new().no_config().task("1-a", "echo task");
    let program = own_program(&test, "opt/bin/runner");
    fs::create_dir_all(test.path("usr/bin")).unwrap();
    let test = install(test.program(&program), "usr/bin")
        .status(0)
        .stdout("")
        .test;
    for name in ["runner", "runner-config", "runner-report"] {
        let name = format!("usr/bin/{name}");
        let target = fs::read_link(test.path(&name)).unwrap();
        assert_eq!(target, Path::new("../../opt/bin/runner"));
    }
    // Relative links still work after they are moved together with the program.
    let moved = test.path("moved");
    fs::create_dir(&moved).unwrap();
    fs::rename(test.path("opt"), moved.join("opt")).unwrap();
    fs::rename(test.path("usr"), moved.join("usr")).unwrap();
    let test = test
        .program(moved.join("usr/bin/runner"))
        .run()
        .status(0)
        .stdout("task\n")
        .test;
    test.only_config("[hg]\nremote = u\n")
        .program(moved.join("usr/bin/runner-config"))
        .run_with(["-c", "runner.cfg", "-g", "hg.remote"])
        .status(0)
        .stdout("u\n");
}

#[test]
fn links_are_installed_beside_the_program_as_well() {
    let test = Test::new().no_config();
    let program = own_program(&test, "bin/runner");
    let test = install(test.program(program), "bin").status(0).test;
    let target = fs::read_link(test.path("bin/runner-config")).unwrap();
    assert_eq!(target, Path::new("runner"));
    assert!(!test.path("bin/runner").is_symlink());
}

#[test]
fn existing_links_are_kept() {
    let test = Test::new().no_config();
    fs::create_dir(test.path("bin")).unwrap();
    let test = install(test, "bin").status(0).test;
    let target = fs::read_link(test.path("bin/runner")).unwrap();
    // Only the missing link is created again.
    fs::remove_file(test.path("bin/runner-config")).unwrap();
    let test = install(test, "bin").status(0).test;
    let test = install(test, "bin").status(0).test;
    for name in ["bin/runner", "bin/runner-config"] {
        assert_eq!(fs::read_link(test.path(name)).unwrap(), target);
    }
}

#[test]
fn other_files_are_never_replaced_by_links() {
    let refused = |test: Test| {
        let ran = install(test, "bin").stdout("");
        let ran = ran.says("bin/runner-config`: something else is there");
        ran.status(71).test
    };
    let test = Test::new().file("bin/runner-config", "mine\n", 0o755);
    let test = refused(test);
    let text = fs::read_to_string(test.path("bin/runner-config")).unwrap();
    assert_eq!(text, "mine\n");

    for target in ["nowhere", "../tasks.d"] {
        let test = Test::new();
        fs::create_dir(test.path("bin")).unwrap();
        symlink(target, test.path("bin/runner-config")).unwrap();
        let test = refused(test);
        let found = fs::read_link(test.path("bin/runner-config")).unwrap();
        assert_eq!(found, Path::new(target));
    }

    let test = Test::new().file("bin/runner-config/x", "", 0o644);
    let test = refused(test);
    assert!(test.path("bin/runner-config/x").exists());
}

#[test]
fn links_are_not_installed_in_a_missing_directory() {
    install(Test::new(), "nowhere")
        .status(71)
        .stdout("")
        .stderr("error: cannot make links in `nowhere`: no such file or directory\n");
}
