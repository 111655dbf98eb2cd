//! The last lines of an output, without escape sequences but with their colours.

use anstream::adapter::WinconBytes;
use anstyle::Style;
use runner_config::{bytes_text, escape_lines};

/// Maximum number of lines in the shown end of an output.
pub const TAIL_LINES: usize = 20;

/// Maximum number of characters of a line, from its end.
const MAX_CHARACTERS: usize = 1000;

/// A line of an output. Its text is escaped for a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputLine {
    /// The parts of the line, each in one style.
    pub parts: Vec<(Style, String)>,
}

impl OutputLine {
    /// Returns the text without its colours.
    pub fn plain(&self) -> String {
        self.parts.iter().map(|(_, text)| &**text).collect()
    }

    fn new(parts: Vec<(Style, String)>) -> OutputLine {
        let length: usize = parts.iter().map(|(_, text)| text.chars().count()).sum();
        let mut cut = length.saturating_sub(MAX_CHARACTERS);
        let mut shown = Vec::new();
        if cut > 0 {
            shown.push((Style::new(), "…".to_owned()));
        }
        for (style, text) in parts {
            let kept: String = text.chars().skip(cut).collect();
            cut = cut.saturating_sub(text.chars().count());
            if !kept.is_empty() {
                shown.push((style, escape_lines(&kept).into_owned()));
            }
        }
        OutputLine { parts: shown }
    }
}

/// Returns the last lines of an output.
pub fn last_lines(bytes: &[u8]) -> Vec<OutputLine> {
    let text = bytes_text(bytes);
    let mut parser = WinconBytes::new();
    // A style can begin in one line and end in a later one.
    let has_styles = text.contains('\u{1b}');
    let lines = text.lines().map(|line| {
        if has_styles {
            // A sequence that the line does not end must not hide the next line.
            let line = format!("{line}\u{1b}\\");
            parser.extract_next(line.as_bytes()).collect()
        } else {
            vec![(Style::new(), line.to_owned())]
        }
    });
    let mut lines: Vec<_> = lines.collect();
    let last = lines.split_off(lines.len().saturating_sub(TAIL_LINES));
    last.into_iter().map(OutputLine::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor::{Green, Red};

    #[test]
    fn a_style_lasts_until_its_end_also_over_lines() {
        let red = Red.on_default();
        for (output, expected) in [
            ("", &[][..]),
            (
                "a\n\nb",
                &[&[(Style::new(), "a")][..], &[], &[(Style::new(), "b")]],
            ),
            (
                "a \x1b[31mred\nred \x1b[1;32mgreen\x1b[0m b",
                &[
                    &[(Style::new(), "a "), (red, "red")],
                    &[
                        (red, "red "),
                        (Green.on_default().bold(), "green"),
                        (Style::new(), " b"),
                    ],
                ],
            ),
            // A title without an end, and a colour that is cut off.
            (
                "\x1b]0;title\nred\x1b[3\nb",
                &[&[], &[(Style::new(), "red")], &[(Style::new(), "b")]],
            ),
            // Cursor movements and links are removed.
            (
                "\x1b[2K\x1b]8;;https://a.example\x1b\\E\x1b]8;;\x1b\\:\x1b[?25h",
                &[&[(Style::new(), "E:")]],
            ),
        ] {
            let lines = last_lines(output.as_bytes());
            let parts = |line: &OutputLine| line.parts.clone();
            let expected = expected.iter().map(|parts| {
                let parts = parts
                    .iter()
                    .map(|(style, text)| (*style, (*text).to_owned()));
                parts.collect::<Vec<_>>()
            });
            let shown: Vec<_> = lines.iter().map(parts).collect();
            assert_eq!(shown, expected.collect::<Vec<_>>(), "{output:?}");
        }
    }

    #[test]
    fn the_end_of_a_long_line_is_shown_in_its_colours() {
        let line = format!("{}\x1b[31m{}\x1b[0mz", "x".repeat(2000), "y".repeat(998));
        let lines = last_lines(line.as_bytes());
        let expected = [
            (Style::new(), "…".to_owned()),
            (Style::new(), "x".to_owned()),
            (Red.on_default(), "y".repeat(998)),
            (Style::new(), "z".to_owned()),
        ];
        assert_eq!(lines[0].parts, expected);
    }
}
