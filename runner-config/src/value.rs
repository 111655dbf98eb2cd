//! Parsers of values, one function for each kind.
//!
//! The error of a function is the end of the sentence "`max_tries` must be …".

use std::{collections::BTreeSet, ops::Deref, path::PathBuf, time::Duration};

use crate::{
    problem::Origin,
    task_settings::{Frequency, Leftovers, MaxTries, RetryFrom, Words},
};

pub(crate) type Parsed<T> = Result<T, &'static str>;

/// A value and its place.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The value, as written.
    pub value: &'a str,
    /// Its place.
    pub origin: &'a Origin,
    /// It is in the section of a task, and not in `[runner]`.
    pub(crate) in_task: bool,
}

impl Deref for Written<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.value
    }
}

/// Parses a time: `90`, `0.5`, `90s`, `1h 30m`. Saturates at [`Duration::MAX`].
pub fn duration(text: &str) -> Parsed<Duration> {
    const EXPECTED: &str =
        "a time of 0 or more: seconds (`90`, `0.5`), or with units (`90s`, `10m`, `1h 30m`)";
    let factor = |unit: &str| {
        Some(match unit {
            "ms" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            _ => return None,
        })
    };
    let mut total = Duration::ZERO;
    sum(text, factor, |seconds| {
        let time = Duration::try_from_secs_f64(seconds);
        total = total.saturating_add(time.unwrap_or(Duration::MAX));
    })
    .map(|()| total)
    .ok_or(EXPECTED)
}

/// Parses a size in bytes, or 0 for no limit: `65536`, `64K`, `1.5M`, `1G 512M`.
pub(crate) fn size_limit(text: &str) -> Parsed<Option<u64>> {
    const EXPECTED: &str = "a size of 0 or more: bytes (`65536`), or with units (`64K`, `16M`)";
    let factor = |unit: &str| {
        let powers = ["B", "K", "M", "G", "T"].into_iter().zip(0..);
        let mut powers = powers.filter(|(name, _)| unit.eq_ignore_ascii_case(name));
        powers.next().map(|(_, power)| 1024_f64.powi(power))
    };
    let mut total = 0_u64;
    // A part of a byte is not 0. A number that is too large saturates.
    sum(text, factor, |bytes| {
        total = total.saturating_add(bytes.ceil() as u64);
    })
    .map(|()| (total > 0).then_some(total))
    .ok_or(EXPECTED)
}

/// Parses a sum of numbers with units, and passes each of them to `add`. `factor` returns the size
/// of a unit. Returns `None` if `text` is not such a sum.
fn sum(text: &str, factor: impl Fn(&str) -> Option<f64>, mut add: impl FnMut(f64)) -> Option<()> {
    let mut larger = f64::INFINITY;
    let mut rest = text;
    while !rest.is_empty() || text.is_empty() {
        let number = prefix(rest, |c| c.is_ascii_digit() || c == '.');
        let count: f64 = number.parse().ok()?;
        rest = rest[number.len()..].trim_start();
        let unit = prefix(rest, char::is_alphabetic);
        let factor = match unit {
            // A number without a unit must be the only one.
            "" if number.len() == text.len() => 1.0,
            unit => factor(unit)?,
        };
        // `5m 5m` is a mistake, and `30m 1h` can be one.
        if factor >= larger {
            return None;
        }
        larger = factor;
        add(count * factor);
        rest = rest[unit.len()..].trim_start();
    }
    Some(())
}

fn prefix(text: &str, holds: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !holds(c)).unwrap_or(text.len())]
}

/// Parses a time; an empty value is `None`.
pub(crate) fn jitter(text: &str) -> Parsed<Option<Duration>> {
    match text {
        "" => Ok(None),
        text => duration(text).map(Some),
    }
}

/// Parses a limit: a time, or 0 for no limit.
pub(crate) fn limit(text: &str) -> Parsed<Option<Duration>> {
    duration(text).map(|limit| (!limit.is_zero()).then_some(limit))
}

pub(crate) fn whole_number(text: &str) -> Parsed<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a whole number of 0 or more");
    }
    // The only possible error here is a number that is too large.
    Ok(text.parse().unwrap_or(u32::MAX))
}

pub(crate) fn jobs(text: &str) -> Parsed<usize> {
    match whole_number(text) {
        Ok(number @ 1..) => Ok(number as usize),
        Ok(0) | Err(_) => Err("a whole number of 1 or more"),
    }
}

pub(crate) fn factor(text: &str) -> Parsed<f64> {
    let plain = prefix(text, |c| c.is_ascii_digit() || c == '.') == text;
    match text.parse() {
        Ok(factor) if plain => Ok(factor),
        _ => Err("a number of 0 or more"),
    }
}

pub(crate) fn yes_or_no(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err("`yes` or `no`"),
    }
}

/// Splits a list at commas and blanks.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
}

pub(crate) fn codes(text: &str) -> Parsed<BTreeSet<u8>> {
    list(text)
        .map(|word| word.parse().ok().filter(|_| !word.starts_with('+')))
        .collect::<Option<_>>()
        .ok_or("exit codes from 0 to 255, separated by commas or blanks")
}

/// Splits a command into words like a shell, without any other expansion.
fn words(text: &str) -> Parsed<Vec<String>> {
    // `shell_words` would treat a `#` as a comment, but values have no comments. No value
    // contains NUL.
    let plain = shell_words::split(&text.replace('#', "\0"));
    let words = plain.map_err(|_| "a command with matching quotes")?;
    if words.first().is_some_and(String::is_empty) {
        return Err("a command with a first word that is not empty");
    }
    Ok(words.iter().map(|word| word.replace('\0', "#")).collect())
}

