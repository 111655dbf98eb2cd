//! Characters that must not reach a page, a picture or a report of tests: a task may be
//! called anything. `maud` and `quick-junit` escape what has a meaning to HTML and XML.

use maud::Markup;
use runner_config::{escape, is_hidden};

/// A document in which [`xml_text`] has seen every line.
pub(super) fn sanitized_document(markup: Markup) -> String {
    let markup = markup.into_string();
    let lines: Vec<String> = markup.split('\n').map(xml_text).collect();
    lines.join("\n")
}

/// Spells out what XML cannot hold, what a terminal would obey, and what turns the direction
/// of the text around it.
pub(crate) fn xml_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Output is full of emoji with it.
            '\u{fe0f}' => safe.push(c),
            c if is_hidden(c) => safe += &escape(c.encode_utf8(&mut [0; 4])),
            c if is_noncharacter(c) => safe += &format!("\\U{:08x}", u32::from(c)),
            c => safe.push(c),
        }
    }
    safe
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}
