//! The value of `RUNNER_CONFIG_CMD`, and the private links that it can need.

use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf, absolute},
};

use once_cell::unsync::OnceCell;
use runner_config::reason;
use runner_exec::{PrivateDirectory, is_same_file};
use rustix::process::geteuid;

use crate::config_file::{PRIVATE, PRIVATE_CONFIG, is_pipe, is_stdin};

const CONFIG_APPLET: &str = "runner-config";

/// The value of `RUNNER_CONFIG_CMD`. It works until this is dropped.
pub(crate) struct ConfigCmd {
    /// The command. No path in it has a character that is special in a shell, so a shell splits
    /// it correctly without quotes.
    pub(crate) value: OsString,
    /// Links to paths that have such characters; removed when this is dropped.
    _private: Option<PrivateDirectory>,
}

impl ConfigCmd {
    /// Creates the command that reads `config`.
    ///
    /// # Errors
    ///
    /// The path of this program is unknown, or a private directory is necessary and cannot be
    /// created. The sentence has the reason.
    pub(crate) fn new(config: Option<&Path>) -> Result<ConfigCmd, String> {
        ConfigCmd::make(config).map_err(|error| {
            let why = reason(&error);
            format!("cannot make RUNNER_CONFIG_CMD work: {why}")
        })
    }

    fn make(config: Option<&Path>) -> io::Result<ConfigCmd> {
        let private = OnceCell::new();
        let plain = |path: PathBuf, name: &str| {
            if is_plain(&path) {
                return io::Result::Ok(path);
            }
            let private = private.get_or_try_init(directory_for_links)?;
            let link = private.path().join(name);
            symlink(path, &link)?;
            Ok(link)
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

/// Creates a directory for links. Other users can read it, since tasks can run as another user.
fn directory_for_links() -> io::Result<PrivateDirectory> {
    let own = env::temp_dir();
    let mut places = ["/tmp", "/run", "/var/tmp"].map(Path::new);
    // No other user can create a directory of the same name there, if this one is removed.
    if geteuid().is_root() {
        places.swap(0, 1);
    }
    // TMPDIR comes last: other users can be unable to enter it.
    let places = places.into_iter().chain([&*own]);
    let mut refused = io::Error::other("no directory for links has a plain path");
    for place in places.filter(|place| place.is_absolute() && is_plain(place)) {
        match PrivateDirectory::new_in(place, PRIVATE, 0o755) {
            Ok(private) => return Ok(private),
            Err(error) => refused = error,
        }
    }
    Err(refused)
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
