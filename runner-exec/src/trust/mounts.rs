//! The mounts that a path crosses. The daemon of a FUSE mount answers with any owner and
//! mode it likes, and a link on `/proc` leads elsewhere than its text says.

use std::{cell::RefCell, collections::HashMap, fs, path::Path};

use rustix::fs::{AtFlags, CWD, FsWord, PROC_SUPER_MAGIC, StatxFlags, statfs, statx};

/// `FUSE_SUPER_MAGIC`, see `fs/fuse/inode.c` of the kernel.
const FUSE_MAGIC: FsWord = 0x6573_5546;

/// `STATX_MNT_ID`, see statx(2).
const MOUNT_ID: StatxFlags = StatxFlags::from_bits_retain(0x1000);

/// The kind of a mount, as far as it matters for trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mount {
    /// The file system shows owners and modes as they are.
    Ordinary,
    /// `/proc`.
    Proc,
    /// FUSE, mounted by this user; `None` where that is not known.
    Fuse(Option<u32>),
}

/// The mounts of this process. They are read at the first use, and again for a new mount.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// The mounts by their ids, as in `statx` and `/proc/self/mountinfo`.
    table: RefCell<HashMap<u64, Mount>>,
}

impl Mounts {
    /// Returns the mount of `path`. Does not follow a symlink, and sends no request to a FUSE
    /// daemon, which could block this process forever.
    pub(super) fn of(&self, path: &Path) -> Mount {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
        let stat = statx(CWD, path, flags, MOUNT_ID).ok();
        // Kernels before 5.8 do not report the id.
        let id = stat
            .filter(|stat| stat.stx_mask & MOUNT_ID.bits() != 0)
            .map(|stat| stat.stx_mnt_id);
        id.and_then(|id| self.find(id))
            .unwrap_or_else(|| by_type(path))
    }

    fn find(&self, id: u64) -> Option<Mount> {
        let known = self.table.borrow().get(&id).copied();
        known.or_else(|| {
            let table = fs::read("/proc/self/mountinfo").ok()?;
            let table = String::from_utf8_lossy(&table);
            self.table
                .replace(table.lines().filter_map(parse).collect());
            self.table.borrow().get(&id).copied()
        })
    }
}

/// Parses a line of `/proc/self/mountinfo`, see proc_pid_mountinfo(5).
fn parse(line: &str) -> Option<(u64, Mount)> {
    let (mount, file_system) = line.split_once(" - ")?;
    let id = mount.split(' ').next()?.parse().ok()?;
    let mut file_system = file_system.split(' ');
    let kind = file_system.next()?;
    let options = file_system.nth(1).unwrap_or_default();
    let user = |option: &str| option.strip_prefix("user_id=")?.parse().ok();
    let kind = match kind.split('.').next() {
        Some("proc") => Mount::Proc,
        Some("fuse" | "fuseblk") => Mount::Fuse(options.split(',').find_map(user)),
        _ => Mount::Ordinary,
    };
    Some((id, kind))
}

/// Returns the kind of a mount that is not in the table, by the type of its file system.
fn by_type(path: &Path) -> Mount {
    match statfs(path).map(|it| it.f_type) {
        Ok(FUSE_MAGIC) => Mount::Fuse(None),
        Ok(PROC_SUPER_MAGIC) => Mount::Proc,
        Ok(_) | Err(_) => Mount::Ordinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_number_type_and_user() {
        for (line, expected) in [
            (
                "36 35 98:0 / /a\\040b rw,noatime master:1 - ext4 /dev/root rw,errors=continue",
                Some((36, Mount::Ordinary)),
            ),
            ("1 1 0:22 / /proc rw - proc proc rw", Some((1, Mount::Proc))),
            (
                "9 1 0:60 / /mnt ro,nosuid - fuse.bindfs user_id=0 rw,user_id=1000,group_id=1000",
                Some((9, Mount::Fuse(Some(1000)))),
            ),
            (
                "9 1 0:60 / /mnt ro - fuseblk /dev/sda1 rw,user_id=0,group_id=0",
                Some((9, Mount::Fuse(Some(0)))),
            ),
            ("9 1 0:60 / /mnt ro - fuse x", Some((9, Mount::Fuse(None)))),
            (
                "9 1 0:60 / /mnt rw - virtiofs myfs rw",
                Some((9, Mount::Ordinary)),
            ),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn the_mounts_of_this_machine_are_told_apart() {
        let mounts = Mounts::default();
        assert_eq!(mounts.of(Path::new("/proc/self")), Mount::Proc);
        assert_eq!(mounts.of(Path::new("/")), by_type(Path::new("/")));
    }
}
