//! Markdown: tables, folded parts, and text of the journal as code, in which nothing is a link, a
//! mention or HTML.

use crate::formats::text::printable;

pub(super) fn row<const N: usize>(cells: [&str; N]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Returns Markdown below a summary, which is HTML.
pub(super) fn folded(summary: &str, md: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{md}</details>\n\n")
}

/// Returns the lines as a code block. Its fence is longer than each one in the lines.
pub(super) fn fenced(lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines = lines.join("\n");
    let fence = "`".repeat(longest_backticks(&lines).max(2) + 1);
    format!("{fence}\n{lines}\n{fence}\n\n")
}

fn longest_backticks(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}

/// Returns a sentence whose parts in backticks are code. All of it is code if it has anything
/// besides words: it can be a reason from the journal.
pub(super) fn text(sentence: &str) -> String {
    let sentence = printable(sentence);
    let parts: Vec<&str> = sentence.split('`').collect();
    let words = || parts.iter().step_by(2);
    // Two backticks next to each other would be another delimiter.
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    let has_gaps = inner.iter().skip(1).step_by(2).all(|part| !part.is_empty());
    if parts.len().is_multiple_of(2) || !has_gaps || !words().all(|part| is_words(part)) {
        return code(&sentence);
    }
    let parts = parts
        .iter()
        .enumerate()
        .map(|(number, part)| match number % 2 {
            0 => (*part).to_owned(),
            _ => code(part),
        });
    parts.collect()
}

/// Returns `true` if nothing in `text` is a link, a mention, an emoji or Markdown.
fn is_words(text: &str) -> bool {
    let mut colons = text.split(':').skip(1);
    colons.all(|after| after.is_empty() || after.starts_with(' '))
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || " ,:;().".contains(c))
        && !text.to_lowercase().contains("www")
}

/// Returns text of the journal as code, in which nothing is Markdown or HTML. In a table a `|`
/// would end the cell, also in code.
pub(super) fn code(text: &str) -> String {
    let text = printable(text);
    let parts: Vec<String> = text.split('|').map(code_span).collect();
    parts.join("&#124;")
}

fn code_span(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_backticks(text) + 1);
    let is_edge = |c| matches!(c, '`' | ' ');
    let pad = if text.starts_with(is_edge) || text.ends_with(is_edge) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns text of the journal as code in HTML.
pub(super) fn html_code(text: &str) -> String {
    let text = printable(text).replace('&', "&amp;");
    let text = text.replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{text}</code>")
}
