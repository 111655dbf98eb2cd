//! `--install-links`: the links by which the applets are called.

use std::{
    env, fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use runner_config::{reason, shown};

use crate::{cli::APPLETS, console::log::Log, exit::Exit, same::is_same_file};

/// Makes a link for each applet in `directory`.
pub(crate) fn install(directory: &Path, log: &Log) -> Exit {
    let made = env::current_exe()
        .and_then(|binary| Ok((binary, fs::canonicalize(directory)?)))
        .map(|(binary, directory)| {
            let links = APPLETS.map(|name| directory.join(name));
            links.map(|link| (make_link(&link, &binary), link))
        });
    let links = match made {
        Ok(links) => links,
        Err(error) => {
            let (directory, why) = (shown(directory), reason(&error));
            log.error(&format!("cannot make links in `{directory}`: {why}"));
            return Exit::System;
        }
    };
    let mut exit = Exit::Finished;
    for (made, link) in links {
        let link = shown(&link);
        match made {
            Ok(Made::Now(target)) => log.info(&format!("`{link}` -> `{}`", shown(&target))),
            Ok(Made::Before) => log.info(&format!("`{link}` is there already")),
            Err(error) => {
                let why = reason(&error);
                log.error(&format!("cannot make the link `{link}`: {why}"));
                exit = Exit::System;
            }
        }
    }
    exit
}

enum Made {
    Now(PathBuf),
    Before,
}

fn make_link(link: &Path, binary: &Path) -> io::Result<Made> {
    if is_same_file(link, binary) {
        return Ok(Made::Before);
    }
    let target = relative(link.parent().unwrap_or(link), binary);
    match symlink(&target, link) {
        Ok(()) => Ok(Made::Now(target)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(io::Error::other(
            "something else is there; remove it, or choose another directory",
        )),
        Err(error) => Err(error),
    }
}

/// The path of `to` as seen from the directory `from`; both are absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_up_as_far_as_needed() {
        for (from, to, expected) in [
            ("/a/b", "/a/b/runner", "runner"),
            (
                "/usr/local/bin",
                "/opt/r/bin/runner",
                "../../../opt/r/bin/runner",
            ),
            ("/", "/runner", "runner"),
        ] {
            assert_eq!(
                relative(Path::new(from), Path::new(to)),
                Path::new(expected)
            );
        }
    }
}
