//! Reads the header of a routine line without parsing the line.
//!
//! In a journal of a fleet most lines are such: they show that a run was alive, and nothing else
//! that matters there. [`Glance::of`] accepts only the form in which the runner writes them, so
//! [`Record::parse`](crate::Record::parse) accepts them too, and finds the same. A property test
//! compares both.

use jiff::Timestamp;

use crate::journal::parse::parse_written_time;

/// Header of a routine line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'a> {
    /// Member `ts`.
    pub ts: Timestamp,
    /// Member `run`.
    pub run: &'a str,
    /// Member `boot`.
    pub boot: &'a str,
}

impl<'a> Glance<'a> {
    /// Returns the header if the line is routine: a start of a task or of the first try, a wait, a
    /// hook, or the success of a task in its first try. Any other line must be parsed.
    pub fn of(line: &'a str) -> Option<Glance<'a>> {
        let mut rest = Rest(line.strip_suffix('\n').unwrap_or(line));
        let ts = parse_written_time(rest.text("{\"ts\":")?.as_bytes())?;
        let run = rest.text(",\"run\":")?;
        let boot = rest.text(",\"boot\":")?;
        match rest.text(",\"event\":")? {
            "try-start" => {
                rest.integer(",\"try_num\":")?;
            }
            "task-start" => {
                rest.text(",\"task\":")?;
                rest.integer(",\"try_num\":")?;
                rest.integer(",\"pid\":")?;
            }
            "task-end" => {
                rest.text(",\"task\":")?;
                rest.skip(",\"try_num\":1,\"result\":\"OK\"")?;
                rest.text(",\"outcome\":")?;
                rest.number(",\"elapsed\":")?;
                // Not all of them have a limit, or a file with output.
                _ = rest.number(",\"limit\":");
                _ = rest.text(",\"output\":");
            }
            "wait" => {
                rest.number(",\"seconds\":")?;
                rest.text(",\"before\":")?;
            }
            "hook-start" => {
                rest.text(",\"task\":")?;
                rest.text(",\"phase\":")?;
            }
            "hook-end" => {
                rest.text(",\"task\":")?;
                rest.text(",\"phase\":")?;
                rest.text(",\"outcome\":")?;
                rest.number(",\"elapsed\":")?;
            }
            _ => return None,
        }
        (rest.0 == "}").then_some(Glance { ts, run, boot })
    }
}

/// Rest of a line. Each function removes a member with this key, or nothing.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Removes a string without escapes, and returns it.
    fn text(&mut self, key: &str) -> Option<&'a str> {
        let text = self.0.strip_prefix(key)?.strip_prefix('"')?;
        let is_special = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
        let end = text.bytes().position(is_special)?;
        self.0 = text[end..].strip_prefix('"')?;
        Some(&text[..end])
    }

    /// Removes an integer from 0 that fits into any type.
    fn integer(&mut self, key: &str) -> Option<()> {
        let number = self.0.strip_prefix(key)?;
        let digits = digits(number)?;
        self.0 = &number[digits..];
        (digits == 1 || !number.starts_with('0')).then_some(())
    }

    /// Removes a number from 0, without an exponent.
    fn number(&mut self, key: &str) -> Option<()> {
        self.integer(key)?;
        if let Some(fraction) = self.0.strip_prefix('.') {
            self.0 = &fraction[digits(fraction)?..];
        }
        Some(())
    }
}

/// Returns the number of digits at the begin of `text`, from 1 to 9.
fn digits(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=9).contains(&digits).then_some(digits)
}
