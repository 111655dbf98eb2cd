//! The links by which the applets are called, and the value of `RUNNER_CONFIG_CMD`.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where private links are locked"
)]

use std::{
    env,
    ffi::OsString,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf, absolute},
};

use once_cell::unsync::OnceCell;
use runner_config::reason;
use runner_exec::is_same_file;
use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use tempfile::TempDir;

use crate::config_file::{PRIVATE, PRIVATE_CONFIG, is_pipe, is_stdin};

const CONFIG_APPLET: &str = "runner-config";

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

#[cfg(test)]
mod tests {
    use super::*;

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
