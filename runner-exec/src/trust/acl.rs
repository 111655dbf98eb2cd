//! POSIX access control lists, as far as they let another user write.

use std::{io, path::Path};

use rustix::{fs::getxattr, io::Errno};

const NAME: &str = "system.posix_acl_access";

/// Longest list that is read; ext4 keeps less than a block of 4 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// The tags of entries that name a user, the group of the file, and another group; see
/// `include/uapi/linux/posix_acl.h` of the kernel.
const USER: u16 = 0x02;
const GROUP_OF_FILE: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;

const WRITE: u16 = 0o2;

/// A list of who can do what to a file, beside its owner and everybody.
#[derive(Debug)]
pub(super) struct Acl {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: u16,
    permissions: u16,
    id: u32,
}

/// A user or a group that an entry lets write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    User(u32),
    Group(u32),
}

impl Acl {
    /// Reads the list of `path`; `None` when it has none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not of the known version.
    pub(super) fn read(path: &Path) -> io::Result<Option<Acl>> {
        let mut bytes = vec![0_u8; MAX_BYTES];
        let length = match getxattr(path, NAME, &mut bytes[..]) {
            Ok(length) => length,
            Err(Errno::NODATA | Errno::NOTSUP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match Acl::parse(&bytes[..length]) {
            Some(acl) => Ok(Some(acl)),
            None => Err(io::Error::other("unknown kind of access control list")),
        }
    }

    /// Parses the attribute: a version, then tag, permissions and number of each entry.
    fn parse(bytes: &[u8]) -> Option<Acl> {
        let entries = bytes.strip_prefix(&2_u32.to_le_bytes())?;
        let (entries, rest) = entries.as_chunks::<8>();
        let entry = |&[t0, t1, p0, p1, i0, i1, i2, i3]: &[u8; 8]| Entry {
            tag: u16::from_le_bytes([t0, t1]),
            permissions: u16::from_le_bytes([p0, p1]),
            id: u32::from_le_bytes([i0, i1, i2, i3]),
        };
        rest.is_empty().then(|| Acl {
            entries: entries.iter().map(entry).collect(),
        })
    }

    /// Returns the users and groups that can write; `group` is the group of the file. The
    /// mask limits them all.
    pub(super) fn writers(&self, group: u32) -> impl Iterator<Item = Writer> {
        let mask = self.entries.iter().find(|entry| entry.tag == MASK);
        let mask = mask.map_or(u16::MAX, |mask| mask.permissions);
        let can_write = move |entry: &&Entry| entry.permissions & mask & WRITE != 0;
        let writer = move |entry: &Entry| match entry.tag {
            USER => Some(Writer::User(entry.id)),
            GROUP_OF_FILE => Some(Writer::Group(group)),
            GROUP => Some(Writer::Group(entry.id)),
            _ => None,
        };
        self.entries.iter().filter(can_write).filter_map(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYONE: u16 = 0x20;
    const OWNER: u16 = 0x01;

    fn writers(entries: &[(u16, u16, u32)]) -> Vec<Writer> {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(permissions.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        Acl::parse(&bytes).unwrap().writers(7).collect()
    }

    #[test]
    fn the_mask_limits_named_users_and_groups() {
        let entries = |mask| {
            [
                (OWNER, 7, u32::MAX),
                (USER, 6, 1000),
                (USER, 4, 1001),
                (GROUP_OF_FILE, 6, u32::MAX),
                (GROUP, 2, 50),
                (MASK, mask, u32::MAX),
                (EVERYONE, 4, u32::MAX),
            ]
        };
        let all = [Writer::User(1000), Writer::Group(7), Writer::Group(50)];
        assert_eq!(writers(&entries(7)), all);
        assert_eq!(writers(&entries(2)), all);
        assert_eq!(writers(&entries(5)), []);
    }

    #[test]
    fn a_list_of_another_form_is_refused() {
        for bytes in [&b""[..], b"\x01\0\0\0", b"\x02\0\0\0\x01"] {
            assert!(Acl::parse(bytes).is_none(), "{bytes:?}");
        }
    }
}
