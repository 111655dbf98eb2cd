//! Trust: root uses no file that another user could write or replace.
//!
//! A path is walked from the root of the file system, through every symlink. Nobody but a
//! trusted owner can be able to rename, replace or write anything on the way. A sticky
//! directory can be open to all, as long as the entry that the path names in it has a
//! trusted owner. `docs/trust.md` has the whole list of what is checked and what is not.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where owners and mounts are looked up"
)]

mod acl;
mod distrust;
mod mounts;
mod user_names;
mod words;

use std::{
    collections::BTreeSet,
    env,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Component, Path, PathBuf},
};

use rustix::{io::Errno, process::geteuid};

use self::{
    acl::Writer,
    mounts::{Mount, Mounts},
};
pub use self::{
    distrust::{Distrust, Why},
    user_names::user_id,
    words::{Env, Named, behind_env, named, split_argument},
};
use crate::same_file::is_same_file;

/// Maximum number of symlinks in one path, as in the kernel.
const MAX_SYMLINKS: u32 = 40;

/// Maximum length of a path in one system call, in bytes: `PATH_MAX`.
const MAX_PATH: usize = 4096;

const STICKY: u32 = 0o1000;
const GROUP_WRITE: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// The users whose files root uses.
#[derive(Clone, Debug)]
pub struct Trust {
    owners: BTreeSet<u32>,
}

impl Trust {
    /// Returns the trust of root in itself and in `owners`; `None` for every other user, who can
    /// only harm their own files.
    pub fn of_root(owners: impl IntoIterator<Item = u32>) -> Option<Trust> {
        geteuid().is_root().then(|| Trust {
            owners: owners.into_iter().chain([0]).collect(),
        })
    }

    /// Starts a check. It remembers the working directory and mounts, so each load needs a
    /// check of its own.
    pub fn check(&self) -> TrustCheck<'_> {
        TrustCheck {
            trust: self,
            working_directory: working_directory(),
            mounts: Mounts::default(),
        }
    }
}

/// One check of everything that a load uses.
#[derive(Debug)]
pub struct TrustCheck<'a> {
    trust: &'a Trust,
    /// The start of relative paths; `None` if it has no path.
    working_directory: Option<PathBuf>,
    mounts: Mounts,
}

/// The end of a path that was walked.
#[derive(Debug)]
pub struct Walk {
    /// The first part of the path that another user could change.
    pub distrust: Option<Distrust>,
    /// The kind of file at the end.
    pub end: End,
}

/// The kind of file that a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A regular file, with its permissions.
    File(u32),
    /// A directory.
    Directory,
    /// A device.
    Device,
    /// A named pipe or a socket.
    Other,
    /// Nothing.
    Missing,
    /// Unknown: the walk stopped before it.
    Unknown,
}

