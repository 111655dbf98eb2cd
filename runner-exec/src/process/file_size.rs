//! `RLIMIT_FSIZE`: a write beyond it is an error like any other, and does not end the runner.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::{consts::SIGXFSZ, flag};

use super::supervise::ignored;

/// Makes a write that exceeds the limit fail with EFBIG instead of killing this process.
/// With a handler, which exec resets: a signal that is ignored would be ignored in tasks
/// as well. One that came in ignored stays so.
///
/// # Errors
///
/// The system refuses it.
pub fn survive_file_size_limit() -> io::Result<()> {
    if !ignored()(SIGXFSZ) {
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}
