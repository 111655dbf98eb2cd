//! How a file begins, as far as it matters for starting it.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

/// How a file begins, as far as it matters for starting it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// `#!` and what stands behind it.
    Script {
        /// The path of the interpreter.
        interpreter: Arc<str>,
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
        let head = File::open(path).and_then(|file| Heads::default().read(&file));
        head.unwrap_or(Head::Unreadable)
    }
}

/// Reads heads. Most tasks have the same interpreter, so the disk is asked once for each
/// of them whether it is there.
#[derive(Default)]
pub(crate) struct Heads {
    interpreters: HashMap<Arc<str>, bool>,
}

impl Heads {
    /// Reads how `file` begins.
    pub(crate) fn read(&mut self, mut file: &File) -> io::Result<Head> {
        // The kernel looks at 256 bytes as well.
        let mut bytes = [0; 256];
        let length = file.read(&mut bytes)?;
        Ok(self.parse(&bytes[..length]))
    }

    fn parse(&mut self, bytes: &[u8]) -> Head {
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
        let path = words.next().unwrap_or("").trim_end_matches('\r');
        let (interpreter, exists) = self.interpreter(path);
        Head::Script {
            interpreter,
            crlf,
            exists,
        }
    }

    /// The interpreter at `path`, and whether it is there.
    fn interpreter(&mut self, path: &str) -> (Arc<str>, bool) {
        if let Some((path, &exists)) = self.interpreters.get_key_value(path) {
            return (path.clone(), exists);
        }
        let exists = Path::new(path).exists();
        let path: Arc<str> = Arc::from(path);
        self.interpreters.insert(path.clone(), exists);
        (path, exists)
    }
}
