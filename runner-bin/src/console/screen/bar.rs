//! The line at the bottom of a terminal: what runs, for how long, and what is waited for.

use std::time::{Duration, Instant};

use runner_config::format_duration;
use unicode_width::UnicodeWidthChar;

/// What there is to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    /// The tasks that run, and since when.
    pub(crate) running: Vec<(String, Instant)>,
    /// How many tasks are done in this try.
    pub(crate) done: usize,
    /// How many there are.
    pub(crate) tasks: usize,
    /// The number of the try.
    pub(crate) try_num: u32,
    /// What comes then, and when.
    pub(crate) next: Option<(&'static str, Instant)>,
}

impl Bar {
    /// The text at the time `now`, no wider than `width` columns.
    pub(super) fn text(&self, now: Instant, width: usize) -> String {
        let seconds = |time: Duration| format_duration(Duration::from_secs(time.as_secs()));
        let mut text = format!("{} of {} done", self.done, self.tasks);
        if self.try_num > 1 {
            text += &format!(", try {}", self.try_num);
        }
        if let Some((what, at)) = self.next {
            // Rounded up, so that it ends with 1s and not with 0s.
            let left = at.saturating_duration_since(now) + Duration::from_millis(999);
            text += &format!("; next {what} in {}", seconds(left));
        }
        let running = self.running.iter().map(|(name, since)| {
            let time = seconds(now.saturating_duration_since(*since));
            format!("{name} {time}")
        });
        let running: Vec<String> = running.collect();
        if !running.is_empty() {
            text += &format!("; {}", running.join(", "));
        }
        cut(text, width)
    }
}

/// The beginning of `text` that fits into `width` columns.
fn cut(text: String, width: usize) -> String {
    let columns = |c: char| c.width().unwrap_or(0);
    if text.chars().map(columns).sum::<usize>() <= width {
        return text;
    }
    let mut left = width.saturating_sub(1);
    let mut short: String = text
        .chars()
        .take_while(|&c| {
            let fits = columns(c) <= left;
            left = left.saturating_sub(columns(c));
            fits
        })
        .collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_runs_and_what_comes() {
        let now = Instant::now();
        let since = |seconds| now - Duration::from_secs(seconds);
        let mut bar = Bar {
            tasks: 8,
            done: 3,
            try_num: 1,
            ..Bar::default()
        };
        assert_eq!(bar.text(now, 80), "3 of 8 done");
        bar.running = vec![("4-a".to_owned(), since(61)), ("4-b".to_owned(), since(0))];
        assert_eq!(bar.text(now, 80), "3 of 8 done; 4-a 1m 1s, 4-b 0s");
        bar.running.clear();
        bar.try_num = 2;
        bar.next = Some(("try", now + Duration::from_millis(11_500)));
        assert_eq!(bar.text(now, 80), "3 of 8 done, try 2; next try in 12s");
    }

    #[test]
    fn it_fits() {
        let now = Instant::now();
        let bar = Bar {
            running: vec![("漢字".repeat(20), now)],
            ..Bar::default()
        };
        for width in 1..100 {
            let text = bar.text(now, width);
            let columns: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
            assert!(columns <= width, "{width}: {text}");
        }
    }
}
