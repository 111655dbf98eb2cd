//! Reads the entries of a task directory. [`crate::plan::Plan`] decides which of them are tasks.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use runner_config::{nearest, reason};
use rustix::{
    fs::{Access, AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxAttributes, StatxFlags, statx},
    io::{Errno, retry_on_intr},
};

use crate::{
    plan::task_name::TaskName,
    process::file_format::{FileFormat, FormatReader},
    trust::{End, TrustCheck},
};

/// One entry of the task directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its file name.
    pub name: TaskName,
    /// Its kind.
    pub kind: Kind,
    /// It is a regular file, not a link, that only root can write. Another entry can be trusted
    /// too, but needs a full check.
    pub is_roots: bool,
}

/// Kind of an entry of the task directory; links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// This process can execute it.
        executable: bool,
        /// Its format.
        format: FileFormat,
    },
    /// A directory.
    Directory,
    /// A named pipe, a socket or a device.
    Special(&'static str),
    /// A dangling link.
    Dangling,
    /// An entry without access, and the reason.
    Hidden(String),
}

/// Reads all entries of `directory`, sorted by name. A file that `check` does not trust is not
/// opened.
///
/// # Errors
///
/// The directory cannot be read.
pub fn discover(directory: &Path, check: Option<&TrustCheck>) -> io::Result<Vec<DirEntry>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(directory, flags, Mode::empty()))?;
    let listing = listing(&opened)?;
    let discovery = Discovery {
        trust: check.map(|check| (check, directory)),
        directory: opened,
    };
    let mut reader = FormatReader::new(check);
    let entry = |(name, plain): (TaskName, bool)| {
        let (kind, is_roots) = discovery.kind_of(name.as_os_str(), plain, &mut reader);
        DirEntry {
            name,
            kind,
            is_roots,
        }
    };
    Ok(listing.into_iter().map(entry).collect())
}

/// Returns the directory next to `missing` whose name is nearest to its name.
pub fn similar_directory(missing: &Path) -> Option<PathBuf> {
    let parent = missing.parent()?;
    let parent_or_here = match parent.as_os_str() {
        name if name.is_empty() => Path::new("."),
        _ => parent,
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(parent_or_here, flags, Mode::empty()).ok()?;
    let listing = listing(&opened).ok()?;
    let names = listing
        .iter()
        .filter_map(|(name, _)| name.as_os_str().to_str());
    let near = nearest(missing.file_name()?.to_str()?, names).into_iter();
    near.map(|name| parent.join(name))
        .find(|path| path.is_dir())
}

/// Returns the names in `directory`, each with `true` for a regular file (not a symlink).
fn listing(directory: &OwnedFd) -> io::Result<Vec<(TaskName, bool)>> {
    let mut names = Vec::new();
    for entry in Dir::new(directory.try_clone()?)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let plain = entry.file_type() == FileType::RegularFile;
            names.push((TaskName::new(OsStr::from_bytes(name)), plain));
        }
    }
    // Files with neighbouring names were often created one after the other, and the kernel finds
    // their inodes faster in that order.
    names.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    Ok(names)
}

/// A task directory that is being read.
struct Discovery<'a> {
    directory: OwnedFd,
    /// The check before a file is opened, and the path of the directory for it.
    trust: Option<(&'a TrustCheck<'a>, &'a Path)>,
}

impl Discovery<'_> {
    /// Returns the kind of the entry `name`, and `true` if only root can write it. Symlinks are
    /// followed; `plain` means that it is a regular file and not a symlink.
    fn kind_of(&self, name: &OsStr, plain: bool, reader: &mut FormatReader) -> (Kind, bool) {
        let stat = plain.then(|| self.stat(name)).flatten();
        let is_roots = self.trust.is_some() && stat.as_ref().is_some_and(is_roots);
        if let Some((check, directory)) = self.trust.filter(|_| !is_roots) {
            let path = directory.join(name);
            let walk = check.walk(&path);
            if let Some(distrust) = walk.distrust {
                // Another user can change the target of a link at any time.
                let end = if path.is_symlink() && !distrust.is_of_device() {
                    End::Unknown
                } else {
                    walk.end
                };
                return (kind_of_end(end), false);
            }
        }
        let file_type = match stat {
            Some(_) => Ok(FileType::RegularFile),
            None => rustix::fs::statat(&self.directory, name, AtFlags::empty())
                .map(|stat| FileType::from_raw_mode(stat.st_mode)),
        };
        let kind = match file_type {
            Ok(FileType::RegularFile) => Kind::File {
                executable: self.may_execute(name),
                format: self.format(name, reader).unwrap_or(FileFormat::Unreadable),
            },
            Ok(FileType::Directory) => Kind::Directory,
            Ok(FileType::Fifo) => Kind::Special("named pipe"),
            Ok(FileType::Socket) => Kind::Special("socket"),
            Ok(_) => Kind::Special("device"),
            Err(Errno::NOENT) => Kind::Dangling,
            Err(error) => Kind::Hidden(reason(&error.into())),
        };
        (kind, is_roots)
    }

    /// Returns owner, mode and mount of a file; `None` if it is not a file any more.
    fn stat(&self, name: &OsStr) -> Option<Statx> {
        let mask = StatxFlags::MODE | StatxFlags::UID | StatxFlags::TYPE;
        let stat = statx(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW, mask).ok()?;
        let file_type = FileType::from_raw_mode(stat.stx_mode.into());
        (file_type == FileType::RegularFile).then_some(stat)
    }

    fn may_execute(&self, name: &OsStr) -> bool {
        rustix::fs::accessat(&self.directory, name, Access::EXEC_OK, AtFlags::empty()).is_ok()
    }

    fn format(&self, name: &OsStr, reader: &mut FormatReader) -> io::Result<FileFormat> {
        // Opening it could block if it has become a pipe meanwhile.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.directory, name, flags, Mode::empty());
        reader.read(&File::from(retry_on_intr(open)?))
    }
}

/// Returns `true` for a file that only root can write. A mount point is checked further.
fn is_roots(stat: &Statx) -> bool {
    let mount_root = StatxAttributes::MOUNT_ROOT;
    stat.stx_uid == 0
        && stat.stx_mode & 0o022 == 0
        && stat.stx_attributes_mask.contains(mount_root)
        && !stat.stx_attributes.contains(mount_root)
}

/// Returns the kind of a file that is not trusted, and so not opened.
fn kind_of_end(end: End) -> Kind {
    let file = |executable| Kind::File {
        executable,
        format: FileFormat::Unreadable,
    };
    match end {
        End::File(mode) => file(mode & 0o111 != 0),
        End::Directory => Kind::Directory,
        End::Device => Kind::Special("device"),
        End::Other => Kind::Special("named pipe or socket"),
        End::Missing => Kind::Dangling,
        End::Unknown => file(true),
    }
}