impl TrustCheck<'_> {
    /// Checks that no other user can change the target of `path`. A path to nothing is trusted if
    /// no other user can create it.
    ///
    /// # Errors
    ///
    /// Another user can change or create it.
    pub fn path(&self, path: &Path) -> Result<(), Distrust> {
        self.walk(path).distrust.map_or(Ok(()), Err)
    }

    /// Checks a file that was opened: only owner and permissions count.
    ///
    /// # Errors
    ///
    /// Another user can write it.
    pub fn open_file(&self, path: &Path, metadata: &Metadata) -> Result<(), Distrust> {
        self.writers(path, metadata, false)
    }

    /// Walks `path` to its end, also past a part that is not trusted: its end determines how
    /// severe that is. The walk stops where the next step could block on another user.
    pub fn walk(&self, path: &Path) -> Walk {
        let mut distrust = None;
        let mut note = |checked: Result<(), Distrust>| {
            if let Err(found) = checked {
                distrust.get_or_insert(found);
            }
        };
        let end = self.walk_on(path, &mut note);
        let end = end.unwrap_or_else(|stop| {
            note(Err(stop));
            End::Unknown
        });
        Walk { distrust, end }
    }

    /// Passes each check to `note`; an error stops the walk.
    fn walk_on(&self, path: &Path, note: &mut Note) -> Result<End, Distrust> {
        let mut rest = match &self.working_directory {
            _ if path.is_absolute() => path.to_owned(),
            Some(working_directory) => working_directory.join(path),
            None => return Err(distrust(path, Why::NoWorkingDirectory)),
        };
        let mut at = PathBuf::from("/");
        let mut links = 0;
        note(self.directory(&at, false));
        let mut end = End::Directory;
        loop {
            let mut components = rest.components();
            let Some(component) = components.next() else {
                break;
            };
            let behind = components.as_path();
            match component {
                Component::RootDir => at = PathBuf::from("/"),
                Component::ParentDir if end != End::Directory => return Ok(End::Missing),
                Component::ParentDir => {
                    at.pop();
                }
                Component::CurDir | Component::Prefix(_) => {}
                Component::Normal(name) => {
                    let next = at.join(name);
                    let Some(metadata) = self.look(&at, &next, note)? else {
                        // Once it is created, the rest of the path can lead elsewhere.
                        return if behind.components().any(|it| it == Component::ParentDir) {
                            Err(unknown(&next, ErrorKind::NotFound))
                        } else {
                            Ok(End::Missing)
                        };
                    };
                    if metadata.is_symlink() {
                        // The owner of a link in a sticky directory can replace it.
                        note(self.owner(&next, &metadata));
                        links += 1;
                        if links > MAX_SYMLINKS {
                            return Ok(End::Missing);
                        }
                        let target = fs::read_link(&next).map_err(|error| unknown(&next, error))?;
                        rest = target.join(behind);
                        continue;
                    }
                    note(self.writers(&next, &metadata, true));
                    (at, end) = (next, end_of(&metadata));
                }
            }
            rest = behind.to_owned();
        }
        // It can be one on the way, reached by `..` or by a link to `.`, where others can
        // add entries if it is sticky.
        if end == End::Directory {
            note(self.directory(&at, true));
        }
        Ok(end)
    }

    /// Looks at `next`, an entry of the directory `at`; `None` when it is missing.
    fn look(&self, at: &Path, next: &Path, note: &mut Note) -> Result<Option<Metadata>, Distrust> {
        let mount = self.mount(next)?;
        let metadata = match fs::symlink_metadata(next) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                note(self.directory(at, true));
                return Ok(None);
            }
            Err(error) if leads_nowhere(next, &error) => return Ok(None),
            Err(error) => return Err(unknown(next, error)),
        };
        // A mount that came between the two looks.
        if self.mount(next)? != mount {
            return Err(unknown(next, ErrorKind::ResourceBusy));
        }
        if metadata.is_symlink() && mount == Mount::Proc {
            return Err(distrust(next, Why::ProcLink));
        }
        Ok(Some(metadata))
    }

    /// Returns the mount of `path`, unless that belongs to a user who is not trusted.
    fn mount(&self, path: &Path) -> Result<Mount, Distrust> {
        match self.mounts.of(path) {
            Mount::Fuse(Some(user)) if self.trust.owners.contains(&user) => Ok(Mount::Ordinary),
            Mount::Fuse(user) => Err(distrust(path, Why::Fuse(user))),
            mount => Ok(mount),
        }
    }

    /// Checks that no other user can replace the entries of a directory; with `closed`, also that
    /// no other user can add one.
    fn directory(&self, directory: &Path, closed: bool) -> Result<(), Distrust> {
        let metadata = fs::symlink_metadata(directory);
        let metadata = metadata.map_err(|error| unknown(directory, error))?;
        self.writers(directory, &metadata, !closed)
    }

    /// Checks that no other user can write it; with `allow_sticky`, a sticky directory can be
    /// world-writable.
    fn writers(&self, path: &Path, it: &Metadata, allow_sticky: bool) -> Result<(), Distrust> {
        self.owner(path, it)?;
        let mode = it.mode();
        if allow_sticky && it.is_dir() && mode & STICKY != 0 {
            return Ok(());
        }
        if mode & OTHERS_WRITE != 0 {
            return Err(distrust(path, Why::Everybody));
        }
        if mode & GROUP_WRITE == 0 {
            return Ok(());
        }
        // With a list, the bits of the group are its mask.
        let trusts = |writer: &Writer| match writer {
            Writer::User(user) => self.trust.owners.contains(user),
            Writer::Group(group) => *group == 0,
        };
        match acl::writers(path, it.gid()) {
            Err(error) => Err(unknown(path, error)),
            Ok(Some(writers)) if !writers.iter().all(trusts) => Err(distrust(path, Why::Acl)),
            Ok(None) if it.gid() != 0 => Err(distrust(path, Why::Group(it.gid()))),
            Ok(_) => Ok(()),
        }
    }

    fn owner(&self, path: &Path, it: &Metadata) -> Result<(), Distrust> {
        if self.trust.owners.contains(&it.uid()) {
            return Ok(());
        }
        Err(distrust(path, Why::Owner(it.uid())))
    }
}

type Note<'a> = dyn FnMut(Result<(), Distrust>) + 'a;

fn distrust(path: &Path, why: Why) -> Distrust {
    Distrust {
        path: path.to_owned(),
        why,
    }
}

fn unknown(path: &Path, error: impl Into<io::Error>) -> Distrust {
    distrust(path, Why::Unknown(error.into()))
}

/// Returns `true` if a path leads to nothing and nobody can change that: a part of it is a
/// file, or a name is too long for any file system. A path that is too long as a whole can
/// still be reached in pieces.
fn leads_nowhere(path: &Path, error: &io::Error) -> bool {
    match Errno::from_io_error(error) {
        Some(Errno::NOTDIR) => true,
        Some(Errno::NAMETOOLONG) => path.as_os_str().len() < MAX_PATH,
        _ => false,
    }
}

fn end_of(metadata: &Metadata) -> End {
    let kind = metadata.file_type();
    if kind.is_file() {
        End::File(metadata.mode())
    } else if kind.is_dir() {
        End::Directory
    } else if kind.is_char_device() || kind.is_block_device() {
        End::Device
    } else {
        End::Other
    }
}

/// Returns the path of the working directory, if that path leads to it: it does not after
/// the directory was removed, its file system was unmounted, or another one was mounted
/// over it.
fn working_directory() -> Option<PathBuf> {
    let path = env::current_dir().ok()?;
    let is_there = is_same_file(Path::new("."), &path);
    (is_there && path.is_absolute()).then_some(path)
}
