//! Short digests, which distinguish plans and machines in the journal.

use sha2::{Digest, Sha256};

/// Length of a short digest in hex digits.
const HEX_DIGITS: usize = 12;

/// Returns the first 12 hex digits of the SHA-256 of `text`.
pub(crate) fn short_digest(text: &str) -> String {
    short_hex(&Sha256::digest(text))
}

/// Returns the first 12 hex digits of a digest.
pub(crate) fn short_hex(digest: &[u8]) -> String {
    let digits = digest.iter().map(|byte| format!("{byte:02x}"));
    digits.take(HEX_DIGITS / 2).collect()
}
