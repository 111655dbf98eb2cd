//! POSIX access control lists: the users and groups that they allow to write.

use std::{io, path::Path};

use rustix::{fs::getxattr, io::Errno};

const NAME: &str = "system.posix_acl_access";

/// Maximum size of a list; on ext4 it is less than 4 KiB.
const MAX_BYTES: usize = 64 * 1024;

/// The tags of entries that name a user, the group of the file, and another group; see
/// `include/uapi/linux/posix_acl.h` of the kernel.
const USER: u16 = 0x02;
const GROUP_OF_FILE: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;

const WRITE: u16 = 0o2;

/// A user or a group that an entry allows to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    User(u32),
    Group(u32),
}

/// Returns the users and groups that the list of `path` allows to write, without its owner and
/// others; `None` if it has no list. `group` is the group of the file. Fails if the list cannot
/// be read, or has an unknown version.
pub(super) fn writers(path: &Path, group: u32) -> io::Result<Option<Vec<Writer>>> {
    let mut bytes = vec![0_u8; MAX_BYTES];
    match getxattr(path, NAME, &mut bytes[..]) {
        Ok(length) => match parse(&bytes[..length], group) {
            None => Err(io::Error::other("unknown kind of access control list")),
            writers => Ok(writers),
        },
        Err(Errno::NODATA | Errno::NOTSUP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Parses the attribute: a version, then tag, permissions and number of each entry. The mask
/// limits named users and all groups.
fn parse(bytes: &[u8], group: u32) -> Option<Vec<Writer>> {
    let (entries, rest) = bytes.strip_prefix(&2_u32.to_le_bytes())?.as_chunks::<8>();
    let entry = |&[t0, t1, p0, p1, i0, i1, i2, i3]: &[u8; 8]| {
        let (tag, permissions) = (u16::from_le_bytes([t0, t1]), u16::from_le_bytes([p0, p1]));
        (tag, permissions, u32::from_le_bytes([i0, i1, i2, i3]))
    };
    let entries = entries.iter().map(entry);
    let mask = entries.clone().find(|&(tag, ..)| tag == MASK);
    let mask = mask.map_or(u16::MAX, |(_, permissions, _)| permissions);
    let writer = |(tag, permissions, id)| match tag {
        _ if permissions & mask & WRITE == 0 => None,
        USER => Some(Writer::User(id)),
        GROUP_OF_FILE => Some(Writer::Group(group)),
        GROUP => Some(Writer::Group(id)),
        _ => None,
    };
    rest.is_empty()
        .then(|| entries.filter_map(writer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_another_form_is_refused() {
        for bytes in [&b""[..], b"\x01\0\0\0", b"\x02\0\0\0\x01"] {
            assert!(parse(bytes, 7).is_none(), "{bytes:?}");
        }
    }
}
