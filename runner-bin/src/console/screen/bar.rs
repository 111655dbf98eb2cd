//! The progress line at the bottom of a terminal.

use std::time::{Duration, Instant};

use runner_config::format_duration;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Content of the progress line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    /// The running tasks, and the times of their starts.
    pub(crate) running: Vec<(String, Instant)>,
    /// Number of tasks that are done in this try.
    pub(crate) done: usize,
    /// Number of all tasks.
    pub(crate) tasks: usize,
    /// Number of the try.
    pub(crate) try_num: u32,
    /// Purpose and end of the current wait.
    pub(crate) next: Option<(&'static str, Instant)>,
}

impl Bar {
    /// Returns the text at the time `now`, at most `width` columns: the longest form of the counts
    /// that leaves room for the name of a task, or else the longest form that fits.
    pub(super) fn text(&self, now: Instant, width: usize) -> String {
        let counts = self.counts(now);
        let with_names = counts[..3].iter().find_map(|counts| {
            let room = width.checked_sub(counts.width() + 2)?;
            Some(format!("{counts}; {}", self.names(now, room)?))
        });
        let fits = || counts.iter().find(|counts| counts.width() <= width);
        let text = with_names.or_else(|| fits().cloned());
        text.unwrap_or_else(|| cut(&counts[2], width))
    }

    /// Returns the numbers of tasks that are done and running, and the wait, in four forms from
    /// long to short. The last form leaves out the tasks that are done.
    fn counts(&self, now: Instant) -> [String; 4] {
        let Bar { done, tasks, .. } = self;
        let try_num = match self.try_num {
            0 | 1 => String::new(),
            try_num => format!(", try {try_num}"),
        };
        let running = match self.running.len() {
            0 | 1 => String::new(),
            running => format!(", {running} running"),
        };
        let next = self.next.map(|(what, at)| {
            // Rounded up, so that it counts down to 1s and not to 0s.
            let left = at.saturating_duration_since(now) + Duration::from_millis(999);
            format!("; next {what} in {}", seconds(left))
        });
        let rest = running + &next.unwrap_or_default();
        [
            format!("{done} of {tasks} done{try_num}{rest}"),
            format!("{done} of {tasks} done{rest}"),
            format!("{done}/{tasks}{rest}"),
            rest.trim_start_matches([',', ';', ' ']).to_owned(),
        ]
    }

    /// Returns the running tasks that fit into `room` columns, the longest-running ones first, with
    /// their times and the number of the others; `None` if none fits.
    fn names(&self, now: Instant, room: usize) -> Option<String> {
        let most = self.running.len().min(room / MIN_NAME + 1);
        (1..=most).rev().find_map(|number| {
            let shown = &self.running[..number];
            let times: Vec<String> = (shown.iter())
                .map(|(_, since)| seconds(now.saturating_duration_since(*since)))
                .collect();
            let others = match self.running.len() - number {
                0 => String::new(),
                others => format!(", +{others}"),
            };
            let between = 3 * number - 2 + others.len();
            let taken = between + times.iter().map(String::len).sum::<usize>();
            let name_width = share(shown, room.checked_sub(taken)?)?;
            let names = shown.iter().zip(times);
            let names = names.map(|((name, _), time)| format!("{} {time}", cut(name, name_width)));
            Some(names.collect::<Vec<_>>().join(", ") + &others)
        })
    }
}

/// Minimum width of a shortened name.
const MIN_NAME: usize = 8;

/// Returns the width to which the names are shortened so that together they take at most `room`
/// columns; `None` if that is less than [`MIN_NAME`].
fn share(names: &[(String, Instant)], room: usize) -> Option<usize> {
    let widths = || names.iter().map(|(name, _)| name.width());
    let widest = widths().max().unwrap_or(0);
    let fits = |width: &usize| widths().map(|it| it.min(*width)).sum::<usize>() <= room;
    (widest.min(MIN_NAME)..=widest).rev().find(fits)
}

/// Formats a time in whole seconds.
fn seconds(time: Duration) -> String {
    format_duration(Duration::from_secs(time.as_secs()))
}

/// Shortens `text` to `width` columns, with `…` at its end.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fitting = text.chars().take_while(|c| {
        let columns = c.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    });
    fitting.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn running(names: &[&str], now: Instant) -> Bar {
        Bar {
            tasks: 9,
            done: 3,
            try_num: 2,
            running: names.iter().map(|name| ((*name).to_owned(), now)).collect(),
            ..Bar::default()
        }
    }

    #[rustfmt::skip] // one line for each case
    #[test]
    fn it_shows_as_much_as_fits() {
        let now = Instant::now();
        let four = running(&["10-setup-1", "10-other-2", "10-third-3", "10-d"], now);
        let one = running(&["10-setup-1"], now - Duration::from_secs(61));
        let mut wait = running(&[], now);
        wait.next = Some(("try", now + Duration::from_millis(11_500)));
        for (bar, width, counts, rest) in [
            (&four, 90, "3 of 9 done, try 2, 4 running", "; 10-setup-1 0s, 10-other-2 0s, 10-third-3 0s, 10-d 0s"),
            (&four, 79, "3 of 9 done, try 2, 4 running", "; 10-setu… 0s, 10-othe… 0s, 10-thir… 0s, 10-d 0s"),
            (&four, 60, "3 of 9 done, try 2, 4 running", "; 10-setu… 0s, 10-othe… 0s, +2"),
            (&four, 39, "3 of 9 done, 4 running", "; 10-setu… 0s, +3"),
            (&four, 31, "3/9, 4 running", "; 10-setu… 0s, +3"),
            (&four, 19, "3/9, 4 running", ""),
            (&one, 79, "3 of 9 done, try 2", "; 10-setup-1 1m 1s"),
            (&one, 19, "3/9", "; 10-setu… 1m 1s"),
            (&wait, 39, "3 of 9 done, try 2", "; next try in 12s"),
            (&wait, 29, "3 of 9 done", "; next try in 12s"),
            (&wait, 19, "next try in 12s", ""),
        ] {
            assert_eq!(bar.text(now, width), format!("{counts}{rest}"), "{width}");
        }
    }

    proptest! {
        #[test]
        fn it_is_never_wider_than_the_terminal(
            names in prop::collection::vec("[a-z漢字e\u{301}…-]{0,30}", 0..9),
            width in 1..200_usize,
            try_num in 0..12_u32,
        ) {
            let now = Instant::now();
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            let bar = Bar { try_num, ..running(&names, now) };
            let text = bar.text(now, width);
            prop_assert!(text.width() <= width, "{text}");
            // From 19 columns on there is always a whole count.
            prop_assert!(width < 19 || text.starts_with("3/9") || text.starts_with("3 of 9 done"));
            let runs = format!("{} running", names.len());
            prop_assert!(width < 19 || names.len() < 2 || text.contains(&runs), "{text}");
        }
    }
}
