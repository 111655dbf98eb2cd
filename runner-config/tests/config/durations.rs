//! Durations: reading and showing them.

use std::time::Duration;

use proptest::prelude::*;
use runner_config::{format_duration, parse_duration};

/// Names of each unit, and its length in milliseconds, from the largest to the smallest.
const UNITS: [(&[&str], u64); 6] = [
    (&["w", "week", "weeks"], 604_800_000),
    (&["d", "day", "days"], 86_400_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000),
    (&["ms"], 1),
];

/// Parts of a duration: index of the unit in [`UNITS`], number, and the text of both.
fn parts() -> impl Strategy<Value = Vec<(usize, u64, String)>> {
    let part = |unit: usize| {
        let spelled = prop::sample::select(UNITS[unit].0);
        (0..1_000_u64, spelled, " {0,2}").prop_map(move |(number, spelled, blanks)| {
            (unit, number, format!("{number}{blanks}{spelled}"))
        })
    };
    let parts: Vec<_> = (0..UNITS.len()).map(part).collect();
    prop::sample::subsequence((0..UNITS.len()).collect::<Vec<_>>(), 1..=UNITS.len()).prop_flat_map(
        move |units| {
            units
                .into_iter()
                .map(|unit| parts[unit].clone())
                .collect::<Vec<_>>()
        },
    )
}

fn texts(parts: &[(usize, u64, String)]) -> impl Iterator<Item = &str> {
    parts.iter().map(|(_, _, text)| &**text)
}

/// Durations of every size: each power of two is equally likely.
fn durations() -> impl Strategy<Value = Duration> {
    let large = (0..64_u32, any::<u64>(), 0..1_000_000_000_u32)
        .prop_map(|(shift, seconds, nanos)| Duration::new(seconds >> shift, nanos));
    let small = (0..40_u32, any::<u32>())
        .prop_map(|(shift, nanos)| Duration::from_nanos(u64::from(nanos) >> shift.min(31)));
    prop_oneof![large, small]
}

/// Maximum difference between a duration and its shown form.
fn rounding(time: Duration) -> Duration {
    match time.as_secs() {
        0 => Duration::from_millis(1),
        1..60 => Duration::from_millis(50),
        60..3_600 => Duration::from_secs(1),
        3_600..86_400 => Duration::from_secs(60),
        // A number of weeks or days is read as a float.
        seconds => Duration::from_secs(3_600 + (seconds >> 50)),
    }
}

proptest! {
    #[test]
    fn units_add_up_from_larger_to_smaller(parts in parts(), between in "[ \t\n]{0,2}") {
        let written = texts(&parts).collect::<Vec<_>>().join(&between);
        let millis = parts.iter().map(|&(unit, number, _)| number * UNITS[unit].1).sum();
        prop_assert_eq!(parse_duration(&written), Ok(Duration::from_millis(millis)), "{}", written);
    }

    #[test]
    fn units_in_another_order_or_twice_are_refused(parts in parts()) {
        let texts: Vec<&str> = texts(&parts).collect();
        let twice = texts.iter().chain(texts.last()).copied().collect::<Vec<_>>().join(" ");
        prop_assert!(parse_duration(&twice).is_err(), "{}", twice);
        if texts.len() > 1 {
            let reversed = texts.iter().rev().copied().collect::<Vec<_>>().join(" ");
            prop_assert!(parse_duration(&reversed).is_err(), "{}", reversed);
        }
    }

    #[test]
    fn signs_are_refused(parts in parts(), at in any::<prop::sample::Index>(), sign in "[-+]") {
        let mut texts: Vec<String> = texts(&parts).map(str::to_owned).collect();
        let signed = at.index(texts.len());
        texts[signed].insert_str(0, &sign);
        let written = texts.join(" ");
        prop_assert!(parse_duration(&written).is_err(), "{}", written);
    }

    #[test]
    fn a_duration_that_is_shown_reads_as_nearly_the_same(time in durations()) {
        let shown = format_duration(time);
        let read = parse_duration(&shown);
        prop_assert!(read.is_ok(), "{}", shown);
        let read = read.unwrap();
        prop_assert!(read.abs_diff(time) <= rounding(time), "{:?} is shown as {}", time, shown);
        // Showing it again loses nothing more.
        if time.as_secs() < 1 << 50 {
            prop_assert_eq!(parse_duration(&format_duration(read)), Ok(read), "{}", shown);
        }
    }

    #[test]
    fn numbers_that_are_too_large_saturate(digits in "[1-9][0-9]{20,400}", unit in 0..5_usize) {
        let unit = UNITS[unit].0[0];
        prop_assert_eq!(parse_duration(&digits), Ok(Duration::MAX));
        prop_assert_eq!(parse_duration(&format!("{digits}{unit} 9ms")), Ok(Duration::MAX));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9.]{0,3}[smhdw é\u{a0}-]{0,3}[0-9.]{0,3}\\PC{0,3}") {
        let _ = parse_duration(&text);
    }
}

#[test]
fn times_are_seconds_or_have_units() {
    for (text, millis) in [
        ("0", 0),
        ("600", 600_000),
        ("0.5", 500),
        (".5", 500),
        ("0.1", 100),
        ("90s", 90_000),
        ("10m", 600_000),
        ("1h 30m", 5_400_000),
        ("1h30m", 5_400_000),
        ("1.5 hours", 5_400_000),
        ("250ms", 250),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("1w 1d 1h 1m 1s 1ms", 694_861_001),
        ("0h 0.5m", 30_000),
    ] {
        assert_eq!(
            parse_duration(text),
            Ok(Duration::from_millis(millis)),
            "{text}"
        );
    }
    for text in [
        "", " ", "-1", "-1s", "+1", "1e3", "inf", "nan", "soon", "5 5", "1h 30", "1x", "s", ".",
        "1..2", "1h,30m", "10M", "5m ago",
    ] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

#[test]
fn units_go_from_larger_to_smaller_and_none_repeats() {
    for text in [
        "5m 5m",
        "5m5m",
        "1h 60min 5minutes",
        "1s 1sec",
        "30m 1h",
        "1ms 1s",
        "1h 1s 1m",
    ] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

#[test]
fn huge_times_saturate() {
    let digits = "9".repeat(400);
    for text in [
        &*digits,
        &format!("{digits}s"),
        "9999999999999999999m 9999999999999999999s",
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::MAX), "{text}");
    }
}

#[test]
fn durations_are_shown_with_at_most_two_units() {
    for (millis, expected) in [
        (0, "0s"),
        (2, "2ms"),
        (999, "999ms"),
        (1_000, "1s"),
        (1_230, "1.2s"),
        (1_970, "2s"),
        (59_970, "60s"),
        (90_000, "1m 30s"),
        (600_000, "10m"),
        (7_500_000, "2h 5m"),
        (90_000_000, "1d 1h"),
    ] {
        assert_eq!(format_duration(Duration::from_millis(millis)), expected);
    }
}
