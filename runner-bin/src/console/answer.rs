//! Answers go to stdout.

use std::io::{self, BufWriter, ErrorKind, Write};

use runner_config::escape_json;
use serde_json::Value;

use crate::{console::log::Log, exit::Exit};

/// Writes `answer` to stdout; `exit` is the status when that works. A reader that
/// has read enough is no error.
pub(crate) fn answer(answer: &str, exit: Exit, log: &Log) -> Exit {
    answer_with(|stdout| stdout.write_all(answer.as_bytes()), exit, log)
}

/// The same for an answer that is too long to be kept: `write` writes it.
pub(crate) fn answer_with(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    exit: Exit,
    log: &Log,
) -> Exit {
    let mut stdout = BufWriter::with_capacity(PIECE, io::stdout().lock());
    let written = write(&mut stdout).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            log.error(&format!(
                "cannot write to stdout: {}",
                runner_config::reason(&error)
            ));
            Exit::System
        }
        Ok(()) | Err(_) => exit,
    }
}

/// As much as a pipe holds.
const PIECE: usize = 65_536;

/// Returns `value` as indented JSON that is safe to show on a terminal.
pub(crate) fn pretty(value: &Value) -> String {
    escape_json(format!("{value:#}\n"))
}
