//! From the bytes that a process writes to whole lines with its name in front.
//!
//! `name | ` begins a line. `name + ` goes on with the one above, which was too long or
//! waited for its end too long; so what was written can be put together again.

use memchr::memchr_iter;

/// A line is shown in pieces of at most so many bytes.
pub(super) const LONGEST: usize = 64 * 1024;

/// The lines of one stream.
#[derive(Debug)]
pub(super) struct Lines {
    /// The name, with the escapes round it, and ` | `.
    begin: String,
    /// The same with ` + `.
    go_on: String,
    /// What has no end yet.
    rest: Vec<u8>,
    /// Whether a piece of this line was shown already.
    goes_on: bool,
}

impl Lines {
    pub(super) fn new(name: &str) -> Lines {
        Lines {
            begin: format!("{name} | "),
            go_on: format!("{name} + "),
            rest: Vec::new(),
            goes_on: false,
        }
    }

    /// How many bytes each line has before what was written.
    pub(super) fn prefix_length(&self) -> usize {
        self.begin.len()
    }

    /// Whether something waits for the end of its line.
    pub(super) fn waits(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Takes over `bytes`, and puts what makes whole lines behind `shown`.
    pub(super) fn add(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        for piece in pieces(bytes) {
            // Most are whole lines, which nothing is put together for.
            if self.rest.is_empty() && piece.len() <= LONGEST && piece.ends_with(b"\n") {
                shown.extend_from_slice(self.prefix());
                shown.extend_from_slice(piece);
                self.goes_on = false;
                continue;
            }
            let mut piece = piece;
            while self.rest.len() + piece.len() > LONGEST {
                let (now, later) = piece.split_at(LONGEST - self.rest.len());
                self.rest.extend_from_slice(now);
                piece = later;
                // An end of line that is all there is of a piece belongs to this one.
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

    /// Shows what waits for the end of its line, which may still come.
    pub(super) fn show_rest(&mut self, shown: &mut Vec<u8>) {
        if self.waits() {
            self.show(true, shown);
        }
    }

    fn show(&mut self, goes_on: bool, shown: &mut Vec<u8>) {
        shown.extend_from_slice(self.prefix());
        shown.append(&mut self.rest);
        shown.push(b'\n');
        self.goes_on = goes_on;
    }

    fn prefix(&self) -> &[u8] {
        match self.goes_on {
            true => self.go_on.as_bytes(),
            false => self.begin.as_bytes(),
        }
    }
}

/// `bytes` with a cut behind each end of line.
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
    fn every_line_has_the_name_before_it() {
        assert_eq!(shown(&[b"x\ny\n"]), "a | x\na | y\n");
        assert_eq!(shown(&[b"x", b"y", b"\n\nz"]), "a | xy\na | \na | z\n");
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn a_line_that_is_too_long_is_split_and_marked() {
        let long = vec![b'x'; LONGEST];
        let whole = String::from_utf8(long.clone()).unwrap();
        assert_eq!(shown(&[&long, b"\n"]), format!("a | {whole}\n"));
        assert_eq!(shown(&[&long, b"y\n"]), format!("a | {whole}\na + y\n"));
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
