//! The first bytes of a file, which determine how the kernel starts it.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the first bytes of a task are read"
)]

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::Path,
    sync::Arc,
};

use rustix::fs::OFlags;

use crate::trust::TrustCheck;

/// Format of a file, as its first bytes show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A `#!` line.
    Script {
        /// The path of the interpreter.
        interpreter: Arc<Path>,
        /// Everything after it, which the kernel passes as one argument.
        argument: Option<Arc<OsStr>>,
        /// The line ends in a carriage return.
        crlf: bool,
        /// The interpreter exists.
        exists: bool,
    },
    /// A format that the kernel knows by itself.
    Binary,
    /// Anything else.
    Unknown,
    /// The file could not be read.
    Unreadable,
}

impl FileFormat {
    /// Reads the first bytes of the file at `path`. Does not wait for the writer of a named pipe.
    pub fn of(path: &Path) -> FileFormat {
        let flags = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let format = file.and_then(|file| FormatReader::new(None).read(&file));
        format.unwrap_or(FileFormat::Unreadable)
    }
}

/// Reads the formats of files. Most tasks have the same interpreter, so its existence is checked once.
pub(crate) struct FormatReader<'a> {
    interpreters: HashMap<Arc<Path>, bool>,
    /// The check before each access: a FUSE mount of another user can block forever.
    check: Option<&'a TrustCheck<'a>>,
}

impl<'a> FormatReader<'a> {
    pub(crate) fn new(check: Option<&'a TrustCheck<'a>>) -> FormatReader<'a> {
        FormatReader {
            interpreters: HashMap::new(),
            check,
        }
    }

    /// Reads the first bytes of `file`.
    pub(crate) fn read(&mut self, mut file: &File) -> io::Result<FileFormat> {
        // The kernel reads 256 bytes too.
        let mut bytes = [0; 256];
        let length = file.read(&mut bytes)?;
        Ok(self.parse(&bytes[..length]))
    }

    fn parse(&mut self, bytes: &[u8]) -> FileFormat {
        if bytes.starts_with(b"\x7fELF") {
            return FileFormat::Binary;
        }
        let Some(line) = bytes.strip_prefix(b"#!") else {
            return FileFormat::Unknown;
        };
        let line = line.split(|&byte| byte == b'\n').next().unwrap_or(line);
        let crlf = line.ends_with(b"\r");
        // As in the kernel: blanks around the line are ignored, and a NUL ends it.
        let line = line.split(|&byte| byte == 0).next().unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii();
        let blank = line.iter().position(|byte| b" \t".contains(byte));
        let (path, rest) = line.split_at(blank.unwrap_or(line.len()));
        let (interpreter, exists) = self.interpreter(Path::new(OsStr::from_bytes(path)));
        let rest = rest.trim_ascii();
        FileFormat::Script {
            interpreter,
            argument: (!rest.is_empty()).then(|| Arc::from(OsStr::from_bytes(rest))),
            crlf,
            exists,
        }
    }

    /// Returns the interpreter at `path`, and `true` if it exists.
    fn interpreter(&mut self, path: &Path) -> (Arc<Path>, bool) {
        if let Some((path, &exists)) = self.interpreters.get_key_value(path) {
            return (path.clone(), exists);
        }
        let is_trusted = |check: &TrustCheck| check.path(path).is_ok();
        // One that is not trusted is refused later, no matter if it exists.
        let exists = !self.check.is_none_or(is_trusted) || path.exists();
        let path: Arc<Path> = Arc::from(path);
        self.interpreters.insert(path.clone(), exists);
        (path, exists)
    }
}
