//! The links by which the applets are called, and the value of `RUNNER_CONFIG_CMD`.

use std::{
    env,
    ffi::OsString,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf, absolute},
};

use once_cell::unsync::OnceCell;
use runner_config::{reason, shown};
use rustix::{
    fs::{FileType, FlockOperation, Stat, flock, fstat, stat},
    process::geteuid,
    stdio::stdin,
};
use tempfile::TempDir;

use crate::{cli::APPLETS, console::log::Log, exit::Exit, runner::load::is_pipe, same::is_same};

const CONFIG_APPLET: &str = "runner-config";

/// The name of a private directory begins so, and of the link in it to the
/// configuration file.
const PRIVATE: &str = "runner-links.";
const PRIVATE_CONFIG: &str = "runner.cfg";

/// What `RUNNER_CONFIG_CMD` says, for as long as it is to work.
pub(crate) struct ConfigCmd {
    /// Words that a shell splits as they were meant, since no path in it holds
    /// anything that a shell would look at.
    pub(crate) value: OsString,
    /// Holds links to paths that do; removed when this is dropped.
    _private: Option<PrivateDirectory>,
}

/// A directory for links, which other users can look into: tasks may run as one of them.
/// Programs that clean temporary directories, such as systemd-tmpfiles, leave it alone while
/// it is locked.
struct PrivateDirectory {
    directory: TempDir,
    _lock: File,
}

impl ConfigCmd {
    /// The command that answers questions about `config`.
    ///
    /// # Errors
    ///
    /// The path of this program is not known, or a private directory is needed and
    /// cannot be made; the sentence says so.
    pub(crate) fn new(config: Option<&Path>) -> Result<ConfigCmd, String> {
        ConfigCmd::make(config).map_err(|error| {
            let why = reason(&error);
            format!("cannot make RUNNER_CONFIG_CMD work: {why}")
        })
    }

    fn make(config: Option<&Path>) -> io::Result<ConfigCmd> {
        let private = OnceCell::new();
        let plain = |path: PathBuf, name: &str| match is_plain(&path) {
            true => Ok(path),
            false => {
                let private = private.get_or_try_init(PrivateDirectory::new)?;
                let link = private.directory.path().join(name);
                symlink(path, &link)?;
                io::Result::Ok(link)
            }
        };
        let binary = env::current_exe()?;
        let link = binary.with_file_name(CONFIG_APPLET);
        let mut value = OsString::new();
        if is_plain(&binary) && !is_same_file(&link, &binary) {
            value.push(&binary);
            value.push(" ");
            value.push(CONFIG_APPLET);
        } else if is_plain(&link) {
            value.push(&link);
        } else {
            value.push(plain(binary, CONFIG_APPLET)?);
        }
        if let Some(config) = config {
            if is_pipe(config) {
                return Err(io::Error::other(
                    "the configuration is a pipe, which tasks cannot read again",
                ));
            }
            if is_stdin(config) && fs::canonicalize(config).is_err() {
                return Err(io::Error::other(
                    "the configuration is stdin, and tasks have no path to that file",
                ));
            }
            value.push(" -c ");
            value.push(plain(absolute(config)?, PRIVATE_CONFIG)?);
        }
        Ok(ConfigCmd {
            value,
            _private: private.into_inner(),
        })
    }
}

fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_./+:@%=,-".contains(byte))
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    is_same(stat(a), stat(b))
}

impl PrivateDirectory {
    fn new() -> io::Result<PrivateDirectory> {
        let own = env::temp_dir();
        let mut places = ["/tmp", "/run", "/var/tmp"].map(Path::new);
        // There nobody else could put a directory of the same name, if this one got lost.
        if geteuid().is_root() {
            places.swap(0, 1);
        }
        // TMPDIR comes last: it may be one where only its owner can go.
        let places = places.into_iter().chain([&*own]);
        let mut refused = io::Error::other("no directory for links has a plain path");
        for place in places.filter(|place| place.is_absolute() && is_plain(place)) {
            match PrivateDirectory::new_in(place) {
                Ok(private) => return Ok(private),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn new_in(place: &Path) -> io::Result<PrivateDirectory> {
        let directory = tempfile::Builder::new().prefix(PRIVATE).tempdir_in(place)?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
        let lock = File::open(directory.path())?;
        // A file system without locks has no cleaner that looks for them.
        let _ = flock(&lock, FlockOperation::NonBlockingLockShared);
        Ok(PrivateDirectory {
            directory,
            _lock: lock,
        })
    }
}

/// The configuration file that a link in a private directory stands for: paths in
/// a file count from where the file is, and messages name it.
pub(crate) fn original(config: PathBuf) -> PathBuf {
    let directory = config.parent().and_then(Path::file_name);
    let private = directory.is_some_and(|name| name.to_string_lossy().starts_with(PRIVATE));
    match config.read_link() {
        Ok(original) if private && config.file_name() == Some(PRIVATE_CONFIG.as_ref()) => original,
        Ok(_) | Err(_) => config,
    }
}

/// The path by which tasks find `config` too, although their stdin is another; where there
/// is none, `config` itself.
pub(crate) fn lasting(config: PathBuf) -> PathBuf {
    match is_stdin(&config) {
        true => fs::canonicalize(&config).unwrap_or(config),
        false => config,
    }
}

/// Whether `path` leads to the file that is stdin, by whatever name.
fn is_stdin(path: &Path) -> bool {
    let is_file = |it: &Stat| FileType::from_raw_mode(it.st_mode) == FileType::RegularFile;
    let stdin = fstat(stdin());
    stdin.as_ref().is_ok_and(is_file) && is_same(stat(path), stdin)
}

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

    #[test]
    fn only_a_plain_path_is_used_as_it_is() {
        assert!(is_plain(Path::new("/a_B-9/x.y+z:@%=,")));
        for path in [
            "/a b", "/a'b", "/a$b", "/é", "/a\\b", "/a*", "/a~", "/a\nb", "/(a)",
        ] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
