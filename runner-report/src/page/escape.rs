//! Text of the journal within HTML and XML: a task may be called anything.

use std::fmt::{Display, Formatter, Result, Write};

use runner_config::{escape, is_hidden};

/// A text that is shown as it is, and does nothing.
///
/// What has a meaning to HTML or XML is a reference; what XML cannot hold, what a terminal
/// would obey, and what turns the direction of the text around it is spelled out.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                // So that no `]]>` is left.
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if is_spelled_out(c) => f.write_str(&spelled(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A text for a writer of XML that sees to the rest.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match is_spelled_out(c) {
            true => plain += &spelled(c),
            false => plain.push(c),
        }
    }
    plain
}

fn is_spelled_out(c: char) -> bool {
    // Output is full of emoji with U+FE0F.
    is_hidden(c) && c != '\u{fe0f}' || is_noncharacter(c)
}

fn spelled(c: char) -> String {
    match is_hidden(c) {
        true => escape(c.encode_utf8(&mut [0; 4])).into_owned(),
        false => format!("\\U{:08x}", u32::from(c)),
    }
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use roxmltree::Document;

    use super::*;

    /// What a parser reads of `text`, as content and as an attribute.
    fn read(text: &str) -> (String, String) {
        let escaped = Escaped(text);
        let xml = format!("<a b=\"{escaped}\">{escaped}</a>");
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
    fn what_is_text_stays_text() {
        for (text, expected) in [
            ("3-clobber.sh", "3-clobber.sh"),
            ("</script><b>", "&lt;/script&gt;&lt;b&gt;"),
            ("]]>&amp;", "]]&gt;&amp;amp;"),
            ("\"'", "&quot;&#39;"),
            ("a\u{0}\t\u{1b}[0m\u{85}", r"a\x00\t\x1b[0m\u0085"),
            ("\u{202e}hs.\u{2066}", r"\u202ehs.\u2066"),
            (
                "\u{fffe}\u{1ffff}\u{fffd}",
                "\\U0000fffe\\U0001ffff\u{fffd}",
            ),
            ("Prüfung 検査 🚀", "Prüfung 検査 🚀"),
        ] {
            assert_eq!(Escaped(text).to_string(), expected);
            assert_eq!(read(text), (plain(text), plain(text)));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_is_shown(text in r#"(\PC|\pC|[<>&"'\]\-/!])*"#) {
            prop_assert_eq!(read(&text), (plain(&text), plain(&text)));
        }
    }
}
