//! The configuration file: its path, also as stdin or through a private link, and its content.

use std::{
    fs::{self, Metadata},
    io::stdin,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use runner_config::{Admit, Document, Override, Problems};
use runner_exec::{is_same, open_metadata};

/// Beginning of the name of a private directory for links.
pub(crate) const PRIVATE: &str = "runner-links.";

/// Name of the link in it to the configuration file.
pub(crate) const PRIVATE_CONFIG: &str = "runner.cfg";

/// Loads the configuration in `config`, or an empty one.
///
/// # Errors
///
/// Every problem of every file.
pub(crate) fn document(config: Option<&Path>) -> Result<Document, Problems> {
    let config = config.map(|config| original(config.to_owned()));
    Document::load(config.as_deref(), &[])
}

/// Loads the readable part of the configuration in `config` and in the `include_dir` of
/// `overrides`, as far as `admit` allows.
pub(crate) fn readable_document(
    config: Option<&Path>,
    overrides: &[Override],
    admit: &mut Admit,
    problems: &mut Problems,
) -> Document {
    let config = config.map(|config| original(config.to_owned()));
    Document::load_readable(config.as_deref(), overrides, admit, problems)
}

/// Returns `true` for a named pipe: its reader waits for a writer, and takes the content away from
/// the next reader.
pub(crate) fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Resolves a link in a private directory to the configuration file, against whose directory
/// relative paths are resolved, and which messages name.
pub(crate) fn original(config: PathBuf) -> PathBuf {
    let directory = config.parent().and_then(Path::file_name);
    let private = directory.is_some_and(|name| name.to_string_lossy().starts_with(PRIVATE));
    match config.read_link() {
        Ok(original) if private && config.file_name() == Some(PRIVATE_CONFIG.as_ref()) => original,
        Ok(_) | Err(_) => config,
    }
}

/// Returns a path of `config` that works in tasks, which have another stdin; if there is none,
/// `config` itself.
pub(crate) fn lasting(config: PathBuf) -> PathBuf {
    if is_stdin(&config) {
        fs::canonicalize(&config).unwrap_or(config)
    } else {
        config
    }
}

/// Returns `true` if `path` leads to the file that is stdin, by any name.
pub(crate) fn is_stdin(path: &Path) -> bool {
    let stdin = open_metadata(stdin());
    stdin.as_ref().is_ok_and(Metadata::is_file) && is_same(fs::metadata(path), stdin)
}
