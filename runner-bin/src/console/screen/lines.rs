//! Output of a process as whole lines, prefixed with its name.
//!
//! `name | ` begins a line. `name + ` continues the line above of the same process, which was too
//! long, or had no end in time. So a reader can restore the original output.

use memchr::memchr_iter;

/// Maximum number of bytes of a line that are shown in one piece.
pub(super) const MAX_PIECE_BYTES: usize = 64 * 1024;

/// The lines of one stream.
#[derive(Debug)]
pub(super) struct Lines {
    /// The name with its colour, and ` | `.
    begin: String,
    /// The name with its colour, and ` + `.
    continuation: String,
    /// The incomplete line.
    rest: Vec<u8>,
    /// A piece of the incomplete line was already shown.
    is_continued: bool,
}

impl Lines {
    pub(super) fn new(name: &str) -> Lines {
        Lines {
            begin: format!("{name} | "),
            continuation: format!("{name} + "),
            rest: Vec::new(),
            is_continued: false,
        }
    }

    /// Returns the number of bytes in the prefix of each line.
    pub(super) fn prefix_length(&self) -> usize {
        self.begin.len()
    }

    /// Returns `true` if a line waits for its end.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Adds output, and appends the lines that are complete now to `shown`.
    pub(super) fn add(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        for piece in pieces(bytes) {
            // The usual case is a whole line, which is not copied twice.
            if self.rest.is_empty() && piece.len() <= MAX_PIECE_BYTES && piece.ends_with(b"\n") {
                shown.extend_from_slice(self.prefix());
                shown.extend_from_slice(piece);
                self.is_continued = false;
                continue;
            }
            let mut piece = piece;
            while self.rest.len() + piece.len() > MAX_PIECE_BYTES {
                let (now, later) = piece.split_at(MAX_PIECE_BYTES - self.rest.len());
                self.rest.extend_from_slice(now);
                piece = later;
                // If only the end of the line is left, it belongs to this piece.
                match piece {
                    b"\n" => break,
                    _ => self.show(true, shown),
                }
            }
            self.rest.extend_from_slice(piece);
            if self.rest.ends_with(b"\n") {
                self.rest.pop();
                self.show(false, shown);
            }
        }
    }

    /// Shows an incomplete line, which can be continued later.
    pub(super) fn show_rest(&mut self, shown: &mut Vec<u8>) {
        if self.is_incomplete() {
            self.show(true, shown);
        }
    }

    fn show(&mut self, is_continued: bool, shown: &mut Vec<u8>) {
        shown.extend_from_slice(self.prefix());
        shown.append(&mut self.rest);
        shown.push(b'\n');
        self.is_continued = is_continued;
    }

    fn prefix(&self) -> &[u8] {
        let prefix = if self.is_continued {
            &self.continuation
        } else {
            &self.begin
        };
        prefix.as_bytes()
    }
}

/// Splits `bytes` after each end of line.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr_iter(b'\n', bytes).map(|end| end + 1);
    let mut start = 0;
    ends.chain([bytes.len()]).map(move |end| {
        let piece = &bytes[start..end];
        start = end;
        piece
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(pieces: &[&[u8]]) -> String {
        let mut lines = Lines::new("a");
        let mut shown = Vec::new();
        for piece in pieces {
            lines.add(piece, &mut shown);
        }
        lines.show_rest(&mut shown);
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn every_line_is_prefixed_with_the_name() {
        assert_eq!(shown(&[b"x\ny\n"]), "a | x\na | y\n");
        assert_eq!(shown(&[b"x", b"y", b"\n\nz"]), "a | xy\na | \na | z\n");
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn a_line_that_is_too_long_is_split_and_marked() {
        let long = vec![b'x'; MAX_PIECE_BYTES];
        let whole = String::from_utf8(long.clone()).unwrap();
        assert_eq!(shown(&[&long, b"\n"]), format!("a | {whole}\n"));
        assert_eq!(shown(&[&long, b"y\n"]), format!("a | {whole}\na + y\n"));
    }

    proptest! {
        #[test]
        fn the_original_output_can_be_restored(
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
