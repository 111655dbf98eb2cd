//! `--install-links`: the links by which the applets are called.

use std::{
    env, fs,
    io::ErrorKind,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use runner_config::{reason, shown};

use runner_exec::is_same_file;

use crate::{cli::APPLETS, console::log::Log, exit::Exit};

/// Creates a link for each applet in `directory`.
pub(crate) fn install(directory: &Path, log: &Log) -> Exit {
    let places = env::current_exe().and_then(|exe| Ok((exe, fs::canonicalize(directory)?)));
    let (binary, place) = match places {
        Ok(places) => places,
        Err(error) => {
            let (directory, why) = (shown(directory), reason(&error));
            log.error(&format!("cannot make links in `{directory}`: {why}"));
            return Exit::System;
        }
    };
    let target = relative(&place, &binary);
    let mut exit = Exit::Finished;
    for link in APPLETS.map(|name| place.join(name)) {
        let name = shown(&link);
        if is_same_file(&link, &binary) {
            log.info(&format!("`{name}` is there already"));
            continue;
        }
        match symlink(&target, &link) {
            Ok(()) => log.info(&format!("`{name}` -> `{}`", shown(&target))),
            Err(error) => {
                let why = match error.kind() {
                    ErrorKind::AlreadyExists => "something else is there; remove it, or choose \
                                                 another directory"
                        .to_owned(),
                    _ => reason(&error),
                };
                log.error(&format!("cannot make the link `{name}`: {why}"));
                exit = Exit::System;
            }
        }
    }
    exit
}

/// Returns the path of `to` relative to the directory `from`; both are absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}
