//! Characters that must not reach a page, a picture or a report of tests: a task may be
//! called anything. `maud` and `quick-junit` escape what has a meaning to HTML and XML.

use maud::Markup;
use runner_config::{escape, is_hidden};

/// A document in which [`plain`] has seen every line.
pub(super) fn document(markup: Markup) -> String {
    let markup = markup.into_string();
    let lines: Vec<String> = markup.split('\n').map(plain).collect();
    lines.join("\n")
}

/// Spells out what XML cannot hold, what a terminal would obey, and what turns the direction
/// of the text around it.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Output is full of emoji with it.
            '\u{fe0f}' => plain.push(c),
            c if is_hidden(c) => plain += &escape(c.encode_utf8(&mut [0; 4])),
            c if is_noncharacter(c) => plain += &format!("\\U{:08x}", u32::from(c)),
            c => plain.push(c),
        }
    }
    plain
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

#[cfg(test)]
mod tests {
    use maud::html;
    use proptest::prelude::*;
    use roxmltree::Document;

    use super::*;

    /// Text that a parser reads where `text` was written, as content and as an attribute.
    fn read(text: &str) -> (String, String) {
        let xml = document(html! { a b=(text) { (text) } });
        let xml = Document::parse(&xml).unwrap();
        let root = xml.root_element();
        assert_eq!(
            root.children().filter(|child| child.is_element()).count(),
            0
        );
        let content = root.text().unwrap_or_default().to_owned();
        (content, root.attribute("b").unwrap().to_owned())
    }

    #[test]
    fn text_stays_text() {
        for (text, expected) in [
            ("3-clobber.sh", "3-clobber.sh"),
            ("</script><b>", "&lt;/script&gt;&lt;b&gt;"),
            ("]]>&amp;", "]]&gt;&amp;amp;"),
            ("\"'", "&quot;'"),
            ("a\u{0}\t\u{1b}[0m\u{85}", r"a\x00\t\x1b[0m\u0085"),
            ("\u{202e}hs.\u{2066}", r"\u202ehs.\u2066"),
            (
                "\u{fffe}\u{1ffff}\u{fffd}",
                "\\U0000fffe\\U0001ffff\u{fffd}",
            ),
            ("Prüfung 検査 🚀", "Prüfung 検査 🚀"),
        ] {
            assert_eq!(document(html! { (text) }), expected);
            assert_eq!(read(text), (plain(text), plain(text)));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_is_shown(text in r#"(\PC|\pC|[<>&"'\]\-/!])*"#) {
            // Journals have none within a text that was shown.
            let text = text.replace('\n', "");
            prop_assert_eq!(read(&text), (plain(&text), plain(&text)));
        }
    }
}
