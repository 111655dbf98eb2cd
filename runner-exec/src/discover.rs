//! Reads a task directory: what every entry of it is. What follows from that is
//! decided by [`crate::Plan`].
//!
//! To look at an entry takes some microseconds, all of them in the kernel. Of a large
//! directory that is most of what there is to do, so other threads begin with it while
//! the configuration is read, and whoever waits for the entries helps.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    ops::Range,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    panic,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use runner_config::reason;
use rustix::{
    fs::{
        Access, AtFlags, Dir, FileType, Mode, OFlags, StatVfsMountFlags, Statx, StatxAttributes,
        StatxFlags, fstatvfs, statx,
    },
    io::{Errno, retry_on_intr},
    process::{geteuid, getuid},
};

use crate::{Head, TaskName, head::Heads, parts::threads};

/// One entry of the task directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its file name, whether it is a task or not.
    pub name: TaskName,
    /// What it is.
    pub kind: Kind,
    /// Whether it is a file that nobody but root may write, and no link to one. What
    /// this is not may still be fit for root.
    pub is_roots: bool,
}

/// What an entry of the task directory is; links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Whether this process may execute it.
        executable: bool,
        /// How it begins.
        head: Head,
    },
    /// A directory.
    Directory,
    /// A named pipe, a socket or a device.
    Special(&'static str),
    /// A link that leads nowhere.
    Dangling,
    /// Something that may not be looked at, and why.
    Hidden(String),
}

/// A task directory whose entries are being looked at.
pub struct Discovery {
    work: Arc<Work>,
    helpers: Vec<JoinHandle<Vec<DirEntry>>>,
}

/// Begins to look at every entry of `directory`.
///
/// # Errors
///
/// The directory cannot be read.
pub fn discover(directory: &Path) -> io::Result<Discovery> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = retry_on_intr(|| rustix::fs::open(directory, flags, Mode::empty()))?;
    let work = Arc::new(Work {
        listing: Listing::of(&directory)?,
        begun: AtomicUsize::new(0),
        is_root: geteuid().is_root(),
        executor: allows_programs(&directory).then(|| getuid().as_raw()),
        directory,
    });
    let shares = work.listing.sorted.len().div_ceil(SHARE);
    let helpers = threads(shares.min(MOST_THREADS)) - 1;
    let help = |_| {
        let work = work.clone();
        // Where no thread can be had, the others do more.
        thread::Builder::new().spawn(move || work.look()).ok()
    };
    Ok(Discovery {
        helpers: (0..helpers).filter_map(help).collect(),
        work,
    })
}

impl Discovery {
    /// Every entry, in no order.
    pub fn entries(self) -> Vec<DirEntry> {
        let mut entries = self.work.look();
        for helper in self.helpers {
            match helper.join() {
                Ok(more) => entries.extend(more),
                Err(panic) => panic::resume_unwind(panic),
            }
        }
        entries
    }
}

/// So many entries are looked at by one thread before it comes for more: enough for
/// a thread to be worth its start.
const SHARE: usize = 1_000;

/// More threads than this wait for each other in the kernel.
const MOST_THREADS: usize = 4;

/// What there is to be looked at.
struct Work {
    directory: OwnedFd,
    listing: Listing,
    /// How many of the names somebody looks at, or has done so.
    begun: AtomicUsize,
    /// Whether it matters whose the files are.
    is_root: bool,
    /// Who we are, unless the mount of the directory forbids to execute anything.
    executor: Option<u32>,
}

/// The names of all entries, one behind the other.
struct Listing {
    text: Vec<u8>,
    sorted: Vec<Name>,
}

struct Name {
    /// Where in the text it stands.
    at: Range<usize>,
    /// Whether it is a regular file itself, and no link to one.
    plain: bool,
}

impl Listing {
    fn of(directory: &OwnedFd) -> io::Result<Listing> {
        let mut text = Vec::new();
        let mut sorted = Vec::new();
        for entry in Dir::new(directory.try_clone()?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let begin = text.len();
                text.extend_from_slice(name);
                let plain = entry.file_type() == FileType::RegularFile;
                let at = begin..text.len();
                sorted.push(Name { at, plain });
            }
        }
        // Neighbours in the alphabet were often made one after the other, and the kernel
        // finds them sooner when they are asked for in that order.
        sorted.sort_unstable_by(|a, b| text[a.at.clone()].cmp(&text[b.at.clone()]));
        Ok(Listing { text, sorted })
    }
}

