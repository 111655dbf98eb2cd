//! The last lines of a running task, which are shown again if it determines the end of the run.

use memchr::memrchr_iter;
use runner_exec::TAIL_LINES;

/// Maximum number of bytes to keep for one task.
const MAX_BYTES: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Tail(pub(super) Vec<u8>);

impl Tail {
    /// Adds the last of these whole lines, without the `prefix` bytes before each of them.
    pub(super) fn add(&mut self, shown: &[u8], prefix: usize) {
        let start = memrchr_iter(b'\n', shown).nth(TAIL_LINES);
        let last = &shown[start.map_or(0, |end| end + 1)..];
        for line in last.split_inclusive(|&byte| byte == b'\n') {
            self.0.extend(&line[prefix..]);
        }
        if self.0.len() > MAX_BYTES {
            // Half, so that this does not happen again with the next line.
            self.0.drain(..self.0.len() - MAX_BYTES / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_last_lines_without_their_prefix_and_a_bound() {
        let mut tail = Tail::default();
        tail.add(b"a | x\na + y\n", 4);
        assert_eq!(tail.0, b"x\ny\n");
        let lines: String = (0..100).map(|n| format!("a | {n}\n")).collect();
        tail.add(lines.as_bytes(), 4);
        let expected: String = (80..100).map(|n| format!("{n}\n")).collect();
        assert!(tail.0.ends_with(expected.as_bytes()));
        for _ in 0..1000 {
            tail.add(&[b"a | ", &[b'x'; 1000][..], b"\n"].concat(), 4);
            assert!(tail.0.len() <= MAX_BYTES);
        }
        assert!(tail.0.len() >= TAIL_LINES * 1001);
    }
}