/// Parses a command. A relative path as first word is resolved against the directory of the file.
pub(crate) fn command(written: &Written) -> Parsed<Option<Words>> {
    let mut words: Words = words(written)?.into_iter().map(Into::into).collect();
    let Some(first) = words.first_mut() else {
        return Ok(None);
    };
    if first.to_string_lossy().contains('/') {
        *first = written.origin.resolve(first.as_ref()).into();
    }
    Ok(Some(words))
}

/// Parses a path. A relative one is resolved against the directory of the file.
pub(crate) fn path(written: &Written) -> Parsed<Option<PathBuf>> {
    Ok((!written.is_empty()).then(|| written.origin.resolve(written.value.as_ref())))
}

pub(crate) fn file_name(text: &str) -> Parsed<Option<String>> {
    if text.contains(['/', '\n']) || text == "." || text == ".." {
        Err("the name of a file in the task directory, without a `/`")
    } else {
        Ok(Some(text.to_owned()).filter(|name| !name.is_empty()))
    }
}

pub(crate) fn max_tries(written: &Written) -> Parsed<MaxTries> {
    let number = whole_number(written)?;
    Ok(if written.in_task {
        MaxTries::OfTask(number)
    } else {
        MaxTries::OfChain(number)
    })
}

pub(crate) fn retry_from(text: &str) -> Parsed<RetryFrom> {
    match text {
        "start" => Ok(RetryFrom::Start),
        "failed" => Ok(RetryFrom::Failed),
        _ => Err("`start` or `failed`"),
    }
}

pub(crate) fn leftovers(text: &str) -> Parsed<Leftovers> {
    match text {
        "kill" => Ok(Leftovers::Kill),
        "report" => Ok(Leftovers::Report),
        "allow" => Ok(Leftovers::Allow),
        _ => Err("`kill`, `report` or `allow`"),
    }
}

pub(crate) fn frequency(text: &str) -> Parsed<Frequency> {
    let all = [
        Frequency::Always,
        Frequency::OncePerBoot,
        Frequency::OncePerMachine,
        Frequency::Once,
    ];
    all.into_iter()
        .find(|frequency| frequency.as_str() == text)
        .ok_or("`always`, `once-per-boot`, `once-per-machine` or `once`")
}

/// Formats a time for people: `350ms`, `1.2s`, `12s`, `1m 30s`, `2h 5m`.
pub fn format_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.is_zero() => "0s".to_owned(),
        0 => match ((time.subsec_micros() + 500) / 1000).max(1) {
            1_000 => "1s".to_owned(),
            millis => format!("{millis}ms"),
        },
        1..60 => match (time.subsec_millis() + 50) / 100 {
            0 => format!("{seconds}s"),
            10 => format!("{}s", seconds + 1),
            tenths => format!("{seconds}.{tenths}s"),
        },
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

fn two(large: u64, unit: &str, small: u64, subunit: &str) -> String {
    match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit} {small}{subunit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_all_bounds_saturate() {
        assert_eq!(whole_number("99999999999"), Ok(u32::MAX));
    }

    #[test]
    fn sizes_are_bytes_or_have_units() {
        for (text, bytes) in [
            ("0", None),
            ("0M", None),
            ("0.0 K", None),
            ("65536", Some(65_536)),
            ("64K", Some(65_536)),
            ("64 k", Some(65_536)),
            ("16M", Some(16_777_216)),
            ("1.5M", Some(1_572_864)),
            ("0.1", Some(1)),
            ("2b", Some(2)),
            ("1G 512M 1B", Some(1_610_612_737)),
            ("3T", Some(3_298_534_883_328)),
            ("99999999999999999999T", Some(u64::MAX)),
            ("16777216T 1B", Some(u64::MAX)),
        ] {
            assert_eq!(size_limit(text), Ok(bytes), "{text}");
        }
        for text in [
            "", "-1", "-1M", "M", "16 16", "16X", "16MB", "16MiB", "1e3", "1M 1M", "1K 1M", "1M 5",
            "0x10", ".", "1..5", "+1", "inf", "16M;",
        ] {
            assert!(size_limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn code_lists_have_commas_or_blanks_and_may_be_empty() {
        assert_eq!(codes(""), Ok(BTreeSet::new()));
        assert_eq!(codes("0, 3 ,4\n5"), Ok(BTreeSet::from([0, 3, 4, 5])));
        for text in ["256", "-1", "+1", "a", "1;2", "0x1"] {
            assert!(codes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn commands_are_split_as_a_shell_would() {
        let split = |text| words(text).map(|words| words.join("|"));
        assert_eq!(
            split("python3 -u 'a b' c\\ d"),
            Ok("python3|-u|a b|c d".into())
        );
        assert_eq!(split("a ''"), Ok("a|".into()));
        assert_eq!(split("a\n\tb\\\nc \\\nd"), Ok("a|bc|d".into()));
        assert_eq!(split("\"a\\$b\\c\" d'e'\"f\""), Ok("a$b\\c|def".into()));
        assert_eq!(
            split("post.sh #1 # 2 a#b '# c' \"# d\" \\#"),
            Ok("post.sh|#1|#|2|a#b|# c|# d|#".into())
        );
        assert_eq!(split("#"), Ok("#".into()));
        assert_eq!(split(""), Ok(String::new()));
        assert!(split("a 'b").is_err());
        assert!(split("'' b").is_err());
    }
}
