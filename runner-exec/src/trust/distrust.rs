//! The reason for which root refuses a file, and its fix.

use std::{
    fmt, fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use runner_config::{reason, shown};

use super::{
    STICKY,
    user_names::{GROUPS, USERS, name_of},
};

/// A path that another user could change.
#[derive(Debug)]
pub struct Distrust {
    /// The part of the path that could be changed.
    pub path: PathBuf,
    /// The way to change it.
    pub why: Why,
}

/// Reason for which a path is not trusted.
#[derive(Debug)]
pub enum Why {
    /// It belongs to this user.
    Owner(u32),
    /// This group can write it.
    Group(u32),
    /// An access control list lets others write it.
    Acl,
    /// Everybody can write it.
    Everybody,
    /// It is on a FUSE mount of this user, whose daemon shows any owner it likes.
    Fuse(Option<u32>),
    /// It is a symlink in `/proc`, which leads elsewhere than its text says.
    ProcLink,
    /// It is relative, and the working directory has no path.
    NoWorkingDirectory,
    /// Its metadata cannot be read.
    Unknown(io::Error),
}

impl Distrust {
    /// Returns `true` if a device is what others can write, as they can `/dev/null`.
    pub fn is_of_device(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(is_device)
    }

    /// Returns the fix, as a sentence with a command.
    pub fn hint(&self) -> String {
        let path = quoted(&self.path);
        let is_sticky = |it: fs::Metadata| it.is_dir() && it.mode() & STICKY != 0;
        match self.why {
            Why::Unknown(_) => "`--insecure` skips the checks".to_owned(),
            Why::NoWorkingDirectory => {
                "change into a directory that exists, or write an absolute path".to_owned()
            }
            Why::ProcLink => "write it to a file, or name the file that it leads to".to_owned(),
            Why::Fuse(_) => "copy it to a file system that root has mounted".to_owned(),
            // Others need it as it is. `/dev/stdin` is a link to one.
            _ if fs::metadata(&self.path).is_ok_and(is_device) => {
                format!("`{path}` is a device; write another path")
            }
            // Trusting this number would trust every user outside the namespace.
            Why::Owner(owner) if is_unmapped(owner) => {
                format!("map the owner of `{path}` into this user namespace, or copy it as root")
            }
            Why::Owner(owner) => {
                let user = name_of(USERS, owner);
                format!("`chown root {path}`, or trust this user: `--trust-owner {user}`")
            }
            // Others need `/tmp` as it is.
            Why::Group(_) | Why::Acl | Why::Everybody
                if fs::metadata(&self.path).is_ok_and(is_sticky) =>
            {
                "use a directory in which only root can add files; the sticky bit does not help here"
                    .to_owned()
            }
            Why::Group(_) | Why::Acl | Why::Everybody => format!("`chmod go-w {path}`"),
        }
    }
}

/// The end of the sentence "refusing to run this as root: …".
impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let path = shown(&self.path);
        match &self.why {
            Why::Owner(owner) if is_unmapped(*owner) => write!(
                f,
                "`{path}` belongs to a user outside of this user namespace (shown as {owner})"
            ),
            Why::Owner(owner) => write!(f, "`{path}` belongs to user `{}`", name_of(USERS, *owner)),
            Why::Group(group) => {
                write!(
                    f,
                    "group `{}` can write to `{path}`",
                    name_of(GROUPS, *group)
                )
            }
            Why::Acl => write!(
                f,
                "an access control list lets other users write to `{path}`"
            ),
            Why::Everybody => write!(f, "`{path}` is world-writable"),
            Why::Fuse(Some(user)) => {
                let user = name_of(USERS, *user);
                write!(f, "`{path}` is on a FUSE mount of user `{user}`")
            }
            Why::Fuse(None) => write!(f, "`{path}` is on a FUSE mount of an unknown user"),
            Why::ProcLink => write!(f, "`{path}` is a symlink in `/proc`"),
            Why::NoWorkingDirectory => {
                let why = "and the working directory has no path";
                write!(f, "`{path}` is relative, {why}")
            }
            Why::Unknown(error) => write!(f, "cannot check `{path}`: {}", reason(error)),
        }
    }
}

/// Returns the path as a shell reads it back, since a hint is pasted.
fn quoted(path: &Path) -> String {
    let text = shown(path);
    let is_plain = |c: char| c.is_alphanumeric() || "_./+:@%=,-".contains(c);
    if text.chars().all(is_plain) && !text.starts_with('-') {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Returns `true` for the number that stands for every user outside of this user namespace,
/// where not every user of the machine has a number of its own.
fn is_unmapped(user: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let has_all_users = || {
        let map = read("/proc/self/uid_map");
        map.split_whitespace().eq(["0", "0", "4294967295"])
    };
    read("/proc/sys/kernel/overflowuid").trim().parse() == Ok(user) && !has_all_users()
}

fn is_device(file: fs::Metadata) -> bool {
    let what = file.file_type();
    what.is_char_device() || what.is_block_device()
}
