//! The id of a run, by which its journal, logs, marks and processes are known.

use std::fmt;

use jiff::Timestamp;

/// The form of an id: `0` is a digit, `f` a hexadecimal one.
const FORM: &[u8] = b"00000000T000000.000Z-ffffffff";

/// The time of the start and a random number: no other run has it, and ids in the order of
/// their bytes are in the order of the starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(String);

impl RunId {
    /// The id of a run that starts at `start`; `random` is from 0 to 1.
    pub fn new(start: Timestamp, random: f64) -> RunId {
        let start = start.strftime("%Y%m%dT%H%M%S%.3fZ");
        let number = (random * f64::from(u32::MAX)).round() as u32;
        RunId(format!("{start}-{number:08x}"))
    }

    /// Returns `None` if `text` does not have the form of an id.
    pub fn parse(text: &str) -> Option<RunId> {
        let fits = |(byte, form): (u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            b'f' => byte.is_ascii_hexdigit(),
            form => byte == *form,
        };
        let is_id = text.len() == FORM.len() && text.bytes().zip(FORM).all(fits);
        is_id.then(|| RunId(text.to_owned()))
    }

    /// The id as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}
