//! From the bytes that a process writes to whole lines with its name in front.
//!
//! `name | ` begins a line. `name + ` goes on with the one above, which was too long or
//! waited for its end too long; so what was written can be put together again.

use memchr::memchr;

/// Maximum length of a line in bytes; a longer one is shown in pieces.
const MAX_LINE: usize = 64 * 1024;

/// The lines of one stream.
#[derive(Debug)]
pub(super) struct Lines {
    /// The name, with the escapes round it, and ` | `; then the same with ` + `.
    prefixes: [String; 2],
    /// What has no end yet.
    rest: Vec<u8>,
    /// Whether a piece of this line was shown already.
    goes_on: bool,
}

impl Lines {
    pub(super) fn new(name: &str) -> Lines {
        Lines {
            prefixes: [format!("{name} | "), format!("{name} + ")],
            rest: Vec::new(),
            goes_on: false,
        }
    }

    /// Whether something waits for the end of its line.
    pub(super) fn waits(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Takes over `bytes`, and puts what makes whole lines behind `shown`.
    pub(super) fn add(&mut self, mut bytes: &[u8], shown: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let room = MAX_LINE - self.rest.len();
            let window = &bytes[..bytes.len().min(room + 1)];
            match memchr(b'\n', window) {
                Some(end) => {
                    self.show(&bytes[..end], false, shown);
                    bytes = &bytes[end + 1..];
                }
                None if window.len() > room => {
                    self.show(&bytes[..room], true, shown);
                    bytes = &bytes[room..];
                }
                None => {
                    self.rest.extend_from_slice(bytes);
                    return;
                }
            }
        }
    }

    /// Shows what waits for the end of its line, which may still come.
    pub(super) fn show_rest(&mut self, shown: &mut Vec<u8>) {
        if self.waits() {
            self.show(b"", true, shown);
        }
    }

    /// Shows a line, or a piece of one that `goes_on`: what waits, and then `end`.
    fn show(&mut self, end: &[u8], goes_on: bool, shown: &mut Vec<u8>) {
        shown.extend_from_slice(self.prefixes[usize::from(self.goes_on)].as_bytes());
        shown.append(&mut self.rest);
        shown.extend_from_slice(end);
        shown.push(b'\n');
        self.goes_on = goes_on;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_split_and_marked() {
        let whole = "x".repeat(MAX_LINE);
        for (written, expected) in [
            (format!("{whole}\n"), format!("a | {whole}\n")),
            (format!("{whole}y\n"), format!("a | {whole}\na + y\n")),
        ] {
            let (mut lines, mut shown) = (Lines::new("a"), Vec::new());
            lines.add(&written.as_bytes()[..MAX_LINE], &mut shown);
            lines.add(&written.as_bytes()[MAX_LINE..], &mut shown);
            assert!(shown == expected.as_bytes(), "{}", shown.len());
        }
    }

    proptest! {
        #[test]
        fn what_was_written_can_be_put_together_again(
            pieces in prop::collection::vec(("[ab\n]{0,9}", any::<bool>()), 0..20)
        ) {
            let mut lines = Lines::new("n");
            let (mut shown, mut written) = (Vec::new(), String::new());
            for (piece, pause) in pieces {
                lines.add(piece.as_bytes(), &mut shown);
                written += &piece;
                if pause {
                    lines.show_rest(&mut shown);
                }
            }
            lines.show_rest(&mut shown);
            let shown = String::from_utf8(shown).unwrap();
            let mut again = String::new();
            for line in shown.lines() {
                match (line.strip_prefix("n | "), line.strip_prefix("n + ")) {
                    (Some(line), _) => again += &format!("\n{line}"),
                    (None, Some(more)) => again += more,
                    (None, None) => panic!("{line:?}"),
                }
            }
            let again = again.strip_prefix('\n').unwrap_or(&again);
            prop_assert_eq!(again.trim_end_matches('\n'), written.trim_end_matches('\n'));
        }
    }
}
