//! Answers go to stdout, as one piece.

use std::io::{self, ErrorKind, Write};

use crate::{exit::Exit, log::Log};

/// Writes `answer` to stdout; `exit` is the status when that works. A reader that
/// has read enough is no error.
pub(crate) fn answer(answer: &str, exit: Exit, log: &Log) -> Exit {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(answer.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            log.error(&format!("cannot write: {}", runner_config::reason(&error)));
            Exit::System
        }
        Ok(()) | Err(_) => exit,
    }
}
