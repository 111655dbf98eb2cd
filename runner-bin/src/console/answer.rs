//! Answers go to stdout.

use std::io::{self, BufWriter, ErrorKind, Write};

use runner_config::escape_json;
use serde_json::Value;

use crate::{console::log::Log, exit::Exit};

/// Writes `answer` to stdout, and returns `exit` if that succeeds. A reader that has closed the
/// pipe is not an error.
pub(crate) fn answer(answer: &str, exit: Exit, log: &Log) -> Exit {
    answer_with(|stdout| stdout.write_all(answer.as_bytes()), exit, log)
}

/// Like [`answer`], for a long answer that `write` writes piece by piece.
pub(crate) fn answer_with(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    exit: Exit,
    log: &Log,
) -> Exit {
    let mut stdout = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
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

/// Size of the buffer: the default capacity of a pipe.
const BUFFER_BYTES: usize = 65_536;

/// Returns `value` as indented JSON that is safe to show on a terminal.
pub(crate) fn pretty(value: &Value) -> String {
    escape_json(format!("{value:#}\n"))
}