impl Work {
    /// Looks at one share after the other, until none is left.
    fn look(&self) -> Vec<DirEntry> {
        let mut heads = Heads::default();
        let mut entries = Vec::new();
        loop {
            let begin = self.begun.fetch_add(SHARE, Ordering::Relaxed);
            let left = self.listing.sorted.get(begin..).unwrap_or_default();
            if left.is_empty() {
                return entries;
            }
            let share = &left[..left.len().min(SHARE)];
            entries.extend(share.iter().map(|Name { at, plain }| {
                let name = OsStr::from_bytes(&self.listing.text[at.clone()]);
                let (kind, is_roots) = self.kind_of(name, *plain, &mut heads);
                DirEntry {
                    name: TaskName::new(name),
                    kind,
                    is_roots,
                }
            }));
        }
    }

    /// What the entry `name` is, and whether it is root's alone. Links are followed;
    /// `plain` says that it is none.
    fn kind_of(&self, name: &OsStr, plain: bool, heads: &mut Heads) -> (Kind, bool) {
        // What can be opened and is a regular file need not be asked what it is.
        if plain && let Ok((file, head)) = self.head(name, heads) {
            let (mask, flags) = (StatxFlags::MODE | StatxFlags::UID, AtFlags::EMPTY_PATH);
            let stat = statx(&file, c"", flags, mask).ok();
            let executable = stat.is_some_and(|stat| self.is_our_program(&stat));
            let kind = Kind::File {
                executable: executable || self.may_execute(name),
                head,
            };
            let is_roots = self.is_root && stat.is_some_and(|stat| is_roots(&stat));
            return (kind, is_roots);
        }
        (self.kind_of_special(name, heads), false)
    }

    fn kind_of_special(&self, name: &OsStr, heads: &mut Heads) -> Kind {
        let stat = match rustix::fs::statat(&self.directory, name, AtFlags::empty()) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Kind::Dangling,
            Err(error) => return Kind::Hidden(reason(&error.into())),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Directory,
            FileType::Fifo => Kind::Special("named pipe"),
            FileType::Socket => Kind::Special("socket"),
            FileType::RegularFile => {
                let head = self.head(name, heads).map(|(_, head)| head);
                Kind::File {
                    executable: self.may_execute(name),
                    head: head.unwrap_or(Head::Unreadable),
                }
            }
            _ => Kind::Special("device"),
        }
    }

    /// Whether a file is ours, and its mode alone says that we may execute it: access
    /// lists have no say in that, and the mount is known unless it is one of its own.
    fn is_our_program(&self, stat: &Statx) -> bool {
        let mount_root = StatxAttributes::MOUNT_ROOT;
        self.executor == Some(stat.stx_uid)
            && stat.stx_mode & 0o100 != 0
            && stat.stx_attributes_mask.contains(mount_root)
            && !stat.stx_attributes.contains(mount_root)
    }

    /// The same of any file, which takes the kernel another walk to it.
    fn may_execute(&self, name: &OsStr) -> bool {
        rustix::fs::accessat(&self.directory, name, Access::EXEC_OK, AtFlags::empty()).is_ok()
    }

    fn head(&self, name: &OsStr, heads: &mut Heads) -> io::Result<(File, Head)> {
        // What has become a pipe meanwhile would be waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.directory, name, flags, Mode::empty());
        let file = File::from(retry_on_intr(open)?);
        let head = heads.read(&file)?;
        Ok((file, head))
    }
}

fn is_roots(stat: &Statx) -> bool {
    stat.stx_uid == 0 && stat.stx_mode & 0o022 == 0
}

/// Whether programs may stand on the mount of `directory`.
fn allows_programs(directory: &OwnedFd) -> bool {
    fstatvfs(directory).is_ok_and(|mount| !mount.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_of_a_large_directory_is_found_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut expected: Vec<TaskName> = (0..3 * SHARE + 1)
            .map(|index| TaskName::new(format!("{index}")))
            .collect();
        for name in &expected {
            File::create(directory.path().join(name.as_os_str())).unwrap();
        }
        let entries = discover(directory.path()).unwrap().entries();
        let mut found: Vec<TaskName> = entries.into_iter().map(|entry| entry.name).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}
