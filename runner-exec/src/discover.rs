//! Reads a task directory: what every entry of it is. What follows from that is
//! decided by [`crate::Plan`].
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the directory is read"
)]

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::Path,
};

use runner_config::reason;
use rustix::fs::Access;

/// One entry of the task directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its file name.
    pub name: OsString,
    /// What it is.
    pub kind: Kind,
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

/// How a file begins, as far as it matters for starting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// `#!` and what stands behind it.
    Script {
        /// The path of the interpreter.
        interpreter: String,
        /// Whether the line ends in a carriage return.
        crlf: bool,
        /// Whether the interpreter is there.
        exists: bool,
    },
    /// A format that the kernel knows by itself.
    Binary,
    /// Anything else.
    Unknown,
    /// The file could not be read.
    Unreadable,
}

impl Head {
    /// Reads how `path` begins.
    pub fn of(path: &Path) -> Head {
        // The kernel looks at 256 bytes as well.
        let mut bytes = [0; 256];
        let length = File::open(path).and_then(|mut file| file.read(&mut bytes));
        match length {
            Ok(length) => Head::parse(&bytes[..length]),
            Err(_) => Head::Unreadable,
        }
    }

    fn parse(bytes: &[u8]) -> Head {
        if bytes.starts_with(b"\x7fELF") {
            return Head::Binary;
        }
        let Some(line) = bytes.strip_prefix(b"#!") else {
            return Head::Unknown;
        };
        let line = line.split(|&byte| byte == b'\n').next().unwrap_or(line);
        let crlf = line.ends_with(b"\r");
        let line = String::from_utf8_lossy(line);
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let interpreter = words.next().unwrap_or("").trim_end_matches('\r').to_owned();
        let exists = Path::new(&interpreter).exists();
        Head::Script {
            interpreter,
            crlf,
            exists,
        }
    }
}

/// Every entry of `directory`, in no order.
///
/// # Errors
///
/// The directory cannot be read.
pub fn discover(directory: &Path) -> io::Result<Vec<DirEntry>> {
    fs::read_dir(directory)?
        .map(|entry| {
            let name = entry?.file_name();
            let kind = kind_of(&directory.join(&name));
            Ok(DirEntry { name, kind })
        })
        .collect()
}

/// What `path` is; links are followed.
fn kind_of(path: &Path) -> Kind {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Kind::Dangling,
        Err(error) => return Kind::Hidden(reason(&error)),
    };
    let kind = metadata.file_type();
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_fifo() {
        Kind::Special("named pipe")
    } else if kind.is_socket() {
        Kind::Special("socket")
    } else if !kind.is_file() {
        Kind::Special("device")
    } else {
        Kind::File {
            executable: rustix::fs::access(path, Access::EXEC_OK).is_ok(),
            head: Head::of(path),
        }
    }
}
