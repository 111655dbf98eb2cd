//! The id of a run, which identifies it in journal, logs, marks and processes.

use std::fmt;

use jiff::Timestamp;

/// Pattern of an id: `0` is a digit, `f` a hexadecimal digit.
const PATTERN: &[u8] = b"00000000T000000.000Z-ffffffff";

/// Id of a run: the time of its start, and a random number that makes it unique. Ids sort by
/// the time of their starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// Creates the id of a run that starts at `start`; `random` is from 0 to 1.
    pub fn new(start: Timestamp, random: f64) -> RunId {
        let start = start.strftime("%Y%m%dT%H%M%S%.3fZ");
        let number = (random * f64::from(u32::MAX)).round() as u32;
        RunId(format!("{start}-{number:08x}"))
    }

    /// Parses an id.
    pub fn parse(text: &str) -> Option<RunId> {
        let fits = |(byte, form): (u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            b'f' => byte.is_ascii_hexdigit(),
            form => byte == *form,
        };
        let is_id = text.len() == PATTERN.len() && text.bytes().zip(PATTERN).all(fits);
        is_id.then(|| RunId(text.to_owned()))
    }

    /// Returns the start of the run; `None` if the text is not a date.
    pub fn start(&self) -> Option<Timestamp> {
        self.0.split_once('-')?.0.parse().ok()
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}
