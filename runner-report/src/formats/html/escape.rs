//! Escapes characters that must not reach a page, a picture or a JUnit report: task names can
//! contain anything. `maud` escapes the syntax of HTML and XML.

use maud::Markup;
use runner_config::{escape, is_hidden};

/// Returns the document after [`xml_text`] for each line.
pub(super) fn sanitized_document(markup: Markup) -> String {
    let markup = markup.into_string();
    let lines: Vec<String> = markup.split('\n').map(xml_text).collect();
    lines.join("\n")
}

/// Escapes characters that XML does not allow, control characters, and those that change the
/// direction of text.
pub(crate) fn xml_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // The variation selector of many emoji, which are common in output.
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
